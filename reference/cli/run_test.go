package cli

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/drainproof/drainproof/reference/drain"
	"github.com/drainproof/drainproof/reference/lifecycle"
	"github.com/drainproof/drainproof/reference/model/modeltest"
	"github.com/drainproof/drainproof/reference/status"
)

// The checklist in one life: observe, refuse, finish, revert.
func TestDrainAndCancel(t *testing.T) {
	m := modeltest.New(t)
	p := start(t, t.TempDir(), []string{"MODEL_BASE_URL=" + m.URL})
	p.awaitState("running", 0)
	held := p.chat("held")
	call := m.Next(t)
	if record, err := status.Load(p.home); err != nil || record.ActiveAgents != 1 {
		t.Fatalf("the model was called before the turn was counted: %+v %v", record, err)
	}
	begin(t, p.home)
	p.awaitState("draining", 1)

	refused := await(t, p.chat("refused"))
	if refused.status != http.StatusServiceUnavailable || refused.header.Get("Retry-After") != "1" || !strings.Contains(refused.body, `"gateway_draining"`) {
		t.Errorf("want a refusal, got %+v", refused)
	}
	if m.Count() != 1 {
		t.Error("a refused turn reached the model")
	}
	call.Reply("whole")
	if a := await(t, held); a.status != 200 || !strings.Contains(a.body, `"whole"`) {
		t.Errorf("the turn in flight: %+v", a)
	}
	p.awaitState("draining", 0)

	cancel(t, p.home)
	p.awaitState("running", 0)
	again := p.chat("again")
	m.Next(t).Reply("again")
	if a := await(t, again); a.status != 200 {
		t.Errorf("after the cancel: %+v", a)
	}
}

// A drain outlives a SIGKILL, and the first thing that is published settles it.
func TestKilledWhileDraining(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir, nil)
	begin(t, dir)
	p.awaitState("draining", 0)
	p.signal(syscall.SIGKILL)
	p.exit()
	if view, err := status.Read(dir); err != nil || view.Alive || view.State != lifecycle.Stopped {
		t.Errorf("a dead gateway reads as %+v %v", view, err)
	}
	p = start(t, dir, nil)
	if record, err := status.Load(dir); err != nil || record.State != lifecycle.Draining {
		t.Errorf("served with %+v %v", record, err)
	}
	if a := await(t, p.chat("early")); a.status != http.StatusServiceUnavailable {
		t.Errorf("a turn got in: %+v", a)
	}
}

func TestShutdownLetsTurnsFinish(t *testing.T) {
	m := modeltest.New(t)
	p := start(t, t.TempDir(), []string{"MODEL_BASE_URL=" + m.URL})
	held := p.chat("held")
	call := m.Next(t)
	begin(t, p.home)
	p.awaitState("draining", 1)
	p.signal(syscall.SIGTERM)
	p.awaitState("stopping", 1)
	if a := await(t, p.chat("late")); a.status != http.StatusServiceUnavailable || !strings.Contains(a.body, `"gateway_draining"`) {
		t.Errorf("want a refusal while stopping, got %+v", a)
	}
	cancel(t, p.home) // comes too late: a shutdown wins (STATE-007)
	second := p.chat("after the cancel")
	if a := await(t, second); a.status != http.StatusServiceUnavailable {
		t.Errorf("a cancel opened the gate of a gateway that shuts down: %+v", a)
	}
	p.awaitState("stopping", 1)
	call.Reply("whole")
	if a := await(t, held); a.status != 200 || !strings.Contains(a.body, `"whole"`) {
		t.Errorf("the turn in flight: %+v", a)
	}
	if code := p.exit(); code != 0 {
		t.Errorf("exit %d", code)
	}
	p.awaitState("stopped", 0)
}

func TestShutdownInterruptsPastTheDeadline(t *testing.T) {
	m := modeltest.New(t)
	p := start(t, t.TempDir(), []string{"MODEL_BASE_URL=" + m.URL}, "--shutdown-timeout", "100ms")
	held := p.chat("held")
	call := m.Next(t)
	p.signal(syscall.SIGTERM)
	if a := await(t, held); a.status != http.StatusServiceUnavailable || !strings.Contains(a.body, "turn_interrupted") {
		t.Errorf("the interrupted turn: %+v", a)
	}
	<-call.Gone()
	if code := p.exit(); code != 0 {
		t.Errorf("exit %d", code)
	}
	p.awaitState("stopped", 0)
}

