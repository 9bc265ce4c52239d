package audit

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drainproof/drainproof/harness/report"
)

// SchemaVersion is the version of audit.json this package writes and reads.
const SchemaVersion = 1

// The verdicts on the suite.
const (
	Sound      = "sound"      // every wrong gateway detected and named, nobody falsely accused
	Unsound    = "unsound"    // not so
	Incomplete = "incomplete" // a run is missing, or says nothing
)

// Plan is what the verdicts of an audit depend on besides the gateways: runs under
// different plans are not of one audit.
type Plan struct {
	Depth   string        `json:"depth"`    // which checks each gateway is put through
	Level   string        `json:"level"`    // gate, certify or audit
	Bound   time.Duration `json:"bound_ns"` // observation bound B; 0: the target's own
	Runtime string        `json:"runtime"`  // docker, process, or mixed: each run says
	Spec    string        `json:"spec"`     // version of the requirements
	Suite   string        `json:"suite"`    // sha256 over the suite and the gateways, hex
}

// Scorecard is audit.json. Durations are nanoseconds, named *_ns.
type Scorecard struct {
	Schema  int           `json:"schema"` // SchemaVersion
	Tool    report.Tool   `json:"tool"`
	Plan    Plan          `json:"plan"`
	Started time.Time     `json:"started"`
	Ended   time.Time     `json:"ended"`
	Spent   time.Duration `json:"spent_ns"` // sum of the runs' wall times; fewer where they ran side by side
	Verdict string        `json:"verdict"`  // sound, unsound or incomplete
	Why     string        `json:"why"`
	Exit    int           `json:"exit"` // 0, 1 or 3
	Totals  Totals        `json:"totals"`
	Scores  []Score       `json:"scores"` // in the catalogue's order, the right ones last
	Flakes  []Flake       `json:"flakes"` // what failed a right gateway, or said nothing of it
}

// Totals count runs; of the wrong gateways where nothing else is said.
type Totals struct {
	Gateways     int `json:"gateways"`
	Runs         int `json:"runs"`
	Detected     int `json:"detected"`
	Named        int `json:"named"`
	Accused      int `json:"falsely_accused"` // of all gateways
	Inconclusive int `json:"inconclusive"`    // of all gateways
	Voided       int `json:"voided"`          // of all gateways: attempts without a verdict, whose run was done again
	Missing      int `json:"missing"`         // of all gateways: planned, and not run
	Right        int `json:"right_runs"`
	RightPassed  int `json:"right_passed"`
}

// Score sums up the runs of one gateway.
type Score struct {
	Gateway
	// Runtimes in which it was run, sorted: docker, process.
	Runtimes     []string `json:"runtimes"`
	Planned      int      `json:"planned"`
	Runs         int      `json:"runs"`
	Detected     int      `json:"detected"`
	Named        int      `json:"named"`
	AccusedRuns  int      `json:"falsely_accused"` // runs in which a requirement was charged with what it did not do
	Inconclusive int      `json:"inconclusive"`
	Voided       int      `json:"voided"`     // attempts without a verdict, whose run was done again
	AsItMust     int      `json:"as_it_must"` // runs in which nothing was amiss
	// Accused and Failed count runs by requirement: those in which it was charged
	// with what it did not do, and all in which it failed.
	Accused map[string]int `json:"accused,omitempty"`
	Failed  map[string]int `json:"failed,omitempty"`
	Blocked map[string]int `json:"blocked,omitempty"` // broken, or not to be judged, for what it requires failed
	// RunsToDetection is the number of the first run that detected it, and
	// TimeToDetection what the runs until then took; 0: none did.
	RunsToDetection int           `json:"runs_to_detection"`
	TimeToDetection time.Duration `json:"time_to_detection_ns"`
	Notes           []string      `json:"notes,omitempty"` // of runs that were not as they must be, or were done again
}

// Flake is a requirement whose check failed a right gateway, or said nothing of it.
type Flake struct {
	Requirement  string `json:"requirement"`
	Runs         int    `json:"runs"`         // attempts at runs of right gateways in which it was judged
	Failed       int    `json:"failed"`       // of them
	Inconclusive int    `json:"inconclusive"` // of them, blocked and harness errors included
}

// Assess scores all runs. planned says how often each gateway was to run.
func Assess(plan Plan, gateways []Gateway, planned map[string]int, runs []Run) *Scorecard {
	c := &Scorecard{Schema: SchemaVersion, Plan: plan, Scores: []Score{}, Flakes: []Flake{}}
	byGateway := map[string][]Run{}
	for _, r := range runs {
		byGateway[r.Gateway] = append(byGateway[r.Gateway], r)
		for _, attempt := range r.Attempts() {
			if c.Started.IsZero() || attempt.Started.Before(c.Started) {
				c.Started = attempt.Started
			}
			if end := attempt.Started.Add(attempt.Wall); end.After(c.Ended) {
				c.Ended = end
			}
			c.Spent += attempt.Wall
		}
	}
	var right []Run
	for _, g := range gateways {
		list := byGateway[g.ID]
		slices.SortFunc(list, func(a, b Run) int { return cmp.Compare(a.Number, b.Number) })
		s := score(g, planned[g.ID], list)
		c.Scores = append(c.Scores, s)
		c.Totals.add(s)
		if g.Right() {
			for _, r := range list {
				right = append(right, r.Attempts()...)
			}
		}
	}
	c.Flakes = append(c.Flakes, ledger(right)...)
	c.Verdict, c.Why, c.Exit = c.verdict()
	return c
}

