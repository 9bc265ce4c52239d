package monitor

import (
	"fmt"
	"iter"

	"github.com/drainproof/drainproof/harness/history"
)

func countMonitors() []Monitor {
	return []Monitor{
		rule("COUNT-001", "count-follows-turns", judgeCount),
		rule("COUNT-002", "count-falls-to-zero", judgeOvercount),
		rule("COUNT-003", "never-drained-while-busy", judgeBusyNeverZero),
		rule("COUNT-004", "no-leak", judgeLeak),
		rule("COUNT-005", "every-ingress-counted", judgeEveryLane),
		rule("COUNT-006", "counted-until-delivered", judgeDelivery),
		rule("COUNT-007", "no-ghost", judgeGhost),
		rule("STATE-009", "transition-keeps-count", judgeTransition),
	}
}

// undercount is a reading that may show fewer turns than were in flight for
// certain throughout it, with what was known then.
type undercount struct {
	read  *Read
	spell *Spell // of a draining reading; nil for a running one
	witnesses
	first      *Read // of a running reading: since when it persists
	transition *Read // of the first reading after a drain began or was taken back: the one before it
	under      bool
	atEntry    bool // nothing shows that the count was too low before its drain: what is missing may have been lost at its beginning
}

// charged says which requirement owns the missing turns. Where leaving away one
// kind of turn explains the count, that kind is what was not counted.
func (u undercount) charged() string {
	switch {
	case u.read.State.Count >= u.all-u.delivering:
		return "COUNT-006"
	case u.read.State.Count >= u.all-u.jobs:
		return "SCHEDULED-002"
	case u.read.State.Count >= u.all-u.replays:
		return "RESTART-004"
	case u.read.State.State == history.Draining && u.read.State.Count == 0:
		return "COUNT-003"
	case u.lostInTransition():
		return "STATE-009"
	default:
		return "COUNT-001"
	}
}

// lostInTransition says whether the reading just before, of the other state, had them all.
func (u undercount) lostInTransition() bool {
	return u.under && u.transition != nil && u.transition.State.Count >= u.all && u.read.State.Count < u.all-u.delivering
}

// findUndercounts compares every reading with what was in flight throughout it.
//
// A draining reading must be right at once; where no acknowledged drain is in effect any
// more, or yet, it is only held against the gateway that it says 0, on which a controller
// acts. A running one may lag: it is held against the gateway only when the same turns
// are missing from every reading of [Grace] bounds on end, or were lost when it came out of
// a drain that had them.
func (v *View) findUndercounts() []undercount {
	var out []undercount
	for _, p := range v.Publications {
		inFlight := v.flights.newTally()
		slow := v.newLag()
		spells := v.spellCursor()
		var before *Read
		low := false     // the last running reading was too low
		var right *Spell // the drain before whose first reading it was not
		for _, r := range p.Reads {
			if !r.Good || !r.Fresh || r.Event.Return > r.Life.Serving {
				if u, ok := v.busyAtShutdown(r, inFlight); ok {
					out = append(out, u)
				}
				before, low = nil, false
				slow.reset()
				continue
			}
			slow.read(r)
			if left, ok := comesOut(before, r, inFlight); ok {
				out = append(out, left)
			}
			u := undercount{read: r, witnesses: inFlight.throughout(r.Event.Call, r.Event.Return)}
			u.under = r.State.Count < u.all
			switch s := spells(r.Event.Return); r.State.State {
			case history.Draining:
				slow.reset()
				if s != nil && s.Acks[p.Index] != nil && r.Event.Call >= s.Acks[p.Index].Event.Call && r.Event.Return <= s.Until {
					u.spell = s
					if r == s.Acks[p.Index] && before != nil && before.State.State == history.Running && before.Life == r.Life && before.Event.Return <= r.Event.Call {
						// What the reading before counted may have been others, that have ended.
						if !u.under || v.inFlightSince(before, r) >= u.all {
							u.transition = before
						}
					}
					if r == s.Acks[p.Index] && !s.AtStart && !low {
						right = s
					}
					u.atEntry = right == s
					if u.all > 0 {
						out = append(out, u)
					}
				} else if u.under && u.charged() == "COUNT-003" {
					out = append(out, u)
				}
			case history.Running:
				if u.all == 0 && !u.under {
					slow.reset()
					break
				}
				if !u.under {
					slow.reset()
					out = append(out, u)
					break
				}
				if m, ok := slow.persists(r); ok {
					u.witnesses, u.first = m.witnesses, m.since
					out = append(out, u)
				}
			default:
				slow.reset()
			}
			if before = r; r.State.State == history.Running {
				low = u.under
			}
		}
	}
	return out
}

// comesOut compares the first running reading after a draining one with what was in flight
// throughout both. ok is false where nothing was.
func comesOut(before, r *Read, inFlight *tally) (u undercount, ok bool) {
	if before == nil || before.Life != r.Life || before.State.State != history.Draining || r.State.State != history.Running || before.Event.Return > r.Event.Call {
		return undercount{}, false
	}
	u = undercount{read: r, transition: before, witnesses: inFlight.throughout(before.Event.Call, r.Event.Return)}
	u.under = before.State.Count >= u.all && r.State.Count < u.all
	return u, u.all > 0
}

