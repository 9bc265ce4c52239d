package docker

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/target"
)

// A program runs beside the gateway, as its user and in its environment; what it
// said is told when it fails.
func TestExec(t *testing.T) {
	r, b := newRuntime(t)
	ctx := t.Context()
	pod, p := startPod(t, r, b.target)
	own := func(code string) target.Program { return target.Program{Command: []string{"/gateway", "own", code}} }
	if err := pod.Exec(ctx, own("0")); err == nil {
		t.Error("a program ran beside a gateway that was never started")
	}
	if err := pod.StartGateway(ctx); err != nil {
		t.Fatal(err)
	}
	p.ask("get " + front)
	if err := pod.Exec(ctx, own("0")); err != nil {
		t.Error(err)
	}
	err := pod.Exec(ctx, own("3"))
	if err == nil || !strings.Contains(err.Error(), `"/gateway own 3" ended with exit code 3; its last words: home=/home/gateway/state uid=65532`) {
		t.Errorf("got %v", err)
	}
	if err := pod.Exec(ctx, target.Program{Command: []string{"/no-such-program"}}); err == nil || !strings.Contains(err.Error(), "no-such-program") {
		t.Errorf("a program that does not exist: %v", err)
	}
	if err := pod.Exec(ctx, target.Program{Process: []string{"/gateway"}}); err == nil {
		t.Error("a program for processes ran in a container")
	}
	short, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if err := pod.Exec(short, target.Program{Command: []string{"/gateway", "sleep"}}); err == nil || short.Err() == nil {
		t.Errorf("a program that does not end: %v", err)
	}
	if err := pod.Signal(ctx, "KILL"); err != nil {
		t.Fatal(err)
	}
	if _, err := pod.WaitGateway(ctx); err != nil {
		t.Fatal(err)
	}
	if err := pod.Exec(ctx, own("0")); err == nil {
		t.Error("a program ran beside a gateway that had ended")
	}
}
