package monitor

import (
	"fmt"

	"github.com/drainproof/drainproof/harness/history"
)

// judgeCountedLate is the other half of COUNT-006: a turn counts from its admission
// on, before its model is called. In a drain that shows where the count was too low
// and then grows by more turns than can have been admitted in between: one that was in
// flight all along is counted only now. (Where nothing shows that the count was too low
// before the drain, it may have been lost in the transition, which is STATE-009.)
func judgeCountedLate(v *View, r *ruling) {
	var low *undercount
	for i := range v.misses {
		u := &v.misses[i]
		if u.spell == nil || u.atEntry {
			continue
		}
		if low != nil && (low.spell != u.spell || low.read.State.Publication != u.read.State.Publication) {
			low = nil
		}
		if low != nil && u.read.State.Count-low.read.State.Count > v.newcomers(low.read.Event.Call, u.read.Event.Return) {
			r.violation(u.read.Event.Return,
				"a turn counts from its admission, before its model is called",
				fmt.Sprintf("%s shows draining with %d while %s in flight for certain, and then with %d, which is more than came in meanwhile",
					u.read.State.Publication, low.read.State.Count, turnsWere(low.all), u.read.State.Count),
				append([]*history.Event{u.spell.Drain.Begin, low.read.Event, u.read.Event}, v.witnessesAt(low.read)...)...)
			low = nil
		}
		if u.under {
			low = u
		}
	}
}

// newcomers is how many turns may have been admitted in [from, to]: they may have been
// in flight, and their model was not called for certain before.
func (v *View) newcomers(from, to history.Stamp) int {
	n := 0
	for _, t := range v.Turns {
		if called := t.reached(); v.overlaps(t, from, to) && (called == nil || called.Return > from) {
			n++
		}
	}
	return n
}
