package monitor

import (
	"slices"

	"github.com/drainproof/drainproof/harness/history"
)

// replay follows the marker through a history. An operation that failed tells
// nothing.
type replay struct {
	v     *View
	lying *history.Event // the marker as it was laid last; nil: there is none
	open  *Drain         // what it requests, or
	stale *staleMarker   // that it requests nothing
}

func (v *View) indexDrains() {
	p := &replay{v: v}
	for i := range v.Events {
		e := &v.Events[i]
		p.age(e.Call)
		switch {
		case e.Kind == history.KindMarker && e.Marker.Error == "":
			p.moved(e)
		case e.Kind == history.KindAction && e.Action.Name == history.ActionRecreate && e.Action.Error == "":
			p.recreated(e)
		}
	}
	p.age(v.horizon)
}

func (p *replay) moved(e *history.Event) {
	switch m := e.Marker; m.Op {
	case history.OpBegin, history.OpRewrite:
		p.laid(e)
		if !m.Present { // gone before it was written to its end
			p.v.found = append(p.v.found, e)
			p.gone(e)
		}
	case history.OpCancel:
		if p.lying == nil {
			p.v.idle = append(p.v.idle, e)
			return
		}
		if !m.Existed {
			p.v.found = append(p.v.found, e) // somebody had removed it before
		}
		p.gone(e)
	case history.OpDecoy:
		p.v.indexDecoy(e)
	case history.OpFound:
		switch {
		case m.Present && p.lying == nil:
			p.laid(e)
		case m.Present:
			p.v.found = append(p.v.found, e)
			if p.open != nil { // whether a stale one now says something else is not known
				p.laid(e)
			}
		case p.lying != nil:
			p.v.found = append(p.v.found, e)
			p.gone(e)
		}
	}
}

// laid has the marker lie there anew, whatever was there before.
func (p *replay) laid(e *history.Event) {
	p.lying = e
	if e.Marker.Drains == history.MustNot {
		p.expire(&staleMarker{owner: e.Marker.Tests, laid: e, cause: e, from: e.Call, to: e.Return})
		return
	}
	p.end(e)
	if p.open != nil {
		p.open.Rewrites = append(p.open.Rewrites, e)
		return
	}
	p.open = &Drain{Begin: e}
	p.v.Drains = append(p.v.Drains, p.open)
}

func (p *replay) gone(e *history.Event) {
	p.end(e)
	if p.open != nil {
		p.open.Cancel = e
	}
	p.lying, p.open = nil, nil
}

// end ends what is stale: another marker is laid, or there is none any more.
func (p *replay) end(e *history.Event) {
	if p.stale != nil {
		p.stale.end = e
	}
	p.stale = nil
}

// expire has the marker that lies there request nothing from now on.
func (p *replay) expire(s *staleMarker) {
	p.end(s.cause)
	if p.open != nil {
		p.open.Stale, s.drain = s, p.open
	}
	p.open, p.stale = nil, s
	p.v.stale = append(p.v.stale, s)
}

// age has the marker grow stale, should it be too old at the instant (EXPIRY-001).
func (p *replay) age(at history.Stamp) {
	maxAge := p.v.Header.MaxAge
	if p.open == nil || maxAge == 0 || p.lying.Marker.Age == 0 {
		return
	}
	holds := maxAge - p.lying.Marker.Age
	from := max(p.lying.Call.Add(holds-Coarseness), p.lying.Return)
	if from < at {
		p.expire(&staleMarker{owner: "EXPIRY-001", laid: p.lying, cause: p.lying, from: from, to: p.lying.Return.Add(holds)})
	}
}

// recreated ends what was requested of the instantiation before (EPOCH-004). The
// process runtime has no instantiations.
func (p *replay) recreated(e *history.Event) {
	if p.open == nil || p.lying.Marker.Epoch == "" || !p.v.declares("epoch") || p.v.Header.Runtime == "process" {
		return
	}
	p.expire(&staleMarker{owner: "EPOCH-004", laid: p.lying, cause: e, from: e.Call, to: e.Return})
}

// declares says whether the target declares a feature.
func (v *View) declares(feature string) bool {
	return slices.Contains(v.Header.Features, feature)
}
