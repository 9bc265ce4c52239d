package monitor

import (
	"fmt"
	"sort"

	"github.com/drainproof/drainproof/harness/history"
)

func startMonitors() []Monitor {
	return []Monitor{
		rule("WATCH-003", "marker-at-start", judgeMarkerAtStart),
		rule("WATCH-007", "removed-while-down", judgeRemovedWhileDown),
		rule("WATCH-008", "running-while-starting", judgeRunningWhileStarting),
	}
}

// judgeMarkerAtStart is WATCH-003: a gateway launched with the marker in place
// admits no turn before it has acknowledged the drain. (What is admitted
// afterwards is GATE-001's; work the gateway owes from before is exempt.)
func judgeMarkerAtStart(v *View, r *ruling) {
	for _, s := range v.Spells {
		if !s.AtStart || s.Life.Start == nil || s.Drain.unusual() {
			continue
		}
		for _, t := range v.turnsIn(s.Life.Start.Call, s.Until) {
			if t.Outcome() == history.Unsent {
				continue
			}
			opening := !s.acked(t.Sent.Call)
			if opening || v.ran(s.opened(), t.Sent.Call) <= v.Bound {
				r.arises()
			}
			called := t.admitted()
			if !opening || called == nil || called.Return > s.Until {
				continue
			}
			r.violation(called.Return,
				"a marker that is there at start is honoured before any turn is admitted",
				fmt.Sprintf("turn %s, sent to %s after the gateway was launched (%s), reached the model", t.ID, t.Ingress, s.Life.Start.Action.Name),
				s.Drain.Begin, s.Life.Start, t.Sent, called, s.Ack)
		}
	}
}

// opened is when the gateway could be spoken to, as far as the harness knows, of a spell
// that was acknowledged.
func (s *Spell) opened() history.Stamp {
	if s.Life.Ready != nil {
		return s.Life.Ready.Return
	}
	return s.Ack.Return
}

// judgeRemovedWhileDown is WATCH-007: a marker removed while the gateway was
// down leaves it `running` at start, whatever its old state file says.
func judgeRemovedWhileDown(v *View, r *ruling) {
	for i, l := range v.Lives {
		if i == 0 || l.Start == nil {
			continue
		}
		d := v.lastCancel(l.Start.Call)
		if d == nil || d.Cancel == nil || v.drainAt(l.Start.Call, l.Start.Return) != nil {
			continue
		}
		if before := v.Lives[i-1]; before.Gone == nil || d.Cancel.Call < before.Gone.Return {
			continue
		}
		until := min(l.Serving, v.nextBegin(d.past()))
		for _, p := range v.Publications {
			for read := range p.within(l.Start.Call, until) {
				if read.State.State == history.Running {
					r.arises()
					break
				}
				if read.State.State == history.Draining {
					r.arises()
					r.violation(read.Event.Return,
						"a marker removed while the gateway was down leaves it running at start",
						fmt.Sprintf("%s shows draining, and there is no marker", p.Name),
						d.Cancel, l.Start, read.Event)
					break
				}
			}
		}
	}
}

// nextBegin is when the next marker, from the instant on, may be laid: also one that
// requests nothing, for a gateway that heeds it is charged with that.
func (v *View) nextBegin(at history.Stamp) history.Stamp {
	next := never
	if i := v.drainsBegun(at - 1); i < len(v.Drains) {
		next = v.Drains[i].Begin.Call
	}
	if i := sort.Search(len(v.stale), func(i int) bool { return v.stale[i].laid.Call >= at }); i < len(v.stale) {
		next = min(next, v.stale[i].laid.Call)
	}
	return next
}

// judgeRunningWhileStarting is WATCH-008: launched with the marker in place, a
// gateway publishes nothing that could be taken for `running` before its way in
// is open. (Once it is open, a `running` is a settled state: RESTART-001. When a
// turn got in meanwhile, the gateway really was open: WATCH-003.)
func judgeRunningWhileStarting(v *View, r *ruling) {
	for _, s := range v.Spells {
		if !s.AtStart || s.Life.Start == nil || s.Drain.unusual() {
			continue
		}
		listening := s.Life.listening()
		if listening == nil {
			continue
		}
		for _, p := range v.Publications {
			ack := s.Acks[p.Index]
			if ack == nil {
				continue
			}
			r.arises()
			// Seen to listen only after it was acknowledged: all of it may have been before.
			until := min(listening.Call, ack.Event.Call)
			if ack.Event.Return <= listening.Return {
				until = ack.Event.Call
			}
			for read := range p.within(s.Life.Start.Call, until) {
				if read.State.State == history.Running && !v.gotIn(s) {
					r.violation(read.Event.Return,
						"while starting with the marker in place, nothing is published that could be taken for running",
						fmt.Sprintf("%s shows running before the gateway listens", p.Name),
						s.Drain.Begin, s.Life.Start, read.Event, listening, ack.Event)
					break
				}
			}
		}
	}
}

// listening is the first sight of an open way in, or nil.
func (l *Life) listening() *history.Event {
	for _, e := range l.Sockets {
		if e.Process.Phase == history.ProcessListening {
			return e
		}
	}
	return nil
}

// gotIn says whether a turn was admitted before the spell was acknowledged.
func (v *View) gotIn(s *Spell) bool {
	for _, t := range v.turnsIn(s.From, s.Until) {
		if called := t.admitted(); called != nil && called.Call < s.Until && !s.acked(t.Sent.Call) {
			return true
		}
	}
	return false
}
