package process

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/target"
)

// A program runs in the gateway's environment; what it said is told when it fails.
func TestExec(t *testing.T) {
	r := newRuntime(t)
	ctx := t.Context()
	pod, _ := startPod(t, r, tinyTarget())
	own := func(code string) target.Program {
		return target.Program{Process: []string{"{{bin}}/tiny", "own", code}}
	}
	if err := pod.Exec(ctx, own("0")); err != nil {
		t.Error(err)
	}
	err := pod.Exec(ctx, own("3"))
	if err == nil || !strings.Contains(err.Error(), "ended with exit code 3; its last words: home="+pod.Resolved().Home) {
		t.Errorf("got %v", err)
	}
	if err := pod.Exec(ctx, target.Program{Process: []string{"/no-such-program"}}); err == nil || !strings.Contains(err.Error(), "no-such-program") {
		t.Errorf("a program that does not exist: %v", err)
	}
	if err := pod.Exec(ctx, target.Program{Command: []string{"/gateway"}}); err == nil {
		t.Error("a program for containers ran as a process")
	}
	short, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	began := time.Now()
	if err := pod.Exec(short, target.Program{Process: []string{"{{bin}}/tiny", "sleep"}}); err == nil || time.Since(began) > cleanupLimit {
		t.Errorf("a program that does not end: %v after %s", err, time.Since(began))
	}
	if err := pod.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if err := pod.Exec(ctx, own("0")); err == nil {
		t.Error("a program ran in a closed pod")
	}
}
