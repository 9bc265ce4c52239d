package conformance

import (
	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/monitor"
	"github.com/drainproof/drainproof/harness/report"
	"github.com/drainproof/drainproof/harness/verdict"
)

// Seen is what one history shows that no check was the reason for.
type Seen struct {
	Failed   []report.Requirement // that the gateway must meet, and did not
	Arose    map[string]int       // how often the situation of each requirement arose
	Samples  []monitor.Sample
	Receipts []string // faults that a wrong gateway owned up to
}

// JudgeSeen has every monitor judge a history that is bound to no requirement, and says
// what was broken in it: of what the target declares, and no SHOULD. What was broken only
// because something else was is left to that.
func JudgeSeen(name string, events []history.Event) (Seen, error) {
	h, err := verdict.Judge(name, events)
	if err != nil {
		return Seen{}, err
	}
	j := judged{
		Result: rollAlone(h, events[0].Header), histories: []verdict.History{h}, events: map[string][]history.Event{name: events},
	}
	seen := Seen{Arose: map[string]int{}, Receipts: h.Receipts}
	for _, f := range j.Findings {
		if f.Verdict == verdict.Fail {
			seen.Failed = append(seen.Failed, j.requirement(f))
		}
	}
	for _, one := range h.Judgements {
		if one.Arose > 0 {
			seen.Arose[one.Requirement] += one.Arose
		}
		seen.Samples = append(seen.Samples, one.Samples...)
	}
	return seen, nil
}