func TestSecondSignalEndsAtOnce(t *testing.T) {
	for signal, want := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143} {
		t.Run(signal.String(), func(t *testing.T) {
			m := modeltest.New(t)
			p := start(t, t.TempDir(), []string{"MODEL_BASE_URL=" + m.URL}, "--shutdown-timeout", "1h")
			p.chat("held")
			m.Next(t)
			p.signal(syscall.SIGTERM)
			p.awaitState("stopping", 1)
			p.signal(signal)
			if code := p.exit(); code != want {
				t.Errorf("exit %d, want %d", code, want)
			}
			if record, err := status.Load(p.home); err != nil || record.State != lifecycle.Stopped {
				t.Errorf("published at the end: %+v %v", record, err)
			}
		})
	}
}

func TestSecondStart(t *testing.T) {
	p := start(t, t.TempDir(), nil)
	code, _, stderr := execute(t, p.home, "run")
	if code != ExitUsage || !strings.Contains(stderr, "in use by another gateway (pid ") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	p.awaitState("running", 0) // untouched by the one that did not start
}

func TestMistakes(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() }) // after the parallel cases, unlike a defer
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		home string
		env  string
		args []string
		says string
	}{
		"port in use":      {"", "", []string{"--listen", taken.Addr().String()}, "address already in use"},
		"home is a file":   {file, "", nil, "not a directory"},
		"bad timeout":      {"", "GATEWAY_SHUTDOWN_TIMEOUT=soon", nil, "is no duration"},
		"bad follow-up":    {"", "GATEWAY_FOLLOWUP=drop", nil, "queue or refuse"},
		"bad tool":         {"", "GATEWAY_TOOLS=clock,hammer", nil, "there is no tool"},
		"negative timeout": {"", "", []string{"--shutdown-timeout", "-1s"}, "below zero"},
		"bad age":          {"", drain.EnvMaxAge + "=0s", nil, "above zero"},
		"bad broadcast":    {"", "GATEWAY_NOTIFY_URL=host", nil, "GATEWAY_NOTIFY_URL"},
		"bad model":        {"", "MODEL_BASE_URL=model", nil, "MODEL_BASE_URL"},
		"unknown flag":     {"", "", []string{"--frobnicate"}, "unknown flag"},
		"argument":         {"", "", []string{"now"}, "unknown command"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := c.home
			if dir == "" {
				dir = t.TempDir()
			}
			code, _, stderr := executeWith(t, dir, []string{c.env}, append([]string{"run"}, c.args...)...)
			if code != ExitUsage || !strings.Contains(stderr, c.says) || strings.Contains(stderr, "goroutine ") {
				t.Errorf("exit %d: %s", code, stderr)
			}
			if record, err := status.Load(dir); err == nil && record.State != lifecycle.Stopped {
				t.Errorf("left %+v published", record)
			}
		})
	}
}

// A hostile marker neither hangs nor ends the gateway, and drains it.
func TestHostileMarkers(t *testing.T) {
	p := start(t, t.TempDir(), nil)
	path := filepath.Join(p.home, drain.MarkerName)
	for name, make := range map[string]func() error{
		"FIFO":      func() error { return syscall.Mkfifo(path, 0o644) },
		"directory": func() error { return os.Mkdir(path, 0o755) },
		"dangling":  func() error { return os.Symlink("nowhere", path) },
		"empty":     func() error { return os.WriteFile(path, nil, 0o644) },
		"10 MB":     func() error { return os.WriteFile(path, make10MB(), 0o644) },
	} {
		if err := make(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		p.awaitState("draining", 0)
		if err := os.Remove(path); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		p.awaitState("running", 0)
	}
}

func make10MB() []byte { return make([]byte, 10<<20) }

// Both figures of a dashboard come from one reading, and a dead gateway reads as
// stopped though its file says running (RESTART-003).
func TestDashboardOfADeadGateway(t *testing.T) {
	p := start(t, t.TempDir(), nil)
	p.awaitState("running", 0)
	began := time.Now()
	p.signal(syscall.SIGKILL)
	p.exit()
	if record, err := status.Load(p.home); err != nil || record.State != lifecycle.Running {
		t.Fatalf("the file of a killed gateway: %+v %v", record, err)
	}
	code, stdout, _ := execute(t, p.home, "drain", "status")
	if code != ExitOK || !strings.HasPrefix(stdout, "not running") {
		t.Errorf("exit %d after %s: %s", code, time.Since(began), stdout)
	}
}
