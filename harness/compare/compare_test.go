package compare

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/report"
)

var update = flag.Bool("update", false, "write the golden files anew; read the difference before committing it")

var tool = report.Tool{Name: "drainproof", Version: "1.2.3"}

const (
	checkA = "a. observe: the marker is observed"
	checkB = "b. refuse: new turns are refused"
)

// run is a clean run of the gate whose figures lie around what is given.
func run(name string, draining, refused int64, change ...func(*Run)) *Run {
	started := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	r := &Run{
		Name: name, Noise: 0.1,
		Report: &report.Report{
			Spec: "0.1", Started: started, Ended: started.Add(8 * time.Second), Wall: 8 * time.Second,
			Profile: report.ProfileGate, Verdict: report.Conformant, Certifies: true, Why: "all held", Level: "gate", Runtime: "docker",
			Target:      report.Target{Name: "reference", Features: []string{"sessions", "epoch"}, Bound: 2 * time.Second},
			Image:       &report.Image{ID: "sha256:" + strings.Repeat(name[:1], 8)},
			Environment: &report.Environment{OS: "linux", Arch: "amd64", Kernel: "6.1", CPUs: 2},
			Config: map[string]any{
				"runner": map[string]any{"procs": 5.0}, "repetitions": map[string]any{"gate": map[string]any{"drains": 10.0}},
			},
			Points: []report.Point{{Point: "a", Title: "observe", Verdict: report.Pass}, {Point: "b", Title: "refuse", Verdict: report.Pass}},
			Requirements: []report.Requirement{
				{ID: "WATCH-001", Level: "MUST", Text: "Draining is published within B.", Verdict: report.Pass},
				{ID: "GATE-008", Level: "MUST", Text: "A refusal is prompt.", Verdict: report.Pass},
				{ID: "GATE-012", Level: "SHOULD", Text: "It is a 503.", Verdict: report.Warn},
				{ID: "EPOCH-001", Level: "MUST", Feature: "epoch", Text: "Another epoch is stale.", Verdict: report.NotRun},
			},
			Specs: []report.Spec{{Text: checkA, Point: "a"}, {Text: checkB, Point: "b"}},
		},
		checks: map[string][]sample{},
	}
	add := func(check, id, name, unit string, values []int64) {
		for _, v := range values {
			r.checks[check] = append(r.checks[check], sample{key{id, name, unit}, v})
		}
	}
	add(checkA, "", peakMemory, UnitMemory, []int64{20 << 20})
	add(checkA, "WATCH-001", "draining published after", UnitTime, spread(25, draining, ms/4))
	add(checkB, "GATE-008", "refused after", UnitTime, spread(60, refused, ms/10))
	add(checkB, "", peakMemory, UnitMemory, []int64{21 << 20})
	for _, c := range change {
		c(r)
	}
	return r
}

// with changes the verdict on a requirement, and with it that over all.
func with(id string, v report.Verdict) func(*Run) {
	return func(r *Run) {
		i := slices.IndexFunc(r.Report.Requirements, func(q report.Requirement) bool { return q.ID == id })
		r.Report.Requirements[i].Verdict = v
		if v == report.Fail {
			r.Report.Verdict = report.NonConformant
			r.Report.Points[0].Verdict = report.Fail
		}
	}
}

func in(change func(*report.Report)) func(*Run) { return func(r *Run) { change(r.Report) } }

func saying(id, to string) func(*Run) {
	return in(func(r *report.Report) {
		for i := range r.Requirements {
			if r.Requirements[i].ID == id {
				r.Requirements[i].Text = to
			}
		}
	})
}

func of(runs ...*Run) []*Run { return runs }

