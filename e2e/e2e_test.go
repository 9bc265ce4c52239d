package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// root is the checkout; tests run in their package's folder.
const root = ".."

// result is what one call of drainproof gave.
type result struct {
	out  string
	code int
}

// last is the machine's line.
func (r result) last(t *testing.T) map[string]any {
	t.Helper()
	for line := range strings.SplitSeq(r.out, "\n") {
		if rest, ok := strings.CutPrefix(line, "DRAINPROOF_RESULT "); ok {
			var m map[string]any
			if err := json.Unmarshal([]byte(rest), &m); err != nil {
				t.Fatalf("result line is not JSON: %v\n%s", err, line)
			}
			return m
		}
	}
	t.Fatalf("no result line in:\n%s", r.out)
	return nil
}

// runtimeUnderTest is docker unless the whole test run is without an engine.
func runtimeUnderTest() string {
	if r := os.Getenv("DRAINPROOF_RUNTIME"); r != "" {
		return r
	}
	return "docker"
}

// needEngine skips where the test run was told that there is none; with
// DRAINPROOF_RUNTIME=docker a missing engine fails like everything else.
func needEngine(t *testing.T) {
	t.Helper()
	if runtimeUnderTest() != "docker" {
		t.Skip("needs an engine; this run uses the process runtime")
	}
}

// command prepares a call of the built drainproof in the checkout.
func command(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	bin, err := filepath.Abs(filepath.Join(root, "bin", "drainproof"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(bin); err != nil {
		t.Fatalf("%s is missing; run ./scripts/build", bin)
	}
	cmd := exec.Command(bin, args...)
	cmd.Dir = root
	return cmd
}

// finish runs a command to its end; any of them may be a gate's.
func finish(t *testing.T, cmd *exec.Cmd) result {
	t.Helper()
	needTime(t, usualGate)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{out.String(), cmd.ProcessState.ExitCode()}
}

func drainproof(t *testing.T, args ...string) result {
	t.Helper()
	return finish(t, command(t, args...))
}

// report is the folder for a test's report.
func report(t *testing.T) string { return filepath.Join(t.TempDir(), "report") }

func gate(t *testing.T, args ...string) result {
	t.Helper()
	return drainproof(t, append([]string{"gate", "--runtime", runtimeUnderTest()}, args...)...)
}

func (r result) must(t *testing.T, code int, parts ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit code %d, want %d", r.code, code)
	}
	for _, p := range parts {
		if !strings.Contains(r.out, p) {
			t.Errorf("output lacks %q", p)
		}
	}
	if strings.Contains(r.out, "goroutine ") {
		t.Error("a user's mistake shows a stack trace")
	}
	if t.Failed() {
		t.Logf("output:\n%s", r.out)
	}
}

// left lists what this engine still holds of runs that are over. What belongs to
// a run that lives is that run's: another test may be going on beside this one.
func left(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, args := range [][]string{
		{"ps", "-a", "--filter", "label=drainproof.run", "--format", `{{.ID}} {{.Label "drainproof.owner"}}`},
		{"volume", "ls", "--filter", "label=drainproof.run", "--format", `{{.Name}} {{.Label "drainproof.owner"}}`},
	} {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		out, err := exec.CommandContext(ctx, "docker", args...).Output()
		cancel()
		if err != nil {
			continue // no engine: nothing is left in it
		}
		for line := range strings.Lines(string(out)) {
			id, owner, _ := strings.Cut(strings.TrimSpace(line), " ")
			pid, err := strconv.Atoi(owner)
			if err != nil || syscall.Kill(pid, 0) != nil {
				all = append(all, id)
			}
		}
	}
	return all
}

func TestRightGatewayPasses(t *testing.T) {
	// What the noise of the machine leaves without a verdict is tried again, as a CI
	// gate would; a failure is not.
	r := gate(t, "--report", report(t), "--retry-incomplete", "1")
	r.must(t, 0, "a", "observe", "b", "refuse", "c", "finish", "d", "revert", "e", "survive")
	last := r.last(t)
	dir := last["folder"].(string)
	if runtimeUnderTest() == "docker" && (last["verdict"] != "conformant" || last["profile"] != "gate" || last["certifies"] != true) {
		t.Errorf("result %v", last)
	}
	again := drainproof(t, "verify", dir)
	again.must(t, 0, "same verdict")
	secondOpinion(t, dir, true)
	if ids := left(t); len(ids) > 0 {
		t.Errorf("left behind: %v", ids)
	}
}

func TestTamperedHistoryIsNoticed(t *testing.T) {
	dir := report(t)
	gate(t, "--report", dir, "--label-filter", "point:a").must(t, 0)
	forged := filepath.Join(dir, "report.json")
	honest, err := os.ReadFile(forged)
	if err != nil {
		t.Fatal(err)
	}
	var r map[string]any
	if err := json.Unmarshal(honest, &r); err != nil {
		t.Fatal(err)
	}
	r["seed"] = r["seed"].(float64) + 1
	lie, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(forged, lie, 0o644); err != nil {
		t.Fatal(err)
	}
	drainproof(t, "verify", dir).must(t, 1, "seed")
	if err := os.WriteFile(forged, honest, 0o644); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "histories", "a-observe.jsonl")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, bytes.Replace(data, []byte(`"draining"`), []byte(`"running"`), 1), 0o644); err != nil {
		t.Fatal(err)
	}
	drainproof(t, "verify", dir).must(t, 1, "a-observe.jsonl")
}

