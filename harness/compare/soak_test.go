package compare

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/report"
	"github.com/drainproof/drainproof/harness/soak"
)

// soaked is the folder of a soak, as changed.
func soaked(t *testing.T, change func(*soak.Report)) string {
	t.Helper()
	s := &soak.Report{
		Schema: soak.SchemaVersion, Tool: tool, Spec: "0.1", Started: time.Unix(1, 0).UTC(), Wall: time.Minute,
		Verdict: report.Conformant, Why: "90 schedules broke nothing", Runtime: "docker", Schedules: 90,
		Target: report.Target{Name: "t", Path: "t.yaml", SHA256: strings.Repeat("a", 64), Bound: 2 * time.Second},
		Goals:  []soak.Goal{}, Failures: []soak.Failure{}, Arose: map[string]int{"GATE-001": 30, "WATCH-001": 90, "GATE-002": 0},
		Environment: &report.Environment{OS: "linux", Arch: "amd64", Kernel: "5.10", CPUs: 2},
	}
	for i := range 200 {
		s.Peaks = append(s.Peaks, 30<<20+int64(i)<<10)
	}
	published := soak.Samples{Summary: report.Summary{Name: "draining published after", N: 5000}}
	for i := range 200 {
		published.Values = append(published.Values, 10*time.Millisecond+time.Duration(i)*time.Microsecond)
	}
	s.Figures = []soak.Samples{published}
	change(s)
	dir := t.TempDir()
	if err := s.Write(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

func same(*soak.Report) {}

// Soaks are compared by the samples that they kept, and by what was broken in them.
func TestSoaksAreCompared(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*soak.Report)
		result Result
		last   string
	}{
		"no change": {func(s *soak.Report) { s.Seed, s.Schedules = 7, 40 }, NoChange, "no change"},
		"slower": {func(s *soak.Report) {
			for i := range s.Figures[0].Values {
				s.Figures[0].Values[i] += 100 * time.Millisecond
			}
		}, Worse, "worse: draining published after"},
		"bigger": {func(s *soak.Report) {
			for i := range s.Peaks {
				s.Peaks[i] += 40 << 20
			}
		}, Worse, "worse: peak memory of the process 30.1 MiB -> 70.1 MiB"},
		"broken": {func(s *soak.Report) {
			s.Verdict, s.Why, s.ExitCode = report.NonConformant, "failed: GATE-001", 1
			s.Failures = []soak.Failure{{Requirement: "GATE-001", Text: "t", Reason: "r", Schedules: 1}}
		}, Worse, "worse: GATE-001 pass -> fail"},
		"less arose":      {func(s *soak.Report) { s.Arose["GATE-001"] = 0 }, NoChange, "no change"},
		"incomplete":      {func(s *soak.Report) { s.Verdict, s.Why, s.ExitCode = report.Incomplete, "it was interrupted", 3 }, NotComparable, "its soak is incomplete (it was interrupted): soak again"},
		"another machine": {func(s *soak.Report) { s.Environment.CPUs = 8 }, NotComparable, "another machine"},
		"noisy":           {func(s *soak.Report) { s.Noise = 0.9 }, NotComparable, "kept the gateway or the probe waiting for 90 %"},
	} {
		t.Run(name, func(t *testing.T) {
			was, is := read(t, soaked(t, same)), read(t, soaked(t, c.change))
			got := Compare(of(was), of(is), limits, tool)
			if got.Result != c.result || !strings.Contains(got.Last, c.last) {
				t.Errorf("%s, want %s", got.Last, c.last)
			}
			if err := got.WriteJSON(filepath.Join(t.TempDir(), "c.json")); err != nil {
				t.Error(err)
			}
		})
	}
}

func read(t *testing.T, dir string) *Run {
	t.Helper()
	for _, arg := range []string{dir, filepath.Join(dir, soak.FileName)} {
		if found, err := Find(arg); err != nil || len(found) != 1 || found[0] != dir {
			t.Fatalf("%s: %q, %v", arg, found, err)
		}
	}
	run, err := Load(dir, reportSchema(t))
	if err != nil {
		t.Fatal(err)
	}
	return run
}

// A soak is not compared with a run.
func TestASoakIsNoRun(t *testing.T) {
	dir := t.TempDir()
	folder(t, dir)
	run, err := Load(dir, reportSchema(t))
	if err != nil {
		t.Fatal(err)
	}
	got := Compare(of(run), of(read(t, soaked(t, same))), limits, tool)
	if got.Result != NotComparable || !strings.Contains(strings.Join(got.Reasons, "\n"), "another profile than") {
		t.Errorf("%s: %q", got.Last, got.Reasons)
	}
}

func TestNoSoak(t *testing.T) {
	dir := soaked(t, same)
	if err := os.WriteFile(filepath.Join(dir, soak.FileName), []byte(`{"schema": 2}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(dir, reportSchema(t)); err == nil || !strings.Contains(err.Error(), "use the version that wrote it") {
		t.Error(err)
	}
}
