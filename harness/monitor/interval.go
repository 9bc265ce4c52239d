package monitor

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/drainproof/drainproof/harness/history"
)

// span is a stretch of time, with the length of all spans before it.
type span struct {
	from, to history.Stamp
	before   time.Duration
}

// noise is a stretch in which the machine, or the harness by freezing the
// gateway, was late by so much. upTo is the latest end of it and all before it.
type noise struct {
	from, to history.Stamp
	late     time.Duration
	upTo     history.Stamp
	event    *history.Event
}

func (v *View) indexNoise() {
	var frozen *history.Event
	for i := range v.Events {
		e := &v.Events[i]
		switch {
		case e.Kind == history.KindStall:
			v.noises = append(v.noises, noise{from: e.Call, to: e.Return, late: e.Stall.Late, event: e})
			v.held = append(v.held, span{from: e.Call, to: e.Return}) // what holds the probe may hold the gateway
		case e.Kind == history.KindAction && e.Action.Name == history.ActionFreeze && frozen == nil:
			frozen = e
		case e.Kind == history.KindAction && e.Action.Name == history.ActionThaw && frozen != nil:
			v.freeze(frozen, e.Return)
			frozen = nil
		case e.Kind == history.KindAction && frozen != nil && (e.Action.Name == history.ActionRespawn || e.Action.Name == history.ActionRecreate || e.Action.Name == history.ActionStart):
			v.freeze(frozen, e.Return) // a new process is not frozen
			frozen = nil
		}
	}
	if frozen != nil {
		v.freeze(frozen, v.horizon)
	}
	v.freezes = joined(v.freezes)
	v.held = joined(append(v.held, v.freezes...))
	slices.SortStableFunc(v.noises, func(a, b noise) int { return cmp.Compare(a.from, b.from) })
	upTo := dawn
	for i := range v.noises {
		upTo = max(upTo, v.noises[i].to)
		v.noises[i].upTo = upTo
	}
}

func (v *View) freeze(e *history.Event, to history.Stamp) {
	if to <= e.Call {
		return
	}
	v.freezes = append(v.freezes, span{from: e.Call, to: to})
	v.noises = append(v.noises, noise{from: e.Call, to: to, late: to.Sub(e.Call), event: e})
}

// joined puts spans in order, with those that overlap made one.
func joined(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.from, b.from) })
	var out []span
	for _, s := range spans {
		if n := len(out); n > 0 {
			last := &out[n-1]
			if s.from <= last.to {
				last.to = max(last.to, s.to)
				continue
			}
			s.before = last.before + last.to.Sub(last.from)
		}
		out = append(out, s)
	}
	return out
}

// lengthBefore is for how long the spans lasted before at.
func lengthBefore(spans []span, at history.Stamp) time.Duration {
	i, _ := slices.BinarySearchFunc(spans, at, func(s span, at history.Stamp) int { return cmp.Compare(s.from, at) })
	if i == 0 {
		return 0
	}
	s := spans[i-1]
	return s.before + min(at, s.to).Sub(s.from)
}

// ran is how long the gateway could run between two instants: the time between
// them less the time in which it may have been frozen. Negative when reversed.
func (v *View) ran(from, to history.Stamp) time.Duration {
	return to.Sub(from) - (lengthBefore(v.freezes, to) - lengthBefore(v.freezes, from))
}

// waited is the same less the time in which the machine gave the gateway, or the probe,
// neither processor nor disk. Rules that allow the grace go by it; what is measured against B is
// measured as it was, and has no verdict where the machine was noisy.
func (v *View) waited(from, to history.Stamp) time.Duration {
	return to.Sub(from) - (lengthBefore(v.held, to) - lengthBefore(v.held, from))
}

// Withheld is the time in which the machine gave the gateway, or the probe, neither processor
// nor disk: that of all stalls of a history, where they overlap counted once.
func Withheld(stalls []history.Event) time.Duration {
	spans := make([]span, 0, len(stalls))
	for _, e := range stalls {
		spans = append(spans, span{from: e.Call, to: e.Return})
	}
	return lengthBefore(joined(spans), math.MaxInt64)
}

// frozen says whether the gateway may have been frozen at some time in between.
func (v *View) frozen(from, to history.Stamp) bool { return v.ran(from, to) != to.Sub(from) }

// noisiest returns the worst stall or freeze that touches [from, to], and the
// event that tells of it.
func (v *View) noisiest(from, to history.Stamp) (time.Duration, *history.Event) {
	var worst time.Duration
	var event *history.Event
	i, _ := slices.BinarySearchFunc(v.noises, from, func(n noise, at history.Stamp) int { return cmp.Compare(n.upTo, at) })
	for ; i < len(v.noises) && v.noises[i].from <= to; i++ {
		if n := v.noises[i]; n.to >= from && n.late > worst {
			worst, event = n.late, n.event
		}
	}
	return worst, event
}

// noisy says whether a miss that was proven by margin, in the window, may be the
// machine's fault: some stall in it is longer than a tenth of the margin.
func (v *View) noisy(from, to history.Stamp, margin time.Duration) bool {
	worst, _ := v.noisiest(from, to)
	return worst > margin/10
}
