package monitor

import (
	"fmt"
	"time"

	"github.com/drainproof/drainproof/harness/history"
)

func processMonitors() []Monitor {
	return []Monitor{
		rule("STATE-001", "publication-whole", judgeWhole),
		rule("STATE-006", "process-survives", judgeSurvival),
		rule("STATE-008", "drained-process-stays", judgeDrainedStays),
	}
}

// judgeWhole is STATE-001: every publication is always whole, with a known state
// and a count that is no less than 0. A file may be absent until the life's first
// publication; an HTTP publication may be unreachable.
func judgeWhole(v *View, r *ruling) {
	for _, p := range v.Publications {
		published := (*Life)(nil) // the life whose publication was read last
		told := ""
		for _, read := range p.Reads {
			s := read.State
			if read.Good {
				if read.Fresh {
					published = read.Life
				}
				told = ""
				r.arises()
				continue
			}
			problem := s.Problem
			if problem == "" && s.Count < 0 {
				problem = history.ProblemWrongType
			}
			alive := read.Event.Return <= read.Life.Alive
			switch problem {
			case history.ProblemUnparseable, history.ProblemWrongType, history.ProblemUnknownState:
				if !p.File && !alive {
					continue // answered by a dashboard whose gateway is gone: RESTART-003
				}
			case history.ProblemAbsent:
				if published != read.Life || !alive {
					continue
				}
			default:
				continue
			}
			if told == problem {
				continue
			}
			told = problem
			r.violation(read.Event.Return,
				"every publication is whole, with a known gateway_state and an active_agents of 0 or more",
				fmt.Sprintf("%s is %s: %q", p.Name, problem, s.Error), read.Event)
		}
	}
}

// chargesDeath says who answers for the unexpected end of a life: MARKER-006 when
// a marker out of the ordinary was the last it met, STATE-008 when it was drained
// (the marker there, nothing held by the model, and nothing that it counted), else
// STATE-006. That of one that never came up is RESTART's.
func (v *View) chargesDeath(l *Life) string {
	if d, _ := v.keptDown(l); d != nil || l.Expected() || v.startedOddly(l) {
		return ""
	}
	d := v.drainAt(l.Gone.Call, l.Gone.Return)
	if d == nil {
		return "STATE-006"
	}
	if v.killedBy(l, d) != nil {
		return "MARKER-006"
	}
	for _, t := range v.Turns {
		if v.heldTo(t, l) {
			return "STATE-006"
		}
	}
	for _, p := range v.Publications {
		// It counted turns that never got as far as the model.
		if r := p.lastBefore(l.Gone.Return); r != nil && r.Life == l && r.State.Count > v.reachedTheModel(r.Event) {
			return "STATE-006"
		}
	}
	return "STATE-008"
}

// reachedTheModel is how many of the turns that the model ever saw may not have ended when
// the event happened.
func (v *View) reachedTheModel(e *history.Event) int {
	n := 0
	for _, t := range v.Turns {
		if len(t.Calls) > 0 && (t.Ended == nil || t.Ended.Return >= e.Call) {
			n++
		}
	}
	return n
}

// heldTo says whether the model held the turn when the life was gone. What broke as it was
// dying broke with it, unless its client had left.
func (v *View) heldTo(t *Turn, l *Life) bool {
	gone := l.Gone
	withIt := func(broke history.Stamp) bool {
		return broke >= gone.Call || t.Aborted == nil && t.Outcome() != history.Hung && v.dying(l, broke)
	}
	if t.Ended != nil && t.Ended.Return < gone.Call && !(t.Outcome() == history.Cut && withIt(t.Ended.Return)) {
		return false
	}
	for _, c := range t.Calls {
		if c.Called == nil || c.Called.Call > gone.Return {
			continue
		}
		if c.Released != nil && c.Released.Call < gone.Return || c.Done != nil && c.Done.Call < gone.Return {
			continue
		}
		if c.Gone == nil || withIt(c.Gone.Return) {
			return true
		}
	}
	return false
}