func TestWithoutAnEngine(t *testing.T) {
	cmd := command(t, "gate", "--runtime", "docker", "--report", report(t))
	cmd.Env = append(os.Environ(), "DOCKER_HOST=unix:///nonexistent/docker.sock")
	finish(t, cmd).must(t, 2, "setup-docker")

	cmd = command(t, "gate", "--runtime", "auto", "--report", report(t))
	cmd.Env = append(os.Environ(), "DOCKER_HOST=unix:///nonexistent/docker.sock")
	r := finish(t, cmd)
	r.must(t, 0, "no engine")
	lines := strings.Split(strings.TrimSpace(r.out), "\n")
	if first, end := lines[0], lines[len(lines)-1]; !strings.Contains(first, "NOT CERTIFYING") || !strings.Contains(end, "NOT CERTIFYING") {
		t.Errorf("first and last line must say that the run does not certify:\n%s\n%s", first, end)
	}
	if v := r.last(t)["verdict"]; v != "passed, not certifying" {
		t.Errorf("verdict %v", v)
	}
}

// variant writes the reference's target file with a change, beside the original
// so that relative paths hold, and returns its path.
func variant(t *testing.T, replace ...string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, "fixtures", "targets", "reference.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for i := 0; i < len(replace); i += 2 {
		if !strings.Contains(text, replace[i]) {
			t.Fatalf("reference.yaml has no %q", replace[i])
		}
		text = strings.Replace(text, replace[i], replace[i+1], 1)
	}
	images, err := filepath.Abs(filepath.Join(root, "fixtures", "images"))
	if err != nil {
		t.Fatal(err)
	}
	text = strings.ReplaceAll(text, "../images", images)
	path := filepath.Join(t.TempDir(), "target.yaml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestUsersMistakes(t *testing.T) {
	cases := map[string]struct {
		args  []string
		wants []string
	}{
		"no such target":     {[]string{"gate", "--target", "nowhere.yaml"}, []string{"nowhere.yaml"}},
		"unknown field":      {[]string{"gate", "--target", variant(t, "capacity: 200", "capasity: 200")}, []string{"target.yaml:", "capasity", "capacity"}},
		"unknown feature":    {[]string{"gate", "--target", variant(t, ", shutdown,", ", shutdwon,")}, []string{"target.yaml:", "shutdwon"}},
		"unknown fault":      {[]string{"gate", "--fault", "no-such-fault"}, []string{"no-such-fault", "start-only"}},
		"unknown runtime":    {[]string{"gate", "--runtime", "podman"}, []string{"podman", "docker"}},
		"unknown flag":       {[]string{"gate", "--nonsense"}, []string{"--nonsense", "--help"}},
		"empty filter":       {[]string{"gate", "--runtime", runtimeUnderTest(), "--label-filter", "GATE-999"}, []string{"GATE-999", "matches no spec"}},
		"negative deadline":  {[]string{"gate", "--deadline", "-1s"}, []string{"--deadline"}},
		"no such part":       {[]string{"gate", "--seed", "7", "--shard", "5/4"}, []string{"--shard", `"5/4"`, "from 1/4 to 4/4"}},
		"part 0":             {[]string{"certify", "--seed", "7", "--shard", "0/4"}, []string{"--shard", `"0/4"`, "from 1/4 to 4/4"}},
		"no part":            {[]string{"gate", "--seed", "7", "--shard", "x"}, []string{"--shard", `"x"`, "from 1/4 to 4/4"}},
		"part without seed":  {[]string{"gate", "--shard", "1/4"}, []string{"--shard 1/4 needs a seed", "--seed"}},
		"part with seed 0":   {[]string{"gate", "--shard", "1/4", "--seed", "0"}, []string{"--shard 1/4 needs a seed", "--seed"}},
		"part of a filter":   {[]string{"gate", "--shard", "1/4", "--seed", "7", "--label-filter", "point:a"}, []string{"--shard 1/4", "label filter"}},
		"part and a key":     {[]string{"gate", "--runtime", "docker", "--shard", "1/4", "--seed", "7", "--key", "k"}, []string{"--key", "never certifies"}},
		"empty part":         {[]string{"gate", "--runtime", runtimeUnderTest(), "--shard", "6/6", "--seed", "7"}, []string{"part 6/6 of this run is empty", "at most 5 parts"}},
		"nothing to merge":   {[]string{"merge"}, []string{"requires at least 1 arg"}},
		"report folder used": {[]string{"gate", "--report", "scripts"}, []string{"not empty"}},
		"unknown ID":         {[]string{"explain", "GATE-999"}, []string{"GATE-999", "GATE-001"}},
		"check wrong file":   {[]string{"target", "check", variant(t, "capacity: 200", "capacity: many")}, []string{"target.yaml:", "capacity"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) { drainproof(t, c.args...).must(t, 2, c.wants...) })
	}
}

