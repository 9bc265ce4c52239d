package soak

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/monitor"
	"github.com/drainproof/drainproof/harness/report"
)

func outcome(change func(*Outcome)) *Outcome {
	o := &Outcome{
		Seed: 5, Pods: 1, Schedules: 200, Drains: 30, Turns: 70, Cycles: 40, Cycling: 2 * time.Second, Wall: time.Minute, Judging: 600 * time.Millisecond,
		Goals: []Goal{{"flip-in-flight", "a drain was published with a turn in flight", 3}}, Broken: map[string]*Breach{}, Arose: map[string]int{"GATE-001": 4}, Samples: []Samples{},
	}
	change(o)
	return o
}

// What a soak says is never more than what was played.
func TestVerdictsOfASoak(t *testing.T) {
	broken := func(o *Outcome) {
		o.Broken["GATE-001"] = &Breach{Requirement: report.Requirement{ID: "GATE-001", Text: "t", Reason: "r"}, Schedules: 2, First: Schedule{Seed: 9}}
	}
	for name, c := range map[string]struct {
		change  func(*Outcome)
		verdict report.Verdict
		exit    int
		why     string
	}{
		"all is well":              {func(*Outcome) {}, report.Conformant, 0, "200 schedules broke nothing, and reached all 1 goals"},
		"a goal is missing":        {func(o *Outcome) { o.Goals = append(o.Goals, Goal{"crowd", "c", 0}) }, report.Incomplete, 3, "it never came to: crowd"},
		"interrupted":              {func(o *Outcome) { o.Interrupted = true }, report.Incomplete, 3, "interrupted after 200 schedules"},
		"given up":                 {func(o *Outcome) { o.GivenUp = "no engine" }, report.Incomplete, 3, "given up after 200 schedules, in which nothing was broken: no engine"},
		"nothing was played":       {func(o *Outcome) { o.Schedules = 0 }, report.Incomplete, 3, "nothing was played"},
		"two in a hundred lost":    {func(o *Outcome) { o.Lost = []string{"a", "b", "c", "d"} }, report.Incomplete, 3, "4 of 200 schedules could not be played"},
		"one in two hundred lost":  {func(o *Outcome) { o.Lost = []string{"a"} }, report.Conformant, 0, "broke nothing"},
		"broken":                   {broken, report.NonConformant, 1, "failed: GATE-001"},
		"broken, then interrupted": {func(o *Outcome) { broken(o); o.Interrupted = true }, report.NonConformant, 1, "failed: GATE-001"},
	} {
		t.Run(name, func(t *testing.T) {
			r := Compose(outcome(c.change))
			if r.Verdict != c.verdict || r.ExitCode != c.exit || !strings.Contains(r.Why, c.why) {
				t.Errorf("%q, exit %d: %s", r.Verdict, r.ExitCode, r.Why)
			}
		})
	}
}

