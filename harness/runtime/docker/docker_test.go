package docker

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
	"sync"
	"testing"
	"time"

	dc "github.com/ory/dockertest/v3/docker"

	"github.com/drainproof/drainproof/harness/artifact"
	"github.com/drainproof/drainproof/harness/runtime"
	"github.com/drainproof/drainproof/harness/target"
)

// bench is what the tests share: a root of their own with recipes for images of
// one tiny program, which plays probe and gateway.
type bench struct {
	root   string
	bins   artifact.Binaries
	target *target.Target
}

var sharedBench = sync.OnceValues(func() (*bench, error) {
	root, err := os.MkdirTemp("", "drainproof-docker-test-*")
	if err != nil {
		return nil, err
	}
	b := &bench{root: root}
	tiny := filepath.Join(root, "bin", "tiny")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-buildvcs=false", "-o", tiny, "../testdata/tiny")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return b, fmt.Errorf("build tiny: %w\n%s", err, out)
	}
	b.bins = artifact.Binaries{"probe": tiny, "gateway": tiny}
	for file, text := range map[string]string{
		"probe.yaml": "name: test-probe\nuser: \"0:0\"\nentrypoint: [/probe, serve, --socket, /run/probe.sock]\n" +
			"env: {TINY_DELAY: 150ms}\nfiles: {/probe: {binary: probe}}\ndirectories: {/run: {}, /tmp: {mode: \"1777\"}}\n",
		"dying-probe.yaml": "name: test-dying-probe\nentrypoint: [/probe, serve, --socket, /run/probe.sock]\n" +
			"env: {TINY_DIE: \"1\"}\nfiles: {/probe: {binary: probe}}\ndirectories: {/run: {}}\n",
		"gateway.yaml": "name: test-gateway\nuser: \"65532:65532\"\nentrypoint: [/gateway]\ncmd: [run]\nworkdir: /home/gateway\n" +
			"files: {/gateway: {binary: gateway}}\ndirectories: {/home/gateway: {owner: \"65532:65532\"}}\n",
		"named-user.yaml": "name: test-named-user\nuser: \"0:0\"\nentrypoint: [/gateway]\nfiles: {/gateway: {binary: gateway}}\n",
	} {
		if err := os.WriteFile(filepath.Join(root, file), []byte(text), 0o600); err != nil {
			return b, err
		}
	}
	b.target = tinyTarget(root)
	return b, nil
})

// tinyTarget describes the tiny gateway.
func tinyTarget(root string) *target.Target {
	return &target.Target{
		Path: filepath.Join(root, "target.yaml"), Name: "tiny",
		Image:  &target.Image{Recipe: "gateway.yaml"},
		Home:   target.Home{Path: "/home/gateway/state"},
		Env:    map[string]string{"GATEWAY_HOME": "{{home}}", "TINY_PORT": "{{port.ingress}}", "TINY_BOUND": "{{bound}}"},
		Ports:  map[string]int{"ingress": 8080},
		Bounds: target.Bounds{Observe: 2 * time.Second},
	}
}

// TestMain leaves neither images nor files behind.
func TestMain(m *testing.M) {
	if os.Getenv(orphanEnv) != "" {
		leaveOrphans()
		return
	}
	code := m.Run()
	if b, err := sharedBench(); err == nil {
		if e, err := connect(endpoint()); err == nil {
			for _, img := range artifact.Unused(b.root, time.Now().Add(time.Hour)) {
				_ = e.pool.Client.RemoveImageExtended(img.Name, dc.RemoveImageOptions{Force: true})
			}
		}
		_ = os.RemoveAll(b.root)
	}
	os.Exit(code)
}

// needEngine skips where there is no engine, unless the environment says that
// there has to be one.
func needEngine(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a container engine")
	}
	if _, err := Check(t.Context()); err != nil {
		if os.Getenv("DRAINPROOF_RUNTIME") == "docker" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}

func newRuntime(t *testing.T, change ...func(*Options)) (*Runtime, *bench) {
	t.Helper()
	needEngine(t)
	b, err := sharedBench()
	if err != nil {
		t.Fatal(err)
	}
	o := Options{RunID: "test-" + unique(), Root: b.root, Probe: filepath.Join(b.root, "probe.yaml"), Binaries: b.bins}
	for _, c := range change {
		c(&o)
	}
	r, err := New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(context.Background()); err != nil {
			t.Errorf("close the runtime: %v", err)
		}
		if left := ours(t, r, o.RunID); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
	})
	return r, b
}

// ours lists what carries a run's label.
func ours(t *testing.T, r *Runtime, run string) []string {
	t.Helper()
	filter := map[string][]string{"label": {"drainproof.run=" + run}}
	containers, err := r.engine.pool.Client.ListContainers(dc.ListContainersOptions{All: true, Filters: filter})
	if err != nil {
		t.Fatal(err)
	}
	volumes, err := r.engine.pool.Client.ListVolumes(dc.ListVolumesOptions{Filters: filter})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, c := range containers {
		out = append(out, c.Names[0]+" "+c.State)
	}
	for _, v := range volumes {
		out = append(out, v.Name)
	}
	return out
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

func startPod(t *testing.T, r *Runtime, tg *target.Target) (runtime.Pod, *probe) {
	t.Helper()
	ctx := t.Context()
	prepared, err := r.Prepare(ctx, tg)
	if err != nil {
		t.Fatal(err)
	}
	pod, err := r.NewPod(ctx, tg, prepared, runtime.PodOptions{Name: t.Name()})
	if err != nil {
		t.Fatal(err)
	}
	p := speak(t, pod.Probe())
	// As the real probe does when it is configured.
	if got := p.ask("chown %d %s", pod.Resolved().UID, pod.Resolved().Home); got != "<nil>" {
		t.Fatalf("chown the home: %s", got)
	}
	return pod, p
}

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
		{"no such recipe", func(t *target.Target) { t.Image = &target.Image{Recipe: "x.yaml"} }, "x.yaml does not exist"},
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
