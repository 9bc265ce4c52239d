package monitor

import (
	"fmt"

	"github.com/drainproof/drainproof/harness/history"
)

// judgeDeadline is SHUTDOWN-002: past the deadline what is still in flight is
// interrupted and the process exits; where recovery is declared, an interrupted turn
// that came in by a durable ingress is owed at the next start. How often it is run
// again is judged after a SIGKILL only (RESTART-004).
func judgeDeadline(v *View, r *ruling) {
	recovers := v.declares("recovery")
	for i, l := range v.Lives {
		if l.Shutdown == nil || !v.promisesDeadline() {
			continue
		}
		stuck := v.stuckAtDeadline(l)
		if len(stuck) == 0 {
			continue
		}
		until, ended := v.stayedUntil(l)
		if stayed := v.waited(v.pastDeadline(l), until); stayed > v.Grace {
			r.arises()
			r.violation(until, fmt.Sprintf("past its deadline of %s a shutdown interrupts what is in flight, and the process exits", v.Header.ShutdownDeadline),
				fmt.Sprintf("the process was still there %s past it, with turn %s in flight", round(stayed), stuck[0].ID), stuck[0].reached(), l.Shutdown, l.Gone)
			continue
		}
		if !ended {
			continue // nobody waited for it
		}
		if !recovers {
			r.arises()
			continue
		}
		if i+1 < len(v.Lives) && v.Lives[i+1].Start != nil {
			v.judgeOwed(l, v.Lives[i+1], stuck, r)
		}
	}
}

// pastDeadline is the instant from which on the deadline is over for certain.
func (v *View) pastDeadline(l *Life) history.Stamp {
	return l.Shutdown.Return.Add(v.Header.ShutdownDeadline)
}

// stuckAtDeadline returns the turns that the model held from before the SIGTERM
// until past the deadline, and whose clients did not give up.
func (v *View) stuckAtDeadline(l *Life) []*Turn {
	due := v.pastDeadline(l)
	var out []*Turn
	for _, t := range v.inFlightAtShutdown(l) {
		calls := v.callsIn(t, l)
		if len(calls) == 0 {
			continue
		}
		last := calls[len(calls)-1]
		if last.Released != nil && last.Released.Call < due || last.Done != nil && last.Done.Call < due {
			continue
		}
		if end := v.broke(t, l.Shutdown.Call); end != nil && end.Return < v.shutdownDue(l) {
			continue // interrupted too early: SHUTDOWN-001
		}
		out = append(out, t)
	}
	return out
}

// judgeOwed holds the next life to the turns that the deadline cut off.
func (v *View) judgeOwed(l, next *Life, stuck []*Turn, r *ruling) {
	for _, t := range stuck {
		again := len(v.callsIn(t, next)) > 0
		if !t.Durable || t.Outcome() == history.Finished && (t.Ended.Return <= l.Over || !again) {
			continue // nobody is owed it, or it was let finish after all, whenever its client heard of it
		}
		if again {
			r.arises()
			continue
		}
		until := min(next.Serving, v.horizon)
		if next.Ready == nil || v.waited(next.Ready.Return, until) <= v.Grace {
			continue
		}
		r.arises()
		r.violation(until, "a turn that the deadline of a shutdown cut off is owed at the next start",
			fmt.Sprintf("turn %s was not taken up again within %s of it", t.ID, round(v.ran(next.Ready.Return, until))),
			t.Sent, t.reached(), l.Shutdown, l.Gone, next.Start, next.Ready)
	}
}

// judgeMarkerOutlives is SHUTDOWN-003: the marker outlives a shutdown, and is
// honoured at the next start of the same instantiation. What is published first is
// RESTART-001's, and what gets in before WATCH-003's.
func judgeMarkerOutlives(v *View, r *ruling) {
	for _, d := range v.Drains {
		for i, l := range v.Lives {
			if l.Shutdown == nil || l.killed() || d.Begin.Return >= l.Shutdown.Call || d.past() <= l.Shutdown.Call || d.unusual() {
				continue
			}
			if gone := d.Cancel; gone != nil && gone.Marker.Op == history.OpFound && gone.Call >= l.Shutdown.Call && gone.Return <= l.Over && !l.goneBefore(gone.Call) {
				r.arises()
				r.violation(gone.Return, "the marker outlives a shutdown", history.Describe(*gone)+", after the SIGTERM", d.Begin, l.Shutdown, gone)
				continue
			}
			if i+1 < len(v.Lives) {
				v.judgeHonouredAgain(d, l, v.Lives[i+1], r)
			}
		}
	}
}

func (v *View) judgeHonouredAgain(d *Drain, l, next *Life, r *ruling) {
	if next.Start == nil || next.Start.Action.Name != history.ActionRespawn {
		return
	}
	for _, s := range v.spellsOf(next) {
		if s.Drain != d || !s.AtStart {
			continue
		}
		if s.Ack != nil {
			r.arises()
			continue
		}
		if next.Ready == nil {
			continue
		}
		late := v.notDraining(next, next.Ready.Return, min(s.Until, v.horizon))
		if late == nil {
			continue // nobody looked
		}
		r.arises()
		r.violation(late.Return, "a marker that outlived a shutdown is honoured at the next start",
			fmt.Sprintf("%s after it was ready again, the gateway has not published draining", round(v.ran(next.Ready.Return, late.Call))),
			d.Begin, l.Shutdown, next.Start, next.Ready, late)
	}
}

// notDraining is the first reading of the life that shows anything but draining the
// grace after the instant, be it of what was left over from before; nil: there is none.
func (v *View) notDraining(l *Life, from, until history.Stamp) *history.Event {
	var first *history.Event
	for _, p := range v.Publications {
		for _, read := range p.Reads[p.since(from):] {
			if read.Life != l || read.Event.Return > until {
				break
			}
			if read.State.State == history.Draining || v.waited(from, read.Event.Call) <= v.Grace {
				continue
			}
			if first == nil || read.Event.Return < first.Return {
				first = read.Event
			}
			break
		}
	}
	return first
}
