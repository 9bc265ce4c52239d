package conformance

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/config"
	"github.com/drainproof/drainproof/harness/report"
)

// partReport is the report of a part of a gate that was interrupted before it left a
// history.
func partReport(t *testing.T, i, of int, change ...func(*report.Report)) *report.Report {
	t.Helper()
	sum := strings.Repeat("0123456789abcdef", 4)
	began := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	r := &report.Report{
		Dir: t.TempDir(), Schema: report.SchemaVersion, Tool: report.Tool{Name: "drainproof", Version: "1.2.3"}, Spec: SpecVersion,
		Started: began, Ended: began.Add(time.Duration(i) * time.Second), Wall: time.Duration(i) * time.Second,
		Profile: report.ProfileGate, Level: config.LevelGate, Runtime: "docker", Engine: fmt.Sprintf("20.10.%d", i%2),
		Target: report.Target{Name: "edge", SHA256: sum, Bound: 2 * time.Second}, Image: &report.Image{ID: "sha256:" + sum},
		Suite: report.SuiteOf(sum, sum), Environment: &report.Environment{OS: "linux", Arch: "amd64", Kernel: "6.1", CPUs: 8 - i},
		Seed: 7, Config: map[string]any{"shard": map[string]any{"index": i, "of": of}, "repetitions": map[string]any{"gate": 1.0}},
		Shard: &report.Shard{Index: i, Of: of},
	}
	r.WhyNot = []string{r.Shard.Text()}
	for _, sp := range kindOf(r).checks(collect().specs) {
		r.Specs = append(r.Specs, report.Spec{
			Text: sp.text, Point: sp.point.Letter, Family: sp.family, Requirements: sp.ids, Result: "interrupted", Seed: 7, Message: "it was cut short",
		})
	}
	for _, c := range change {
		c(r)
	}
	return r
}

// Whatever became of the parts, what they make is one run: of all its checks, and what
// `drainproof verify` takes for what it is.
func TestMergedPartsAreAWholeRun(t *testing.T) {
	for name, c := range map[string]struct {
		parts []*report.Report
		why   string
		text  string // of some spec's message
	}{
		"all":     {[]*report.Report{partReport(t, 3, 3), partReport(t, 1, 3), partReport(t, 2, 3)}, "no verdict on: ", "it was cut short"},
		"missing": {[]*report.Report{partReport(t, 3, 3), partReport(t, 1, 3)}, "part 2 of 3 is missing; no verdict on: ", "no history of it: part 2 of 3 is missing"},
		"twice":   {[]*report.Report{partReport(t, 2, 2), partReport(t, 1, 2), partReport(t, 2, 2)}, "part 2 of 2 is there more than once, so that none of them counts; ", "no history of it: part 2 of 2 is there"},
		"both":    {[]*report.Report{partReport(t, 5, 5), partReport(t, 5, 5)}, "parts 1, 2, 3, 4 of 5 are missing; part 5 of 5 is there more than once", "are missing"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			r, err := Merge(dir, c.parts)
			if err != nil {
				t.Fatal(err)
			}
			if r.Verdict != report.Incomplete || r.ExitCode != 3 || r.Certifies || !strings.HasPrefix(r.Why, c.why) {
				t.Errorf("%s, exit %d: %s; want %s", r.Verdict, r.ExitCode, r.Why, c.why)
			}
			if r.Shard != nil || len(r.Specs) != 5 || len(r.Points) != 5 || len(r.WhyNot) > 0 || r.Config["shard"] != nil {
				t.Errorf("no whole run: %+v", r)
			}
			said := false
			for _, s := range r.Specs {
				said = said || strings.Contains(s.Message, c.text)
			}
			if !said {
				t.Errorf("no check says %q: %+v", c.text, r.Specs)
			}
			read, err := report.Read(dir)
			if err != nil {
				t.Fatal(err)
			}
			differs, err := Rejudge(read)
			if err != nil || len(differs) > 0 {
				t.Errorf("%v, %v", differs, err)
			}
		})
	}
}

