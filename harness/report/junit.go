package report

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jstemmer/go-junit-report/v2/junit"
)

// WriteJUnit writes the report for CI systems: a suite per point of the
// checklist with its requirements as test cases, one for the requirements of no
// point, and one for the specs as they were run. What could not be judged is an
// error, what does not apply is skipped with its reason; neither is a pass.
func WriteJUnit(w io.Writer, r *Report) error {
	all := junit.Testsuites{Name: "drainproof " + clean(r.Target.Name), Time: seconds(r.Wall.Seconds())}
	for _, p := range r.Points {
		s := junit.Testsuite{Name: p.Point + ". " + clean(p.Title)}
		for _, q := range r.of(p) {
			s.AddTestcase(r.testcase(q, "drainproof.point."+p.Point))
		}
		if len(s.Testcases) == 0 {
			// A point of which nothing was judged must not vanish from a dashboard.
			s.AddTestcase(junit.Testcase{Name: p.Point + ". " + clean(p.Title), Classname: "drainproof.point." + p.Point,
				Error: &junit.Result{Message: "nothing of this point was judged", Type: string(p.Verdict.or())}})
		}
		r.finish(&s, &all, r.specsOf(p.Point))
	}
	if rest := r.elsewhere(); len(rest) > 0 {
		s := junit.Testsuite{Name: "requirements of no point"}
		for _, q := range rest {
			s.AddTestcase(r.testcase(q, "drainproof."+strings.ToLower(q.Family)))
		}
		r.finish(&s, &all, nil)
	}
	s := junit.Testsuite{Name: "specs"}
	for _, spec := range r.Specs {
		s.AddTestcase(r.specCase(spec))
	}
	r.finish(&s, &all, r.Specs)
	return all.WriteXML(w)
}

func (r *Report) finish(s *junit.Testsuite, all *junit.Testsuites, specs []Spec) {
	total := 0.0
	for _, spec := range specs {
		total += spec.Duration.Seconds()
	}
	s.ID = len(all.Suites)
	s.Time = seconds(total)
	s.SetTimestamp(r.Started)
	if s.ID == 0 {
		for _, p := range [][2]string{
			{"verdict", r.Words()}, {"why", r.Why}, {"certifies", fmt.Sprint(r.Certifies)}, {"profile", r.Profile},
			{"runtime", r.Runtime}, {"image", r.imageText()}, {"seed", fmt.Sprint(r.Seed)}, {"bound", Human(r.Target.Bound)},
			{"target.sha256", r.Target.SHA256},
		} {
			s.AddProperty(p[0], clean(p[1]))
		}
		if r.Shard != nil {
			s.AddProperty("shard", r.Shard.String())
		}
		if r.Merged != nil {
			s.AddProperty("merged", r.Merged.String())
		}
	}
	all.AddSuite(*s)
}

func (r *Report) testcase(q Requirement, class string) junit.Testcase {
	c := junit.Testcase{Name: q.ID + " " + clean(q.Text), Classname: class, Status: string(q.Verdict.or())}
	reason := clean(q.Reason)
	if reason == "" && len(q.Violations) > 0 {
		reason = clean(q.Violations[0].Actual)
	}
	switch v := q.Verdict.or(); v {
	case Pass:
	case Warn:
		c.SystemOut = &junit.Output{Data: cdata("SHOULD, not met: " + reason)}
	case NotApplicable:
		c.Skipped = &junit.Result{Message: reason}
	case Fail:
		if e := r.expectation(q.ID); e != nil {
			c.Skipped = &junit.Result{Message: "failed, as expected: " + e.text()}
			break
		}
		c.Failure = &junit.Result{Message: firstOf(reason, "failed"), Type: "fail", Data: cdata(r.evidence(q))}
	default:
		if !r.tells(q) {
			c.Skipped = &junit.Result{Message: "not selected"}
			break
		}
		c.Error = &junit.Result{Message: firstOf(reason, string(v)), Type: string(v), Data: cdata(r.evidence(q))}
	}
	return c
}

func (r *Report) specCase(s Spec) junit.Testcase {
	c := junit.Testcase{Name: clean(s.Text), Classname: "drainproof.specs", Time: seconds(s.Duration.Seconds()), Status: s.Result}
	var out []string
	out = append(out, cleanLines(s.Message)...)
	if s.Replay != "" {
		out = append(out, "replay: "+clean(s.Replay))
	}
	message := clean(cleanLines(s.Message)[0])
	switch {
	case s.Result == "passed":
	case s.Result == "skipped" || s.Result == "pending":
		c.Skipped = &junit.Result{Message: firstOf(message, "not run")}
	case s.Result == "failed":
		c.Failure = &junit.Result{Message: firstOf(message, "failed"), Type: "failed", Data: cdata(strings.Join(out, "\n"))}
	default:
		c.Error = &junit.Result{Message: firstOf(message, s.Result), Type: s.Result, Data: cdata(strings.Join(out, "\n"))}
	}
	if s.Result != "passed" && len(s.Logs) > 0 {
		c.SystemErr = &junit.Output{Data: cdata(strings.Join(each(s.Logs, clean), "\n"))}
	}
	return c
}

// evidence is a requirement's proof as plain text.
func (r *Report) evidence(q Requirement) string {
	var b strings.Builder
	lines := r.proof(q, textWidth)
	for _, s := range r.blamed([]Requirement{q}) {
		lines = append(lines, s.aftermath(textWidth)...)
	}
	for _, line := range lines {
		b.WriteString(line + "\n")
	}
	return b.String()
}

// textWidth is the width of proofs where there is no terminal, in columns.
const textWidth = 120

func seconds(s float64) string { return fmt.Sprintf("%.3f", s) }

// cdata keeps text from ending the section it is put in.
func cdata(s string) string { return strings.ReplaceAll(s, "]]>", "]] >") }

func firstOf(texts ...string) string {
	return texts[max(0, slices.IndexFunc(texts, func(t string) bool { return t != "" }))]
}

func each(list []string, f func(string) string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = f(s)
	}
	return out
}
