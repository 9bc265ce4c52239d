package monitor

import (
	"fmt"

	"github.com/drainproof/drainproof/harness/history"
)

// judgeSettled is WATCH-005: after a hurry of begins and cancels the gateway comes
// to rest, within B of the last of them, on what the marker then says. What the
// operations before it made of the publications does not matter.
func judgeSettled(v *View, r *ruling) {
	for i, s := range v.Spells {
		if s.AtStart {
			continue // WATCH-003 and RESTART judge what is there at start
		}
		if !plain(s.Drain.Begin) || s.Life.Met <= s.Drain.Begin.Call {
			continue // MARKER and WATCH-004 judge these, and what comes after them
		}
		hurry, cancel := s.Drain.hurry, s.Drain.Cancel
		if hurry.begun {
			v.settled(r, rest{last: s.Drain.Begin, until: s.Until, wanted: history.Draining, lost: !hurry.behind}, func(p *Publication) bool {
				before := p.lastBefore(s.Drain.Begin.Call)
				return i > 0 && before != nil && leftByFlap(p, v.Spells[i-1], s, before)
			})
		}
		if cancel != nil && !s.Drain.vanished() && cancel.Call <= s.Life.Serving && (hurry.begun || hurry.ended) {
			until := min(s.Life.Serving, v.nextBegin(cancel.Return))
			v.settled(r, rest{last: cancel, until: until, wanted: history.Running, lost: !hurry.ended}, func(*Publication) bool { return false })
		}
	}
}

// rest is what a gateway must come to rest on after a hurry.
type rest struct {
	last   *history.Event // operation of the hurry
	until  history.Stamp  // the next one, or the end of the life
	wanted string         // state
	lost   bool           // what was followed and is lost again is charged as a flap
}

// settled judges the readings that were begun more than B after the last operation
// and before the next: the miss lasts until the first that is as it must be.
func (v *View) settled(r *ruling, to rest, excused func(*Publication) bool) {
	for _, p := range v.Publications {
		if excused(p) {
			continue
		}
		arose, followed, late := false, false, (*Read)(nil)
		for read := range p.within(to.last.Return, to.until) {
			right := read.State.State == to.wanted
			followed = followed || right
			if v.ran(to.last.Return, read.Event.Call) <= v.Bound {
				continue
			}
			arose = true
			if right || followed && to.lost {
				break
			}
			late = read
		}
		if !arose {
			continue
		}
		r.arises()
		if late == nil {
			r.clean()
			continue
		}
		took := v.ran(to.last.Return, late.Event.Call)
		r.miss(v, to.last.Call, late.Event.Return, took-v.Bound,
			fmt.Sprintf("%s settles on %s within %s of the last of several quick operations on the marker", p.Name, to.wanted, v.Bound),
			fmt.Sprintf("%s after it, %s shows %s", round(took), p.Name, late.State.State), to.last, late.Event)
	}
}
