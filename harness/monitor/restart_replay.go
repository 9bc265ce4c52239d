package monitor

import (
	"fmt"
	"slices"

	"github.com/drainproof/drainproof/harness/history"
)

// judgeReplays is RESTART-004: a turn that a SIGKILL cut off is run again exactly
// once after the respawn, also while draining, and is counted while it runs.
//
// Only turns that came in by an ingress declared durable are owed. That one is run
// again late is not held against the gateway here (see GATE-007), only that it is
// not run again within the grace after the gateway was ready.
func judgeReplays(v *View, r *ruling) {
	for _, u := range v.misses {
		if u.replays > 0 {
			r.arises()
		}
	}
	v.accuse(r, "RESTART-004", "a turn that is run again after a crash is counted while it runs")
	perTurn := v.repliesPerTurn()
	for _, t := range v.sent {
		if t.Durable && v.cutByKill(t) {
			v.judgeReplay(t, perTurn, r)
		}
	}
}

func (v *View) judgeReplay(t *Turn, perTurn int, r *ruling) {
	const expected = "a turn that a SIGKILL cut off is run again exactly once after the respawn"
	kill := t.Life.Kill
	var done, proof *history.Event // of the run that was over
	replied := false               // a run may have been over, whether or not anything shows it
	for _, l := range v.Lives[t.Life.Index+1:] {
		if l.Start.Action.Name != history.ActionRespawn {
			return // another instantiation
		}
		calls := v.callsIn(t, l)
		switch {
		case done != nil && len(calls) > 0:
			r.violation(calls[0].Called.Return, expected,
				fmt.Sprintf("turn %s had been run again and was over, and after the next start it reached the model once more", t.ID),
				kill, done, proof, l.Start, calls[0].Called)
			return
		case len(calls) == 0 && replied: // it need not be owed any more
		case len(calls) == 0:
			if l.Ready == nil {
				continue
			}
			actual := fmt.Sprintf("turn %s did not reach the model again in the %s after the respawned gateway was ready",
				t.ID, round(v.ran(l.Ready.Return, l.Serving)))
			switch evidence := []*history.Event{t.reached(), kill, l.Start, l.Ready}; {
			case v.waited(l.Ready.Return, l.Serving) > v.Grace:
				r.arises()
				r.violation(l.Serving, expected, actual, evidence...)
				return
			case v.ran(l.Ready.Return, l.Serving) > v.Grace:
				r.arises()
				r.noise(v, l.Ready.Return, l.Serving, "a turn that is owed was not run again", expected, actual, evidence...)
				return
			}
		default:
			r.arises()
			if n := number(calls, (*Call).replied); n > perTurn {
				r.violation(calls[len(calls)-1].Called.Return, expected,
					fmt.Sprintf("turn %s had %d replies from the model after one respawn", t.ID, n),
					kill, l.Start, calls[0].Called, calls[len(calls)-1].Called)
				return
			}
			done, proof = v.overFor(run{l, calls})
			replied = replied || slices.ContainsFunc(calls, (*Call).replied)
		}
		if done == nil && l.Shutdown != nil {
			return // what a shutdown cuts off is SHUTDOWN-002's
		}
	}
}