// busyAtShutdown is a reading of draining with 0 of a gateway that was told to shut down,
// while turns it has promised to let finish were in flight.
func (v *View) busyAtShutdown(r *Read, inFlight *tally) (u undercount, ok bool) {
	if !v.promisesDeadline() || !r.Good || !r.Fresh || r.State.State != history.Draining || r.State.Count != 0 {
		return undercount{}, false
	}
	if r.Life.Shutdown == nil || r.Event.Return > min(r.Life.Alive, v.shutdownDue(r.Life)) {
		return undercount{}, false
	}
	u = undercount{read: r, witnesses: inFlight.throughout(r.Event.Call, r.Event.Return)}
	u.under = u.all > 0
	return u, u.under && u.charged() == "COUNT-003"
}

// spellCursor returns a function that finds the spell in which an instant falls;
// it is asked with instants that never go back.
func (v *View) spellCursor() func(history.Stamp) *Spell {
	i := 0
	return func(at history.Stamp) *Spell {
		for i < len(v.Spells) && v.Spells[i].Until < at {
			i++
		}
		if i < len(v.Spells) && v.Spells[i].From <= at {
			return v.Spells[i]
		}
		return nil
	}
}

func turnsWere(n int) string {
	if n == 1 {
		return "1 turn was"
	}
	return fmt.Sprintf("%d turns were", n)
}

// accuse writes down the undercounts that the requirement owns.
func (v *View) accuse(r *ruling, requirement, expected string) {
	for _, u := range v.misses {
		if len(r.Violations) == MaxViolations {
			return // proofs are searched for, which takes its time
		}
		if !u.under || u.charged() != requirement && !(requirement == "STATE-009" && u.lostInTransition()) {
			continue
		}
		actual := fmt.Sprintf("%s shows %s with %d, while %s in flight for certain", u.read.State.Publication, u.read.State.State, u.read.State.Count, turnsWere(u.all))
		if u.delivering > 0 {
			actual += fmt.Sprintf(" (%d of them in delivery)", u.delivering)
		}
		evidence := []*history.Event{u.read.Event}
		if u.first != nil {
			actual += fmt.Sprintf(", for %s on end", round(v.ran(u.first.Event.Return, u.read.Event.Call)))
			evidence = append(evidence, u.first.Event)
		}
		if u.transition != nil {
			evidence = append(evidence, u.transition.Event)
		}
		if u.spell != nil {
			evidence = append(evidence, u.spell.Drain.Begin)
		}
		r.violation(u.read.Event.Return, expected, actual, append(evidence, v.witnessesAt(u.read)...)...)
	}
}

// throughout yields the turns that were in flight for certain throughout a reading, each
// with the model call that proves it. It looks at every turn: only for what may be an
// accusation.
func (v *View) throughout(r *Read) iter.Seq2[*Turn, *history.Event] {
	return func(yield func(*Turn, *history.Event) bool) {
		for _, t := range v.Turns {
			if from, _, to, ok := v.certain(t); ok && from <= r.Event.Call && to >= r.Event.Return && !yield(t, t.reached()) {
				return
			}
			for _, again := range v.replaysOf(t) {
				if again.from <= r.Event.Call && again.to >= r.Event.Return && !yield(t, again.called) {
					return
				}
			}
		}
	}
}

// inFlightSince is how many of the turns that were in flight throughout a reading may
// have been among those that an earlier one counted.
func (v *View) inFlightSince(earlier, r *Read) int {
	n := 0
	for t := range v.throughout(r) {
		if from, _, ok := v.possible(t); ok && from <= earlier.Event.Return {
			n++
		}
	}
	return n
}

// witnessesAt returns the model calls, a few at most, that prove what was in
// flight throughout a reading.
func (v *View) witnessesAt(r *Read) []*history.Event {
	const few = 5
	var out []*history.Event
	for _, called := range v.throughout(r) {
		if out = append(out, called); len(out) == few {
			break
		}
	}
	return out
}

// judgeCount is COUNT-001: k turns in flight publish active_agents k, without lag
// in the reading that says `draining`.
func judgeCount(v *View, r *ruling) {
	r.Arose += len(v.misses)
	v.accuse(r, "COUNT-001", "active_agents counts every turn in flight")
	v.sampleCounts(r)
}

// judgeBusyNeverZero is COUNT-003: never `draining` with 0 while a turn is in
// flight, for this is the reading on which a controller kills.
func judgeBusyNeverZero(v *View, r *ruling) {
	for _, u := range v.misses {
		if u.spell != nil {
			r.arises()
		}
	}
	v.accuse(r, "COUNT-003", "never draining with 0 while a turn is in flight")
}

// judgeDelivery is COUNT-006: a turn counts from its admission until its reply is
// handed over.
func judgeDelivery(v *View, r *ruling) {
	for _, u := range v.misses {
		if u.delivering > 0 {
			r.arises()
		}
	}
	v.accuse(r, "COUNT-006", "a turn counts until its whole reply is handed over")
	judgeCountedLate(v, r)
}

// judgeTransition is STATE-009: entering a drain keeps the live count, and so does leaving it.
func judgeTransition(v *View, r *ruling) {
	for _, u := range v.misses {
		if u.transition != nil {
			r.arises()
		}
	}
	v.accuse(r, "STATE-009", "a transition keeps the count of the turns in flight")
}
