package compare

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drainproof/drainproof/harness/config"
	"github.com/drainproof/drainproof/harness/report"
)

// SchemaVersion is the version of the JSON that a comparison is written as.
const SchemaVersion = 1

// Result is what a comparison comes to.
type Result string

// The results, and the exit codes that go with them.
const (
	NoChange      Result = "no change"      // 0
	Better        Result = "better"         // 0
	Worse         Result = "worse"          // 1
	NotComparable Result = "not comparable" // 3
)

// Comparison is what two builds are to each other. Durations are nanoseconds in JSON.
type Comparison struct {
	Schema int         `json:"schema"` // SchemaVersion
	Tool   report.Tool `json:"tool"`   // what compared them
	Target string      `json:"target"`
	Result Result      `json:"result"`
	Exit   int         `json:"exit"`
	Last   string      `json:"last"` // the result and what it comes from, one line
	// Reasons say why nothing was compared, each with what to do.
	Reasons []string       `json:"reasons,omitempty"`
	Limits  config.Compare `json:"limits"`
	Old     Side           `json:"old"`
	New     Side           `json:"new"`
	// Verdicts are those that are not the same on both sides, and Same how many are.
	Verdicts []Change `json:"verdicts"`
	Same     int      `json:"same"`
	Figures  []Figure `json:"figures"`
	LeftOut  []string `json:"left_out,omitempty"` // what only a part of the runs has, and why
	Notes    []string `json:"notes,omitempty"`
}

// Side is all runs of a build.
type Side struct {
	Runs []RunOf `json:"runs"`
}

// RunOf is what a comparison says of a run.
type RunOf struct {
	Folder  string         `json:"folder"`
	Started time.Time      `json:"started"`
	Verdict report.Verdict `json:"verdict"`
	Words   string         `json:"words"` // the verdict with its profile
	Spec    string         `json:"spec"`  // version of the requirements
	Image   string         `json:"image,omitempty"`
	Suite   string         `json:"suite,omitempty"`
	Wall    time.Duration  `json:"wall_ns"`
	Noise   float64        `json:"noise"` // see Run.Noise
}

// Change is a verdict that is not the same on both sides. Where the runs of a side differ,
// the gravest of their verdicts counts.
type Change struct {
	What    string         `json:"what"` // a requirement's ID, "point a. observe", or "over all"
	Old     report.Verdict `json:"old"`
	New     report.Verdict `json:"new"`
	OldRuns int            `json:"old_runs"` // so many of the side's runs came to it
	NewRuns int            `json:"new_runs"`
	Finding Finding        `json:"finding"`
}

// Compare compares the runs of an old build with those of a new one. There must be one of
// each at least.
func Compare(old, new []*Run, limits config.Compare, tool report.Tool) *Comparison {
	c := &Comparison{
		Schema: SchemaVersion, Tool: tool, Target: old[0].Report.Target.Name, Limits: limits,
		Old: side(old), New: side(new), Verdicts: []Change{}, Figures: []Figure{},
	}
	all := slices.Concat(old, new)
	for _, r := range all {
		c.Reasons = append(c.Reasons, r.Unfit...)
	}
	for _, r := range all[1:] {
		c.Reasons = append(c.Reasons, differ(all[0], r)...)
	}
	for _, r := range all {
		if r.Noise > limits.Noise {
			c.Reasons = append(c.Reasons, fmt.Sprintf("%s: the machine kept the gateway or the probe waiting for %.0f %% of the time (limit: %.0f %%): run it again where nothing else runs",
				r.Name, 100*r.Noise, 100*limits.Noise))
		}
	}
	checks := common(all, func(text string) { c.leaveOut("the check %q: not every run has it", report.Printable(text)) })
	if len(c.Reasons) == 0 && len(checks) == 0 {
		c.Reasons = append(c.Reasons, "no check was made in all of the runs: compare runs of one command, with the same filter")
	}
	if len(c.Reasons) == 0 {
		unlike := unlike(all, func(id string) { c.leaveOut("%s: its text is not the same in all runs", id) })
		c.verdicts(old, new, unlike)
		c.measured(old, new, checks, unlike)
		c.remark(old, new)
	} else {
		c.LeftOut = nil
	}
	c.conclude()
	return c
}

func (c *Comparison) leaveOut(format string, args ...any) {
	c.LeftOut = append(c.LeftOut, fmt.Sprintf(format, args...))
}

func side(runs []*Run) Side {
	var s Side
	for _, r := range runs {
		one := RunOf{
			Folder: r.Name, Started: r.Report.Started, Verdict: r.Report.Verdict, Words: r.Report.Words(),
			Spec: r.Report.Spec, Wall: r.Report.Wall, Noise: r.Noise,
		}
		if r.Report.Image != nil {
			one.Image = r.Report.Image.ID
		}
		if r.Report.Suite != nil {
			one.Suite = r.Report.Suite.SHA256
		}
		s.Runs = append(s.Runs, one)
	}
	return s
}