func TestAMergeSaysWhatThePartsTook(t *testing.T) {
	r, err := Merge(t.TempDir(), []*report.Report{partReport(t, 2, 3), partReport(t, 3, 3), partReport(t, 1, 3)})
	if err != nil {
		t.Fatal(err)
	}
	if m := r.Merged; m.Of != 3 || m.Longest != 3*time.Second || m.Sum != 6*time.Second || r.Wall != 3*time.Second || r.Ended.Sub(r.Started) != 3*time.Second {
		t.Errorf("%+v, wall %s", m, r.Wall)
	}
	if r.Engine != "20.10.0, 20.10.1" || r.Environment.CPUs != 5 || r.Environment.Kernel != "6.1" {
		t.Errorf("engine %s, environment %+v", r.Engine, r.Environment)
	}
}

// Parts of different runs make no run, and a report that is not what it says is no part.
func TestWhatIsNoPartOfTheRunIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*report.Report)
		want   string
	}{
		"no part":     {func(r *report.Report) { r.Shard = nil }, "is no part of a run: it was made without --shard"},
		"requirement": {func(r *report.Report) { r.Spec = "0.0" }, "is of requirements 0.0, and this program judges by " + SpecVersion},
		"seed":        {func(r *report.Report) { r.Seed = 8 }, "are parts of different runs: the seed is 7 in one and 8 in the other"},
		"parts":       {func(r *report.Report) { *r = *partReport(t, 2, 3) }, "the number of parts is 2 in one and 3 in the other"},
		"target":      {func(r *report.Report) { r.Target.Name = "other" }, "the target is edge in one and other in the other"},
		"target file": {func(r *report.Report) { r.Target.SHA256 = strings.Repeat("f", 64) }, "the target file's hash is"},
		"image":       {func(r *report.Report) { r.Image = nil }, "the image is sha256:"},
		"sidecar":     {func(r *report.Report) { r.Image.Sidecars = map[string]string{"proxy": "sha256:1"} }, ", sidecar proxy sha256:1 in the other"},
		"bound":       {func(r *report.Report) { r.Target.Bound = time.Second }, "the bound is 2s in one and 1s in the other"},
		"level":       {func(r *report.Report) { r.Level = config.LevelAudit }, "the level is gate in one and audit in the other"},
		"runtime":     {func(r *report.Report) { r.Runtime = "process" }, "the runtime is docker in one and process in the other"},
		"suite":       {func(r *report.Report) { r.Suite = nil }, "the suite is "},
		"repetitions": {func(r *report.Report) { r.Config["repetitions"] = nil }, "the repetitions is map"},
		"markers":     {func(r *report.Report) { r.Config[markersKey] = "x" }, "the catalogue of markers is <nil> in one and x in the other"},
		"expected":    {func(r *report.Report) { r.Expected = []report.Expectation{{Requirement: "GATE-001"}} }, "the list of expected failures is"},
		"profile":     {func(r *report.Report) { *r = *partReport(t, 2, 2, full) }, "the profile is gate in one and full in the other"},
		"a check of another part": {func(r *report.Report) { r.Specs[0] = partReport(t, 1, 2).Specs[0] },
			"is not the report of such a part: the report leaves out the check"},
		"other bytes": {func(r *report.Report) {
			r.Specs[0].File, r.Specs[0].SHA256 = "b.jsonl", strings.Repeat("0", 64)
			if err := os.WriteFile(filepath.Join(r.Dir, "b.jsonl"), []byte("{}\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}, "was changed since its part was run: the report names the hash 000"},
		"no bytes":  {func(r *report.Report) { r.Specs[0].File, r.Specs[0].SHA256 = "b.jsonl", "0" }, "no such file"},
		"elsewhere": {func(r *report.Report) { r.Specs[0].File = "../b.jsonl" }, `names a history outside its folder: "../b.jsonl"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Merge(t.TempDir(), []*report.Report{partReport(t, 1, 2), partReport(t, 2, 2, c.change)})
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, want one line with %q", err, c.want)
			}
		})
	}
	if _, err := Merge(t.TempDir(), nil); err == nil {
		t.Error("nothing at all is a run")
	}
}

// full makes the report of a part one of the full profile.
func full(r *report.Report) {
	r.Profile, r.Specs = report.ProfileFull, nil
	for _, sp := range kindOf(r).checks(collect().specs) {
		r.Specs = append(r.Specs, report.Spec{Text: sp.text, Point: sp.point.Letter, Family: sp.family, Requirements: sp.ids, Result: "interrupted", Seed: r.Seed})
	}
}
