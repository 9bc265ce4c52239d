package monitor

import (
	"github.com/drainproof/drainproof/harness/history"
)

func loadMonitors() []Monitor {
	return []Monitor{rule("WATCH-006", "published-under-load", judgeUnderLoad)}
}

// load is a stretch in which the harness kept the gateway and its machine busy.
type load struct {
	on, off *history.Event // off is nil: to the end
}

func (v *View) indexLoads() {
	var open *load
	for i := range v.Events {
		e := &v.Events[i]
		if e.Kind != history.KindAction || e.Action.Error != "" {
			continue
		}
		switch e.Action.Name {
		case history.ActionLoad:
			if open == nil && e.Action.Load != nil {
				open = &load{on: e}
				v.loads = append(v.loads, open)
			}
		case history.ActionUnload:
			if open != nil {
				open.off, open = e, nil
			}
		}
	}
}

// judgeUnderLoad is WATCH-006: B holds under load as well, in both directions. A
// change of the marker counts when as many turns were in flight as the load is to
// have; a gateway that loses turns is charged for those.
func judgeUnderLoad(v *View, r *ruling) {
	if len(v.loads) == 0 {
		return
	}
	begins, cancels := &ruling{Judgement: r.Judgement}, &ruling{Judgement: r.Judgement}
	v.judgeBegins(begins, v.fullLoads())
	v.judgeCancels(cancels, v.fullLoads())
	r.Arose = min(begins.Arose, cancels.Arose)
	for _, part := range []*ruling{begins, cancels} {
		r.Violations = append(r.Violations, part.Violations...)
		r.Noisy = append(r.Noisy, part.Noisy...)
		r.Samples = append(r.Samples, part.Samples...)
		if r.pending == "" {
			r.pending = part.pending
		}
	}
}

// fullLoads returns a function that says whether a change of the marker belongs to
// WATCH-006: under a load for certain, and with the turns in flight that it is to
// have. It is asked in the order of time.
func (v *View) fullLoads() func(*history.Event) bool {
	turns := newCounter(v.flights.whole)
	return func(cause *history.Event) bool {
		l := v.loadOver(cause)
		return l != nil && turns.throughout(cause.Call, cause.Return) >= l.on.Action.Load.Turns
	}
}

// loadOver is the load that was in place for certain when the marker was changed, or nil.
func (v *View) loadOver(cause *history.Event) *load {
	for _, l := range v.loads {
		if l.on.Return <= cause.Call && (l.off == nil || cause.Return <= l.off.Call) {
			return l
		}
	}
	return nil
}

// loadOn is what put that load in place, as evidence, or nil.
func (v *View) loadOn(cause *history.Event) *history.Event {
	if l := v.loadOver(cause); l != nil {
		return l.on
	}
	return nil
}

// unloaded says whether no load can have had a part in what became of a change of
// the marker within B.
func (v *View) unloaded(cause *history.Event) bool {
	for _, l := range v.loads {
		if l.on.Call <= cause.Return.Add(v.Bound) && (l.off == nil || l.off.Return >= cause.Call) {
			return false
		}
	}
	return true
}
