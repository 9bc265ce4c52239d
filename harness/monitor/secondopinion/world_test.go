package secondopinion

import (
	"fmt"
	"strings"
	"testing"

	"github.com/anishathalye/porcupine"
	"pgregory.net/rapid"

	"github.com/drainproof/drainproof/harness/history"
)

// world is a gateway with its controller, clients and model, whose every step is
// chance's. What happens at an instant is seen as an interval around it.
type world struct {
	*tale
	t   *rapid.T
	now float64 // milliseconds

	marker   bool
	closed   bool // the gate
	inFlight []string
	coming   []string // sent, not yet at the gate
	turns    int
	shown    string // published
	counted  int    // published
	mistakes        // the gateway's
}

// mistakes are what a gateway may do wrong; none by default.
type mistakes struct {
	leaks bool // lets turns in though the gate is closed
	loses bool // publishes one turn too few
	keeps bool // publishes one turn too many
	lags  bool // right: publishes counts late while it runs
}

// chance is one in so many.
func (w *world) chance(n int) bool { return rapid.IntRange(1, n).Draw(w.t, "chance") == 1 }

// see records what happened just now, give or take up to so many microseconds.
func (w *world) see(blur int, e history.Event) {
	from := float64(rapid.IntRange(1, blur).Draw(w.t, "before")) / 1000
	to := float64(rapid.IntRange(1, blur).Draw(w.t, "after")) / 1000
	w.span(w.now-from, w.now+to, e)
}

func (w *world) seeTurn(id string, phase history.TurnPhase, outcome history.TurnOutcome) {
	w.see(900, history.Event{Kind: history.KindTurn, Turn: &history.Turn{ID: id, Phase: phase, Ingress: "chat", Outcome: outcome}})
}

func (w *world) seeModel(id string, phase history.ModelPhase) {
	w.see(900, history.Event{Kind: history.KindModel, Model: &history.Model{Turn: id, Call: 1, Phase: phase}})
}

// publish makes the state and the count known, with the gateway's mistakes.
func (w *world) publish(state string) {
	w.shown, w.counted = state, len(w.inFlight)
	switch {
	case w.loses && w.counted > 0 && w.chance(3):
		w.counted--
	case w.keeps:
		w.counted++
	}
}

func (w *world) recount() {
	if !w.lags || w.shown == history.Draining || w.chance(2) {
		w.publish(w.shown)
	}
}

func (w *world) look() {
	w.see(20, history.Event{Kind: history.KindState, State: &history.State{
		Publication: "file", State: w.shown, Count: w.counted, Version: fmt.Sprint(len(w.events)),
	}})
}

func (w *world) send() {
	w.turns++
	id := fmt.Sprintf("t%d", w.turns)
	w.seeTurn(id, history.TurnSent, "")
	w.coming = append(w.coming, id)
}

// arrive has the oldest turn on its way come to the gate.
func (w *world) arrive() {
	if len(w.coming) == 0 {
		return
	}
	id := w.coming[0]
	w.coming = w.coming[1:]
	if w.closed && !(w.leaks && w.chance(2)) {
		w.pass(0.2)
		w.seeTurn(id, history.TurnEnded, history.Refused)
		return
	}
	w.inFlight = append(w.inFlight, id)
	w.recount()
	w.pass(0.2)
	w.seeModel(id, history.ModelCalled)
}

// end has the model let go of a turn.
func (w *world) end() {
	if len(w.inFlight) == 0 {
		return
	}
	i := rapid.IntRange(0, len(w.inFlight)-1).Draw(w.t, "which")
	id := w.inFlight[i]
	w.pass(2) // not while its call is still being seen
	w.seeModel(id, history.ModelReleased)
	w.pass(1)
	w.seeModel(id, history.ModelDone)
	w.inFlight = append(w.inFlight[:i:i], w.inFlight[i+1:]...)
	w.recount()
	w.pass(1)
	w.seeTurn(id, history.TurnEnded, history.Finished)
}

// move is the controller's.
func (w *world) move() {
	op := history.OpBegin
	if w.marker {
		op = history.OpCancel
	}
	w.marker = !w.marker
	w.pass(2) // one operation at a time
	w.see(900, history.Event{Kind: history.KindMarker, Marker: &history.Marker{Op: op, How: "in-place", Existed: !w.marker, Present: w.marker}})
}

// follow has the gateway look at the marker.
func (w *world) follow() {
	switch {
	case w.marker && w.shown == history.Running:
		w.closed = true
		w.publish(history.Draining)
	case !w.marker && w.shown == history.Draining:
		w.publish(history.Running)
		w.closed = false
	}
}

func (w *world) pass(ms float64) { w.now += ms }

// story lets chance act for a while.
func story(t *rapid.T, m mistakes) []history.Event {
	w := &world{t: t, now: 100, shown: history.Running, mistakes: m}
	w.tale = &tale{events: tell()}
	steps := []func(){w.send, w.arrive, w.arrive, w.end, w.move, w.follow, w.follow, w.look, w.look, func() { w.pass(600) }, func() { w.pass(11_000) }}
	for range rapid.IntRange(5, 60).Draw(t, "steps") {
		w.pass(float64(rapid.IntRange(50, 1500).Draw(t, "step")) / 1000)
		rapid.SampledFrom(steps).Draw(t, "what")()
	}
	w.pass(1)
	w.look()
	return w.events
}

// Whatever a right gateway does, both find it right.
func TestRightGatewaysAreRight(t *testing.T) {
	for name, m := range map[string]mistakes{"exact": {}, "lagging": {lags: true}} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				events := story(t, m)
				got, err := Compare(events, limit)
				if err != nil || got.Result != porcupine.Ok || got.Disagreement != "" {
					for _, e := range events {
						t.Log(history.Line(e, ms(0)))
					}
					t.Fatalf("%+v, %v", got, err)
				}
			})
		})
	}
}

// Whatever a wrong gateway does, both agree on it.
func TestBothAgreeOnWrongGateways(t *testing.T) {
	for name, m := range map[string]mistakes{"leaks": {leaks: true}, "loses": {loses: true}, "keeps": {keeps: true},
		"leaks and loses": {leaks: true, loses: true},
	} {
		t.Run(name, func(t *testing.T) {
			illegal := 0
			rapid.Check(t, func(t *rapid.T) {
				events := story(t, m)
				got, err := Compare(events, limit)
				if err != nil {
					t.Fatal(err)
				}
				if got.Result == porcupine.Illegal {
					illegal++
				}
				// Porcupine may find more: it takes all readings together.
				if got.Disagreement != "" && got.Result != porcupine.Illegal {
					for _, e := range events {
						t.Log(history.Line(e, ms(0)))
					}
					t.Fatalf("%s; accused: %s", got.Disagreement, strings.Join(got.Accused, " "))
				}
			})
			if illegal == 0 {
				t.Error("chance never made it do wrong: nothing was compared")
			}
		})
	}
}
