package monitor

import (
	"fmt"

	"github.com/drainproof/drainproof/harness/history"
)

// judgeGhost is COUNT-007: what a restarted gateway counts is in flight in this life
// of it. No lag explains a turn that none of its own can be: it was never sent to it,
// and no model call was made for it since.
func judgeGhost(v *View, r *ruling) {
	cut := v.cutOff()
	for i, l := range v.Lives {
		if i == 0 || l.Start == nil {
			continue
		}
		for _, p := range v.Publications {
			told := false
			fresh := 0
			for read := range p.within(l.From, l.Serving) {
				fresh++
				possibly := v.flights.possibly(l.From+1, read.Event.Return)
				if read.State.Count <= possibly || told {
					continue
				}
				told = true
				r.violation(read.Event.Return,
					"after a restart the count is true from the first reading on",
					fmt.Sprintf("%s shows %s with %d, while at most %d turns can have been in flight since the gateway was launched (%s)",
						p.Name, read.State.State, read.State.Count, possibly, l.Start.Action.Name),
					cut[i-1], l.Start, read.Event)
			}
			if fresh > 0 && cut[i-1] != nil {
				r.arises()
			}
		}
	}
}

// cutOff returns, per life, the first model call of a turn that was in flight for
// certain when the harness killed it, or nil.
func (v *View) cutOff() []*history.Event {
	out := make([]*history.Event, len(v.Lives))
	for _, t := range v.Turns {
		called := t.reached()
		if called == nil {
			continue
		}
		l := v.lifeAt(called.Return)
		if l.Kill == nil || out[l.Index] != nil {
			continue
		}
		if _, _, to, ok := v.certain(t); ok && to >= l.Alive {
			out[l.Index] = called
		}
	}
	return out
}
