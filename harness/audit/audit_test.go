package audit_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/audit"
	"github.com/drainproof/drainproof/harness/report"
)

var (
	slow  = audit.Gateway{ID: "slow-cancel", Sentence: "Reverts after 2B.", MustName: "WATCH-002", AlsoAllowed: []string{"GATE-011"}}
	right = audit.Gateway{ID: "right", Sentence: "The reference gateway."}
	plan  = audit.Plan{Depth: "quick", Level: "gate", Bound: 500 * time.Millisecond, Runtime: "docker", Spec: "1", Suite: strings.Repeat("a", 64)}
)

// run is a run of a gateway in which those requirements failed.
func run(g audit.Gateway, number int, failed ...string) audit.Run {
	r := audit.Run{
		Gateway: g.ID, Number: number, Wall: time.Duration(number) * time.Second,
		Started: time.Date(2026, 1, 1, 0, 0, number, 0, time.UTC), Runtime: "process",
		Verdicts: map[string]report.Verdict{}, Judged: []string{"GATE-001", "WATCH-002"}, Verdict: report.NotCertifying,
	}
	if !g.Right() {
		r.Receipts = []string{g.ID}
	}
	for _, id := range failed {
		r.Exit, r.Verdict, r.Verdicts[id] = 1, report.NonConformant, report.Fail
	}
	return r
}

func with(r audit.Run, change func(*audit.Run)) audit.Run { change(&r); return r }

func unclear(r *audit.Run) {
	r.Exit, r.Verdict, r.Why = 3, report.Incomplete, "no verdict on: GATE-001"
	r.Verdicts["GATE-001"] = report.Inconclusive
}