func score(g Gateway, planned int, runs []Run) Score {
	s := Score{Gateway: g, Runtimes: []string{}, Planned: max(planned, len(runs)), Runs: len(runs), Accused: map[string]int{}, Failed: map[string]int{}, Blocked: map[string]int{}}
	var spent time.Duration
	for _, r := range runs {
		s.Voided += len(r.Voided)
		for _, attempt := range r.Attempts() {
			spent += attempt.Wall
		}
		for i, attempt := range r.Voided {
			s.note(attempt, fmt.Sprintf("attempt %d was %s", i+1, g.Wrong(attempt)))
		}
		if r.Runtime != "" && !slices.Contains(s.Runtimes, r.Runtime) {
			s.Runtimes = append(s.Runtimes, r.Runtime)
		}
		m := g.Mark(r)
		for _, id := range r.Failed() {
			s.Failed[id]++
		}
		for _, id := range r.with(report.Blocked) {
			s.Blocked[id]++
		}
		for _, id := range m.Accused {
			s.Accused[id]++
		}
		switch {
		case m.Inconclusive != "":
			s.Inconclusive++
		case m.Detected:
			s.Detected++
			if s.RunsToDetection == 0 {
				s.RunsToDetection, s.TimeToDetection = r.Number, spent
			}
		}
		if m.Named {
			s.Named++
		}
		if len(m.Accused) > 0 {
			s.AccusedRuns++
		}
		wrong := g.Wrong(r)
		if wrong == "" {
			s.AsItMust++
		} else {
			s.note(r, wrong)
		}
	}
	slices.Sort(s.Runtimes)
	return s
}

// note says something of a run, and where its report is.
func (s *Score) note(r Run, text string) {
	text = fmt.Sprintf("run %d: %s", r.Number, text)
	if r.Report != "" {
		text += " (" + r.Report + ")"
	}
	s.Notes = append(s.Notes, text)
}

func (t *Totals) add(s Score) {
	t.Accused += s.AccusedRuns
	t.Inconclusive += s.Inconclusive
	t.Voided += s.Voided
	t.Missing += s.Planned - s.Runs
	if s.Right() {
		t.Right += s.Runs
		t.RightPassed += s.AsItMust
		return
	}
	t.Gateways++
	t.Runs += s.Runs
	t.Detected += s.Detected
	t.Named += s.Named
}

// ledger lists what did not pass right gateways, the worst first.
func ledger(runs []Run) []Flake {
	byID := map[string]*Flake{}
	for _, r := range runs {
		for id, v := range r.Verdicts {
			f := byID[id]
			if f == nil {
				f = &Flake{Requirement: id}
				byID[id] = f
			}
			if v == report.Fail {
				f.Failed++
			} else if v != report.Warn {
				f.Inconclusive++
			}
		}
	}
	var out []Flake
	for id, f := range byID {
		for _, r := range runs {
			if slices.Contains(r.Judged, id) {
				f.Runs++
			}
		}
		if f.Failed+f.Inconclusive > 0 {
			out = append(out, *f)
		}
	}
	slices.SortFunc(out, func(a, b Flake) int {
		return cmp.Or(cmp.Compare(b.Failed, a.Failed), cmp.Compare(b.Inconclusive, a.Inconclusive), strings.Compare(a.Requirement, b.Requirement))
	})
	return out
}

// verdict is what all scores together say of the suite.
func (c *Scorecard) verdict() (verdict, why string, exit int) {
	var faults, gaps []string
	for _, s := range c.Scores {
		conclusive := s.Runs - s.Inconclusive
		switch {
		case len(s.Accused) > 0 && s.Right():
			faults = append(faults, s.ID+" failed")
		case len(s.Accused) > 0:
			faults = append(faults, s.ID+" falsely accused")
		case s.Right():
		case s.Detected < conclusive || s.Detected == 0 && s.Runs > 0 && s.Runs == s.Planned:
			faults = append(faults, s.ID+" not detected")
		case s.Named < conclusive:
			faults = append(faults, s.ID+" not named")
		}
		if s.Inconclusive > 0 {
			gaps = append(gaps, fmt.Sprintf("%s: %d of %d runs inconclusive", s.ID, s.Inconclusive, s.Runs))
		}
		if n := s.Planned - s.Runs; n > 0 {
			gaps = append(gaps, fmt.Sprintf("%s: %d of %d runs missing", s.ID, n, s.Planned))
		}
	}
	switch {
	case len(faults) > 0:
		return Unsound, few(faults), 1
	case len(gaps) > 0:
		return Incomplete, few(gaps), 3
	case len(c.Scores) == 0 || c.Totals.Runs+c.Totals.Right == 0:
		return Incomplete, "nothing was run", 3
	case c.Totals.Gateways == 0:
		return Sound, fmt.Sprintf("%d of %d runs of right gateways passed", c.Totals.RightPassed, c.Totals.Right), 0
	}
	return Sound, fmt.Sprintf("%d wrong gateways, each detected and named in every run; nobody falsely accused", c.Totals.Gateways), 0
}

// few keeps a sentence a sentence: the scores have all of it.
func few(list []string) string {
	const most = 6
	if len(list) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:most], ", "), len(list)-most)
	}
	return strings.Join(list, ", ")
}
