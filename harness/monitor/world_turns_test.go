package monitor

import (
	"fmt"
	"slices"

	"pgregory.net/rapid"

	"github.com/drainproof/drainproof/harness/history"
)

// pending is a turn that is not over yet, as client, gateway and model know it.
type pending struct {
	history.Turn
	fails   bool // the model is told to
	slot    bool // it is counted
	held    bool // by the model
	calling bool // the model has not answered
	waits   bool // the reply waits for a client that stalls
	left    bool // the client knows how it ended, or is about to
}

// find picks one of the requests of which that is true; nil: there is none.
func (w *world) find(is func(*pending) bool) *pending {
	var all []*pending
	for _, r := range w.pending {
		if is(r) {
			all = append(all, r)
		}
	}
	if len(all) == 0 {
		return nil
	}
	return rapid.SampledFrom(all).Draw(w.t, "which")
}

func (w *world) tells(r *pending, phase history.TurnPhase, more ...func(*history.Turn)) {
	t := r.Turn
	t.Phase = phase
	for _, m := range more {
		m(&t)
	}
	w.see(history.Event{Kind: history.KindTurn, Turn: &t})
}

func (w *world) models(r *pending, phase history.ModelPhase) {
	m := &history.Model{Turn: r.ID, Call: 1, Phase: phase}
	if r.fails {
		m.Fail = 500
	}
	w.see(history.Event{Kind: history.KindModel, Model: m})
}

// asks makes a request.
func (w *world) asks(more ...func(*history.Turn)) *pending {
	w.ids++
	r := &pending{Turn: history.Turn{ID: fmt.Sprintf("t%d", w.ids), Ingress: "chat"}}
	for _, m := range more {
		m(&r.Turn)
	}
	w.pending = append(w.pending, r)
	w.tells(r, history.TurnSent)
	return r
}

// send has a client ask for a turn of some kind.
func (w *world) send() {
	if len(w.pending) > 5 {
		return
	}
	var kind []func(*history.Turn)
	for _, k := range []func(*history.Turn){reused, stream, longAnd} {
		if w.chance(5) {
			kind = append(kind, k)
		}
	}
	r := w.asks(kind...)
	r.fails = !r.Stalls && w.chance(6)
	if !w.open {
		w.ends(r, history.Unsent)
		return
	}
	w.works(w.some(0, 20), func() { w.arrive(r) })
}

// arrive has the request come to the gate. A turn holds its slot before its model is
// called.
func (w *world) arrive(r *pending) {
	switch {
	case r.left:
	case !w.open:
		w.ends(r, history.Cut)
	case w.closed:
		w.works(w.some(0, 200), func() { w.refuses(r) })
	default:
		r.slot = true
		w.recount()
		w.works(w.some(0, 20), func() { w.called(r) })
	}
}

func (w *world) refuses(r *pending) {
	if r.left {
		return // it was interrupted meanwhile
	}
	if w.chance(2) {
		w.tells(r, history.TurnAnswered)
	}
	w.ends(r, history.Refused, func(t *history.Turn) { t.Status, t.RetryAfter, t.Code = 503, "1", "draining" })
}

// ends has the client know, in a moment, how the turn ended.
func (w *world) ends(r *pending, outcome history.TurnOutcome, more ...func(*history.Turn)) {
	r.left = true
	w.later(w.some(0, 3), func() {
		w.tells(r, history.TurnEnded, append(more, func(t *history.Turn) { t.Outcome = outcome })...)
		w.forget(r)
	})
}

// forget drops a request that is over for everybody.
func (w *world) forget(r *pending) {
	if r.left && !r.slot && !r.calling {
		w.pending = slices.DeleteFunc(w.pending, func(o *pending) bool { return o == r })
	}
}

func (w *world) called(r *pending) {
	if !r.slot {
		return // it was interrupted meanwhile
	}
	w.models(r, history.ModelCalled)
	r.calling, r.held = true, !r.fails
	if r.fails {
		w.replies(r)
	}
}

// release has the model let go of a turn, if it holds one.
func (w *world) release() {
	if r := w.find(func(r *pending) bool { return r.held }); r != nil {
		w.releases(r)
	}
}

func (w *world) releases(r *pending) {
	r.held = false
	w.models(r, history.ModelReleased)
	w.replies(r)
}

// replies has the gateway take the model's answer, in a moment, and hand it over.
func (w *world) replies(r *pending) {
	w.later(w.some(0, 5), func() {
		if !r.calling {
			return // the gateway hung up
		}
		r.calling = false
		w.models(r, history.ModelDone)
		if r.Stalls {
			r.waits = true
			return
		}
		w.works(w.some(0, 5), func() { w.delivers(r) })
	})
}

// resume has a client that stalls read again, if its reply waits for it.
func (w *world) resume() {
	if r := w.find(func(r *pending) bool { return r.waits }); r != nil {
		r.waits = false
		w.tells(r, history.TurnResumed)
		w.works(w.some(0, 5), func() { w.delivers(r) })
	}
}

// delivers hands over the last byte of the reply, and gives the slot back.
func (w *world) delivers(r *pending) {
	if !r.slot {
		return // it was interrupted meanwhile
	}
	r.slot = false
	w.recount()
	if r.fails {
		w.ends(r, history.Failed)
	} else {
		w.ends(r, history.Finished)
	}
}

// hangUp has the client of a turn that the model holds go away.
func (w *world) hangUp() {
	r := w.find(func(r *pending) bool { return r.held && !r.left })
	if r == nil {
		return
	}
	r.held = false
	w.tells(r, history.TurnAborted)
	w.ends(r, history.Aborted)
	w.works(w.some(0, 20), func() { w.drops(r) })
}

// drops has the gateway give up a turn.
func (w *world) drops(r *pending) {
	if r.calling {
		w.models(r, history.ModelGone)
	}
	if r.slot {
		r.slot = false
		w.recount()
	}
	r.calling, r.held, r.waits = false, false, false
	w.forget(r)
}

// cut ends a turn that nothing comes of any more.
func (w *world) cut(r *pending) {
	w.drops(r)
	if !r.left {
		w.ends(r, history.Cut)
	}
}