// stories are comparisons, each with what it comes to.
func stories() map[string]struct {
	old, new []*Run
	result   Result
	last     string
} {
	type story = struct {
		old, new []*Run
		result   Result
		last     string
	}
	return map[string]story{
		"no-change": {of(run("old", 6*ms, 2*ms)), of(run("new", 6*ms+100, 2*ms+100)), NoChange, "no change"},
		"noise":     {of(run("old", 6*ms, 2*ms)), of(run("new", 16*ms, 2*ms)), NoChange, "no change"},
		"slower":    {of(run("old", 6*ms, 2*ms)), of(run("new", 106*ms, 2*ms)), Worse, "worse: draining published after (WATCH-001) 9 ms -> 109 ms"},
		"faster":    {of(run("old", 106*ms, 2*ms)), of(run("new", 6*ms, 2*ms)), Better, "better: draining published after (WATCH-001) 109 ms -> 9 ms"},
		"failing": {of(run("old", 6*ms, 2*ms)), of(run("new", 6*ms, 2*ms, with("WATCH-001", report.Fail))), Worse,
			"worse: WATCH-001 pass -> fail; over all conformant -> non-conformant; point a. observe pass -> fail"},
		"mended": {of(run("old", 6*ms, 2*ms, with("WATCH-001", report.Fail))), of(run("new", 6*ms, 2*ms)), Better,
			"better: WATCH-001 fail -> pass; over all non-conformant -> conformant; point a. observe fail -> pass"},
		"blocked": {of(run("old", 6*ms, 2*ms)), of(run("new", 6*ms, 2*ms, with("GATE-008", report.Blocked))), Worse, "worse: GATE-008 pass -> blocked"},
		"slower-and-mended": {of(run("old", 6*ms, 2*ms, with("WATCH-001", report.Fail))), of(run("new", 6*ms, 102*ms)), Worse,
			"worse: refused after (GATE-008) 4.9 ms -> 105 ms"},
		"not-judged-any-more": {of(run("old", 6*ms, 2*ms, with("WATCH-001", report.Fail))),
			of(run("new", 6*ms, 2*ms, with("WATCH-001", report.Fail), with("WATCH-001", report.Inconclusive))), NoChange, "no change"},
		"pooled": {of(run("old-1", 6*ms, 2*ms), run("old-2", 7*ms, 2*ms, with("GATE-012", report.Pass))),
			of(run("new-1", 106*ms, 2*ms), run("new-2", 107*ms, 2*ms, with("WATCH-001", report.Fail))), Worse,
			"worse: WATCH-001 pass -> fail; draining published after (WATCH-001) 9.5 ms -> 110 ms; over all conformant -> non-conformant; point a. observe pass -> fail"},
		"other-version": {of(run("old", 6*ms, 2*ms)),
			of(run("new", 106*ms, 2*ms, saying("WATCH-001", "It means something else."), with("WATCH-001", report.Fail), in(func(r *report.Report) {
				r.Spec = "0.2"
				r.Requirements = append(r.Requirements, report.Requirement{ID: "GATE-013", Level: "MUST", Text: "New.", Verdict: report.Fail})
			}))), NoChange, "no change"},
		"hostile": {of(run("old", 6*ms, 2*ms)), of(run("new|\x1b[2J`<b>", 106*ms, 2*ms, in(func(r *report.Report) {
			r.Target.Name = "reference"
			r.Environment.Kernel = "6.2\n| x |"
		}))), Worse, "worse: draining published after (WATCH-001) 9 ms -> 109 ms"},
		"other-bound": {of(run("old", 6*ms, 2*ms)), of(run("new", 106*ms, 2*ms, in(func(r *report.Report) { r.Target.Bound = time.Second; r.Runtime = "process" }))),
			NotComparable, "not comparable: new has another runtime than old (process, and docker): run both sides with the same --runtime (and 1 more)"},
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; got:\n%s", path, got)
	}
}

