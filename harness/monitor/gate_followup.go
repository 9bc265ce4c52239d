package monitor

import (
	"fmt"
	"slices"

	"github.com/drainproof/drainproof/harness/history"
)

func followUpMonitors() []Monitor {
	return []Monitor{rule("GATE-006", "follow-up-waits", judgeFollowUps)}
}

// followUp is a turn that was sent to a session in which another one was in flight for
// certain, and went on to be until the instant busy.
type followUp struct {
	*Turn
	ahead *Turn
	busy  history.Stamp
}

// followUps lists them in the order in which they were sent.
func (v *View) followUps() []followUp {
	type running struct {
		turn     *Turn
		from, to history.Stamp
	}
	var out []followUp
	sessions := map[string][]running{} // those that may still be in flight
	for _, t := range v.sent {
		if t.Session == "" {
			continue
		}
		others := slices.DeleteFunc(sessions[t.Session], func(o running) bool { return o.to < t.Sent.Return })
		var f *followUp
		for _, o := range others {
			if o.from <= t.Sent.Call && o.turn.Life == t.Life && (f == nil || o.to > f.busy) {
				f = &followUp{Turn: t, ahead: o.turn, busy: o.to}
			}
		}
		if f != nil {
			out = append(out, *f)
		}
		if from, _, to, ok := v.certain(t); ok {
			others = append(others, running{t, from, to})
		}
		sessions[t.Session] = others
	}
	return out
}

// judgeFollowUps is GATE-006: a follow-up to a busy session waits for the end of a
// drain, or is turned away; one that was acknowledged as queued runs, and runs once.
// (That it does not cut the turn ahead of it short is GATE-004.)
func judgeFollowUps(v *View, r *ruling) {
	list := v.followUps()
	usual := v.usualCalls(list)
	for _, f := range list {
		if f.Outcome() == history.Unsent || f.Outcome() == history.Refused && f.reached() != nil {
			continue // the second is GATE-002's
		}
		for _, s := range v.spellsOf(f.Life) {
			v.startedInDrain(s, f, r)
		}
		if f.Queued == nil {
			continue
		}
		calls := v.callsIn(f.Turn, f.Life)
		if len(calls) == 0 {
			v.lost(f, r)
			continue
		}
		r.arises()
		if n := number(calls, (*Call).asks); n > usual {
			last := calls[len(calls)-1].Called
			r.violation(last.Return,
				"a follow-up that was queued runs exactly once",
				fmt.Sprintf("turn %s was acknowledged as queued, and the model was asked for its reply %d times; for other turns it is asked %d times at the most", f.ID, n, usual),
				f.Sent, f.Queued, f.reached(), last)
		}
	}
}

// startedInDrain judges a follow-up that can only have been started in the spell if it
// was: it was sent when the drain was acknowledged, or it was queued before and the
// session was busy until then.
func (v *View) startedInDrain(s *Spell, f followUp, r *ruling) {
	if s.Ack == nil || f.Sent.Call >= s.Until {
		return
	}
	if f.Sent.Call <= s.Ack.Return && (f.Queued == nil || f.busy < s.Ack.Return) {
		return
	}
	r.arises()
	for _, c := range f.Calls {
		if c.Called == nil || c.Called.Return <= s.Ack.Return || c.Called.Return > s.Until {
			continue
		}
		r.violation(c.Called.Return,
			"a follow-up to a busy session starts no turn during the drain",
			fmt.Sprintf("turn %s was sent to %s while turn %s of its session was in flight, and reached the model in the drain", f.ID, f.Ingress, f.ahead.ID),
			s.Ack, f.ahead.Sent, f.Sent, f.Queued, c.Called)
		return
	}
}

// lost judges a follow-up that was acknowledged as queued and has not run: its session
// is free, nothing drains, and [Grace] bounds have passed.
func (v *View) lost(f followUp, r *ruling) {
	from := f.Queued.Return
	for _, o := range v.sent {
		if o != f.Turn && o.Session == f.Session {
			if _, to, ok := v.possible(o); ok {
				from = max(from, to)
			}
		}
	}
	until := f.Life.Serving
	for _, d := range v.Drains {
		if d.past() <= from || d.Begin.Call >= until {
			continue
		}
		if v.ran(from, d.Begin.Call) > v.Grace {
			until = d.Begin.Call
			break
		}
		from = d.past()
	}
	if from >= until || v.waited(from, until) <= v.Grace {
		return
	}
	r.arises()
	r.violation(until,
		"a follow-up that was acknowledged as queued is run when its session is free and nothing drains",
		fmt.Sprintf("turn %s was acknowledged as queued by %s, and has not reached the model %s after it could", f.ID, f.Ingress, round(v.ran(from, until))),
		f.ahead.Sent, f.Sent, f.Queued)
}

// usualCalls is how often the model is asked for a reply in an ordinary turn: a gateway
// may ask it for a title as well.
func (v *View) usualCalls(followUps []followUp) int {
	queued := map[*Turn]bool{}
	for _, f := range followUps {
		queued[f.Turn] = true
	}
	return v.mostPerTurn((*Call).asks, queued)
}
