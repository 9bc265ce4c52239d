package monitor

import (
	"cmp"
	"fmt"
	"slices"
	"sort"

	"github.com/drainproof/drainproof/harness/history"
)

// judgeOvercount is COUNT-002: the count reaches 0 after the last turn's end. A
// reading accuses when it counts more turns than may have been in flight at any
// time in the Grace bounds before it: no lag explains it.
func judgeOvercount(v *View, r *ruling) {
	for _, p := range v.Publications {
		told := false // once per stretch of readings that count too many
		for _, read := range p.Reads {
			if !read.Good || !read.Fresh || read.Event.Return > read.Life.Serving {
				told = false
				continue
			}
			from := read.Event.Call.Add(-v.Grace)
			if read.State.Count == 0 || v.frozen(from.Add(-v.Grace), read.Event.Return) {
				told = told && read.State.Count != 0
				continue
			}
			if worst, _ := v.noisiest(from, read.Event.Return); worst > v.Bound {
				continue
			}
			possibly := v.flights.possibly(from, read.Event.Return)
			if read.State.Count <= possibly {
				told = false
				continue
			}
			if !told {
				r.violation(read.Event.Return,
					"the count falls to 0 when the last turn has ended",
					fmt.Sprintf("%s shows %s with %d, while at most %d turns can have been in flight in the %s before", p.Name, read.State.State, read.State.Count, possibly, v.Grace),
					append(v.lastEnds(from), read.Event)...)
			}
			told = true
		}
	}
	v.sampleZero(r)
}

// lastEnds returns the last turn end before the instant, as evidence.
func (v *View) lastEnds(at history.Stamp) []*history.Event {
	var last *history.Event
	for _, t := range v.Turns {
		if e := t.Ended; e != nil && t.reached() != nil && e.Return <= at && (last == nil || e.Return > last.Return) {
			last = e
		}
	}
	return []*history.Event{last}
}

// sampleZero measures how long after the last end the count read 0, for every
// stretch in which nothing can have been in flight.
func (v *View) sampleZero(r *ruling) {
	list := slices.Clone(v.flights.answered)
	slices.SortFunc(list, func(a, b flight) int { return cmp.Compare(a.from, b.from) })
	over := dawn
	for i, f := range list {
		over = max(over, f.to)
		next := v.horizon
		if i+1 < len(list) {
			next = list[i+1].from
		}
		life := v.lifeAt(over)
		next = min(next, life.Serving)
		if over >= next || life.From > f.from {
			continue
		}
		var slowest *Read
		for _, p := range v.Publications {
			if read := p.firstZero(over, next); read != nil && (slowest == nil || read.Event.Return > slowest.Event.Return) {
				slowest = read
			}
		}
		if slowest != nil {
			r.arises()
			r.sample("count 0 after", v.ran(over, slowest.Event.Return), 0)
		}
	}
}

// firstZero is the first reading that shows 0 for the time from over to next: the
// last one before over, when it already did, or one in between.
func (p *Publication) firstZero(over, next history.Stamp) *Read {
	if before := p.lastBefore(over); before != nil && before.State.Count == 0 {
		return before
	}
	for read := range p.within(over, next) {
		if read.State.Count == 0 {
			return read
		}
	}
	return nil
}

// sampleCounts measures, for turns that reached the model while the gateway was
// running, how long after it the count covered all that was in flight then.
func (v *View) sampleCounts(r *ruling) {
	type want struct {
		at    history.Stamp
		count int
	}
	begins := make([]history.Stamp, len(v.flights.whole))
	ends := make([]history.Stamp, len(v.flights.whole))
	for i, f := range v.flights.whole {
		begins[i], ends[i] = f.from, f.to
	}
	slices.Sort(begins)
	slices.Sort(ends)
	for _, p := range v.Publications {
		var open []want
		next := 0
		for i, read := range p.Reads {
			for next < len(begins) && begins[next] < read.Event.Return {
				at := begins[next]
				next++
				over := sort.Search(len(ends), func(i int) bool { return ends[i] > at })
				w := want{at: at, count: next - over}
				if i > 0 && p.Reads[i-1].in(history.Running) && p.Reads[i-1].State.Count >= w.count {
					r.sample("count published after", 0, v.Bound)
					continue
				}
				open = append(open, w)
			}
			if !read.in(history.Running) || read.Event.Return > read.Life.Serving {
				open = open[:0]
				continue
			}
			for len(open) > 0 && read.State.Count >= open[0].count {
				r.sample("count published after", v.ran(open[0].at, read.Event.Return), v.Bound)
				open = open[1:]
			}
		}
	}
}
