package monitor

import (
	"fmt"

	"github.com/drainproof/drainproof/harness/history"
)

func hostileMonitors() []Monitor {
	monitors := []Monitor{
		rule("MARKER-001", "presence-drains", judgePresence),
		rule("MARKER-002", "own-home-only", judgeOwnHome),
		rule("MARKER-006", "irregular-marker-harmless", judgeIrregular),
		rule("MARKER-010", "failed-read-keeps-drain", judgeFailedRead),
	}
	for id, name := range map[string]string{
		"MARKER-003": "invalid-json-drains", "MARKER-004": "damaged-content-drains", "MARKER-005": "unreadable-drains",
		"MARKER-007": "unknown-fields-ignored", "MARKER-009": "every-way-seen",
	} {
		monitors = append(monitors, rule(id, name, func(v *View, r *ruling) {
			judgeHeeded(v, r)
			v.accuseFlaps(r, "a marker laid over another keeps the drain in effect")
		}))
	}
	return monitors
}

// judgeHeeded is MARKER-003, 004, 005, 007 and 009, and MARKER-001 for what a
// marker contains: laid where there was none, the marker is published as draining;
// laid over another, it keeps the drain in effect (see findFlaps). Only a gateway
// that is known to be listening is judged: one that did not answer the drain before
// is charged for that one.
func judgeHeeded(v *View, r *ruling) {
	for i, s := range v.Spells {
		begin := s.Drain.Begin
		if s.AtStart || owner(begin) != r.Requirement || !v.listening(i) {
			continue
		}
		level := begin.Marker.Drains
		if !unusual(begin) {
			level = history.Must
		}
		if level == history.May {
			continue
		}
		arose := false
		for _, p := range v.Publications {
			before := p.lastBefore(begin.Call)
			if before == nil || before.Life != s.Life || before.State.State != history.Running {
				continue
			}
			draining, late := settles(v, p, history.Draining, v.Grace, begin, s.From, s.firstVersionUntil())
			arose = arose || draining != nil || late != nil
			if late != nil {
				r.breaks(level, late.Event.Return,
					fmt.Sprintf("%s publishes draining for %s", p.Name, called(begin)),
					fmt.Sprintf("%s after it was laid, %s still shows %s%s", round(v.ran(begin.Return, late.Event.Call)), p.Name, late.State.State, finally(v, draining, begin)),
					begin, late.Event, event(draining))
			}
		}
		if arose {
			r.arises()
		}
	}
	for _, s := range v.Spells {
		for _, e := range s.Drain.Rewrites {
			if unusual(e) && keeper(e) == r.Requirement && s.kept(v, e) {
				r.arises()
			}
		}
	}
}

// listening says whether the gateway answered the drain before the spell i, if that one
// was in the same life and asked for an answer. For one that the target's own command
// began nobody is charged (owner), so the one before that counts.
func (v *View) listening(i int) bool {
	s := v.Spells[i]
	for i--; i >= 0 && v.Spells[i].Life == s.Life; i-- {
		before := v.Spells[i]
		switch begin := before.Drain.Begin; {
		case before.Ack != nil, unusual(begin) && begin.Marker.Drains == history.May:
			return true
		case begin.Marker.How != "command":
			return false
		}
	}
	return true
}

// firstVersionUntil is how long the marker the drain began with was in place.
func (s *Spell) firstVersionUntil() history.Stamp {
	if len(s.Drain.Rewrites) == 0 {
		return s.Until
	}
	return min(s.Until, s.Drain.Rewrites[0].Call)
}

// kept says whether the marker was laid over another in an acknowledged drain, was
// in place for half of B, which is a cadence, and the gateway was seen B later, with
// it or after it.
func (s *Spell) kept(v *View, e *history.Event) bool {
	return s.acked(e.Call) && v.ran(e.Return, s.nextVersion(e)) >= v.Bound/2 && v.readLater(s, e.Return.Add(v.Bound), s.Until)
}

// called names a marker for people.
func called(e *history.Event) string {
	switch {
	case e.Marker.Case != "":
		return "the marker " + e.Marker.Case
	case !plain(e):
		return "a marker made by " + e.Marker.How
	}
	return "an ordinary marker"
}

// judgeOwnHome is MARKER-002: a marker that lies anywhere but in the gateway's own
// home is nothing to it.
func judgeOwnHome(v *View, r *ruling) {
	for _, d := range v.decoys {
		l := v.lifeAt(d.laid.Call)
		until := min(l.Serving, v.nextBegin(d.laid.Call))
		if d.removed != nil {
			until = min(until, d.removed.Call)
		}
		for _, p := range v.Publications {
			before := p.lastBefore(d.laid.Call)
			if before == nil || before.Life != l || before.State.State != history.Running || v.drainAt(d.laid.Call, d.laid.Return) != nil {
				continue
			}
			if after := p.lastBefore(until); after != nil && v.ran(d.laid.Return, after.Event.Call) > v.Bound {
				r.arises()
			}
			for read := range p.within(d.laid.Call, until) {
				if read.State.State == history.Draining {
					r.violation(read.Event.Return, "a marker outside the gateway's own home is nothing to it",
						fmt.Sprintf("%s shows draining %s after one was laid in the %s", p.Name, round(v.ran(d.laid.Return, read.Event.Call)), d.laid.Marker.How),
						before.Event, d.laid, read.Event)
					break
				}
			}
		}
	}
}

// judgeFailedRead is MARKER-010: a look that fails never ends a drain in effect.
func judgeFailedRead(v *View, r *ruling) {
	judgeHeeded(v, r) // no marker begins its drain; this counts those that were laid over one
	v.accuseFlaps(r, "a look at the marker that fails does not end the drain in effect")
}
