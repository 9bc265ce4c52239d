package monitor

import (
	"fmt"
	"time"

	"github.com/drainproof/drainproof/harness/history"
)

// Coarseness is how much earlier than to the nanosecond a marker may be taken to be
// too old: requested_at, and the clock it is compared with, may be in whole seconds.
const Coarseness = time.Second

// staleMarker is a marker that lies there and requests nothing, as a decoy does.
type staleMarker struct {
	owner    string         // the requirement that is charged when it is heeded
	laid     *history.Event // the marker
	cause    *history.Event // what made it stale: it was laid as such, or the container was made anew
	from, to history.Stamp  // not stale before, stale for certain afterwards
	end      *history.Event // it was removed, or another marker laid over it; nil: never
	drain    *Drain         // the request that it ended; nil: none
}

// until is the last instant at which it certainly lay there.
func (m *staleMarker) until() history.Stamp {
	if m.end == nil {
		return never
	}
	return m.end.Call
}

// requestedAgain is when the next marker may be there, after it or over it: up to then
// nothing is requested.
func (v *View) requestedAgain(m *staleMarker) history.Stamp {
	if m.end == nil {
		return never
	}
	next := v.nextBegin(m.end.Call)
	if d := v.decoyAt(m.end.Call, next); d != nil {
		next = min(next, d.laid.Call)
	}
	return max(next, m.until())
}

// inertAt says whether a marker that requests nothing, a stale one or a decoy, may
// have lain there at some time in [from, to], or may still have been heeded.
func (v *View) inertAt(from, to history.Stamp) bool {
	if v.decoyAt(from, to) != nil {
		return true
	}
	for _, m := range v.stale {
		if m.from <= to && (m.end == nil || v.ran(m.end.Return, from) <= v.Grace) {
			return true
		}
	}
	return false
}

// requestAt is the marker that may have lain there at some time in [from, to], be it
// stale or not; nil: none.
func (v *View) requestAt(from, to history.Stamp) *history.Event {
	if d := v.drainAt(from, to); d != nil {
		return d.Begin
	}
	for _, m := range v.stale {
		if m.from <= to && (m.end == nil || m.end.Return >= from) {
			return m.laid
		}
	}
	return nil
}

// judgeStale is EPOCH-001, EPOCH-004 and EXPIRY-001: a stale marker requests nothing.
// A gateway that runs goes on doing so; a drain that was in effect ends within the
// grace, and so does one that a gateway started with. Once running has been
// published, no draining follows.
func judgeStale(v *View, r *ruling) {
	for _, m := range v.stale {
		if m.owner != r.Requirement {
			continue
		}
		for _, l := range v.Lives {
			if l.Over <= m.from || l.From >= m.until() {
				continue
			}
			for _, p := range v.Publications {
				v.ignores(r, m, l, p)
			}
		}
	}
}

// ignores judges one publication in one life.
func (v *View) ignores(r *ruling, m *staleMarker, l *Life, p *Publication) {
	due := m.to
	var running *Read // since it was stale, or when it became so
	before := p.lastBefore(m.from)
	switch {
	case l.Start != nil && l.Start.Call >= m.from:
		if l.Ready == nil {
			return // it never served
		}
		due = max(due, l.Ready.Return)
	case m.drain != nil:
		if !v.ackedIn(p, l, m.drain, m.from) {
			return // the drain it ended may be noticed only now
		}
	case before != nil && before.Life == l && before.State.State == history.Running:
		if !v.settledIn(p, l, before, m.from) {
			return // a drain before may be noticed only now
		}
		running = before
	}
	const expected = "a stale marker requests nothing: "
	told := fmt.Sprintf("%s, which is stale, ", called(m.laid))
	from, until := max(m.from, l.From), min(m.until(), l.Serving)
	for read := range p.within(from, min(v.requestedAgain(m), l.Serving)) {
		late := v.waited(due, read.Event.Call)
		switch {
		case read.Event.Return > until && (running != nil || read.State.State == history.Running):
			// It was removed, and where running had been published, or is only now, the
			// rules of a gateway without a marker judge what follows.
		case read.State.State == history.Running:
			if running == nil {
				r.arises()
			}
			running = read
		case read.State.State != history.Draining || running != nil && running.overlaps(read):
		case running != nil:
			r.arises()
			r.violation(read.Event.Return, expected+p.Name+" does not show draining for it",
				fmt.Sprintf("%sdrains: %s shows running and then draining", told, p.Name), m.laid, m.cause, running.Event, read.Event)
			return
		case late > v.Grace:
			r.arises()
			r.violation(read.Event.Return, expected+p.Name+" comes back to running",
				fmt.Sprintf("%skeeps it draining: %s still shows that after %s", told, p.Name, round(late)), m.laid, m.cause, l.Ready, read.Event)
			return
		}
	}
	if last := p.lastBefore(until); running != nil && m.drain == nil && last != nil && v.ran(due, last.Event.Call) > v.Bound {
		r.arises() // it was there for long enough to be noticed, and nothing followed
	}
}

// judgeRefusalUnderStale is GATE-011 for a turn that is sent while a stale marker lies
// there, to a gateway that has published nothing but running for B: it takes the
// marker for stale, and refuses all the same.
func (v *View) judgeRefusalUnderStale(r *ruling, t *Turn, over history.Stamp) {
	for _, m := range v.stale {
		if m.to >= t.Sent.Call || m.until() <= over {
			continue
		}
		for _, p := range v.Publications {
			var running *Read // the first of those that nothing else followed
			for read := range p.within(max(m.to, t.Life.From), t.Sent.Call) {
				switch {
				case read.State.State != history.Running:
					running = nil
				case running == nil:
					running = read
				}
			}
			if running == nil || v.ran(running.Event.Return, t.Sent.Call) <= v.Bound {
				continue
			}
			r.arises()
			if t.Outcome() == history.Refused {
				r.violation(over, "no turn is refused as draining when no drain is requested, and a stale marker requests none",
					fmt.Sprintf("turn %s to %s was refused, %s after %s showed running", t.ID, t.Ingress, round(v.ran(running.Event.Return, t.Sent.Call)), p.Name),
					m.laid, running.Event, t.Sent, t.Ended)
			}
			return
		}
	}
}

// settledIn says whether a reading of running, the last before the instant, shows
// that every drain before was followed to its end.
func (v *View) settledIn(p *Publication, l *Life, running *Read, at history.Stamp) bool {
	d := v.lastCancel(at)
	if d == nil || d.past() <= l.From || v.ran(d.past(), at) > v.Grace {
		return true
	}
	return running.Event.Call >= d.past() && v.ackedIn(p, l, d, at)
}

// ackedIn says whether the publication had acknowledged the drain in that life before
// the instant.
func (v *View) ackedIn(p *Publication, l *Life, d *Drain, at history.Stamp) bool {
	for _, s := range v.spellsOf(l) {
		if ack := s.Acks[p.Index]; s.Drain == d && ack != nil {
			return ack.Event.Return < at
		}
	}
	return false
}