func TestMark(t *testing.T) {
	for name, tc := range map[string]struct {
		gateway audit.Gateway
		run     audit.Run
		want    string // what is wrong with it
	}{
		"named":                             {slow, run(slow, 1, "WATCH-002"), ""},
		"named, with one that may fall too": {slow, run(slow, 1, "WATCH-002", "GATE-011"), ""},
		"only one that may fall with it":    {slow, run(slow, 1, "GATE-011"), "not named WATCH-002; failed: GATE-011"},
		"somebody else is charged as well":  {slow, run(slow, 1, "WATCH-002", "GATE-001"), "falsely accused of GATE-001"},
		"passed":                            {slow, run(slow, 1), "not detected: passed, not certifying"},
		"its fault never came to act":       {slow, with(run(slow, 1), func(r *audit.Run) { r.Receipts = nil }), "inconclusive: no activation receipt: the fault never came to act"},
		"failed, and its fault never came to act": {slow, with(run(slow, 1, "WATCH-002"), func(r *audit.Run) { r.Receipts = []string{"another"} }),
			"inconclusive: no activation receipt: the fault never came to act"},
		"blocked is not detected": {slow, with(run(slow, 1), func(r *audit.Run) {
			r.Exit, r.Why, r.Verdicts["WATCH-002"] = 3, "no verdict on: WATCH-002", report.Blocked
		}), "inconclusive: no verdict on: WATCH-002"},
		"one that may fall with it, and nothing is known of its own": {slow, with(run(slow, 1, "GATE-011"), func(r *audit.Run) {
			r.Verdicts["WATCH-002"] = report.HarnessError
		}), "inconclusive: no verdict on WATCH-002"},
		"right and passed":            {right, run(right, 1), ""},
		"right and charged":           {right, run(right, 1, "GATE-001"), "falsely accused of GATE-001"},
		"right and without a verdict": {right, with(run(right, 1), unclear), "inconclusive: no verdict on: GATE-001"},
	} {
		if got := tc.gateway.Wrong(tc.run); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

func TestAssess(t *testing.T) {
	both := []audit.Gateway{slow, right}
	twice := map[string]int{"slow-cancel": 2, "right": 1}
	named, passed := run(slow, 1, "WATCH-002"), run(right, 1)
	for name, tc := range map[string]struct {
		runs    []audit.Run
		verdict string
		why     string
		exit    int
	}{
		"all is as it must be":    {[]audit.Run{named, run(slow, 2, "WATCH-002"), passed}, audit.Sound, "1 wrong gateways", 0},
		"one run did not name it": {[]audit.Run{named, run(slow, 2, "GATE-011"), passed}, audit.Unsound, "slow-cancel not named", 1},
		"one run passed it":       {[]audit.Run{named, run(slow, 2), passed}, audit.Unsound, "slow-cancel not detected", 1},
		"one run accused falsely": {[]audit.Run{named, run(slow, 2, "WATCH-002", "GATE-001"), passed}, audit.Unsound, "slow-cancel falsely accused", 1},
		"the right one failed":    {[]audit.Run{named, run(slow, 2, "WATCH-002"), run(right, 1, "GATE-001")}, audit.Unsound, "right failed", 1},
		"one run is missing":      {[]audit.Run{named, passed}, audit.Incomplete, "slow-cancel: 1 of 2 runs missing", 3},
		"nothing was run":         {nil, audit.Incomplete, "2 of 2 runs missing", 3},
		"one run says nothing":    {[]audit.Run{named, with(run(slow, 2), unclear), passed}, audit.Incomplete, "slow-cancel: 1 of 2 runs inconclusive", 3},
		"no run detected it":      {[]audit.Run{with(run(slow, 1), unclear), with(run(slow, 2), unclear), passed}, audit.Unsound, "slow-cancel not detected", 1},
		"the right one is without a verdict": {[]audit.Run{named, run(slow, 2, "WATCH-002"), with(run(right, 1), unclear)},
			audit.Incomplete, "right: 1 of 1 runs inconclusive", 3},
	} {
		t.Run(name, func(t *testing.T) {
			c := audit.Assess(plan, both, twice, tc.runs)
			if c.Verdict != tc.verdict || c.Exit != tc.exit || !strings.Contains(c.Why, tc.why) {
				t.Errorf("%s (exit %d): %s; want %s (exit %d): %s", c.Verdict, c.Exit, c.Why, tc.verdict, tc.exit, tc.why)
			}
			c.Tool = report.Tool{Name: "drainproof", Version: "test"}
			dir := t.TempDir()
			if err := audit.Write(dir, c); err != nil {
				t.Fatal(err)
			}
			again, err := audit.Read(filepath.Join(dir, audit.FileName))
			if err != nil || again.Why != c.Why || again.Totals != c.Totals {
				t.Errorf("what is read is not what was written: %+v, %v", again, err)
			}
		})
	}
}

func TestScores(t *testing.T) {
	c := audit.Assess(plan, []audit.Gateway{slow, right}, nil, []audit.Run{
		run(slow, 3, "WATCH-002", "GATE-011"), run(slow, 1), run(slow, 2, "WATCH-002"),
		run(right, 1), run(right, 2, "WATCH-002"), with(run(right, 3), unclear),
	})
	s := c.Scores[0]
	if s.Runs != 3 || s.Detected != 2 || s.Named != 2 || s.Failed["WATCH-002"] != 2 || s.Failed["GATE-011"] != 1 {
		t.Errorf("%+v", s)
	}
	// Run 1 took a second and missed it; run 2 took two and did not.
	if s.RunsToDetection != 2 || s.TimeToDetection != 3*time.Second {
		t.Errorf("detected by run %d after %s", s.RunsToDetection, s.TimeToDetection)
	}
	want := []audit.Flake{{Requirement: "WATCH-002", Runs: 3, Failed: 1}, {Requirement: "GATE-001", Runs: 3, Inconclusive: 1}}
	if !slices.Equal(c.Flakes, want) {
		t.Errorf("ledger %+v, want %+v", c.Flakes, want)
	}
	if c.Totals.Right != 3 || c.Totals.RightPassed != 1 || c.Totals.Accused != 1 {
		t.Errorf("%+v", c.Totals)
	}
}

// An attempt without a verdict is not forgotten when the run is done again: it is
// counted, remarked on, and in the ledger where it was of a right gateway.
func TestVoided(t *testing.T) {
	void := func(g audit.Gateway) audit.Run {
		return with(run(g, 1), func(r *audit.Run) { unclear(r); r.Report = "runs/" + g.ID })
	}
	again := func(g audit.Gateway, failed ...string) audit.Run {
		return with(run(g, 1, failed...), func(r *audit.Run) {
			r.Voided, r.Started = []audit.Run{void(g)}, r.Started.Add(time.Minute)
		})
	}
	path := filepath.Join(t.TempDir(), audit.JournalName)
	j, err := audit.OpenJournal(path, plan)
	if err == nil {
		// The first line of a run is not counted beside the one that does it again.
		err = errors.Join(j.Add(void(slow)), j.Add(again(slow, "WATCH-002")), j.Add(again(right)), j.Close())
	}
	if err == nil {
		j, err = audit.OpenJournal(path, plan)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	if twice := j.Done[0].Attempts(); len(twice) != 2 || twice[1].Voided != nil || len(j.Done[0].Voided) != 1 {
		t.Errorf("attempts %+v", twice)
	}
	c := audit.Assess(plan, []audit.Gateway{slow, right}, nil, j.Done)
	c.Tool = report.Tool{Name: "drainproof", Version: "test"}
	if c.Verdict != audit.Sound || c.Totals.Voided != 2 || c.Totals.Inconclusive != 0 || c.Totals.Runs != 1 || c.Totals.RightPassed != 1 {
		t.Errorf("%s: %+v", c.Verdict, c.Totals)
	}
	if c.Spent != 4*time.Second || c.Ended.Sub(c.Started) != 61*time.Second || c.Scores[0].TimeToDetection != 2*time.Second {
		t.Errorf("spent %s from %s to %s, detected after %s", c.Spent, c.Started, c.Ended, c.Scores[0].TimeToDetection)
	}
	if want := []audit.Flake{{Requirement: "GATE-001", Runs: 2, Inconclusive: 1}}; !slices.Equal(c.Flakes, want) {
		t.Errorf("ledger %+v, want %+v", c.Flakes, want)
	}
	if want := []string{"run 1: attempt 1 was inconclusive: no verdict on: GATE-001 (runs/slow-cancel)"}; !slices.Equal(c.Scores[0].Notes, want) {
		t.Errorf("notes %q, want %q", c.Scores[0].Notes, want)
	}
	text := string(audit.Markdown(c))
	for _, part := range []string{
		"- attempts without a verdict, after which the run was done again: 2\n",
		"| process | run 1: attempt 1 was inconclusive: no verdict on: GATE-001 |",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("it lacks %q:\n%s", part, text)
		}
	}
	if err := audit.Write(t.TempDir(), c); err != nil {
		t.Error(err)
	}
}

func TestMarkdown(t *testing.T) {
	c := audit.Assess(plan, []audit.Gateway{slow, right}, nil, []audit.Run{
		run(slow, 1, "WATCH-002", "GATE-011"), run(slow, 2, "WATCH-002", "STATE-001"), run(right, 1),
	})
	text := string(audit.Markdown(c))
	for _, part := range []string{
		"**unsound**: slow-cancel falsely accused.",
		"| slow-cancel | Reverts after 2B. | WATCH-002 | 2/2 | 2/2 | 1, 1 s | process | run 2: falsely accused of STATE-001 |",
		"| right: The reference gateway. | 1/1 | process |",
		"### WATCH\n\n| gateway | 002 |\n| --- | --- |\n| slow-cancel | N |\n",
		"### GATE\n\n| gateway | 011 |\n| --- | --- |\n| slow-cancel | a 1 |\n",
		"### STATE\n\n| gateway | 001 |\n| --- | --- |\n| slow-cancel | X 1 |\n",
		"No check failed a right gateway",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("it lacks %q", part)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

func TestJournalGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), audit.JournalName)
	j, err := audit.OpenJournal(path, plan)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(j.Add(run(slow, 1, "WATCH-002")), j.Add(run(right, 1)), j.Close()); err != nil {
		t.Fatal(err)
	}
	// It was killed while it wrote.
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"gateway":"slow-can`); err != nil {
		t.Fatal(err)
	}
	f.Close()
	if j, err = audit.OpenJournal(path, plan); err != nil {
		t.Fatal(err)
	}
	if len(j.Done) != 2 || j.Done[0].Verdicts["WATCH-002"] != report.Fail {
		t.Errorf("it remembers %+v", j.Done)
	}
	if err := errors.Join(j.Add(run(slow, 2)), j.Close()); err != nil {
		t.Fatal(err)
	}
	if j, err = audit.OpenJournal(path, plan); err != nil || len(j.Done) != 3 {
		t.Errorf("what came after the torn line is lost: %v", err)
	}
	j.Close()

	other := plan
	other.Bound = 0
	var differs *audit.OtherPlan
	if _, err := audit.OpenJournal(path, other); !errors.As(err, &differs) || !strings.Contains(err.Error(), "B 500ms") {
		t.Errorf("another plan: %v", err)
	}
	if err := os.WriteFile(path, []byte("{}\nnonsense\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := audit.OpenJournal(path, audit.Plan{}); err == nil || !strings.Contains(err.Error(), "runs.jsonl:2") {
		t.Errorf("a line that is no run: %v", err)
	}
}

func TestReadRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), audit.FileName)
	c := audit.Assess(plan, []audit.Gateway{right}, nil, []audit.Run{run(right, 1, "GATE-001")})
	c.Tool = report.Tool{Name: "drainproof", Version: "test"}
	c.Verdict, c.Exit = audit.Sound, 0 // it says more than was found
	if err := audit.Write(filepath.Dir(path), c); err == nil || !strings.Contains(err.Error(), "falsely_accused") {
		t.Errorf("a sound suite that accused somebody: %v", err)
	}
	if err := os.WriteFile(path, []byte(`{"schema": 2}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := audit.Read(path); err == nil {
		t.Error("another schema is read")
	}
}
