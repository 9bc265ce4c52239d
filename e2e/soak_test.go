package e2e_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// soakReport is the part of soak.json that these tests look at.
type soakReport struct {
	Verdict   string
	Exit      int
	Schedules int
	Turns     int
	Drains    int
	Goals     []struct {
		Name    string
		Reached int
	}
	Failures []soakFailure
	Receipts []string
}

type soakFailure struct {
	Requirement, Reproducer string
	Shrunk                  *struct{ From, To, Failed, Played int }
}

func soaked(t *testing.T, dir string) soakReport {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "soak.json"))
	if err != nil {
		t.Fatal(err)
	}
	var r soakReport
	if err := json.Unmarshal(raw, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// A few schedules against the right gateway break nothing; so few don't reach every goal,
// and the soak says which it missed.
func TestSoakOfTheRightGateway(t *testing.T) {
	needTime(t, 30*time.Second)
	dir := report(t)
	r := drainproof(t, "soak", "--runtime", runtimeUnderTest(), "--schedules", "6", "--seed", "7", "--report", dir)
	r.must(t, 3, "incomplete", "it never came to: ", "soak for longer")
	got := soaked(t, dir)
	if got.Schedules != 6 || got.Turns == 0 || got.Drains == 0 || len(got.Failures) > 0 {
		t.Errorf("%+v", got)
	}
	if kept, _ := filepath.Glob(filepath.Join(dir, "histories", "*")); len(kept) > 0 {
		t.Errorf("histories that show nothing were kept: %v", kept)
	}
	if strings.Contains(r.out, "panic") {
		t.Error(r.out)
	}
	other := report(t)
	if err := os.CopyFS(other, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	drainproof(t, "compare", dir, other).must(t, 3, "not comparable: ", "its soak is incomplete (it never came to: ", "soak again")
}

// A wrong gateway ends the soak; what broke it is made small, and played again by the
// command that the soak prints.
func TestSoakOfAWrongGateway(t *testing.T) {
	needTime(t, 95*time.Second)
	dir := report(t)
	r := drainproof(t, "soak", "--runtime", runtimeUnderTest(), "--fault", "corrupt-is-running", "--observe", "500ms", "--for", "2m", "--seed", "3", "--report", dir)
	r.must(t, 1, "non-conformant", "play it again: drainproof replay ")
	got := soaked(t, dir)
	// What broke along with it, in the same schedule, has no reproducer of its own.
	i := slices.IndexFunc(got.Failures, func(f soakFailure) bool { return f.Reproducer != "" })
	if i < 0 || got.Failures[i].Shrunk == nil || len(got.Receipts) == 0 {
		t.Fatalf("%+v\n%s", got, r.out)
	}
	f := got.Failures[i]
	if f.Shrunk.To > 12 || f.Shrunk.Failed != f.Shrunk.Played {
		t.Errorf("%s: %+v", f.Requirement, *f.Shrunk)
	}
	folder := filepath.Join(dir, f.Reproducer)
	for _, name := range []string{"reproducer.json", "schedule.json", "target.yaml", "history.jsonl", "timeline.html", "README.md"} {
		if info, err := os.Stat(filepath.Join(folder, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	again := drainproof(t, "replay", folder, "--times", "1", "--report", report(t))
	again.must(t, 1, f.Requirement, "1 of 1 plays failed")
	// The same schedule breaks nothing of the right gateway.
	right := drainproof(t, "replay", filepath.Join(folder, "schedule.json"), "--runtime", runtimeUnderTest(), "--observe", "500ms", "--times", "1", "--report", report(t))
	right.must(t, 0, "0 of 1 plays failed")
}

// A gateway comes back from a home that was full or read-only, and then breaks nothing.
func TestSoakOfAHomeThatCannotBeWritten(t *testing.T) {
	for _, how := range []string{"full", "read-only"} {
		t.Run(how, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "schedule.json")
			steps := `{"schema": 1, "steps": [{"do": "home", "how": "` + how + `", "ms": 300},
				{"do": "submit", "turn": "a", "hold": true}, {"do": "await", "what": "held", "turn": "a"},
				{"do": "begin"}, {"do": "await", "what": "draining"}, {"do": "sigkill"}, {"do": "respawn"}]}`
			if err := os.WriteFile(file, []byte(steps), 0o644); err != nil {
				t.Fatal(err)
			}
			dir := report(t)
			r := drainproof(t, "replay", file, "--runtime", runtimeUnderTest(), "--observe", "500ms", "--times", "1", "--report", dir)
			if runtimeUnderTest() != "docker" {
				r.must(t, 2, "step 1 (home ("+how+"), 300ms) needs a home that is mounted for it")
				return
			}
			r.must(t, 0, "0 of 1 plays failed")
			if rest := left(t); len(rest) > 0 {
				t.Errorf("left behind: %v", rest)
			}
			if rest, _ := filepath.Glob(filepath.Join(dir, "*.before")); len(rest) > 0 {
				t.Errorf("the history of what is not judged was kept: %v", rest)
			}
		})
	}
}

// Ctrl-C ends a soak with a report, and leaves nothing behind.
func TestSoakInterrupted(t *testing.T) {
	dir := report(t)
	cmd := command(t, "soak", "--runtime", runtimeUnderTest(), "--for", "10m", "--seed", "5", "--report", dir)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // what a signal is sent to is the soak, not this test
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// The second schedule is under way once its history is there: a poll with a deadline.
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(filepath.Join(dir, "histories", "6.jsonl")); err == nil {
			break
		}
		if time.Now().After(deadline) {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			t.Fatalf("it did not come to its second schedule:\n%s", out.String())
		}
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 3 {
		t.Errorf("%v\n%s", err, out.String())
	}
	if got := soaked(t, dir); got.Verdict != "incomplete" || got.Exit != 3 {
		t.Errorf("%+v", got)
	}
	if rest := left(t); len(rest) > 0 {
		t.Errorf("left behind: %v", rest)
	}
}

// What can't be soaked or replayed is told in a line.
func TestSoakUsage(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.json")
	if err := os.WriteFile(bad, []byte(`{"schema": 1, "steps": [{"do": "explode"}]}`), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"soak", "--for", "0s"}, "--for must be positive"},
		{[]string{"soak", "--schedules", "-1"}, "0 or more"},
		{[]string{"soak", "--fault", "no-such"}, "no wrong gateway"},
		{[]string{"soak", "--target", "none.yaml"}, "none.yaml"},
		{[]string{"replay"}, "accepts 1 arg"},
		{[]string{"replay", filepath.Join(t.TempDir(), "nowhere")}, "nothing can be replayed"},
		{[]string{"replay", t.TempDir()}, "is no reproducer"},
		{[]string{"replay", bad}, "is no schedule"},
		{[]string{"replay", bad, "--times", "0"}, "--times"},
	} {
		r := drainproof(t, c.args...)
		r.must(t, 2, c.want)
		if strings.Contains(r.out, "goroutine ") {
			t.Errorf("%v: a stack trace:\n%s", c.args, r.out)
		}
	}
}
