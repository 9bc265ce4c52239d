package monitor

import (
	"github.com/drainproof/drainproof/harness/history"
)

// Drain is one request: from the marker's appearance until it is removed, or grows
// stale where it lies, over however many lives of the gateway.
type Drain struct {
	Begin    *history.Event
	Rewrites []*history.Event
	Cancel   *history.Event // or the marker's disappearance; nil: it was not taken away
	Stale    *staleMarker   // what is left of it, still lying there; nil: it did not grow stale

	hurry hurry
}

// End is when it ended, no sooner and no later, and by what: it was cancelled, or it
// grew stale. The event is nil, and the end never comes, where it did neither.
func (d *Drain) End() (from, to history.Stamp, by *history.Event) {
	switch {
	case d.Cancel != nil:
		return d.Cancel.Call, d.Cancel.Return, d.Cancel
	case d.Stale != nil:
		return d.Stale.from, d.Stale.to, d.Stale.cause
	}
	return never, never, nil
}

// until is the last instant at which it was certainly requested.
func (d *Drain) until() history.Stamp {
	from, _, _ := d.End()
	return from
}

// past is the first instant at which it certainly was no longer.
func (d *Drain) past() history.Stamp {
	_, to, _ := d.End()
	return to
}

// vanished says whether the drain ended without a cancel: somebody else took the
// marker away.
func (d *Drain) vanished() bool {
	return d.Cancel != nil && (d.Cancel.Marker.Op != history.OpCancel || !d.Cancel.Marker.Existed)
}

// drainAt returns the drain whose marker may have been there at some time in
// [from, to], the latest of them, or nil.
func (v *View) drainAt(from, to history.Stamp) *Drain {
	i := v.drainsBegun(to) - 1
	if i < 0 {
		return nil
	}
	if d := v.Drains[i]; d.past() >= from {
		return d
	}
	return nil
}

// drainsBegun is how many drains may have begun by then.
func (v *View) drainsBegun(at history.Stamp) int {
	lo, hi := 0, len(v.Drains)
	for lo < hi {
		mid := (lo + hi) / 2
		if v.Drains[mid].Begin.Call <= at {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// lastCancel is the last drain that was certainly over at the instant: cancelled,
// or stale.
func (v *View) lastCancel(at history.Stamp) *Drain {
	for i := v.drainsBegun(at) - 1; i >= 0; i-- {
		if d := v.Drains[i]; d.past() <= at {
			return d
		}
	}
	return nil
}

// Spell is the part of a drain that falls into one life, before it is told to
// shut down: an external drain as the gateway lives it.
type Spell struct {
	Drain   *Drain
	Life    *Life
	AtStart bool          // the marker was there before the life began
	From    history.Stamp // not requested, or not alive, before
	Due     history.Stamp // requested and launched for certain
	Until   history.Stamp // still requested and serving, for certain, up to here
	Acks    []*Read       // first reading that acknowledges the drain, per publication; nil: none
	Ack     *history.Event

	inFlight []*Turn // admitted before it was acknowledged, and not over when it began
}

// acked says whether the drain was acknowledged before the instant.
func (s *Spell) acked(at history.Stamp) bool { return s.Ack != nil && s.Ack.Return < at }

// indexSpells crosses drains with lives.
func (v *View) indexSpells() {
	first := 0
	for _, d := range v.Drains {
		for first < len(v.Lives)-1 && v.Lives[first].Over <= d.Begin.Call {
			first++
		}
		for _, l := range v.Lives[first:] {
			if l.From >= d.until() {
				break
			}
			s := &Spell{Drain: d, Life: l, From: max(d.Begin.Call, l.From), Due: d.Begin.Return, Until: min(d.until(), l.Serving)}
			if l.Start != nil {
				s.AtStart = d.Begin.Return < l.Start.Call
				s.Due = max(s.Due, l.Start.Return)
			}
			if s.Until <= s.From {
				continue
			}
			s.Acks = make([]*Read, len(v.Publications))
			for i, p := range v.Publications {
				ack := v.acknowledgement(s, p)
				s.Acks[i] = ack
				if ack != nil && (s.Ack == nil || ack.Event.Return < s.Ack.Return) {
					s.Ack = ack.Event
				}
			}
			v.Spells = append(v.Spells, s)
			s.meet()
		}
	}
}

// acknowledgement finds the first reading of the publication that is this
// drain's: not a leftover of the ones before, or of the life before.
func (v *View) acknowledgement(s *Spell, p *Publication) *Read {
	ours := false // what is read from here on can't be the last drain's any more
	if !s.AtStart {
		before := p.lastBefore(s.From)
		prev := v.lastCancel(s.Drain.Begin.Call)
		switch {
		case before == nil || before.Life != s.Life:
			ours = prev == nil || prev.past() <= s.Life.From
		case prev != nil && prev.Begin.Call < s.Life.From && prev.past() > before.Event.Call:
			// It was launched into the last drain, which it may not have published by then.
		default:
			ours = before.State.State != history.Draining
		}
	} else {
		ours = true // only fresh readings are looked at
	}
	for _, r := range p.Reads[p.touching(s.From):] {
		if r.Event.Call > s.Until {
			break
		}
		if r.Event.Return > s.Until || !r.Good || !r.Fresh || r.Life != s.Life {
			continue
		}
		if r.State.State != history.Draining {
			ours = true
			continue
		}
		if ours && !s.Drain.hurry.behind || v.ran(s.Due, r.Event.Call) > v.Bound {
			return r
		}
	}
	return nil
}
