package main

import (
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

// TestAnotherPIDNamespace: a gateway that an init of its own starts, in a PID namespace of
// its own, is found, followed, signalled and found again, by way of a probe that visits it.
// It needs root.
func TestAnotherPIDNamespace(t *testing.T) {
	needNamespaces(t)
	binary, err := build()
	if err != nil {
		t.Fatal(err)
	}
	const line, gateway = "^sleep 61$", "sleep 61"
	outer := exec.Command("unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", gateway+" & sleep 62 & while :; do wait; sleep 0.1; done")
	if err := outer.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = outer.Process.Kill(); _ = outer.Wait() }()
	ctx := testContext(t)
	var inits []child
	for len(inits) == 0 && ctx.Err() == nil {
		inits = children(t, outer.Process.Pid)
	}
	// It has a /proc of its own once it starts others.
	for len(children(t, inits[0].pid)) < 2 && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	visit := func(args ...string) (string, error) {
		out, err := exec.Command("nsenter", append([]string{"--target", fmt.Sprint(inits[0].pid), "--pid", "--mount"}, args...)...).CombinedOutput()
		return string(out), err
	}

	if out, err := visit(binary, "show"); err == nil || !strings.Contains(out, "no probe waits for it") {
		t.Errorf("shown to nobody: %s %v", out, err)
	}
	_, stream := startCommand(t, exec.Command(binary, "stdio"))
	var mu sync.Mutex
	seen := map[string]int{}
	c := wire.NewClient(stream, func(ev history.Event) {
		mu.Lock()
		defer mu.Unlock()
		if ev.Process != nil && ev.Process.PID != 0 {
			seen[fmt.Sprintf("%s %d", ev.Process.Phase, ev.Process.PID)]++
		}
	})
	if _, err := c.Hello(ctx); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := c.Configure(ctx, wire.ConfigureParams{Home: dir, UID: -1, GID: -1, Marker: dir + "/m", ModelAddress: "127.0.0.1:0", Gateway: line}); err != nil {
		t.Fatal(err)
	}
	if w, err := c.Watch(ctx, wire.WatchParams{Within: 20 * time.Millisecond}); err == nil || !strings.Contains(err.Error(), "nobody showed") {
		t.Errorf("before anything was shown: %+v, %v", w, err)
	}
	if out, err := visit(binary, "show"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if out, err := visit(binary, "show"); err == nil {
		t.Errorf("a second one was taken: %s", out)
	}
	first, err := c.Watch(ctx, wire.WatchParams{Within: patience})
	if err != nil || first.PID < 2 || first.PID > 100 || first.StartTime == 0 {
		t.Fatalf("watch: %+v, %v; want the number that it has there", first, err)
	}
	if err := c.Signal(ctx, int(syscall.SIGTERM)); err == nil || !strings.Contains(err.Error(), "another PID namespace") {
		t.Errorf("signalled from here: %v", err)
	}
	if out, err := visit(binary, "signal", "--like", line, "--number", "15"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	gone := fmt.Sprintf("%s %d", history.ProcessGone, first.PID)
	for ctx.Err() == nil {
		mu.Lock()
		over := seen[gone] == 1
		mu.Unlock()
		if over {
			break
		}
	}
	if ctx.Err() != nil {
		t.Fatalf("its end was not seen: %v", seen)
	}
	if out, err := visit(binary, "signal", "--like", line, "--number", "15"); err == nil || !strings.Contains(out, "no living process") {
		t.Errorf("signalled when it was gone: %s %v", out, err)
	}
	if w, err := c.Watch(ctx, wire.WatchParams{Within: 20 * time.Millisecond}); err == nil {
		t.Errorf("the dead gateway was found again: %+v", w)
	}

	if out, err := visit("sh", "-c", gateway+" >/dev/null 2>&1 &"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	second, err := c.Watch(ctx, wire.WatchParams{Within: patience})
	if err != nil || second.PID == first.PID {
		t.Errorf("started again: %+v, %v", second, err)
	}
}
