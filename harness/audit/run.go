package audit

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drainproof/drainproof/harness/report"
)

// Gateway is a gateway whose faults are known, as the catalogue has it.
type Gateway struct {
	ID       string `json:"id"`
	Sentence string `json:"sentence"` // the one thing that is wrong
	// MustName is the requirement that must fail; empty: nothing is wrong with it.
	MustName    string   `json:"must_name,omitempty"`
	AlsoAllowed []string `json:"also_allowed,omitempty"` // requirements that may fail with it
}

// Right says that nothing is wrong with it.
func (g Gateway) Right() bool { return g.MustName == "" }

// Run is what one run of the suite said of a gateway.
type Run struct {
	Gateway string         `json:"gateway"`
	Number  int            `json:"number"` // from 1
	Started time.Time      `json:"started"`
	Wall    time.Duration  `json:"wall_ns"`
	Seed    int64          `json:"seed"`
	Runtime string         `json:"runtime"` // docker or process; "": it left no report
	Exit    int            `json:"exit"`
	Verdict report.Verdict `json:"verdict"`
	Why     string         `json:"why"`
	// Verdicts are those that are neither pass nor not-applicable, by requirement.
	Verdicts map[string]report.Verdict `json:"verdicts,omitempty"`
	Judged   []string                  `json:"judged"`           // requirements of which anything was said
	Receipts []string                  `json:"receipts"`         // faults that the gateway owned up to
	Report   string                    `json:"report,omitempty"` // folder, of a run that was not as it must be
	// Voided are earlier attempts at this run, which ended without a verdict.
	Voided []Run `json:"voided,omitempty"`
}

// Of is the run that a report tells of.
func Of(g Gateway, number int, r *report.Report) Run {
	run := Run{
		Gateway: g.ID, Number: number, Started: r.Started.UTC(), Wall: r.Wall, Seed: r.Seed, Runtime: r.Runtime,
		Exit: r.ExitCode, Verdict: r.Verdict, Why: r.Why,
		Verdicts: map[string]report.Verdict{}, Judged: []string{}, Receipts: append([]string{}, r.Receipts...),
	}
	for _, q := range r.Requirements {
		run.Note(q.ID, q.Verdict)
	}
	return run
}

// Note takes down what was said of a requirement.
func (r *Run) Note(id string, v report.Verdict) {
	r.Judged = append(r.Judged, id)
	if v != report.Pass && v != report.NotApplicable {
		r.Verdicts[id] = v
	}
}

// Lost is a run that left no report.
func Lost(g Gateway, number int, started time.Time, why string) Run {
	return Run{
		Gateway: g.ID, Number: number, Started: started.UTC(), Wall: time.Since(started),
		Exit: 3, Verdict: report.Incomplete, Why: why, Judged: []string{}, Receipts: []string{},
	}
}

// Attempts are those at this run, the one that counts last.
func (r Run) Attempts() []Run {
	before := slices.Clone(r.Voided)
	r.Voided = nil
	return append(before, r)
}

// Failed are the requirements that failed, sorted.
func (r Run) Failed() []string { return r.with(report.Fail) }

func (r Run) with(v report.Verdict) []string {
	var ids []string
	for id, got := range r.Verdicts {
		if got == v {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// Mark is what a run says of the suite.
type Mark struct {
	Detected     bool
	Named        bool
	Accused      []string // requirements that are charged with what they did not do
	Inconclusive string   // why the run says nothing; empty: it does
}

// Void says that the run has nothing to say, against nobody: it may be done again.
func (m Mark) Void() bool { return m.Inconclusive != "" && len(m.Accused) == 0 }

// Mark scores a run of the gateway.
func (g Gateway) Mark(r Run) Mark {
	failed := r.Failed()
	m := Mark{Accused: slices.DeleteFunc(slices.Clone(failed), func(id string) bool {
		return id == g.MustName || slices.Contains(g.AlsoAllowed, id)
	})}
	switch {
	case !g.Right() && !slices.Contains(r.Receipts, g.ID):
		m.Inconclusive = "no activation receipt: the fault never came to act"
	case r.Exit != 0 && r.Exit != 1:
		m.Inconclusive = r.Why
	case r.Verdicts[g.MustName] == report.HarnessError || r.Verdicts[g.MustName] == report.Inconclusive:
		m.Inconclusive = "no verdict on " + g.MustName
	}
	if m.Inconclusive != "" || g.Right() {
		return m
	}
	m.Detected = len(failed) > 0
	m.Named = slices.Contains(failed, g.MustName)
	return m
}

// Wrong says in what a run is not as it must be; empty: in nothing.
func (g Gateway) Wrong(r Run) string {
	m := g.Mark(r)
	switch {
	case len(m.Accused) > 0:
		return "falsely accused of " + strings.Join(m.Accused, " ")
	case m.Inconclusive != "":
		return "inconclusive: " + m.Inconclusive
	case g.Right():
		return ""
	case !m.Detected:
		return fmt.Sprintf("not detected: %s", r.Verdict)
	case !m.Named:
		return fmt.Sprintf("not named %s; failed: %s", g.MustName, strings.Join(r.Failed(), " "))
	}
	return ""
}
