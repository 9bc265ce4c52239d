package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

// needNamespaces skips where no PID namespace can be made.
func needNamespaces(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root may make a PID namespace")
	}
	for _, tool := range []string{"unshare", "nsenter"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	if out, err := exec.Command("unshare", "--pid", "--fork", "--mount-proc", "true").CombinedOutput(); err != nil {
		t.Skipf("no PID namespace can be made here: %v: %s", err, out)
	}
}

// TestStdioAsPID1 runs the probe as pods do: the first process of a PID namespace
// with its own /proc, where signals have no default effect, orphans are its to
// bury, and the gateway is a process that came from outside. It needs root.
func TestStdioAsPID1(t *testing.T) {
	needNamespaces(t)
	binary, err := build()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cmd := exec.Command("unshare", "--pid", "--fork", "--kill-child", "--mount-proc", binary, "stdio")
	p, stream := startCommand(t, cmd)
	var mu sync.Mutex
	gone := make(chan struct{})
	c := wire.NewClient(stream, func(ev history.Event) {
		mu.Lock()
		defer mu.Unlock()
		if ev.Process != nil && ev.Process.Phase == history.ProcessGone {
			close(gone)
		}
	})
	ctx := testContext(t)
	if hello, err := c.Hello(ctx); err != nil || hello.PID != 1 {
		t.Fatalf("hello: %+v, %v", hello, err)
	}
	if err := c.Configure(ctx, wire.ConfigureParams{Home: dir, UID: -1, GID: -1, Marker: dir + "/m", ModelAddress: "127.0.0.1:0"}); err != nil {
		t.Fatal(err)
	}
	if w, err := c.Watch(ctx, wire.WatchParams{Within: 20 * time.Millisecond}); err == nil {
		t.Errorf("without a gateway, %+v was taken for one", w)
	}
	init := children(t, cmd.Process.Pid)[0].pid

	// The gateway leaves an orphan behind, which ends at once.
	gateway := exec.Command("nsenter", "--target", fmt.Sprint(init), "--pid", "--mount",
		"sh", "-c", "(true &) ; exec sleep 60")
	if err := gateway.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = gateway.Process.Kill(); _ = gateway.Wait() }()
	w, err := c.Watch(ctx, wire.WatchParams{Within: patience})
	if err != nil || w.PID < 2 {
		t.Fatalf("watch: %+v, %v", w, err)
	}
	if err := c.Signal(ctx, int(syscall.SIGKILL)); err != nil {
		t.Fatal(err)
	}
	select {
	case <-gone:
	case <-ctx.Done():
		t.Fatal("the gateway's end was not seen")
	}
	if w, err := c.Watch(ctx, wire.WatchParams{Within: 20 * time.Millisecond}); err == nil {
		t.Errorf("the dead gateway was found again: %+v", w)
	}
	for ctx.Err() == nil {
		if left := children(t, init); len(left) == 0 {
			break
		}
	}
	if ctx.Err() != nil {
		t.Errorf("the probe buries nobody: %v", children(t, init))
	}
	if err := syscall.Kill(init, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.ends(t, 0)
}

type child struct {
	pid   int
	state string
}

// children lists the children of a process, zombies included.
func children(t *testing.T, parent int) []child {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	var found []child
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile(filepath.Join("/proc", e.Name(), "stat"))
		if err != nil {
			continue
		}
		f := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		if len(f) > 1 && f[1] == strconv.Itoa(parent) {
			found = append(found, child{pid, f[0]})
		}
	}
	return found
}