// common are the checks of which every run has a history; the others are told.
func common(all []*Run, rest func(text string)) []string {
	var out, told []string
	for _, r := range all {
		for _, s := range r.Report.Specs {
			if slices.Contains(out, s.Text) || slices.Contains(told, s.Text) {
				continue
			}
			if slices.ContainsFunc(all, func(r *Run) bool { return r.checks[s.Text] == nil }) {
				told = append(told, s.Text)
				rest(s.Text)
				continue
			}
			out = append(out, s.Text)
		}
	}
	return out
}

// unlike are the requirements that do not bind a gateway to the same in all of the runs
// that have them; they are told.
func unlike(all []*Run, tell func(id string)) map[string]bool {
	text := map[string][3]string{}
	out := map[string]bool{}
	for _, r := range all {
		for _, q := range r.Report.Requirements {
			is := [3]string{q.Level, q.Feature, q.Text}
			if was, known := text[q.ID]; known && was != is && !out[q.ID] {
				out[q.ID] = true
				tell(q.ID)
			}
			text[q.ID] = is
		}
	}
	return out
}

// grave sorts the verdicts on a requirement or a point from the best to the worst. Those
// from unknown on are no verdict on the gateway.
func grave(v report.Verdict) int {
	return slices.Index([]report.Verdict{
		report.NotRun, report.Pass, report.NotApplicable, report.Warn, report.Inconclusive, report.Blocked, report.HarnessError, report.Fail,
	}, v)
}

// graveOverall does it for the verdict over all.
func graveOverall(v report.Verdict) int {
	switch v {
	case report.Conformant, report.NotCertifying:
		return 1
	case report.AsExpected, report.NotAsExpected: // as bad as is known; which of them, its requirements tell
		return 2
	}
	return 3
}

// known says that a verdict is one on the gateway.
func known(v report.Verdict) bool {
	switch v {
	case report.Inconclusive, report.Blocked, report.HarnessError:
		return false
	}
	return true
}

// verdicts compares all that was judged.
func (c *Comparison) verdicts(old, new []*Run, unlike map[string]bool) {
	overall := func(r *Run) report.Verdict { return r.Report.Verdict }
	// What a run comes to in all is only the gateway's doing where the same was asked.
	same := len(c.LeftOut) == 0
	c.change("over all", same, graveOverall, old, new, overall)
	for _, p := range old[0].Report.Points {
		c.change("point "+p.Point+". "+p.Title, same, grave, old, new, func(r *Run) report.Verdict {
			for _, q := range r.Report.Points {
				if q.Point == p.Point {
					return q.Verdict
				}
			}
			return report.NotRun
		})
	}
	var ids []string
	for _, r := range slices.Concat(old, new) {
		for _, q := range r.Report.Requirements {
			if !slices.Contains(ids, q.ID) && !unlike[q.ID] {
				ids = append(ids, q.ID)
			}
		}
	}
	for _, id := range ids {
		c.change(id, true, grave, old, new, func(r *Run) report.Verdict {
			for _, q := range r.Report.Requirements {
				if q.ID == id {
					return q.Verdict
				}
			}
			return report.NotRun
		})
	}
}

// change adds a verdict that is not the same on both sides. One that does not count is
// only told.
func (c *Comparison) change(what string, counts bool, grave func(report.Verdict) int, old, new []*Run, of func(*Run) report.Verdict) {
	ch := Change{What: what}
	ch.Old, ch.OldRuns = gravest(old, grave, of)
	ch.New, ch.NewRuns = gravest(new, grave, of)
	switch {
	case ch.Old == ch.New:
		if ch.Old != report.NotRun {
			c.Same++
		}
		return
	case ch.Old == report.NotRun:
		ch.Finding = FoundAppeared
	case ch.New == report.NotRun:
		ch.Finding = FoundVanished
	case counts && grave(ch.New) > grave(ch.Old):
		ch.Finding = FoundWorse
	case counts && grave(ch.New) < grave(ch.Old) && known(ch.New):
		ch.Finding = FoundBetter
	default:
		ch.Finding = FoundChanged
	}
	c.Verdicts = append(c.Verdicts, ch)
}

// gravest is the gravest verdict among the runs, and how many of them came to it.
func gravest(runs []*Run, grave func(report.Verdict) int, of func(*Run) report.Verdict) (worst report.Verdict, n int) {
	for i, r := range runs {
		v := of(r)
		switch {
		case i == 0 || grave(v) > grave(worst):
			worst, n = v, 1
		case v == worst:
			n++
		}
	}
	return worst, n
}