// judgeSurvival is STATE-006: the process survives drains and cancels: the same
// pid and start time, the same listening sockets.
func judgeSurvival(v *View, r *ruling) {
	for _, s := range v.Spells {
		if c := s.Drain.Cancel; s.Ack != nil && c != nil && c.Return <= s.Life.Serving {
			r.arises()
		}
	}
	for _, l := range v.Lives {
		if v.chargesDeath(l) == "STATE-006" {
			r.violation(l.Gone.Return, "the process survives whatever a controller does with the marker",
				history.Describe(*l.Gone)+", and nothing had told it to end", l.Seen, l.Gone)
		}
		for _, e := range l.Others {
			if e.Return <= l.Serving && !same(l.Seen.Process, e.Process) {
				r.violation(e.Return, "the process stays the same: pid and start time",
					fmt.Sprintf("%s, and was %d, started at tick %d", history.Describe(*e), l.Seen.Process.PID, l.Seen.Process.StartTime), l.Seen, e)
				break
			}
		}
		v.judgeSockets(l, r)
	}
}

// linger is how long after its sockets a process must still live for their
// closing to be its own doing, and not the beginning of its end.
const linger = time.Second

func (v *View) judgeSockets(l *Life, r *ruling) {
	open := make(map[uint64]*history.Event)
	for _, e := range l.Sockets {
		if e.Return > l.Serving {
			return
		}
		switch e.Process.Phase {
		case history.ProcessListening:
			open[e.Process.Inode] = e
		case history.ProcessClosed:
			before := open[e.Process.Inode]
			if before == nil {
				continue
			}
			delete(open, e.Process.Inode)
			if l.Gone != nil && l.Gone.Call.Sub(e.Return) < linger || l.Gone == nil && v.horizon.Sub(e.Return) < linger && l.Over == v.horizon && !v.reopened(l, e) {
				continue // it may just be ending
			}
			r.violation(e.Return, "the listening socket survives drains and cancels",
				history.Describe(*e)+" while its process lives", before, e)
			return
		}
	}
}

// reopened says whether a socket listens on the port again, in the same life.
func (v *View) reopened(l *Life, closed *history.Event) bool {
	for _, e := range l.Sockets {
		if e.Process.Phase == history.ProcessListening && e.Process.Port == closed.Process.Port && e.Process.Inode != closed.Process.Inode && e.Return >= closed.Call {
			return true
		}
	}
	return false
}

// judgeDrainedStays is STATE-008: an external drain never ends the process, not
// even at 0. Its situation arose when readings of draining with 0 span B in all.
func judgeDrainedStays(v *View, r *ruling) {
	var idle time.Duration
	drained := 0
	for _, s := range v.Spells {
		var longest time.Duration
		for _, p := range v.Publications {
			longest = max(longest, v.drainedFor(s, p))
		}
		if longest > 0 {
			drained++
			idle += longest
		}
	}
	if idle >= v.Bound {
		r.Arose += drained
	}
	for _, l := range v.Lives {
		if v.chargesDeath(l) != "STATE-008" {
			continue
		}
		r.arises()
		d := v.drainAt(l.Gone.Call, l.Gone.Return)
		var ack *history.Event
		for _, s := range v.spellsOf(l) {
			if s.Drain == d {
				ack = s.Ack
			}
		}
		r.violation(l.Gone.Return, "an external drain never ends the process, not even when nothing is in flight",
			history.Describe(*l.Gone)+" in a drain, and nothing had told it to end", d.Begin, ack, l.Gone)
	}
}

// drainedFor is for how long the publication is known to have shown draining
// with 0 in the spell.
func (v *View) drainedFor(s *Spell, p *Publication) time.Duration {
	ack := s.Acks[p.Index]
	if ack == nil {
		return 0
	}
	var total time.Duration
	var since *Read
	for read := range p.within(ack.Event.Call, s.Until) {
		if read.State.State != history.Draining || read.State.Count != 0 {
			since = nil
			continue
		}
		if since != nil {
			total += max(v.ran(since.Event.Return, read.Event.Call), 0)
		}
		since = read
	}
	return total
}