// A report that is written follows its schema, and is read as it was.
func TestASoaksReport(t *testing.T) {
	r := Compose(outcome(func(o *Outcome) {
		o.Broken["GATE-001"] = &Breach{Requirement: report.Requirement{ID: "GATE-001", Text: "t", Reason: "one | two"}, Schedules: 2, First: Schedule{Seed: 9}}
		f := newFigures()
		f.add([]monitor.Sample{{Name: "x after", Value: time.Second, Bound: 2 * time.Second}})
		f.peak([]history.Event{{Kind: history.KindMemory, Memory: &history.Memory{PID: 1, Peak: 1 << 20}}})
		o.Samples, o.Peaks, o.Watched, o.Stalled = f.all(), f.peaks.values, time.Minute, 6*time.Second
	}))
	r.Environment = report.ThisMachine()
	if r.Noise != 0.1 {
		t.Errorf("noise %v, want 0.1", r.Noise)
	}
	r.Tool, r.Spec, r.Started, r.Runtime = report.Tool{Name: "drainproof", Version: "dev"}, "0.1", time.Now().UTC().Round(time.Second), "docker"
	r.Target = report.Target{Name: "t", Path: "t.yaml", SHA256: "00", Bound: 2 * time.Second}
	r.Failures[0].Reproducer, r.Failures[0].Shrunk = "reproducers/GATE-001", &Shrunk{From: 30, To: 3, Tried: 12, Failed: 3, Played: 3}
	dir := t.TempDir()
	if err := r.Write(dir); err != nil {
		t.Fatal(err)
	}
	got, err := ReadReport(dir)
	if err != nil || !reflect.DeepEqual(got, r) {
		t.Errorf("%v\n%+v\n%+v", err, got, r)
	}
	text, err := os.ReadFile(filepath.Join(dir, MarkdownName))
	for _, part := range []string{"non-conformant", "one \\| two", "3 steps of 30; failed 3 of 3 times), maybe not the smallest", "1200 drain cycles a minute", "judging took 1.0 %"} {
		if err != nil || !strings.Contains(string(text), part) {
			t.Errorf("%v: the text lacks %q:\n%s", err, part, text)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, FileName), []byte(`{"schema": 1}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadReport(dir); err == nil {
		t.Error("what is no report was read as one")
	}
}

// Samples beyond what is kept are counted all the same, and the longest is known.
func TestFiguresStayBounded(t *testing.T) {
	f := newFigures()
	for i := range 3 * maxValues {
		f.add([]monitor.Sample{{Name: "b", Value: time.Duration(i)}, {Name: "a", Value: 1}})
		f.peak([]history.Event{{Kind: history.KindMemory, Memory: &history.Memory{Peak: int64(i)}}})
	}
	all := f.all()
	if len(all) != 2 || all[0].Name != "a" || all[1].N != 3*maxValues || all[1].Max != 3*maxValues-1 || len(all[1].Values) != maxValues {
		t.Fatalf("%d figures, %d samples, max %d, %d kept", len(all), all[1].N, all[1].Max, len(all[1].Values))
	}
	if len(f.peaks.values) != maxValues {
		t.Errorf("%d peaks were kept", len(f.peaks.values))
	}
	if half := all[1].P50; half < maxValues || half > 2*maxValues {
		t.Errorf("the median of what was kept is %d of %d", half, 3*maxValues)
	}
}

// A reproducer is read as it was written, with its picture; what is none is refused.
func TestBundle(t *testing.T) {
	events := new(clock).begin().state("running", 0).events
	var raw strings.Builder
	raw.WriteString(`{"seq":0,"kind":"header","call":0,"return":0,"header":{"schema":1,"spec":"soak: schedule 9","requirements":[],"seed":9,"bound_ns":2000000000,"target":"t","runtime":"docker","stamp_error_ns":0}}` + "\n")
	for _, line := range []string{
		`{"seq":1,"kind":"marker","call":1,"return":2,"marker":{"op":"begin","existed":false,"present":true}}`,
		`{"seq":2,"kind":"state","call":1001,"return":1002,"state":{"publication":"file","state":"running","count":0}}`,
	} {
		raw.WriteString(line + "\n")
	}
	if len(events) != 2 {
		t.Fatal("the history is another")
	}
	from := t.TempDir()
	historyFile, targetFile := filepath.Join(from, "h.jsonl"), filepath.Join(from, "t.yaml")
	for file, text := range map[string]string{historyFile: raw.String(), targetFile: "name: t\n"} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	dir := filepath.Join(t.TempDir(), "GATE-001")
	b := Bundle{
		Tool: report.Tool{Name: "drainproof", Version: "dev"}, Spec: "0.1", Requirement: "GATE-001", Text: "what is demanded", Reason: "what was seen", Runtime: "docker",
		Target: targetFile, Fault: "slow-cancel", Shrunk: &Shrunk{From: 30, To: 2, Failed: 3, Played: 3, Minimal: true},
		Schedule: Schedule{Target: "t", Seed: 9, Steps: []Step{{Do: Begin}, {Do: Await, What: ForDraining}}},
		Found: report.Requirement{ID: "GATE-001", Level: "MUST", Family: "GATE", Text: "what is demanded", Verdict: report.Fail,
			Violations: []report.Violation{{Violation: monitor.Violation{Requirement: "GATE-001", At: 1002, Expected: "x", Actual: "y", Evidence: []uint64{2}}}}},
	}
	if err := WriteBundle(dir, b, historyFile, targetFile); err != nil {
		t.Fatal(err)
	}
	got, err := ReadBundle(dir)
	if err != nil || got.Requirement != "GATE-001" || got.Fault != "slow-cancel" || len(got.Schedule.Steps) != 2 || got.Schedule.How != "what was seen" || got.SHA256 == "" {
		t.Errorf("%+v, %v", got, err)
	}
	for name, parts := range map[string][]string{
		BundleReadme: {"# GATE-001 is broken", "- begin\n- await draining", "drainproof replay .", "what is left of 30, and failed 3 of 3", "slow-cancel", targetFile},
		PictureName:  {"<svg", "GATE-001", "class=\"breach\""},
	} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		for _, part := range parts {
			if err != nil || !strings.Contains(string(text), part) {
				t.Errorf("%s lacks %q (%v):\n%.2000s", name, part, err, text)
			}
		}
	}
	if alone, err := ReadBundle(filepath.Join(dir, ScheduleName)); err != nil || alone.Requirement != "" || len(alone.Schedule.Steps) != 2 {
		t.Errorf("a schedule by itself: %+v, %v", alone, err)
	}
	for name, text := range map[string]string{"no JSON": "{", "another version": `{"schema": 7}`} {
		if err := os.WriteFile(filepath.Join(dir, BundleName), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadBundle(dir); err == nil {
			t.Errorf("%s was read", name)
		}
	}
}
