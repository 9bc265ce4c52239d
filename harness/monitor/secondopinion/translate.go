package secondopinion

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/anishathalye/porcupine"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/monitor"
)

// translation makes porcupine's operations of a history.
type translation struct {
	view    *monitor.View
	turns   []facts
	freezes []interval // of the gateway, by the harness
	stalls  []interval // of the machine, longer than B
}

type interval struct{ from, to history.Stamp }

func translate(v *monitor.View) *translation {
	tr := &translation{view: v}
	for _, t := range v.Turns {
		tr.turns = append(tr.turns, tr.facts(t))
	}
	var frozen *history.Event
	for i := range v.Events {
		e := &v.Events[i]
		switch {
		case e.Kind == history.KindStall && e.Stall.Late > v.Bound:
			tr.stalls = append(tr.stalls, interval{e.Call, e.Return})
		case e.Kind != history.KindAction:
		case e.Action.Name == history.ActionFreeze && frozen == nil:
			frozen = e
		case frozen != nil && e.Action.Name != history.ActionReady && e.Action.Name != history.ActionFreeze:
			tr.freezes = append(tr.freezes, interval{frozen.Call, e.Return})
			frozen = nil
		}
	}
	if frozen != nil {
		tr.freezes = append(tr.freezes, interval{frozen.Call, never})
	}
	return tr
}

func (tr *translation) lifeAt(at history.Stamp) *monitor.Life {
	lives := tr.view.Lives
	i, found := slices.BinarySearchFunc(lives, at, func(l *monitor.Life, at history.Stamp) int { return cmp.Compare(l.From, at) })
	if !found {
		i--
	}
	return lives[max(i, 0)]
}

// script is a life as one publication shows it: an initial state and operations.
type script struct {
	life       *monitor.Life
	initial    state
	operations []porcupine.Operation
}

// add gives an operation its place. Porcupine's intervals are closed: those that
// touch are concurrent. The stamps of a history are twice as far apart here, so that
// an operation can be placed just after one.
func (s *script) add(call, ret int64, o *operation) {
	s.operations = append(s.operations, porcupine.Operation{Input: o, Call: call, Return: max(call, ret)})
}

func at(s history.Stamp) int64    { return 2 * int64(s) }
func after(s history.Stamp) int64 { return 2*int64(s) + 1 }

// life translates one life as one publication shows it, until it is told to end.
func (tr *translation) life(l *monitor.Life, p *monitor.Publication) *script {
	s := &script{life: l}
	s.initial.since = l.From
	for _, d := range tr.view.Drains {
		tr.drain(s, d, p)
	}
	for _, r := range p.Reads {
		if r.Life == l && r.Good && r.Fresh && r.Event.Return <= l.Serving {
			tr.read(s, r)
		}
	}
	for _, f := range tr.turns {
		tr.turn(s, f)
	}
	slices.SortStableFunc(s.operations, func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) })
	return s
}

func (tr *translation) drain(s *script, d *monitor.Drain, p *monitor.Publication) {
	l := s.life
	over, past, by := d.End()
	if d.Begin.Call >= l.Serving || past <= l.From {
		return
	}
	if d.Begin.Return <= l.From {
		s.initial.marker = true
	} else {
		there := d.Begin.Return
		if l.Start != nil {
			there = max(there, l.Start.Return)
		}
		s.add(after(max(d.Begin.Call, l.From)), at(d.Begin.Return), &operation{
			kind: begin, at: there, unread: tr.unread(l, d, p), what: history.Describe(*d.Begin),
		})
	}
	if by != nil && over < l.Serving {
		s.add(after(max(over, l.From)), at(past), &operation{kind: cancel, what: history.Describe(*by)})
	}
}

// unread says whether a drain ended earlier in this life, and nothing was read since
// the life began when the next one is requested.
func (tr *translation) unread(l *monitor.Life, d *monitor.Drain, p *monitor.Publication) bool {
	earlier := slices.ContainsFunc(tr.view.Drains, func(e *monitor.Drain) bool {
		_, past, _ := e.End()
		return past > l.From && past <= d.Begin.Call
	})
	return earlier && !slices.ContainsFunc(p.Reads, func(r *monitor.Read) bool {
		return r.Life == l && r.Good && r.Fresh && r.Event.Return <= d.Begin.Call
	})
}

func (tr *translation) read(s *script, r *monitor.Read) {
	e := r.Event
	o := &operation{
		kind: read, draining: r.State.State == history.Draining, count: r.State.Count, at: e.Call, what: history.Describe(*e),
		spontaneous: !slices.ContainsFunc(tr.view.Drains, func(d *monitor.Drain) bool {
			return d.Begin.Call <= e.Return && e.Call <= d.Begin.Return
		}),
	}
	grace := history.Stamp(tr.view.Grace)
	o.unbounded = touched(tr.freezes, e.Call-2*grace, e.Return) || touched(tr.stalls, e.Call-grace, e.Return)
	s.add(after(e.Call), at(e.Return), o)
}

func touched(list []interval, from, to history.Stamp) bool {
	return slices.ContainsFunc(list, func(i interval) bool { return i.from <= to && from <= i.to })
}

func (tr *translation) turn(s *script, f facts) {
	l := s.life
	settled := f.to.Add(tr.view.Grace)
	if f.from >= l.Serving || settled < l.From {
		return
	}
	name := "turn " + f.turn.ID
	mine := f.called != nil && f.life == l && f.called.Return <= l.Serving
	if !mine || f.turn.Outcome() == history.Refused {
		from := at(max(f.from, l.From))
		s.add(from, from, &operation{kind: refused, what: name + " is not known to be admitted in this life"})
	} else {
		from := max(f.from, l.From)
		owed := f.turn.Sent == nil || f.turn.Life != l
		s.add(at(from), at(f.called.Return), &operation{
			kind: admitted, owed: owed, fleeting: !f.held,
			what: fmt.Sprintf("%s, sent to %s, reaches the model", name, f.turn.Ingress),
		})
		if f.held && f.until < l.Serving {
			let := after(f.until)
			s.add(let, let, &operation{kind: finish, what: name + " may be over"})
		}
	}
	if f.to < never && settled < l.Serving {
		over := after(settled)
		s.add(over, over, &operation{kind: settle, at: f.from, what: fmt.Sprintf("%s was over %s ago", name, tr.view.Grace)})
	}
}
