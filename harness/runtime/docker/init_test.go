package docker

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/target"
)

// underInit is the tiny gateway in the care of an init that insists on being PID 1.
func underInit(b *bench) *target.Target {
	tg := *b.target
	tg.Command = []string{"/gateway", "init"}
	tg.Init = &target.Init{Gateway: "^/gateway run$", Respawn: []string{"/gateway", "again"}, Exit: []string{"/gateway", "die", "0"}} // which says "last words"
	tg.Sidecars = []target.Sidecar{{Name: "dashboard", Command: []string{"/gateway", "sleep", "{{port.ingress}}"}, Env: map[string]string{"WHO": "inside {{bound}}"}, Inside: true}}
	return &tg
}

// TestInitOfItsOwn: the container keeps its PID namespace, and all that is done to the
// gateway is done to its process, while the init goes on.
func TestInitOfItsOwn(t *testing.T) {
	r, b := newRuntime(t)
	ctx := t.Context()
	tg := underInit(b)
	pod, p := startPod(t, r, tg)
	if err := pod.StartGateway(ctx); err != nil {
		t.Fatal(err)
	}
	first := p.ask("get " + front)
	if !strings.HasPrefix(first, "uid=65532") {
		t.Fatalf("the gateway answered %q", first)
	}
	if got := p.ask("find /gateway"); got != "" {
		t.Errorf("the probe sees the processes %q of a namespace that is not its own", got)
	}
	awaitLog(t, pod.Logs, "WHO=inside 2s")
	if err := pod.Signal(ctx, "TERM"); err != nil {
		t.Fatal(err)
	}
	awaitLog(t, pod.Logs, "bye")
	if _, err := pod.WaitGateway(ctx); err == nil || !strings.Contains(err.Error(), `init.exit says "last words"`) {
		t.Errorf("what is no exit code was taken for one: %v", err)
	}
	tg.Init.Exit = nil
	if code, err := pod.WaitGateway(ctx); code != -1 || err != nil {
		t.Errorf("nobody can tell how it ended, and it is %d, %v", code, err)
	}
	if err := pod.Respawn(ctx); err != nil {
		t.Fatal(err)
	}
	if second := p.ask("get " + front); second == first || !strings.HasPrefix(second, "uid=") {
		t.Errorf("started again it answers %q, before it was %q", second, first)
	}

	tg.Init.Leave = []string{"/gateway", "die", "6"}
	if err := pod.Signal(ctx, "KILL"); err == nil || !strings.Contains(err.Error(), "init.leave") || !strings.Contains(err.Error(), "exit code 6") {
		t.Errorf("a command that fails: %v", err)
	}
	tg.Init.Leave = nil
	if err := pod.Signal(ctx, "KILL"); err != nil {
		t.Fatal(err)
	}
	if got := p.ask("get1 " + front); got != "error" {
		t.Errorf("killed, it answers %q", got)
	}
	tg.Init.Respawn = nil
	if err := pod.Respawn(ctx); err == nil || !strings.Contains(err.Error(), "init.respawn") {
		t.Errorf("respawned by nothing: %v", err)
	}

	// A new instantiation is one here too.
	if err := pod.Recreate(ctx); err != nil {
		t.Fatal(err)
	}
	p = speak(t, pod.Probe())
	if err := pod.StartGateway(ctx); err != nil {
		t.Fatal(err)
	}
	if got := p.ask("get " + front); !strings.HasPrefix(got, "uid=") {
		t.Errorf("made anew, it answers %q", got)
	}
}

// TestAnInitThatEndsAtOnce: its last words are left for whoever looks for the gateway.
func TestAnInitThatEndsAtOnce(t *testing.T) {
	r, b := newRuntime(t)
	tg := underInit(b)
	tg.Command = []string{"/gateway", "die", "3"}
	pod, _ := startPod(t, r, tg)
	if err := pod.StartGateway(t.Context()); err != nil {
		t.Error(err)
	}
	if code, err := pod.WaitGateway(t.Context()); code != 3 || err != nil {
		t.Errorf("ended with %d, %v; want 3", code, err)
	}
	if err := pod.Respawn(t.Context()); err == nil || !strings.Contains(err.Error(), "has ended with it (exit code 3)") {
		t.Errorf("respawned in a container that has ended: %v", err)
	}
	awaitLog(t, pod.Logs, "last words")
}

// awaitLog waits until some line of the log holds the text.
func awaitLog(t *testing.T, logs func(context.Context, int) ([]string, error), text string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		lines, _ := logs(t.Context(), 100)
		if strings.Contains(strings.Join(lines, "\n"), text) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%q is not in the log: %q", text, lines)
		}
	}
}
