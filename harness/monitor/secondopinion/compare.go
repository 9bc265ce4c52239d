package secondopinion

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/monitor"
)

// explains are the requirements whose breach can make a history illegal: a late
// admission or a wrong count, whoever is charged with it.
func explains() []string {
	return strings.Fields(`
		GATE-001 GATE-003 GATE-006 GATE-009 GATE-010 WATCH-003 SCHEDULED-001 EPOCH-003 CONTROL-007
		COUNT-001 COUNT-002 COUNT-003 COUNT-004 COUNT-005 COUNT-006 COUNT-007 SCHEDULED-002 STATE-009
	`)
}

// Comparison is a history judged by both.
type Comparison struct {
	Opinion
	Accused      []string // requirements the monitors find broken
	Disagreement string   // empty where they agree, or where porcupine came to no end
}

// Compare has both judge a history, porcupine with so much time for each segment.
// It fails when the events are no history.
func Compare(events []history.Event, limit time.Duration) (Comparison, error) {
	v, err := monitor.NewView(events)
	if err != nil {
		return Comparison{}, err
	}
	c := Comparison{Opinion: Judge(v, limit)}
	explained := false
	var covered *monitor.Violation
	for _, j := range monitor.JudgeAll(v) {
		if len(j.Violations) > 0 {
			c.Accused = append(c.Accused, j.Requirement)
			explained = explained || slices.Contains(explains(), j.Requirement)
		}
		for i := range j.Violations {
			if covered == nil && covers(v, events, &j.Violations[i]) {
				covered = &j.Violations[i]
			}
		}
	}
	switch {
	case c.Result == porcupine.Illegal && !explained:
		c.Disagreement = "porcupine finds it illegal, and no monitor accuses it of a late admission or a wrong count: " + c.Why
	case c.Result == porcupine.Ok && covered != nil:
		c.Disagreement = fmt.Sprintf("porcupine can explain it, and %s is charged: %s", covered.Requirement, covered.Actual)
	}
	return c, nil
}

// covers says whether the model must find a history illegal for this breach.
func covers(v *monitor.View, events []history.Event, breach *monitor.Violation) bool {
	switch breach.Requirement {
	case "GATE-001", "GATE-010":
		return true
	case "COUNT-001", "COUNT-002", "COUNT-003", "COUNT-006", "STATE-009":
		return acknowledged(v, events, breach)
	}
	return false
}

// acknowledged says whether a wrong count was read in a drain that the publication
// had acknowledged: counts elsewhere may lag, and are none of the model's business.
func acknowledged(v *monitor.View, events []history.Event, breach *monitor.Violation) bool {
	for i := range events {
		e := &events[i]
		if e.Kind != history.KindState || e.Return != breach.At || e.State.State != history.Draining || !slices.Contains(breach.Evidence, e.Seq) {
			continue
		}
		p := slices.IndexFunc(v.Publications, func(p *monitor.Publication) bool { return p.Name == e.State.Publication })
		return slices.ContainsFunc(v.Spells, func(s *monitor.Spell) bool {
			return s.Acks[p] != nil && e.Call >= s.Acks[p].Event.Call && e.Return <= s.Until
		})
	}
	return false
}

// Summary is what came of a folder of histories.
type Summary struct {
	Histories, Operations int
	Results               map[porcupine.CheckResult]int
	Problems              []string // disagreements, and files that are no history
	Undecided             []string
}

// CompareFolder compares every history (*.jsonl) below a folder.
func CompareFolder(dir string, limit time.Duration) (Summary, error) {
	sum := Summary{Results: map[porcupine.CheckResult]int{}}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".jsonl" {
			return err
		}
		sum.Histories++
		events, err := history.Read(path)
		if err != nil {
			sum.Problems = append(sum.Problems, err.Error())
			return nil
		}
		c, err := Compare(events, limit)
		if err != nil {
			sum.Problems = append(sum.Problems, fmt.Sprintf("%s: %v", path, err))
			return nil
		}
		sum.Operations += c.Operations
		sum.Results[c.Result]++
		if c.Disagreement != "" {
			sum.Problems = append(sum.Problems, fmt.Sprintf("%s: %s (accused: %s)", path, c.Disagreement, strings.Join(c.Accused, " ")))
		}
		if c.Result == porcupine.Unknown {
			sum.Undecided = append(sum.Undecided, path+": "+c.Why)
		}
		return nil
	})
	return sum, err
}
