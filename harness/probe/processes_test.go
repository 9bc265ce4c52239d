package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

func processIs(phase string, pid int) func(history.Event) bool {
	return func(ev history.Event) bool {
		return ev.Process != nil && ev.Process.Phase == phase && ev.Process.PID == pid
	}
}

func TestAProcessIsFollowedToItsEnd(t *testing.T) {
	r, _ := newObserver(t)
	if err := r.Signal(r.ctx, int(syscall.SIGTERM)); err == nil {
		t.Error("a signal to nobody")
	}
	cmd := exec.Command("sleep", "60")
	r.must(cmd.Start())
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	pid := cmd.Process.Pid
	w, err := r.Watch(r.ctx, wire.WatchParams{PID: pid, Within: patience})
	r.must(err)
	seen := r.all(processIs(history.ProcessSeen, pid))
	if w.PID != pid || w.StartTime == 0 || len(seen) != 1 || seen[0].Process.StartTime != w.StartTime {
		t.Fatalf("watched %+v, seen %+v", w, seen)
	}
	if again, err := r.Watch(r.ctx, wire.WatchParams{PID: pid, Within: patience}); err != nil || again != w {
		t.Errorf("watched again: %+v, %v", again, err)
	}
	killed := now()
	r.must(r.Signal(r.ctx, int(syscall.SIGKILL)))
	// Nobody has waited for it yet: a zombie is gone all the same.
	gone := r.await("gone", processIs(history.ProcessGone, pid))
	if gone.Return < killed || gone.Call > gone.Return {
		t.Errorf("gone in [%d, %d], killed from %d", gone.Call, gone.Return, killed)
	}
	if got := r.all(processIs(history.ProcessSeen, pid)); len(got) != 1 {
		t.Errorf("seen %d times", len(got))
	}
	if _, err := r.Watch(r.ctx, wire.WatchParams{PID: pid, Within: time.Millisecond}); err == nil || !strings.Contains(err.Error(), "its log") {
		t.Errorf("a dead process was watched: %v", err)
	}
	if err := r.Signal(r.ctx, 99); err == nil {
		t.Error("signal 99")
	}
	r.checkHistory()
}

