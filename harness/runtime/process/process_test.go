package process

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/artifact"
	"github.com/drainproof/drainproof/harness/runtime"
	"github.com/drainproof/drainproof/harness/runtime/lease"
	"github.com/drainproof/drainproof/harness/target"
)

const orphanEnv = "DRAINPROOF_TEST_ORPHAN"

// TestMain builds the tiny program that plays probe and gateway, and keeps all
// temporary folders of the tests in one that is removed.
func TestMain(m *testing.M) {
	if os.Getenv(orphanEnv) != "" {
		leaveOrphan()
		return
	}
	dir, err := os.MkdirTemp("", "drainproof-process-test-*")
	if err == nil {
		err = os.Setenv("TMPDIR", dir)
	}
	if err == nil {
		cmd := exec.Command("go", "build", "-trimpath", "-o", filepath.Join(dir, "bin", "tiny"), "../testdata/tiny")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		cmd.Stderr = os.Stderr
		err = cmd.Run()
	}
	code := 1
	if err == nil {
		code = m.Run()
	} else {
		fmt.Fprintln(os.Stderr, err)
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

func tiny() artifact.Binaries {
	path := filepath.Join(os.Getenv("TMPDIR"), "bin", "tiny")
	return artifact.Binaries{"probe": path, "tiny": path}
}

func tinyTarget() *target.Target {
	return &target.Target{
		Path: "target.yaml", Name: "tiny",
		Process: &target.Process{Command: []string{"{{bin}}/tiny", "run"}},
		Home:    target.Home{Path: "/home/in/container"},
		Env:     map[string]string{"GATEWAY_HOME": "{{home}}", "TINY_PORT": "{{port.ingress}}", "TINY_BOUND": "{{bound}}"},
		Ports:   map[string]int{"ingress": 8080},
		Ready:   target.Ready{URL: "http://127.0.0.1:{{port.ingress}}/"},
		Bounds:  target.Bounds{Observe: 2 * time.Second},
	}
}

func newRuntime(t *testing.T) *Runtime {
	t.Helper()
	r, err := New(t.Context(), Options{RunID: "test-" + t.Name(), Root: t.TempDir(), Binaries: tiny()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if left := folders(t, r.o.RunID); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
	})
	return r
}

// folders lists the pods' folders of a run.
func folders(t *testing.T, run string) []string {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(os.TempDir(), prefix+"*"))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, d := range dirs {
		if c, ok := read(d); ok && c.Run == run {
			out = append(out, d)
		}
	}
	return out
}

// A home that is out of the ordinary is refused, not passed over.
func TestHomesAreNotMounted(t *testing.T) {
	r, tg := newRuntime(t), tinyTarget()
	p, _ := startPod(t, r, tg)
	if err := p.Remount(t.Context(), true); err == nil {
		t.Error("the home of a process was mounted")
	}
	prepared, err := r.Prepare(t.Context(), tg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.NewPod(t.Context(), tg, prepared, runtime.PodOptions{HomeBytes: 1}); err == nil {
		t.Error("a home of limited size was promised")
	}
}

func startPod(t *testing.T, r *Runtime, tg *target.Target) (*pod, *probe) {
	t.Helper()
	prepared, err := r.Prepare(t.Context(), tg)
	if err != nil {
		t.Fatal(err)
	}
	p, err := r.NewPod(t.Context(), tg, prepared, runtime.PodOptions{Name: t.Name()})
	if err != nil {
		t.Fatal(err)
	}
	return p.(*pod), speak(t, p.Probe())
}

// probe asks the tiny probe one line at a time.
type probe struct {
	t *testing.T
	w io.Writer
	r *bufio.Reader
}

func speak(t *testing.T, s io.ReadWriter) *probe { return &probe{t, s, bufio.NewReader(s)} }

func (p *probe) ask(format string, args ...any) string {
	p.t.Helper()
	if _, err := fmt.Fprintf(p.w, format+"\n", args...); err != nil {
		p.t.Fatalf("ask %q: %v", format, err)
	}
	line, err := p.r.ReadString('\n')
	if err != nil {
		p.t.Fatalf("answer to %q: %v", fmt.Sprintf(format, args...), err)
	}
	return strings.TrimSpace(strings.TrimPrefix(line, "{"))
}

// TestPodLife follows one pod through all it can do.
func TestPodLife(t *testing.T) {
	ctx := t.Context()
	r := newRuntime(t)
	pod, p := startPod(t, r, tinyTarget())
	front := pod.Resolved().Expand("http://127.0.0.1:{{port.ingress}}/")
	if pod.GatewayPID() != 0 {
		t.Error("there is a gateway before it was started")
	}
	if err := pod.StartGateway(ctx); err != nil {
		t.Fatal(err)
	}
	first := pod.GatewayPID()
	got := p.ask("get %s", front)
	for _, want := range []string{fmt.Sprintf("pid=%d", first), "bound=2s", "home=" + pod.Resolved().Home, "wd=" + pod.folder.sub("work")} {
		if !strings.Contains(got, want) {
			t.Errorf("the gateway answered %q, without %q", got, want)
		}
	}
	if got := p.ask("read %s/state", pod.Resolved().Home); !strings.HasPrefix(got, "written by") {
		t.Errorf("the home holds %q", got)
	}
	if pod.StartGateway(ctx) == nil || pod.Respawn(ctx) == nil {
		t.Error("a gateway that runs was started again")
	}
	// The end it chooses itself, and a respawn.
	if err := pod.Signal(ctx, "TERM"); err != nil {
		t.Fatal(err)
	}
	if code, err := pod.WaitGateway(ctx); code != 7 || err != nil {
		t.Errorf("ended with %d, %v; want 7", code, err)
	}
	if last, _ := pod.Logs(ctx, 1); len(last) != 1 || last[0] != "bye" {
		t.Errorf("last line %q, want bye", last)
	}
	if pod.Signal(ctx, "TERM") == nil || pod.Freeze(ctx) == nil {
		t.Error("an ended gateway can be signalled or frozen")
	}
	if err := pod.Respawn(ctx); err != nil {
		t.Fatal(err)
	}
	if got := p.ask("get %s", front); pod.GatewayPID() == first || !strings.HasPrefix(got, "uid=") {
		t.Errorf("respawned: PID %d again, or it answers %q", first, got)
	}
	// Frozen, thawed, frozen and killed.
	if err := pod.Freeze(ctx); err != nil {
		t.Fatal(err)
	}
	if got := p.ask("get1 %s", front); got != "error" {
		t.Errorf("frozen, it answers: %q", got)
	}
	if err := pod.Thaw(ctx); err != nil {
		t.Fatal(err)
	}
	if got := p.ask("get %s", front); !strings.HasPrefix(got, "uid=") {
		t.Errorf("thawed, it answers %q", got)
	}
	if err := pod.Freeze(ctx); err != nil {
		t.Fatal(err)
	}
	if err := pod.Signal(ctx, "SIGKILL"); err != nil {
		t.Fatal(err)
	}
	if code, err := pod.WaitGateway(ctx); code != 137 || err != nil {
		t.Errorf("killed, it ended with %d, %v; want 137", code, err)
	}
	// Recreated: another probe, the same home and ports.
	before := p.ask("pid")
	if err := pod.Recreate(ctx); err != nil {
		t.Fatal(err)
	}
	p = speak(t, pod.Probe())
	if p.ask("pid") == before {
		t.Error("recreated, the probe is the same")
	}
	if got := p.ask("read %s/state", pod.Resolved().Home); !strings.HasPrefix(got, "written by") {
		t.Errorf("recreated, the home holds %q", got)
	}
	if err := pod.StartGateway(ctx); err != nil {
		t.Fatal(err)
	}
	if got := p.ask("get %s", front); !strings.HasPrefix(got, "uid=") {
		t.Errorf("recreated, the gateway answers %q", got)
	}
	// Closed although frozen, and with a home that resists.
	last := pod.GatewayPID()
	if err := pod.Freeze(ctx); err != nil {
		t.Fatal(err)
	}
	locked := filepath.Join(pod.Resolved().Home, "locked")
	if err := os.MkdirAll(filepath.Join(locked, "inner"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(locked, 0); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := pod.Close(ctx); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	if _, err := lease.StartTime(last); err == nil {
		t.Error("the gateway outlived its pod")
	}
	if _, err := os.Stat(pod.folder.path); !os.IsNotExist(err) {
		t.Errorf("the pod's folder is still there: %v", err)
	}
}

// TestSidecarsAndDescendants: sidecars run with the gateway and end with the
// pod; what a gateway leaves in its group ends with the gateway.
func TestSidecarsAndDescendants(t *testing.T) {
	ctx := t.Context()
	r := newRuntime(t)
	tg := tinyTarget()
	tg.Process.Command = []string{"/bin/sh", "-c", "sleep 1000 & echo child $!; wait"}
	tg.Sidecars = []target.Sidecar{{Name: "dashboard", Process: []string{"{{bin}}/tiny", "sleep"}, Env: map[string]string{"WHO": "side {{bound}}"}}}
	pod, p := startPod(t, r, tg)
	if err := pod.StartGateway(ctx); err != nil {
		t.Fatal(err)
	}
	var child int
	following, stop := context.WithTimeout(ctx, 10*time.Second)
	defer stop()
	sidecar := false
	_ = pod.Follow(following, func(line string) {
		if rest, ok := strings.CutPrefix(line, "child "); ok {
			child, _ = strconv.Atoi(rest)
		}
		sidecar = sidecar || strings.HasPrefix(line, "sidecar up") && strings.Contains(line, "WHO=side 2s") && !strings.Contains(line, orphanEnv)
		if child != 0 && sidecar {
			stop()
		}
	})
	if child == 0 || !sidecar {
		t.Fatalf("child %d, sidecar %v", child, sidecar)
	}
	pids := p.ask("find tiny\x00sleep")
	if err := pod.Signal(ctx, "KILL"); err != nil {
		t.Fatal(err)
	}
	if code, err := pod.WaitGateway(ctx); code != 137 || err != nil {
		t.Errorf("ended with %d, %v", code, err)
	}
	waitGone(t, child)
	if got := p.ask("find tiny\x00sleep"); got != pids {
		t.Errorf("the sidecar was %q and is %q", pids, got)
	}
	if err := pod.Close(ctx); err != nil {
		t.Fatal(err)
	}
	n, _ := strconv.Atoi(pids)
	waitGone(t, n)
}

func waitGone(t *testing.T, pid int) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for time.Now().Before(deadline) {
		if _, err := lease.StartTime(pid); err != nil {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("process %d is still there", pid)
}

func TestMistakes(t *testing.T) {
	r := newRuntime(t)
	for _, c := range []struct {
		name   string
		change func(*target.Target)
		want   string
	}{
		{"no process", func(t *target.Target) { t.Process = nil }, "no process.command"},
		{"no such program", func(t *target.Target) { t.Process.Command[0] = "{{bin}}/nothing" }, "process.command: cannot run"},
		{"relative program", func(t *target.Target) { t.Process.Command[0] = "./gateway" }, "no process.dir is given"},
		{"bad template", func(t *target.Target) { t.Env["X"] = "{{x}}" }, "env.X"},
		{"sidecar for containers only", func(t *target.Target) { t.Sidecars = []target.Sidecar{{Name: "d", Command: []string{"x"}}} }, "sidecar d has no process"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tg := tinyTarget()
			c.change(tg)
			_, err := r.Prepare(t.Context(), tg)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

// TestDyingProbe: its last words are in the error of whoever reads.
func TestDyingProbe(t *testing.T) {
	r := newRuntime(t)
	pod, p := startPod(t, r, tinyTarget())
	n, _ := strconv.Atoi(p.ask("pid"))
	self, err := os.FindProcess(n)
	if err != nil {
		t.Fatal(err)
	}
	_ = self.Kill()
	if _, err = pod.Probe().Read(make([]byte, 1)); err == nil || !strings.Contains(err.Error(), "exit code 137; its last words: tiny probe here") {
		t.Errorf("error %v", err)
	}
}
