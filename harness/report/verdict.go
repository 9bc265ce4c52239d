package report

import (
	"encoding/json"
	"fmt"
	"path/filepath"
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

// Worst is the verdict of a group: the gravest in it, and not-run for an empty
// one. What passed only counts as long as nothing else has a say.
func Worst(verdicts ...Verdict) Verdict {
	order := []Verdict{Fail, HarnessError, Blocked, Inconclusive, NotRun, Warn, Pass, NotApplicable}
	for _, o := range order {
		for _, v := range verdicts {
			if v == o || o == HarnessError && !known(v) {
				return o
			}
		}
	}
	return NotRun
}

func known(v Verdict) bool {
	switch v {
	case Pass, Fail, Warn, NotApplicable, Blocked, Inconclusive, HarnessError, NotRun:
		return true
	}
	return false
}

// Conclude draws the overall verdict, its reason, whether it certifies and the
// exit code from the requirements' and specs' verdicts, the profile, the runtime
// and the bound. Reasons the suite put into WhyNot before are kept.
func (r *Report) Conclude() {
	c := r.Counts()
	r.disqualify()
	broken := r.brokenSpecs()
	judged := c.Passed + c.Failed + c.Warned
	notRun := c.NotRun
	if r.Profile == ProfileFilter {
		notRun = 0 // not asked for
	}
	switch {
	case c.Failed > 0:
		r.Verdict, r.ExitCode = NonConformant, 1
		r.Why = fmt.Sprintf("%s failed: %s", count(c.Failed, "requirement"), r.ids(Fail))
	case judged == 0:
		r.Verdict, r.ExitCode, r.Why = Incomplete, 3, "nothing was judged"
	case c.Blocked+c.Inconclusive+c.HarnessErrors+notRun > 0:
		r.Verdict, r.ExitCode = Incomplete, 3
		r.Why = "not everything could be judged: " + r.unjudged(notRun > 0)
	case broken != "":
		// A spec that broke off without a breach in its history proves nothing,
		// and must not vanish behind the verdicts of the others.
		r.Verdict, r.ExitCode, r.Why = Incomplete, 3, broken
	case len(r.WhyNot) > 0:
		r.Verdict, r.ExitCode = NotCertifying, 0
		r.Why = fmt.Sprintf("%s held; not certifying: %s", count(judged, "requirement"), strings.Join(r.WhyNot, "; "))
	default:
		r.Verdict, r.ExitCode = Conformant, 0
		r.Why = fmt.Sprintf("%s held", count(judged, "requirement"))
	}
	if c.Warned > 0 {
		r.Why += fmt.Sprintf("; SHOULD, not met: %s", r.ids(Warn))
	}
	r.Certifies = r.Verdict == Conformant
}

// disqualify adds the reasons this package can see by itself.
func (r *Report) disqualify() {
	add := func(why string) {
		for _, w := range r.WhyNot {
			if w == why {
				return
			}
		}
		r.WhyNot = append(r.WhyNot, why)
	}
	if r.Profile != ProfileGate && r.Profile != ProfileFull {
		add("only a part was selected")
	}
	if r.Runtime != "docker" {
		add("the " + r.Runtime + " runtime does not isolate the gateway")
	}
	if r.Target.Bound > maxBound {
		add(fmt.Sprintf("the observation bound of %s is above %s", Human(r.Target.Bound), Human(maxBound)))
	}
}

// brokenSpecs says which specs neither passed nor were left out.
func (r *Report) brokenSpecs() string {
	var broken []string
	for _, s := range r.Specs {
		switch s.Result {
		case "passed":
		case "skipped", "pending":
			if r.Profile != ProfileFilter {
				broken = append(broken, fmt.Sprintf("%q did not run", s.Text))
			}
		default:
			broken = append(broken, fmt.Sprintf("%q %s", s.Text, s.Result))
		}
	}
	if len(r.Specs) == 0 {
		return "no spec ran"
	}
	return strings.Join(broken, "; ")
}

func (r *Report) unjudged(withNotRun bool) string {
	var parts []string
	for _, v := range []Verdict{HarnessError, Blocked, Inconclusive, NotRun} {
		if ids := r.ids(v); ids != "" && (v != NotRun || withNotRun) {
			parts = append(parts, fmt.Sprintf("%s %s", v, ids))
		}
	}
	return strings.Join(parts, "; ")
}

// ids lists the requirements of one verdict, the first few by name.
func (r *Report) ids(v Verdict) string {
	const shown = 8
	var ids []string
	for _, q := range r.Requirements {
		if q.Verdict == v || v == NotRun && q.Verdict == "" {
			ids = append(ids, q.ID)
		}
	}
	if len(ids) > shown {
		return fmt.Sprintf("%s and %d more", strings.Join(ids[:shown], ", "), len(ids)-shown)
	}
	return strings.Join(ids, ", ")
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
		Seed      int64  `json:"seed"`
		Report    string `json:"report"`
		Folder    string `json:"folder"`
	}{
		Verdict: r.Verdict, Exit: r.ExitCode, Profile: r.Profile, Counts: c,
		Certifies: r.Certifies, Seed: r.Seed, Folder: r.Dir,
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
