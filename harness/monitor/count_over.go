package monitor

import (
	"cmp"
	"fmt"
	"slices"
	"sort"

	"github.com/drainproof/drainproof/harness/history"
)

// overcount is the first of a stretch of readings that count more turns than may have
// been in flight at any time in the Grace bounds before it: no lag explains it.
type overcount struct {
	publication    *Publication
	read           *Read
	from           history.Stamp // Grace bounds before it
	possibly       int           // turns that may have been in flight since then
	zero           history.Stamp // when 0 was read last, or the life began: nothing was left over then
	well, abnormal bool          // turns have ended since, well or otherwise
}

func (v *View) findOvercounts() []overcount {
	var out []overcount
	for _, p := range v.Publications {
		told := false // once per stretch
		zero := dawn
		for _, read := range p.Reads {
			zero = max(zero, read.Life.From)
			if !read.Good || !read.Fresh || read.Event.Return > read.Life.Serving {
				told = false
				continue
			}
			from := read.Event.Call.Add(-v.Grace)
			if v.Header.Since != 0 && from < v.Header.Since && read.Life.Start == nil {
				continue // of turns that had just ended when the history was cut nothing is known
			}
			if read.State.Count == 0 || v.frozen(from.Add(-v.Grace), read.Event.Return) {
				told = told && read.State.Count != 0
				if read.State.Count == 0 {
					zero = read.Event.Call
				}
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
				out = append(out, v.sinceZero(overcount{publication: p, read: read, from: from, possibly: possibly, zero: zero}))
			}
			told = true
		}
	}
	return out
}

// sinceZero looks at how turns ended that may be what is left in the count.
func (v *View) sinceZero(o overcount) overcount {
	for _, t := range v.Turns {
		e := t.Ended
		if e == nil || e.Return <= o.zero || e.Call > o.read.Event.Return || t.wentDown(o.read.Life) {
			continue
		}
		switch {
		case t.endedAbnormally():
			o.abnormal = true
		case t.reached() != nil:
			o.well = true
		}
	}
	return o
}

// wentDown says whether the connection that the turn's client waited on was of a process
// before the life, whenever the client noticed: what became of it left nothing in this one.
func (t *Turn) wentDown(l *Life) bool {
	return t.Sent != nil && !t.Polled && t.Sent.Return < l.From
}

// endedAbnormally says whether the turn, as far as its client knows, ended in one of
// the ways in which counts leak: a failure, a client that went away or gave up, a
// refusal.
func (t *Turn) endedAbnormally() bool {
	switch t.Outcome() {
	case history.Failed, history.Cut, history.Hung, history.Aborted, history.Refused, history.Busy:
		return true
	}
	return false
}

// judgeOvercount is COUNT-002: the count reaches 0 after the last turn's end. What
// only turns can have left over that did not end well is COUNT-004's.
func judgeOvercount(v *View, r *ruling) {
	for _, o := range v.overs {
		if o.well || !o.abnormal {
			r.violation(o.read.Event.Return, "the count falls to 0 when the last turn has ended", o.actual(v), append(v.lastEnds(o.from), o.read.Event)...)
		}
	}
	v.sampleZero(r)
}

// judgeLeak is COUNT-004: no end of a turn leaves it in the count.
func judgeLeak(v *View, r *ruling) {
	for _, o := range v.overs {
		if o.abnormal {
			r.violation(o.read.Event.Return,
				"after a model error, a client that went away, a time-out or a refusal the count is 0 again",
				o.actual(v), append(v.lastEnds(o.from), o.read.Event)...)
		}
	}
	lastZero := map[*Life]history.Stamp{}
	for _, p := range v.Publications {
		for _, read := range p.Reads {
			if !read.Good || !read.Fresh || read.State.Count != 0 {
				continue
			}
			if last, seen := lastZero[read.Life]; !seen || read.Event.Call > last {
				lastZero[read.Life] = read.Event.Call
			}
		}
	}
	for _, t := range v.Turns {
		// Of refusals there are hundreds; those that tell are of turns that got in.
		if !t.endedAbnormally() || t.reached() == nil {
			continue
		}
		if last, seen := lastZero[v.lifeAt(t.Ended.Return)]; seen && last > t.Ended.Return {
			r.arises()
		}
	}
}

func (o overcount) actual(v *View) string {
	return fmt.Sprintf("%s shows %s with %d, while at most %d turns can have been in flight in the %s before",
		o.publication.Name, o.read.State.State, o.read.State.Count, o.possibly, v.Grace)
}

// lastEnds returns the last turn end before the instant, as evidence.
func (v *View) lastEnds(at history.Stamp) []*history.Event {
	var last *history.Event
	for _, t := range v.Turns {
		if e := t.Ended; e != nil && (t.reached() != nil || t.endedAbnormally()) && e.Return <= at && (last == nil || e.Return > last.Return) {
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