func TestComparisons(t *testing.T) {
	for name, s := range stories() {
		t.Run(name, func(t *testing.T) {
			c := Compare(s.old, s.new, limits, tool)
			exit := map[Result]int{NoChange: 0, Better: 0, Worse: 1, NotComparable: 3}[s.result]
			if c.Result != s.result || c.Last != s.last || c.Exit != exit {
				t.Errorf("%s, exit %d\ngot  %s\nwant %s", c.Result, c.Exit, c.Last, s.last)
			}
			file := filepath.Join(t.TempDir(), "made", "comparison")
			if err := c.WriteJSON(file + ".json"); err != nil {
				t.Error(err)
			}
			if err := c.WriteMarkdown(file + ".md"); err != nil {
				t.Fatal(err)
			}
			markdown, err := os.ReadFile(file + ".md")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name+".md", string(markdown))
			var table bytes.Buffer
			c.Table(&table)
			golden(t, name+".txt", table.String())
			lines := strings.Split(strings.TrimSpace(table.String()), "\n")
			if last := lines[len(lines)-1]; last != c.Last {
				t.Errorf("the last line is %q", last)
			}
		})
	}
}

// What must be the same in all runs, or the answer is about something else.
func TestOtherConditionsAreNotCompared(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Run)
		want   string
	}{
		"bound":    {in(func(r *report.Report) { r.Target.Bound = time.Second }), "another observation bound than old (1 s, and 2 s)"},
		"runtime":  {in(func(r *report.Report) { r.Runtime = "process" }), "another runtime than old (process, and docker)"},
		"target":   {in(func(r *report.Report) { r.Target.Name = "other" }), "another target than old (other, and reference)"},
		"features": {in(func(r *report.Report) { r.Target.Features = r.Target.Features[:1] }), "another set of features than old"},
		"profile":  {in(func(r *report.Report) { r.Profile = report.ProfileFull }), "another profile than old (full, and gate)"},
		"level":    {in(func(r *report.Report) { r.Level = "certify" }), "another level than old (certify, and gate)"},
		"machine":  {in(func(r *report.Report) { r.Environment.CPUs = 64 }), "another machine than old (linux/amd64 with 64 processors, and linux/amd64 with 2 processors)"},
		"procs":    {in(func(r *report.Report) { r.Config["runner"] = map[string]any{"procs": 1.0} }), "another number of checks at once than old (1, and 5)"},
		"repetitions": {in(func(r *report.Report) {
			r.Config["repetitions"] = map[string]any{"gate": map[string]any{"drains": 50.0}}
		}), "another number of repetitions than old"},
		"noise":        {func(r *Run) { r.Noise = 0.51 }, "new: the machine kept the gateway or the probe waiting for 51 % of the time"},
		"unfit":        {func(r *Run) { r.unfit("its run is incomplete (%s): run it again", "why") }, "new: its run is incomplete (why): run it again"},
		"other checks": {func(r *Run) { r.Report.Specs, r.checks = nil, map[string][]sample{} }, "no check was made in all of the runs"},
	} {
		t.Run(name, func(t *testing.T) {
			result := Compare(of(run("old", 6*ms, 2*ms)), of(run("new", 106*ms, 2*ms, c.change)), limits, tool)
			if result.Result != NotComparable || result.Exit != 3 || len(result.Reasons) != 1 || !strings.Contains(result.Last, c.want) {
				t.Errorf("%s, exit %d, %d reasons: %s", result.Result, result.Exit, len(result.Reasons), result.Last)
			}
			if len(result.Figures)+len(result.Verdicts) > 0 {
				t.Error("something was compared all the same")
			}
			// The other order, and among the runs of one side, it is no better.
			for _, again := range []*Comparison{
				Compare(of(run("new", 106*ms, 2*ms, c.change)), of(run("old", 6*ms, 2*ms)), limits, tool),
				Compare(of(run("old", 6*ms, 2*ms), run("new", 106*ms, 2*ms, c.change)), of(run("newest", 6*ms, 2*ms)), limits, tool),
			} {
				if again.Result != NotComparable {
					t.Errorf("the other way round it is %q", again.Last)
				}
			}
		})
	}
}