func TestAListeningSocketThatIsOpenedAgainIsAnotherOne(t *testing.T) {
	r, _ := newObserver(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	r.must(err)
	address := l.Addr().String()
	port := l.Addr().(*net.TCPAddr).Port
	r.config.IngressPorts = []int{port}
	r.must(r.Configure(r.ctx, r.config))
	socket := func(phase string) func(history.Event) bool {
		return func(ev history.Event) bool { return processIs(phase, 0)(ev) && ev.Process.Port == port }
	}
	first := r.await("listening", socket(history.ProcessListening))
	conn, err := net.Dial("tcp", address) // no listening socket, though on the port
	r.must(err)
	defer conn.Close()
	l.Close()
	closed := r.await("closed", socket(history.ProcessClosed))
	if closed.Process.Inode != first.Process.Inode {
		t.Errorf("inode %d was opened, %d closed", first.Process.Inode, closed.Process.Inode)
	}
	l, err = net.Listen("tcp", address)
	r.must(err)
	defer l.Close()
	second := r.await("listening again", after(closed.Seq, socket(history.ProcessListening)))
	if second.Process.Inode == first.Process.Inode || second.Process.Inode == 0 {
		t.Errorf("inode %d again", second.Process.Inode)
	}
	r.checkHistory()
}

func TestReady(t *testing.T) {
	r := newRig(t)
	got, err := r.Ready(r.ctx, wire.ReadyParams{URL: r.gateway.server.URL + "/health", Within: patience})
	if err != nil || !got.Ready {
		t.Errorf("health: %+v, %v", got, err)
	}
	for url, want := range map[string]string{
		r.gateway.server.URL + "/nowhere": "status 404",
		"http://" + freePort(t):           "refused",
		"ftp://127.0.0.1":                 "no http:// URL",
	} {
		got, err := r.Ready(r.ctx, wire.ReadyParams{URL: url, Within: 30 * time.Millisecond})
		if err != nil || got.Ready || !strings.Contains(got.Last, want) {
			t.Errorf("%s: %+v, %v; want %q", url, got, err, want)
		}
	}
}

// Nobody waits for a process that has ended to become ready.
func TestReadyIsNotWaitedForInVain(t *testing.T) {
	r := newRig(t)
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, err := r.Watch(r.ctx, wire.WatchParams{PID: cmd.Process.Pid, Within: patience})
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(r.ctx, patience)
	defer cancel()
	got, err := r.Ready(ctx, wire.ReadyParams{URL: "http://" + freePort(t), Within: time.Hour})
	if err != nil || got.Ready || !strings.Contains(got.Last, "refused") {
		t.Errorf("%+v, %v", got, err)
	}
}

// A sidecar has no parent either, and is no gateway.
func TestSidecarsAreNotTheGateway(t *testing.T) {
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	for deadline := time.Now().Add(patience); ownProc.notGateway(cmd.Process.Pid, nil); { // it has no arguments yet
		if time.Now().After(deadline) {
			t.Fatal("a process with arguments is no gateway")
		}
	}
	for name, c := range map[string]struct {
		others [][]string
		want   bool
	}{
		"none":          {nil, false},
		"others":        {[][]string{{"sleep"}, {"sleep", "60", ""}, {}}, false},
		"its own line":  {[][]string{{"dashboard"}, {"sleep", "60"}}, true},
		"half its line": {[][]string{{"60"}}, false},
	} {
		if got := ownProc.notGateway(cmd.Process.Pid, c.others); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// Under an init the gateway is the process whose command line matches, and neither the
// init, nor a wrapper that only names it, nor what it forks.
func TestTheGatewayOfAnInit(t *testing.T) {
	type proc struct {
		pid, parent int
		started     int
		state, line string
	}
	init := proc{1, 0, 1, "S", "gateway run"}
	for name, c := range map[string]struct {
		procs []proc
		want  int
	}{
		"none":             {[]proc{init, {5, 1, 2, "S", "supervise gateway"}}, 0},
		"one":              {[]proc{init, {5, 1, 2, "S", "supervise gateway"}, {6, 5, 3, "S", "gateway run"}}, 6},
		"what it forks":    {[]proc{init, {6, 5, 3, "S", "gateway run"}, {7, 6, 4, "S", "gateway run"}, {8, 9, 5, "S", "gateway run"}, {9, 6, 5, "S", "sh"}}, 6},
		"the old one dead": {[]proc{init, {6, 1, 3, "Z", "gateway run"}, {9, 1, 8, "S", "gateway run"}}, 9},
		"the younger":      {[]proc{init, {9, 1, 3, "S", "gateway run"}, {6, 1, 8, "R", "gateway run"}}, 6},
		"all dead":         {[]proc{init, {6, 1, 3, "Z", ""}, {7, 1, 3, "X", "gateway run"}}, 0},
		"a circle":         {[]proc{init, {6, 7, 3, "S", "gateway run"}, {7, 6, 3, "S", "sh"}}, 0},
		"a visitor":        {[]proc{init, {6, 0, 3, "S", "/probe signal --like gateway run"}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for _, p := range c.procs {
				own := filepath.Join(dir, strconv.Itoa(p.pid))
				stat := fmt.Sprintf("%d (x) %s %d%s %d 0\n", p.pid, p.state, p.parent, strings.Repeat(" 0", 17), p.started)
				line := strings.ReplaceAll(p.line, " ", "\x00") + "\x00"
				if err := errors.Join(os.Mkdir(own, 0o755), os.WriteFile(filepath.Join(own, "stat"), []byte(stat), 0o644), os.WriteFile(filepath.Join(own, "cmdline"), []byte(line), 0o644)); err != nil {
					t.Fatal(err)
				}
			}
			got, found := procfs(dir).supervised(regexp.MustCompile("gateway run$"), func(procStat) bool { return false })
			if got.pid != c.want || found != (c.want != 0) {
				t.Errorf("found %+v, %t; want %d", got, found, c.want)
			}
			if c.want == 0 {
				return
			}
			if again, found := procfs(dir).supervised(regexp.MustCompile("gateway run$"), func(p procStat) bool { return p.pid == c.want }); again.pid == c.want {
				t.Errorf("found %+v again, %t", again, found)
			}
		})
	}
}
