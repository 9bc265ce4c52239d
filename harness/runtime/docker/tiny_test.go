package docker

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
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
		"probe.yaml": "name: test-probe\nuser: \"0:0\"\nentrypoint: [/probe, stdio]\n" +
			"env: {TINY_DELAY: 150ms}\nfiles: {/probe: {binary: probe}}\ndirectories: {/tmp: {mode: \"1777\"}}\n",
		"dying-probe.yaml": "name: test-dying-probe\nentrypoint: [/probe, stdio]\n" +
			"env: {TINY_DIE: \"1\"}\nfiles: {/probe: {binary: probe}}\n",
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
	if socket := os.Getenv(dialEnv); socket != "" {
		os.Exit(dialStdio(socket))
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
	return startPodWith(t, r, tg, runtime.PodOptions{Name: t.Name()})
}

func startPodWith(t *testing.T, r *Runtime, tg *target.Target, o runtime.PodOptions) (runtime.Pod, *probe) {
	t.Helper()
	ctx := t.Context()
	prepared, err := r.Prepare(ctx, tg)
	if err != nil {
		t.Fatal(err)
	}
	pod, err := r.NewPod(ctx, tg, prepared, o)
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
