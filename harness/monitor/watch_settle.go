package monitor

import (
	"fmt"

	"github.com/drainproof/drainproof/harness/history"
)

// rapid says whether an operation on the marker came so soon after the one before
// it, in the same life, that the gateway cannot be shown to have followed that one:
// no publication had come to show it. What becomes of such a hurry is WATCH-005's.
func (v *View) rapid(op, before *history.Event, wanted string) bool {
	if before == nil || v.lifeAt(before.Call) != v.lifeAt(op.Call) {
		return false
	}
	for _, p := range v.Publications {
		followed := false
		for read := range p.within(before.Call, op.Call) {
			followed = followed || read.State.State == wanted
		}
		if !followed {
			return true
		}
	}
	return false
}

// hurried says whether the drain was begun before the gateway had followed the
// cancel of the one before it.
func (v *View) hurried(d *Drain) bool {
	before := v.lastCancel(d.Begin.Call)
	return before != nil && v.rapid(d.Begin, before.Cancel, history.Running)
}

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
		hurried, cancel := v.hurried(s.Drain), s.Drain.Cancel
		if hurried {
			v.settled(r, s.Drain.Begin, s.Until, history.Draining, func(p *Publication) bool {
				before := p.lastBefore(s.Drain.Begin.Call)
				return i > 0 && before != nil && leftByFlap(p, v.Spells[i-1], s, before)
			})
		}
		if cancel != nil && cancel.Call <= s.Life.Serving && (hurried || v.rapid(cancel, s.Drain.Begin, history.Draining)) {
			v.settled(r, cancel, min(s.Life.Serving, v.nextBegin(cancel.Return)), history.Running, func(*Publication) bool { return false })
		}
	}
}

// settled judges the first reading that was begun more than B after the last
// operation and before the next.
func (v *View) settled(r *ruling, last *history.Event, until history.Stamp, wanted string, excused func(*Publication) bool) {
	for _, p := range v.Publications {
		if excused(p) {
			continue
		}
		arose, followed := false, false
		for read := range p.within(last.Return, until) {
			followed = followed || read.State.State == wanted
			margin := v.ran(last.Return, read.Event.Call) - v.Bound
			if margin <= 0 {
				continue
			}
			arose = true
			if followed {
				r.clean()
				break // what was followed and is lost again is a flap, and charged as one
			}
			r.miss(v, last.Call, read.Event.Return, margin,
				fmt.Sprintf("%s settles on %s within %s of the last of several quick operations on the marker", p.Name, wanted, v.Bound),
				fmt.Sprintf("%s after it, %s shows %s", round(margin+v.Bound), p.Name, read.State.State), last, read.Event)
			break
		}
		if arose {
			r.arises()
		}
	}
}
