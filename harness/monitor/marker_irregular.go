package monitor

import (
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
	v.judgeFollowing(r, "has met what is no regular file in the marker's place",
		func(l *Life, at history.Stamp) bool { return at > l.Odd }, irregular)
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
