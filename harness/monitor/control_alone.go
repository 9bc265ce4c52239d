package monitor

import (
	"fmt"

	"github.com/drainproof/drainproof/harness/history"
)

// judgeEndpointAlone is CONTROL-007: the endpoint moves the marker while the gateway
// is down, and the gateway that starts then honours what was asked for.
func judgeEndpointAlone(v *View, r *ruling) {
	for q := range v.requests {
		drain := q.rightful(history.AskDrain)
		if !q.alone || !drain && !q.rightful(history.AskCancel) {
			continue
		}
		const expected = "the endpoint moves the marker also while the gateway is down"
		switch moved := q.Present == drain; {
		case q.Status == 0:
			r.unanswered(v, q, expected)
		case !q.OK() || !moved && !q.Appeared:
			r.arises()
			r.violation(q.event.Return, expected, fmt.Sprintf("asked for a %s, %s; a marker is there: %t", q.Action, q.answered(), q.Present), q.life.Exited, q.life.Gone, q.event)
		default:
			r.arises()
			r.clean()
		}
	}
	for _, s := range v.Spells {
		begin := s.Drain.Begin
		if !s.AtStart || begin.Marker.How != history.HowControl || s.Drain.unusual() {
			continue
		}
		if !v.lifeAt(begin.Call).goneBefore(begin.Call) {
			continue // it had a gateway to tell
		}
		for _, p := range v.Publications {
			first := v.firstSettled(s, p)
			if first == nil {
				continue
			}
			r.arises()
			if first.State.State == history.Running {
				r.violation(first.Event.Return, "a drain the endpoint was asked for while the gateway was down is honoured at its start",
					fmt.Sprintf("%s shows running first", p.Name), begin, s.Life.Start, first.Event)
			}
		}
	}
}