// A marker that is not what it says would prove nothing, so nothing is judged.
func TestABrokenCatalogueOfMarkersIsTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "markers.yaml")
	if err := os.WriteFile(path, []byte("schema: 1\nmarkers:\n  - {id: a, why: w, tests: MARKER-001, how: fifoo}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for markers, wants := range map[string][]string{
		path:                {path + ":3:", "fifoo", "fifo"},
		"nowhere/none.yaml": {"nowhere/none.yaml", "no such file"},
	} {
		cmd := command(t, "certify", "--runtime", runtimeUnderTest(), "--report", report(t))
		cmd.Env = append(os.Environ(), "DRAINPROOF_MARKERS="+markers)
		finish(t, cmd).must(t, 2, wants...)
	}
}

func TestGatewaysThatCannotBeDriven(t *testing.T) {
	needEngine(t)
	cases := map[string]struct {
		target string
		wants  []string
	}{
		"no such image": {variant(t, "recipe: ../images/reference.yaml", "name: nobody/has-this:1"), []string{"nobody/has-this:1"}},
		"dies at once":  {variant(t, "home:\n", "command: [/gateway, run, --no-such-flag]\nhome:\n"), []string{"no-such-flag"}},
		"never ready":   {variant(t, "/health\n  within: 15s", "/nothing-here\n  within: 2s"), []string{"did not become ready within 2s", "404"}},
		"no model":      {variant(t, `MODEL_BASE_URL: "{{model_url}}"`, `MODEL_BASE_URL: "http://127.0.0.1:1/v1"`), []string{"did not finish", "no request for it reached the suite's model"}},
		"port in use":   {variant(t, "  ingress: 8080", "  ingress: 9471"), []string{"9471"}},
		"unwritable":    {variant(t, `GATEWAY_HOME: "{{home}}"`, `GATEWAY_HOME: "/proc/home"`), []string{"/proc/home"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := drainproof(t, "gate", "--runtime", "docker", "--target", c.target, "--report", report(t))
			r.must(t, 2, c.wants...)
			if r.last(t)["verdict"] != "incomplete" {
				t.Error("nothing was judged, so the verdict must be incomplete")
			}
		})
	}
	if ids := left(t); len(ids) > 0 {
		t.Errorf("left behind: %v", ids)
	}
}

// Wherever in a run the deadline falls, nothing that ends because of it is held
// against the gateway.
func TestDeadlineEndsIncomplete(t *testing.T) {
	for _, deadline := range []string{"3s", "4s", "5s"} {
		t.Run(deadline, func(t *testing.T) {
			r := gate(t, "--deadline", deadline, "--report", report(t))
			r.must(t, 3)
			if v := r.last(t)["verdict"]; v != "incomplete" {
				t.Errorf("verdict %v", v)
			}
		})
	}
	if ids := left(t); len(ids) > 0 {
		t.Errorf("left behind: %v", ids)
	}
}

