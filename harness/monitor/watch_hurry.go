package monitor

import (
	"github.com/drainproof/drainproof/harness/history"
)

// hurry says how far the gateway may lag behind the marker.
type hurry struct {
	begun  bool           // the drain was begun before the gateway had followed the cancel before it
	ended  bool           // and cancelled before it had followed the begin
	behind bool           // at its begin the gateway may have been behind by more than that one cancel
	lag    *history.Event // the last operation, so far, that came before the one before it was followed
}

// indexHurries finds the operations on the marker that came before the gateway can
// be shown to have followed the ones before them. What becomes of these is
// WATCH-005's; and what is read in the midst of them may be about any of them, until
// B after the last: by then the gateway has caught up.
func (v *View) indexHurries() {
	for _, d := range v.Drains {
		h := &d.hurry
		if before := v.lastCancel(d.Begin.Call); before != nil {
			h.lag = before.hurry.lag
			h.behind = h.lag != nil && v.soon(d.Begin, h.lag)
			unseen := before.Cancel != nil && v.rapid(d.Begin, before.Cancel, history.Running)
			if h.begun = h.behind || unseen; unseen {
				h.lag = d.Begin
			}
		}
		if d.Cancel != nil {
			unseen := v.rapid(d.Cancel, d.Begin, history.Draining)
			if h.ended = unseen || h.lag != nil && v.soon(d.Cancel, h.lag); unseen {
				h.lag = d.Cancel
			}
		}
	}
}

// soon says whether an operation came within B of an earlier one, in the same life.
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
		if !v.shownBetween(p, before.Call, op.Call, wanted) {
			return true
		}
	}
	return false
}

// shownBetween says whether a reading that was over by to shows a state that was
// published after from. One that was under way at from shows it too, where the one
// before it still showed another, or where there was nothing yet for it to be left
// over from: on a slow endpoint there may be no later one.
func (v *View) shownBetween(p *Publication, from, to history.Stamp, state string) bool {
	for _, read := range p.Reads[p.touching(from):] {
		if read.Event.Call > to {
			return false
		}
		if read.Event.Return > to || !read.Good || !read.Fresh || read.State.State != state {
			continue
		}
		if read.Event.Call >= from || v.changed(p, read, from) {
			return true
		}
	}
	return false
}

// changed says whether a reading that was under way at the instant cannot show what
// was published before it.
func (v *View) changed(p *Publication, read *Read, at history.Stamp) bool {
	if earlier := p.lastBefore(read.Event.Call); earlier != nil && earlier.Life == read.Life {
		return earlier.State.State != read.State.State
	}
	last := v.lastCancel(at)
	return read.State.State == history.Draining && (last == nil || last.past() <= read.Life.From)
}
