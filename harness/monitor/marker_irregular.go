package monitor

import (
	"fmt"

	"github.com/drainproof/drainproof/harness/history"
)

// judgeIrregular is MARKER-006: what is no regular file never hangs, crashes or
// blinds the gateway, and does not end a drain in effect. A gateway that has met
// one still follows ordinary markers and their removal. One that is hung is not
// told from one that is blind: both publish nothing new.
func judgeIrregular(v *View, r *ruling) {
	judgeHeeded(v, r)
	v.accuseFlaps(r, "what is no regular file does not end the drain in effect")
	for _, l := range v.Lives {
		if v.chargesDeath(l) == "MARKER-006" {
			r.arises()
			d := v.drainAt(l.Gone.Call, l.Gone.Return)
			e := v.killedBy(l, d)
			r.violation(l.Gone.Return, "no marker, whatever it is, ends the process",
				history.Describe(*l.Gone)+" after "+called(e)+" was laid, and nothing had told it to end", d.Begin, e, l.Gone)
		}
	}
	for i, s := range v.Spells {
		if s.Life.Odd == never {
			continue
		}
		for _, e := range append([]*history.Event{s.Drain.Begin}, s.Drain.Rewrites...) {
			if !unusual(e) && e.Call > s.Life.Odd {
				v.follows(r, s, e, history.Draining, s.nextVersion(e))
			}
		}
		cancel := s.Drain.Cancel
		if cancel == nil || cancel.Marker.Op == history.OpFound || cancel.Call <= s.Life.Odd || cancel.Call > s.Life.Serving {
			continue
		}
		until := s.Life.Serving
		if i+1 < len(v.Spells) {
			until = min(until, v.Spells[i+1].Drain.Begin.Call)
		}
		v.follows(r, s, cancel, history.Running, until)
	}
}

// follows wants the state published within the grace of its cause, by a gateway
// that has met a marker that is no regular file.
func (v *View) follows(r *ruling, s *Spell, cause *history.Event, state string, until history.Stamp) {
	arose := false
	for _, p := range v.Publications {
		before := p.lastBefore(cause.Call)
		if before == nil || before.Life != s.Life {
			continue
		}
		reached, late := settles(v, p, state, v.Grace, cause, cause.Call, until)
		arose = arose || reached != nil || late != nil
		if late != nil {
			r.violation(late.Event.Return,
				fmt.Sprintf("a gateway that has met what is no regular file in the marker's place goes on following the marker: %s publishes %s", p.Name, state),
				fmt.Sprintf("%s after this, %s still shows %s: %s", round(v.ran(cause.Return, late.Event.Call)), p.Name, late.State.State, history.Describe(*cause)),
				v.irregularBefore(s.Life), cause, late.Event, event(reached))
		}
	}
	if arose {
		r.arises()
	}
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

// irregularBefore is the first marker of the life that is no regular file.
func (v *View) irregularBefore(l *Life) *history.Event {
	for _, s := range v.spellsOf(l) {
		for _, e := range append([]*history.Event{s.Drain.Begin}, s.Drain.Rewrites...) {
			if irregular(e) {
				return e
			}
		}
	}
	return nil
}

// killedBy is the marker out of the ordinary a life ended on: the last that was
// laid, when the drain was not acknowledged since it was, or the death came within
// the grace of its being laid over another. A gateway that read it, published
// draining and ended then was ended by being drained.
func (v *View) killedBy(l *Life, d *Drain) *history.Event {
	e := d.versionBefore(l.Gone.Return)
	if !unusual(e) {
		return nil
	}
	for _, s := range v.spellsOf(l) {
		if s.Drain != d {
			continue
		}
		if e != d.Begin && v.ran(e.Return, l.Gone.Call) <= v.Grace || e == d.Begin && s.Ack == nil {
			return e
		}
		return nil
	}
	return e // it fell before it could be given a spell
}
