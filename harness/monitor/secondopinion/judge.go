package secondopinion

import (
	"fmt"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/drainproof/drainproof/harness/monitor"
)

// Opinion is what porcupine says of a history.
type Opinion struct {
	Result     porcupine.CheckResult // Illegal as soon as one segment is; Unknown when none is, and one ran out of time
	Segments   int
	Operations int
	Why        string // what could not be explained, or decided
}

// Judge asks porcupine about every life, as every publication shows it, giving it
// so much time for each segment.
func Judge(v *monitor.View, limit time.Duration) Opinion {
	opinion := Opinion{Result: porcupine.Ok}
	tr := translate(v)
	for _, l := range v.Lives {
		for _, p := range v.Publications {
			for _, part := range tr.cut(tr.life(l, p), p) {
				opinion.Segments++
				opinion.Operations += len(part.operations)
				opinion.add(part, v.Bound, limit, p)
			}
		}
	}
	return opinion
}

func (o *Opinion) add(part *script, bound, limit time.Duration, p *monitor.Publication) {
	if o.Result == porcupine.Illegal {
		return
	}
	part.lineUp()
	m := model(part.initial, bound)
	result := porcupine.CheckOperationsTimeout(m, part.operations, limit)
	where := fmt.Sprintf("life %d, as %s shows it", part.life.Index, p.Name)
	switch result {
	case porcupine.Illegal:
		o.Result, o.Why = result, where+": "+explain(m, part.operations, limit)
	case porcupine.Unknown:
		o.Result, o.Why = result, fmt.Sprintf("%s: %d operations were not decided within %s", where, len(part.operations), limit)
	}
}

// explain tells how far a segment can be explained, and what comes next.
func explain(m porcupine.Model, operations []porcupine.Operation, limit time.Duration) string {
	_, info := porcupine.CheckOperationsVerbose(m, operations, limit)
	var longest []int
	for _, partial := range info.PartialLinearizations() {
		for _, ids := range partial {
			if len(ids) > len(longest) {
				longest = ids
			}
		}
	}
	s := m.Init()
	for _, id := range longest {
		_, s = m.Step(s, operations[id].Input, nil)
	}
	// What is over first, of what is left, could not be placed.
	var stuck *porcupine.Operation
	for id := range operations {
		if !slices.Contains(longest, id) && (stuck == nil || operations[id].Return < stuck.Return) {
			stuck = &operations[id]
		}
	}
	if stuck == nil {
		return "no order of its operations explains it"
	}
	return fmt.Sprintf("after %d of %d operations the model is in %s, and nothing explains this: %s",
		len(longest), len(operations), m.DescribeState(s), stuck.Input.(*operation).what)
}
