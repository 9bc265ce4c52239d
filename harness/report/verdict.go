package report

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// maxBound is the largest B that is certified.
const maxBound = 5 * time.Second

// Counts are how many requirements came to which verdict.
type Counts struct {
	Passed        int `json:"passed"`
	Failed        int `json:"failed"`
	Warned        int `json:"warned"`
	NotApplicable int `json:"not_applicable"`
	Blocked       int `json:"blocked"`
	Inconclusive  int `json:"inconclusive"`
	HarnessErrors int `json:"harness_errors"`
	NotRun        int `json:"not_run"`
}

// Counts counts the requirements' verdicts. One without a verdict did not run.
func (r *Report) Counts() Counts {
	var c Counts
	for _, q := range r.Requirements {
		switch q.Verdict {
		case Pass:
			c.Passed++
		case Fail:
			c.Failed++
		case Warn:
			c.Warned++
		case NotApplicable:
			c.NotApplicable++
		case Blocked:
			c.Blocked++
		case Inconclusive:
			c.Inconclusive++
		case HarnessError:
			c.HarnessErrors++
		default:
			c.NotRun++
		}
	}
	return c
}

// String says how many passed, and of the rest what is not 0.
func (c Counts) String() string {
	s := fmt.Sprintf("%d passed", c.Passed)
	for _, o := range []struct {
		n    int
		what string
	}{
		{c.Failed, "failed"}, {c.Warned, "warned"}, {c.Blocked, "blocked"}, {c.Inconclusive, "inconclusive"},
		{c.HarnessErrors, "harness errors"}, {c.NotApplicable, "not applicable"}, {c.NotRun, "not run"},
	} {
		if o.n > 0 {
			s += fmt.Sprintf(", %d %s", o.n, o.what)
		}
	}
	return s
}

// disqualify adds the reasons against certifying that a report shows by itself,
// unless the suite has given them already.
func (r *Report) disqualify() {
	add := func(why string) {
		if !slices.ContainsFunc(r.WhyNot, func(w string) bool { return strings.HasPrefix(w, why) }) {
			r.WhyNot = append(r.WhyNot, why)
		}
	}
	if r.Profile != ProfileGate && r.Profile != ProfileFull {
		add("only a part was selected")
	}
	if r.Shard != nil {
		add(r.Shard.Text())
	}
	if len(r.Expected) > 0 {
		add("failures are expected")
	}
	if r.Runtime != "docker" {
		add("the " + r.Runtime + " runtime does not isolate the gateway")
	}
	if r.Target.Bound > maxBound {
		add(fmt.Sprintf("the observation bound of %s is above %s", Human(r.Target.Bound), Human(maxBound)))
	}
}

// expectation is what is said of a requirement on the list of expected failures, or nil.
func (r *Report) expectation(id string) *Expectation {
	for i := range r.Expected {
		if r.Expected[i].Requirement == id {
			return &r.Expected[i]
		}
	}
	return nil
}

func (e Expectation) text() string {
	s := clean(e.Requirement) + ": " + clean(e.Reason)
	if e.Link != "" {
		s += " (" + clean(e.Link) + ")"
	}
	return s
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Words is the overall verdict as it is shown: a conformant one names its
// profile, since it says nothing beyond it.
func (r *Report) Words() string {
	if r.Verdict == Conformant {
		return fmt.Sprintf("%s (%s)", r.Verdict, r.Profile)
	}
	return string(r.Verdict)
}

// ResultLine is the one line for programs: DRAINPROOF_RESULT and a JSON object.
// Its report is the path of report.json, or "" when there is none; folder is
// where everything of the run lies.
func ResultLine(r *Report) string {
	c := r.Counts()
	line := struct {
		Verdict Verdict `json:"verdict"`
		Exit    int     `json:"exit"`
		Profile string  `json:"profile,omitempty"`
		Counts
		Certifies bool   `json:"certifies"`
		Shard     *Shard `json:"shard,omitempty"`
		Seed      int64  `json:"seed"`
		Report    string `json:"report"`
		Folder    string `json:"folder"`
	}{
		Verdict: r.Verdict, Exit: r.ExitCode, Profile: r.Profile, Counts: c,
		Certifies: r.Certifies, Shard: r.Shard, Seed: r.Seed, Folder: r.Dir,
	}
	if r.Schema != 0 && r.Dir != "" {
		line.Report = filepath.Join(r.Dir, FileName)
	}
	raw, err := json.Marshal(line)
	if err != nil { // only plain fields: can't happen
		return "DRAINPROOF_RESULT {}"
	}
	return "DRAINPROOF_RESULT " + string(raw)
}
