package monitor

import (
	"github.com/drainproof/drainproof/harness/history"
)

// hurry says how far the gateway may lag behind the marker.
type hurry struct {
	begun  bool // the drain was begun before the gateway had followed the cancel before it
	ended  bool // and cancelled before it had followed the begin
	behind bool // at its begin the gateway may have been behind by more than that one cancel
}

// indexHurries finds the operations on the marker that came before the gateway can
// be shown to have followed the ones before them. What becomes of these is
// WATCH-005's; and what is read in the midst of them may be about any of them.
func (v *View) indexHurries() {
	for _, d := range v.Drains {
		if before := v.lastCancel(d.Begin.Call); before != nil && before.Cancel != nil {
			d.hurry.behind = before.hurry.ended && v.soon(d.Begin, before.Cancel)
			d.hurry.begun = d.hurry.behind || v.rapid(d.Begin, before.Cancel, history.Running)
		}
		if d.Cancel != nil {
			d.hurry.ended = d.hurry.begun && v.soon(d.Cancel, d.Begin) || v.rapid(d.Cancel, d.Begin, history.Draining)
		}
	}
}

// soon says whether an operation came within B of the one before it, in the same life.
func (v *View) soon(op, before *history.Event) bool {
	return v.lifeAt(before.Call) == v.lifeAt(op.Call) && v.ran(before.Return, op.Call) <= v.Bound
}

// rapid says whether an operation on the marker came before some publication had
// shown, in the same life, that the one before it was followed.
func (v *View) rapid(op, before *history.Event, wanted string) bool {
	if v.lifeAt(before.Call) != v.lifeAt(op.Call) {
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