// measured compares all that was measured in the checks that every run has.
func (c *Comparison) measured(old, new []*Run, checks []string, unlike map[string]bool) {
	var order []key
	pool := func(runs []*Run) map[key][]int64 {
		out := map[key][]int64{}
		for _, r := range runs {
			for _, text := range checks {
				for _, s := range r.checks[text] {
					if unlike[s.requirement] {
						continue
					}
					if !slices.Contains(order, s.key) {
						order = append(order, s.key)
					}
					out[s.key] = append(out[s.key], s.value)
				}
			}
		}
		return out
	}
	was, is := pool(old), pool(new)
	// Memory comes last, whichever check told of it first.
	slices.SortStableFunc(order, func(a, b key) int { return strings.Compare(b.unit, a.unit) })
	c.Figures = append(c.Figures, figures(was, is, order, c.Limits)...)
}

// remark says what a reader should know of both sides.
func (c *Comparison) remark(old, new []*Run) {
	note := func(format string, args ...any) { c.Notes = append(c.Notes, fmt.Sprintf(format, args...)) }
	if was, is := each(old, (*Run).image), each(new, (*Run).image); len(was) == 1 && slices.Equal(was, is) && was[0] != "" {
		note("both sides ran the same image, %s", was[0])
	}
	if was, is := each(old, (*Run).spec), each(new, (*Run).spec); !slices.Equal(was, is) {
		note("the requirements are of version %s on the old side and %s on the new one: what has another text is left out", strings.Join(was, ", "), strings.Join(is, ", "))
	}
	if suites := each(slices.Concat(old, new), (*Run).suite); len(suites) > 1 {
		note("the runs were judged by %d different builds of the suite: their verdicts are as they say, their figures are measured again by this one", len(suites))
	}
	if kernels := each(slices.Concat(old, new), (*Run).kernel); len(kernels) > 1 {
		note("the runs had different kernels: %s", strings.Join(kernels, ", "))
	}
	if !slices.ContainsFunc(c.Figures, func(f Figure) bool { return f.Unit == UnitMemory && f.Finding != FoundUnmeasured }) {
		note("memory is not compared: not both sides recorded it")
	}
}

// each lists what the runs have, each once.
func each(runs []*Run, of func(*Run) string) []string {
	var out []string
	for _, r := range runs {
		if v := of(r); !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	slices.Sort(out)
	return out
}

func (r *Run) image() string {
	if r.Report.Image == nil {
		return ""
	}
	return report.Printable(r.Report.Image.ID)
}

func (r *Run) spec() string { return report.Printable(r.Report.Spec) }

func (r *Run) suite() string {
	if r.Report.Suite == nil {
		return ""
	}
	return r.Report.Suite.SHA256
}

func (r *Run) kernel() string {
	if r.Report.Environment == nil {
		return "unknown"
	}
	return report.Printable(r.Report.Environment.Kernel)
}

// shown is how many things the last line names.
const shown = 4

// conclude makes the result of what was found.
func (c *Comparison) conclude() {
	if len(c.Reasons) > 0 {
		c.Result, c.Exit = NotComparable, 3
		c.Last = string(c.Result) + ": " + c.Reasons[0]
		if more := len(c.Reasons) - 1; more > 0 {
			c.Last += fmt.Sprintf(" (and %d more)", more)
		}
		return
	}
	c.Result = NoChange
	for _, r := range []struct {
		result Result
		exit   int
		told   []string
	}{{Worse, 1, c.told(FoundWorse)}, {Better, 0, c.told(FoundBetter)}} {
		if len(r.told) == 0 {
			continue
		}
		c.Result, c.Exit = r.result, r.exit
		c.Last = string(r.result) + ": " + strings.Join(r.told[:min(shown, len(r.told))], "; ")
		if more := len(r.told) - shown; more > 0 {
			c.Last += fmt.Sprintf("; and %d more", more)
		}
		return
	}
	c.Last = string(NoChange)
}

// told lists what came to a finding: requirements first, as they are the reason of what is
// said of points and over all.
func (c *Comparison) told(finding Finding) []string {
	var first, then []string
	for _, v := range c.Verdicts {
		if v.Finding != finding {
			continue
		}
		text := fmt.Sprintf("%s %s -> %s", report.Printable(v.What), v.Old, v.New)
		if _, _, id := strings.Cut(v.What, "-"); id && !strings.Contains(v.What, " ") {
			first = append(first, text)
		} else {
			then = append(then, text)
		}
	}
	for _, f := range c.Figures {
		if f.Finding == finding {
			first = append(first, fmt.Sprintf("%s %s -> %s", report.Printable(f.label()), f.amount(f.Old.Median), f.amount(f.New.Median)))
		}
	}
	return append(first, then...)
}