// Reports of before say less of how they were made; what they do not say is no difference.
func TestOlderReportsAreCompared(t *testing.T) {
	old := run("old", 6*ms, 2*ms, in(func(r *report.Report) { r.Environment, r.Config, r.Suite, r.Image = nil, nil, nil, nil }))
	if c := Compare(of(old), of(run("new", 6*ms, 2*ms)), limits, tool); c.Result != NoChange {
		t.Error(c.Last)
	}
}

// A check, or a figure, that only one side has is told, and compared with nothing.
func TestWhatOnlyOneSideHasIsLeftOut(t *testing.T) {
	without := func(r *Run) { delete(r.checks, checkB); r.Report.Specs = r.Report.Specs[:1] }
	c := Compare(of(run("old", 6*ms, 2*ms)), of(run("new", 6*ms, 200*ms, without)), limits, tool)
	if c.Result != NoChange || !slices.ContainsFunc(c.LeftOut, func(l string) bool { return strings.Contains(l, checkB) }) {
		t.Errorf("%s; left out %v", c.Last, c.LeftOut)
	}
	for _, f := range c.Figures {
		if f.Requirement == "GATE-008" {
			t.Errorf("compared: %+v", f)
		}
	}
	forgetful := func(r *Run) {
		for text, samples := range r.checks {
			r.checks[text] = slices.DeleteFunc(samples, func(s sample) bool { return s.unit == UnitMemory })
		}
	}
	c = Compare(of(run("old", 6*ms, 2*ms, forgetful)), of(run("new", 6*ms, 2*ms)), limits, tool)
	if c.Result != NoChange || !slices.Contains(c.Notes, "memory is not compared: not both sides recorded it") {
		t.Errorf("%s; notes %v", c.Last, c.Notes)
	}
}

// The schema holds what a reader may rely on.
func TestSchemaRefusesLies(t *testing.T) {
	honest, err := json.Marshal(Compare(of(run("old", 6*ms, 2*ms)), of(run("new", 106*ms, 2*ms)), limits, tool))
	if err != nil {
		t.Fatal(err)
	}
	if err := report.Validate(honest, Schema()); err != nil {
		t.Fatal(err)
	}
	for name, lie := range map[string]func(map[string]any){
		"worse with exit 0":     func(c map[string]any) { c["exit"] = 0 },
		"no change with exit 1": func(c map[string]any) { c["result"] = "no change" },
		"worse for no reason":   func(c map[string]any) { c["figures"] = []any{} },
		"a better of worse":     func(c map[string]any) { c["result"], c["exit"] = "better", 0 },
		"not comparable, and compared": func(c map[string]any) {
			c["result"], c["exit"], c["reasons"] = "not comparable", 3, []any{"x"}
		},
		"a field of its own":   func(c map[string]any) { c["opinion"] = "fine" },
		"noise without a miss": func(c map[string]any) { c["figures"].([]any)[1].(map[string]any)["finding"] = "noise" },
		"no run":               func(c map[string]any) { c["old"] = map[string]any{"runs": []any{}} },
	} {
		t.Run(name, func(t *testing.T) {
			var c map[string]any
			if err := json.Unmarshal(honest, &c); err != nil {
				t.Fatal(err)
			}
			lie(c)
			raw, err := json.Marshal(c)
			if err != nil {
				t.Fatal(err)
			}
			if report.Validate(raw, Schema()) == nil {
				t.Error("accepted")
			}
		})
	}
}

func TestTheLastLineIsNotEndless(t *testing.T) {
	c := &Comparison{}
	for i := range 7 {
		c.Verdicts = append(c.Verdicts, Change{What: fmt.Sprintf("GATE-%03d", i), Old: report.Pass, New: report.Fail, Finding: FoundWorse})
	}
	c.conclude()
	if !strings.HasSuffix(c.Last, "GATE-003 pass -> fail; and 3 more") {
		t.Error(c.Last)
	}
}