// begun starts a gate in the background.
func begun(t *testing.T, dir string, args ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	needTime(t, usualGate)
	cmd := command(t, append([]string{"gate", "--runtime", runtimeUnderTest(), "--report", dir}, args...)...)
	out := &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = out, out
	// A group of its own, so that what it started can be told from us.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, out
}

// started is begun, and waits until one of its specs is under way.
func started(t *testing.T, args ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	dir := report(t)
	cmd, out := begun(t, dir, args...)
	deadline := time.Now().Add(60 * time.Second)
	for {
		if files, _ := filepath.Glob(filepath.Join(dir, "histories", "*.jsonl")); len(files) > 0 {
			return cmd, out
		}
		if time.Now().After(deadline) {
			_ = cmd.Process.Kill()
			t.Fatalf("the gate did not get under way:\n%s", out)
		}
		time.Sleep(20 * time.Millisecond) // a poll with a deadline, not a wait for luck
	}
}

// Ctrl-C at any moment: while it prepares, with specs under way, and close to
// the end.
func TestCtrlC(t *testing.T) {
	for name, moment := range map[string]time.Duration{"at once": -1, "under way": 0, "later": 3 * time.Second} {
		t.Run(name, func(t *testing.T) {
			var cmd *exec.Cmd
			var out *bytes.Buffer
			if moment < 0 {
				cmd, out = begun(t, report(t))
				time.Sleep(150 * time.Millisecond) // any moment before the first spec will do
			} else {
				cmd, out = started(t)
				time.Sleep(moment) // any moment after it will do
			}
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait()
			r := result{out.String(), cmd.ProcessState.ExitCode()}
			r.must(t, 3, "DRAINPROOF_RESULT")
			if ids := left(t); len(ids) > 0 {
				t.Errorf("left behind: %v", ids)
			}
		})
	}
}

// A run that is killed cannot clean up; the next one does, and leaves alone what
// belongs to a run that lives.
func TestSweepAfterSIGKILL(t *testing.T) {
	needEngine(t)
	dead, _ := started(t)
	if err := dead.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = dead.Wait()
	alive, out := started(t)
	gate(t, "--label-filter", "point:a", "--report", report(t)).must(t, 0)
	if err := alive.Wait(); err != nil {
		t.Errorf("a run was disturbed by another one's sweep: %v\n%s", err, out)
	}
	if ids := left(t); len(ids) > 0 {
		t.Errorf("left behind: %v", ids)
	}
}

func TestTwoGatesAtOnce(t *testing.T) {
	first, out := started(t, "--retry-incomplete", "1")
	gate(t, "--report", report(t), "--retry-incomplete", "1").must(t, 0)
	if err := first.Wait(); err != nil {
		t.Errorf("the first of two gates at once failed: %v\n%s", err, out)
	}
}

// A gateway's own CI may know of a failure: the run is held against a list of them.
func TestExpectedFailures(t *testing.T) {
	list := func(ids ...string) string {
		text := "schema: 1\nexpected:\n"
		for _, id := range ids {
			text += "  - requirement: " + id + "\n    reason: known since 2.3\n"
		}
		file := filepath.Join(t.TempDir(), "expected.yaml")
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return file
	}
	// It breaks NOTIFY-001 and nothing else.
	run := func(dir string, ids ...string) result {
		return drainproof(t, "certify", "--fault", "notify-always", "--runtime", "process", "--observe", "500ms", "--retry-incomplete", "2",
			"--label-filter", "NOTIFY-001", "--report", dir, "--expected", list(ids...))
	}
	dir := report(t)
	run(dir, "NOTIFY-001").must(t, 0, "NON-CONFORMANT (EXPECTED)", "failed, as expected: NOTIFY-001", "known since 2.3", `"certifies":false`)
	drainproof(t, "verify", dir).must(t, 0, "same verdict")
	drainproof(t, "certify", "--fault", "notify-always", "--expected", list("NOTIFY-001", "WATCH-202")).
		must(t, 2, `there is no requirement "WATCH-202"; did you mean WATCH-002?`)
	gate(t, "--runtime", "process", "--label-filter", "point:a", "--expected", list("WATCH-001"), "--retry-incomplete", "2").
		must(t, 1, "NOT AS EXPECTED", "expected to fail, and did not: WATCH-001; take it off the list")
}
