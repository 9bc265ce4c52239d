package docker

import (
	"context"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	dc "github.com/ory/dockertest/v3/docker"

	"github.com/drainproof/drainproof/harness/runtime"
	"github.com/drainproof/drainproof/harness/target"
)

const front = "http://127.0.0.1:8080/"

// TestPodLife follows one pod through all it can do. Everything is asserted
// through the probe, that is, from inside the pod.
func TestPodLife(t *testing.T) {
	r, b := newRuntime(t)
	ctx := t.Context()
	pod, p := startPod(t, r, b.target)

	if got := p.ask("pid"); got != "1" {
		t.Errorf("the probe has PID %s", got)
	}
	if got := p.ask("interfaces"); got != "lo" {
		t.Errorf("the pod's interfaces are %q, want loopback alone", got)
	}
	if _, err := pod.WaitGateway(ctx); err == nil {
		t.Error("waiting for a gateway that was never started succeeded")
	}
	if err := pod.StartGateway(ctx); err != nil {
		t.Fatal(err)
	}
	if got, want := p.ask("get "+front), "uid=65532"; !strings.HasPrefix(got, want) || !strings.Contains(got, "bound=2s") {
		t.Errorf("the gateway answered %q, want %s", got, want)
	}
	if got := p.ask("read %s/state", pod.Resolved().Home); !strings.HasPrefix(got, "written by the gateway") {
		t.Errorf("the probe reads %q in the home", got)
	}
	first := p.ask("find /gateway")
	if first == "" || strings.Contains(first, ",") {
		t.Errorf("the probe sees the processes %q as the gateway", first)
	}
	if err := pod.StartGateway(ctx); err == nil {
		t.Error("a second start succeeded")
	}
	if err := pod.Respawn(ctx); err == nil {
		t.Error("a respawn of a running gateway succeeded")
	}

	// It ends by itself, and is respawned in the same namespaces.
	if err := pod.Signal(ctx, "TERM"); err != nil {
		t.Fatal(err)
	}
	if code, err := pod.WaitGateway(ctx); code != 7 || err != nil {
		t.Errorf("ended with %d, %v; want 7", code, err)
	}
	if last, _ := pod.Logs(ctx, 1); len(last) != 1 || last[0] != "bye" {
		t.Errorf("last line %q, want bye", last)
	}
	if err := pod.Signal(ctx, "TERM"); err == nil {
		t.Error("signalling an ended gateway succeeded")
	}
	if err := pod.Respawn(ctx); err != nil {
		t.Fatal(err)
	}
	p.ask("get " + front)
	if second := p.ask("find /gateway"); second == first || second == "" {
		t.Errorf("after the respawn its PID is %q, before it was %q", second, first)
	}

	// It is frozen, thawed, frozen and killed, and respawned again.
	for _, step := range []func(context.Context) error{pod.Freeze, pod.Thaw} {
		if err := step(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if got := p.ask("get1 " + front); got != "answered" {
		t.Errorf("thawed, it answers %q", got)
	}
	if err := pod.Freeze(ctx); err != nil {
		t.Fatal(err)
	}
	if got := p.ask("get1 " + front); got != "error" {
		t.Errorf("frozen, it answers %q", got)
	}
	if err := pod.Signal(ctx, "KILL"); err != nil {
		t.Fatal(err)
	}
	if code, err := pod.WaitGateway(ctx); code != 137 || err != nil {
		t.Errorf("killed, it ended with %d, %v; want 137", code, err)
	}
	if err := pod.Respawn(ctx); err != nil {
		t.Fatal(err)
	}
	p.ask("get " + front)
	if got, _ := pod.Logs(ctx, 100); strings.Count(strings.Join(got, "\n"), "gateway up") != 3 {
		t.Errorf("the log does not show three lives: %q", got)
	}

	// It is recreated: a new PID 1, the same home, no gateway yet.
	if err := pod.Recreate(ctx); err != nil {
		t.Fatal(err)
	}
	p = speak(t, pod.Probe())
	if got := p.ask("find /gateway"); got != "" {
		t.Errorf("recreated, there is a gateway already: %q", got)
	}
	if got := p.ask("read %s/state", pod.Resolved().Home); !strings.HasPrefix(got, "written by") {
		t.Errorf("recreated, the home holds %q", got)
	}
	if err := pod.StartGateway(ctx); err != nil {
		t.Fatal(err)
	}
	p.ask("get " + front)
	if err := pod.Freeze(ctx); err != nil {
		t.Fatal(err)
	}
	if err := pod.Close(ctx); err != nil {
		t.Errorf("close a pod with a frozen gateway: %v", err)
	}
	if err := pod.Close(ctx); err != nil {
		t.Errorf("close it again: %v", err)
	}
	if err := pod.StartGateway(ctx); err == nil {
		t.Error("a closed pod starts gateways")
	}
}

// TestHomes: one that is mounted read-only for the gateway alone, and for one of its lives;
// and one of limited size, which can be full.
func TestHomes(t *testing.T) {
	r, b := newRuntime(t)
	ctx := t.Context()
	pod, p := startPodWith(t, r, b.target, runtime.PodOptions{Name: t.Name(), HomeBytes: 1 << 20})
	home := pod.Resolved().Home
	if err := pod.Remount(ctx, true); err == nil {
		t.Error("a gateway that was never started was given another mount")
	}
	if err := pod.StartGateway(ctx); err != nil {
		t.Fatal(err)
	}
	said := func(want string) {
		t.Helper()
		p.ask("get " + front)
		lines, _ := pod.Logs(ctx, 100)
		ups := slices.DeleteFunc(lines, func(line string) bool { return !strings.HasPrefix(line, "gateway up") })
		if len(ups) == 0 || !strings.Contains(ups[len(ups)-1], want) {
			t.Errorf("the gateway said %q, want %q in the last", ups, want)
		}
	}
	said("<nil>")
	if err := pod.Remount(ctx, true); err == nil {
		t.Error("the home of a gateway that runs was mounted anew")
	}
	lives := []struct {
		readOnly bool
		want     string
	}{{true, "read-only file system"}, {false, "<nil>"}}
	for _, life := range lives {
		if err := pod.Signal(ctx, "KILL"); err != nil {
			t.Fatal(err)
		}
		if _, err := pod.WaitGateway(ctx); err != nil {
			t.Fatal(err)
		}
		if err := pod.Remount(ctx, life.readOnly); err != nil {
			t.Fatal(err)
		}
		if got := p.ask("write 10 %s/beside", home); got != "<nil>" {
			t.Errorf("the probe cannot write: %s", got)
		}
		if err := pod.Respawn(ctx); err != nil {
			t.Fatal(err)
		}
		said(life.want)
	}
	if got := p.ask("write %d %s/ballast", 2<<20, home); !strings.Contains(got, "no space left") {
		t.Errorf("more than fits into the home was written: %s", got)
	}
	if err := pod.Recreate(ctx); err == nil {
		t.Error("a pod was recreated whose home does not outlive it")
	}
}

// TestFollow: every line, over two lives, soon and in order.
func TestFollow(t *testing.T) {
	r, b := newRuntime(t)
	ctx := t.Context()
	tg := *b.target
	tg.Command = []string{"/gateway", "die", "5"}
	pod, _ := startPod(t, r, &tg)
	lines := make(chan string, 100)
	followed := make(chan error, 1)
	following, stop := context.WithCancel(ctx)
	go func() { followed <- pod.Follow(following, func(s string) { lines <- s }) }()
	for _, launch := range []func(context.Context) error{pod.StartGateway, pod.Respawn} {
		if err := launch(ctx); err != nil {
			t.Fatal(err)
		}
		if code, err := pod.WaitGateway(ctx); code != 5 || err != nil {
			t.Errorf("ended with %d, %v; want 5", code, err)
		}
		select {
		case s := <-lines:
			if s != "last words" {
				t.Errorf("followed %q", s)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("no line came")
		}
	}
	stop()
	if err := <-followed; err != nil || len(lines) != 0 {
		t.Errorf("Follow ended with %v, %d lines too many", err, len(lines))
	}
}

func TestSidecars(t *testing.T) {
	r, b := newRuntime(t)
	ctx := t.Context()
	tg := *b.target
	tg.Sidecars = []target.Sidecar{{Name: "dashboard", Command: []string{"/gateway", "sleep", "{{port.ingress}}"}, Env: map[string]string{"WHO": "side {{bound}}"}}}
	pod, p := startPod(t, r, &tg)
	if err := pod.StartGateway(ctx); err != nil {
		t.Fatal(err)
	}
	p.ask("get " + front)
	side, err1 := strconv.Atoi(p.ask("find sleep\x008080"))
	main, err2 := strconv.Atoi(p.ask("find /gateway\x00run"))
	if err1 != nil || err2 != nil || side >= main {
		t.Errorf("the PIDs are %d for the sidecar and %d for the gateway (%v, %v), want the gateway to be the younger", side, main, err1, err2)
	}
	logged, _ := pod.Logs(ctx, 100)
	if all := strings.Join(logged, "\n"); !strings.Contains(all, "WHO=side 2s") || !strings.Contains(all, "GATEWAY_HOME=/home/gateway/state") {
		t.Errorf("the sidecar's environment is not in %q", all)
	}
}

// TestMistakes: what a user can get wrong is named, with what to do about it.
func TestMistakes(t *testing.T) {
	r, b := newRuntime(t)
	for _, c := range []struct {
		name   string
		change func(*target.Target)
		want   string
	}{
		{"no such image", func(t *target.Target) { t.Image = &target.Image{Name: "nobody/nothing:1"} }, "no image \"nobody/nothing:1\", and nothing is pulled"},
		{"no image at all", func(t *target.Target) { t.Image = nil }, "give image.name or image.recipe"},
		{"no such recipe", func(t *target.Target) { t.Image = &target.Image{Recipe: "x.yaml"} }, "x.yaml: there is no such file"},
		{"user is a name", func(t *target.Target) { t.User = "nobody" }, "\"nobody\" is no numeric ID"},
		{"sidecar without image", func(t *target.Target) { t.Sidecars = []target.Sidecar{{Name: "d", Image: "nobody/nothing:1"}} }, "sidecar d: the engine has no image"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tg := *b.target
			c.change(&tg)
			_, err := r.Prepare(t.Context(), &tg)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
	t.Run("no such program in the image", func(t *testing.T) {
		tg := *b.target
		tg.Command = []string{"/nothing"}
		pod, _ := startPod(t, r, &tg)
		if err := pod.StartGateway(t.Context()); err == nil || !strings.Contains(err.Error(), "/nothing") {
			t.Errorf("error %v, want one that names /nothing", err)
		}
		if _, err := pod.WaitGateway(t.Context()); err == nil {
			t.Error("waiting for a gateway that never started succeeded")
		}
	})
}

// TestDyingProbe: a probe that ends at once is an error that tells its last
// words, not a wait.
func TestDyingProbe(t *testing.T) {
	r, b := newRuntime(t, func(o *Options) { o.Probe = filepath.Join(o.Root, "dying-probe.yaml") })
	prepared, err := r.Prepare(t.Context(), b.target)
	if err != nil {
		t.Fatal(err)
	}
	pod, err := r.NewPod(t.Context(), b.target, prepared, runtime.PodOptions{})
	if err == nil {
		_, err = pod.Probe().Read(make([]byte, 100))
	}
	if err == nil {
		t.Fatal("a dead probe was spoken to")
	}
	// Who notices first, the engine or we, is a matter of luck.
	if text := err.Error(); !strings.Contains(text, "exit code 3") && !strings.Contains(text, "not running") {
		t.Errorf("the error %q does not say that the probe ended", text)
	}
}

// TestLostProbe: when a probe that had answered is gone, the reader is told how
// it ended.
func TestLostProbe(t *testing.T) {
	r, b := newRuntime(t)
	made, _ := startPod(t, r, b.target)
	infra := made.(*pod).infra
	if err := r.engine.pool.Client.KillContainer(dc.KillContainerOptions{ID: infra, Signal: dc.SIGKILL}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.engine.wait.WaitContainer(infra); err != nil {
		t.Fatal(err)
	}
	if _, err := made.Probe().Read(make([]byte, 1)); err == nil || !strings.Contains(err.Error(), "ended by itself with exit code 137") {
		t.Errorf("error %v", err)
	}
}

// TestNoGoroutineStays: a closed pod leaves none, whether its conversation was
// read from or not, and neither does one that was recreated.
func TestNoGoroutineStays(t *testing.T) {
	needEngine(t)
	if _, err := sharedBench(); err != nil {
		t.Fatal(err)
	}
	before := goruntime.NumGoroutine()
	t.Run("use a pod", func(t *testing.T) {
		r, b := newRuntime(t)
		pod, _ := startPod(t, r, b.target)
		for _, step := range []func(context.Context) error{pod.StartGateway, pod.Recreate, pod.StartGateway} {
			if err := step(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	})
	for deadline := time.Now().Add(10 * time.Second); goruntime.NumGoroutine() > before; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, before %d:\n%s", goruntime.NumGoroutine(), before, stacks[:goruntime.Stack(stacks, true)])
		}
	}
}

// TestCancelled: a pod whose making was interrupted leaves nothing.
func TestCancelled(t *testing.T) {
	r, b := newRuntime(t)
	prepared, err := r.Prepare(t.Context(), b.target)
	if err != nil {
		t.Fatal(err)
	}
	for _, after := range []time.Duration{0, 20 * time.Millisecond, 120 * time.Millisecond} {
		ctx, cancel := context.WithTimeout(t.Context(), after)
		if pod, err := r.NewPod(ctx, b.target, prepared, runtime.PodOptions{}); err == nil {
			_ = pod.Close(ctx)
		}
		cancel()
		if left := ours(t, r, r.o.RunID); len(left) > 0 {
			t.Errorf("interrupted after %s: left behind %q", after, left)
		}
	}
}

// TestTwoRunsAtOnce: a run that closes leaves another's pods alone.
func TestTwoRunsAtOnce(t *testing.T) {
	one, b := newRuntime(t)
	two, _ := newRuntime(t)
	_, p := startPod(t, one, b.target)
	startPod(t, two, b.target)
	if _, err := two.Sweep(t.Context()); err != nil {
		t.Error(err)
	}
	if err := two.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if got := p.ask("echo still here"); got != "still here" {
		t.Errorf("the other run's probe says %q", got)
	}
}
