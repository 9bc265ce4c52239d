package monitor

import (
	"fmt"

	"github.com/drainproof/drainproof/harness/history"
)

// judgeStalled is the part of GATE-004 that no end of a turn shows: in a drain, tokens
// of a stream were handed to the gateway, and none came out for [Grace] bounds. It
// speaks only of streams of which something had come out before the drain: a gateway
// that keeps tokens back until it has enough of them does so at all times.
func judgeStalled(v *View, r *ruling) {
	for _, s := range v.Spells {
		if s.Ack == nil {
			continue
		}
		for _, t := range v.inFlightAt(s) {
			if !t.Streams || t.Aborted != nil || t.failing() || len(t.Progress) == 0 || t.Progress[0].Return >= s.From {
				continue
			}
			for _, c := range t.Calls {
				for _, e := range c.Emitted {
					v.stalled(s, t, e, r)
				}
			}
		}
	}
}

// stalled looks for what came out after an emission. Whatever arrives proves that the
// stream goes on.
func (v *View) stalled(s *Spell, t *Turn, e *history.Event, r *ruling) {
	if e.Call < s.From || e.Return > s.Until {
		return
	}
	until := s.Until
	if t.Ended != nil {
		until = min(until, t.Ended.Call)
	}
	for _, p := range t.Progress {
		if p.Return >= e.Call {
			until = min(until, p.Call)
			break
		}
	}
	r.arises()
	if v.waited(e.Return, until) <= v.Grace {
		r.clean()
		return
	}
	r.violation(until,
		"a turn in flight when the drain began is not stalled",
		fmt.Sprintf("the model streamed tokens of turn %s in the drain, and nothing came out for %s", t.ID, round(v.ran(e.Return, until))),
		s.Drain.Begin, s.Ack, e)
}
