package monitor

import (
	"fmt"

	"github.com/drainproof/drainproof/harness/history"
)

// judgeInternalPasses is GATE-007: work that the gateway itself owes passes the gate
// during a drain.
func judgeInternalPasses(v *View, r *ruling) {
	accepted := false // a completion was: the target file tells rightly how
	for _, t := range v.Turns {
		if t.Origin == history.OriginBackground && t.Arranged != nil {
			v.judgeCompletion(t, accepted, r)
			accepted = accepted || t.accepted()
		}
	}
	for _, t := range v.sent {
		if t.Durable && v.cutByKill(t) {
			v.judgeReplayPasses(t, r)
		}
	}
}

// accepted says whether the gateway took the request that leads to the turn.
func (t *Turn) accepted() bool { return t.Arranged != nil && t.Arranged.Turn.Status/100 == 2 }

// judgeCompletion: a background process completes during a drain; the turn that this
// leads to is run before the drain is over.
func (v *View) judgeCompletion(t *Turn, before bool, r *ruling) {
	s := v.ackedAround(t.Arranged)
	if s == nil {
		return
	}
	if !t.accepted() {
		if before && t.Arranged.Turn.Status != 0 {
			r.arises()
			r.violation(t.Arranged.Return, "the completion of a background process is taken during a drain, as at any other time",
				fmt.Sprintf("it was answered with status %d: %s", t.Arranged.Turn.Status, t.Arranged.Turn.Detail),
				s.Drain.Begin, s.Ack, t.Arranged)
		}
		return
	}
	called := t.reached()
	if called != nil && called.Return <= s.Until {
		r.arises()
		return
	}
	if waited := v.waited(t.Arranged.Return, s.Until); waited > v.Grace {
		r.arises()
		r.violation(s.Until, "the turn that a background process's completion leads to passes the gate during a drain",
			fmt.Sprintf("the process was completed, and turn %s had not reached the model after %s of the drain", t.ID, round(waited)),
			s.Drain.Begin, s.Ack, t.Arranged, called)
	}
}

// ackedAround is the spell that had been acknowledged when the event happened, and
// was not over, or nil.
func (v *View) ackedAround(e *history.Event) *Spell {
	for _, s := range v.spellsOf(v.lifeAt(e.Call)) {
		if s.acked(e.Call) && e.Return <= s.Until {
			return s
		}
	}
	return nil
}

// judgeReplayPasses: a turn that a SIGKILL cut off is run again under the marker
// that was there at the respawn. One that is never run again is RESTART-004's; held
// against the gateway here is that it waited for the cancel.
func (v *View) judgeReplayPasses(t *Turn, r *ruling) {
	next := t.Life.Index + 1
	if next >= len(v.Lives) {
		return
	}
	l := v.Lives[next]
	calls := v.callsIn(t, l)
	for _, s := range v.spellsOf(l) {
		if !s.AtStart || s.Drain.unusual() || len(calls) == 0 {
			continue
		}
		called := calls[0].Called
		if called.Return <= s.Until {
			r.arises()
			continue
		}
		if l.Ready == nil || s.Drain.Cancel == nil || called.Call < s.Drain.Cancel.Call {
			continue
		}
		if waited := v.waited(l.Ready.Return, s.Until); waited > v.Grace {
			r.arises()
			r.violation(called.Return, "a turn that a crash cut off is run again also while draining",
				fmt.Sprintf("turn %s reached the model again only after the cancel, when the gateway had drained for %s", t.ID, round(waited)),
				t.Life.Kill, l.Start, l.Ready, s.Drain.Cancel, called)
		}
	}
}
