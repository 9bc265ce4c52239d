package secondopinion

import (
	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/monitor"
)

// cut divides a script where the gateway is known to be at rest: running is read
// with 0, and neither a marker nor a turn can be there. Whatever comes later has
// nothing to do with what came before.
func (tr *translation) cut(s *script, p *monitor.Publication) []*script {
	busy := tr.busy()
	var rests []history.Stamp
	for _, r := range p.Reads {
		if r.Life == s.life && r.Good && r.Fresh && r.Event.Return <= s.life.Serving &&
			r.State.State == history.Running && r.State.Count == 0 && !touched(busy, r.Event.Call, r.Event.Return) {
			rests = append(rests, r.Event.Return)
		}
	}
	part := &script{life: s.life, initial: s.initial}
	parts := []*script{part}
	rest := s.life.From // the last one before the part
	for _, o := range s.operations {
		for len(rests) > 0 && o.Call > at(rests[0]) {
			rest, rests = rests[0], rests[1:]
			if len(part.operations) > 0 {
				part = &script{life: s.life}
				parts = append(parts, part)
			} else {
				part.initial = state{}
			}
		}
		if in := o.Input.(*operation); in.kind == settle && rest > s.life.From && in.at <= rest {
			continue // of a turn that is known to be counted out
		}
		part.operations = append(part.operations, o)
	}
	return parts
}

// busy is when there may have been a marker, or a turn in flight.
func (tr *translation) busy() []interval {
	var all []interval
	for _, d := range tr.view.Drains {
		_, to, _ := d.End()
		all = append(all, interval{d.Begin.Call, to})
	}
	for _, f := range tr.turns {
		all = append(all, interval{f.from, f.to})
	}
	return all
}
