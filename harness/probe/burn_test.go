package probe

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

// The probe starts its burner from its own binary, which is the test's here.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "burn" {
		flags := flag.NewFlagSet("burn", flag.ExitOnError)
		threads, lasting := flags.Int("threads", 0, ""), flags.Duration("for", 0, "")
		_ = flags.Parse(os.Args[2:])
		if err := Burn(context.Background(), os.Stdin, os.Stdout, *threads, *lasting); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func TestBurnEnds(t *testing.T) {
	for name, end := range map[string]struct {
		lasting time.Duration
		in      func() io.Reader
	}{
		"with its time":    {50 * time.Millisecond, func() io.Reader { r, _ := io.Pipe(); return r }},
		"with its starter": {patience, func() io.Reader { return strings.NewReader("") }},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			began := time.Now()
			if err := Burn(t.Context(), end.in(), &out, 2, end.lasting); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took >= patience || out.String() != burning {
				t.Errorf("it said %q and took %s", out.String(), took)
			}
		})
	}
	if err := Burn(t.Context(), strings.NewReader(""), io.Discard, 0, time.Second); err == nil {
		t.Error("no threads to burn, and no error")
	}
}

// children are this process's living ones.
func children(t *testing.T) []int {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, path := range stats {
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if p, err := ownProc.stat(pid); err == nil && p.parent == os.Getpid() && !p.dead() {
			pids = append(pids, pid)
		}
	}
	return pids
}

// idle counts the threads of a process that have the lowest priority.
func idle(t *testing.T, pid int) int {
	t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, task := range tasks {
		tid, _ := strconv.Atoi(filepath.Base(task))
		nice, err := unix.Getpriority(unix.PRIO_PROCESS, tid)
		attr, failed := unix.SchedGetAttr(tid, 0)
		// The system call gives 20 less the nice value.
		if err == nil && nice == 1 && failed == nil && attr.Policy == unix.SCHED_IDLE {
			n++
		}
	}
	return n
}

func actionIs(name string) func(history.Event) bool {
	return func(ev history.Event) bool { return ev.Action != nil && ev.Action.Name == name }
}

func TestLoad(t *testing.T) {
	r := newRig(t)
	load := wire.LoadParams{
		Submit: wire.SubmitParams{Ingress: "chat", GiveUp: patience}, Every: 5 * time.Millisecond, MaxHeld: 4, Turns: 3, Lasting: patience,
	}
	for range 3 {
		r.send(wire.SubmitParams{Script: wire.Script{Hold: true}})
	}
	r.must(r.Load(r.ctx, load))
	on := r.await("the load", actionIs(history.ActionLoad))
	if l := on.Action.Load; l == nil || l.Turns != 3 || l.Every != load.Every || l.Burners < 1 {
		t.Errorf("the load is recorded as %+v", l)
	}
	burners := children(t)
	if len(burners) != 1 || idle(t, burners[0]) != on.Action.Load.Burners {
		t.Errorf("%d burners, %d idle threads in the first", len(burners), idle(t, burners[0]))
	}
	if err := r.Load(r.ctx, load); err == nil || !strings.Contains(err.Error(), "unload it first") {
		t.Errorf("a second load: %v", err)
	}
	finished := func(ev history.Event) bool { return ev.Turn != nil && ev.Turn.Outcome == history.Finished }
	r.awaitN("turns that come and go", 10, finished)

	r.must(r.Unload(r.ctx))
	off := r.await("its end", actionIs(history.ActionUnload))
	if off.Call < on.Return || len(children(t)) != 0 {
		t.Errorf("the load ends at [%d, %d], it began at [%d, %d]; burners: %v", off.Call, off.Return, on.Call, on.Return, children(t))
	}
	for _, ev := range r.all(func(ev history.Event) bool { return ev.Turn != nil && ev.Turn.Phase == history.TurnSent }) {
		if ev.Call > off.Return {
			t.Errorf("turn %s was sent after the load", ev.Turn.ID)
		}
	}
	r.must(r.Unload(r.ctx)) // there is none any more
	r.must(r.Release(r.ctx))
	r.checkHistory()
}

func TestLoadEndsByItself(t *testing.T) {
	r := newRig(t)
	load := wire.LoadParams{Submit: wire.SubmitParams{Ingress: "chat"}, Every: 5 * time.Millisecond, MaxHeld: 1, Lasting: 50 * time.Millisecond}
	r.must(r.Load(r.ctx, load))
	r.await("its end, with its time", actionIs(history.ActionUnload))
	load.Lasting = patience
	r.must(r.Load(r.ctx, load)) // another one can follow
	r.must(r.Configure(r.ctx, r.config))
	if left := children(t); len(left) != 0 {
		t.Errorf("its session is over, and these burn on: %v", left)
	}
	if err := r.Load(r.ctx, wire.LoadParams{Every: time.Second}); err == nil {
		t.Error("a load without a time is none")
	}
}
