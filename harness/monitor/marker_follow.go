package monitor

import (
	"fmt"

	"github.com/drainproof/drainproof/harness/history"
)

// Whether a gateway that has met a marker out of the ordinary goes on following
// ordinary ones: after what is no regular file that is MARKER-006, after any other
// it is WATCH-004. It is never the odd marker itself that is judged here, but what
// takes its place, what comes after it, and its removal.

// judgeOutlived is WATCH-004: the watch outlives every look that failed, or whose
// result could not be understood.
func judgeOutlived(v *View, r *ruling) {
	v.judgeFollowing(r, "has met a marker out of the ordinary, which is mended or gone,",
		func(l *Life, at history.Stamp) bool { return at > l.Met && at <= l.Odd }, unusual)
}

// judgeFollowing wants ordinary markers and cancels to be followed from where
// since says so; odd tells the markers that did what met says of the gateway.
func (v *View) judgeFollowing(r *ruling, met string, since func(*Life, history.Stamp) bool, odd func(*history.Event) bool) {
	for i, s := range v.Spells {
		follows := func(cause *history.Event, state string, until history.Stamp) {
			if since(s.Life, cause.Call) {
				v.follows(r, s, met, v.firstOdd(s.Life, odd), cause, state, until)
			}
		}
		for _, e := range s.Drain.versions() {
			if !unusual(e) {
				follows(e, history.Draining, s.nextVersion(e))
			}
		}
		cancel := s.Drain.Cancel
		if cancel == nil || s.Drain.vanished() || cancel.Call > s.Life.Serving {
			continue // the gateway's own doing is no cancel: MARKER-008
		}
		until := s.Life.Serving
		if i+1 < len(v.Spells) {
			until = min(until, v.Spells[i+1].Drain.Begin.Call)
		}
		follows(cancel, history.Running, until)
	}
}

// follows wants the state published within the grace of its cause. Where it is
// published already nothing follows from that: what takes it away is a flap.
func (v *View) follows(r *ruling, s *Spell, met string, odd, cause *history.Event, state string, until history.Stamp) {
	arose := false
	for _, p := range v.Publications {
		before := p.lastBefore(cause.Call)
		if before == nil || before.Life != s.Life || before.State.State == state {
			continue
		}
		reached, late := settles(v, p, state, v.Grace, cause, cause.Call, until)
		arose = arose || reached != nil || late != nil
		if late != nil {
			r.violation(late.Event.Return,
				fmt.Sprintf("a gateway that %s goes on following the marker: %s publishes %s", met, p.Name, state),
				fmt.Sprintf("%s after this, %s still shows %s: %s", round(v.ran(cause.Return, late.Event.Call)), p.Name, late.State.State, history.Describe(*cause)),
				odd, cause, late.Event, event(reached))
		}
	}
	if arose {
		r.arises()
	}
}

// versions are the marker as it was laid first, and each time it was laid over.
func (d *Drain) versions() []*history.Event {
	return append([]*history.Event{d.Begin}, d.Rewrites...)
}

// nextVersion is how long the version of the marker was in place.
func (s *Spell) nextVersion(e *history.Event) history.Stamp {
	for _, next := range s.Drain.Rewrites {
		if next.Call > e.Call {
			return min(s.Until, next.Call)
		}
	}
	return s.Until
}

// firstOdd is the first of the odd markers that the life met.
func (v *View) firstOdd(l *Life, odd func(*history.Event) bool) *history.Event {
	for _, s := range v.spellsOf(l) {
		for _, e := range s.Drain.versions() {
			if odd(e) {
				return e
			}
		}
	}
	return nil
}
