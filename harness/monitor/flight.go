package monitor

import (
	"cmp"
	"slices"

	"github.com/drainproof/drainproof/harness/history"
)

// flight is a stretch in which a turn was, or may have been, in flight.
type flight struct{ from, to history.Stamp }

// flights are the stretches of all turns, ordered for counting.
type flights struct {
	held     []flight // in flight for certain, the model's part
	whole    []flight // the same with the delivery of long replies
	jobs     []flight // those of them that are scheduled jobs
	replays  []flight // and those that are run again after a crash
	begins   []history.Stamp
	ends     []history.Stamp // of possible stretches, each sorted
	answered []flight        // possible stretches of turns that reached the model
}

func (v *View) indexFlights() {
	f := &v.flights
	for _, t := range v.Turns {
		if from, delivery, to, ok := v.certain(t); ok {
			f.whole = append(f.whole, flight{from, to})
			if delivery > from {
				f.held = append(f.held, flight{from, delivery})
			}
			if t.Origin == history.OriginJob {
				f.jobs = append(f.jobs, flight{from, delivery})
			}
		}
		for _, again := range v.replaysOf(t) {
			f.whole, f.held, f.replays = append(f.whole, again.flight), append(f.held, again.flight), append(f.replays, again.flight)
		}
		if from, to, ok := v.possible(t); ok {
			f.begins = append(f.begins, from)
			f.ends = append(f.ends, to)
			if t.reached() != nil {
				f.answered = append(f.answered, flight{from, to})
			}
		}
	}
	for _, called := range v.strange {
		f.begins = append(f.begins, v.lifeAt(called.Call).From)
		f.ends = append(f.ends, called.Return.Add(v.Grace))
	}
	slices.Sort(f.begins)
	slices.Sort(f.ends)
}

// strangers are the model calls that may be for turns of which nobody told: an instantiation
// took its probe along, and with it the word of what was sent to it last.
func (v *View) strangers(calls []*history.Event) []*history.Event {
	return slices.DeleteFunc(calls, func(called *history.Event) bool {
		return !slices.ContainsFunc(v.Lives[:v.lifeAt(called.Call).Index+1], (*Life).anew)
	})
}

// possibly is how many turns may have been in flight at some time in [from, to].
func (f *flights) possibly(from, to history.Stamp) int {
	begun, _ := slices.BinarySearch(f.begins, to+1)
	over, _ := slices.BinarySearch(f.ends, from)
	return begun - over
}

// alone says whether nothing else can have kept the gateway busy while a turn waited for
// its answer: no turn of its session before it, and none in flight.
func (v *View) alone(t *Turn) bool {
	from, to := t.Sent.Call, t.Ended.Return
	return len(v.strange) == 0 && !slices.ContainsFunc(v.Turns, func(other *Turn) bool {
		if other == t {
			return false
		}
		if other.Session != "" && other.Session == t.Session && other.Sent != nil && other.Sent.Call < to {
			return true
		}
		if other.reached() == nil && (other.Outcome() == history.Refused || other.Outcome() == history.Busy) {
			return false // it was turned away as well
		}
		return v.overlaps(other, from, to)
	})
}

// witnesses are the turns in flight for certain throughout an interval.
type witnesses struct {
	all        int
	delivering int // of those, in the delivery of a long reply
	jobs       int // of those, scheduled jobs
	replays    int // of those, run again after a crash
}

// tally counts witnesses; see counter.
type tally struct{ whole, held, jobs, replays *counter }

func (f *flights) newTally() *tally {
	return &tally{newCounter(f.whole), newCounter(f.held), newCounter(f.jobs), newCounter(f.replays)}
}

func (t *tally) throughout(from, to history.Stamp) witnesses {
	all := t.whole.throughout(from, to)
	return witnesses{
		all:        all,
		delivering: max(all-t.held.throughout(from, to), 0),
		jobs:       t.jobs.throughout(from, to),
		replays:    t.replays.throughout(from, to),
	}
}

// counter counts the flights that last throughout an interval. It is asked with
// intervals whose beginnings never go back, so that all questions together cost
// O(n log n): flights are taken in as they begin, into a tree over their ends.
type counter struct {
	byFrom []flight
	ends   []history.Stamp
	tree   []int // Fenwick tree over the ranks of ends
	taken  int
}

func newCounter(list []flight) *counter {
	c := &counter{byFrom: slices.Clone(list), ends: make([]history.Stamp, len(list)), tree: make([]int, len(list)+1)}
	slices.SortFunc(c.byFrom, func(a, b flight) int { return cmp.Compare(a.from, b.from) })
	for i, f := range list {
		c.ends[i] = f.to
	}
	slices.Sort(c.ends)
	return c
}

// throughout is how many flights began at or before from and ended at or after to.
func (c *counter) throughout(from, to history.Stamp) int {
	for c.taken < len(c.byFrom) && c.byFrom[c.taken].from <= from {
		rank, _ := slices.BinarySearch(c.ends, c.byFrom[c.taken].to)
		for i := rank + 1; i < len(c.tree); i += i & -i {
			c.tree[i]++
		}
		c.taken++
	}
	rank, _ := slices.BinarySearch(c.ends, to)
	n := c.taken
	for i := rank; i > 0; i -= i & -i {
		n -= c.tree[i]
	}
	return n
}
