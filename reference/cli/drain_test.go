package cli

import (
	"encoding/json"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/drainproof/drainproof/reference/lifecycle"
	"github.com/drainproof/drainproof/reference/model/modeltest"
	"github.com/drainproof/drainproof/reference/status"
)

func TestWaitOutcomes(t *testing.T) {
	yes, no := true, false
	alive := func(state lifecycle.State, count int) status.View {
		return status.View{Alive: true, State: state, ActiveAgents: count}
	}
	cases := map[string]struct {
		now  reading
		over bool
		code int
	}{
		"drained":                  {reading{View: alive(lifecycle.Draining, 0), Requested: &yes}, true, 0},
		"a turn left":              {reading{View: alive(lifecycle.Draining, 1), Requested: &yes}, false, 0},
		"not noticed yet":          {reading{View: alive(lifecycle.Running, 0), Requested: &yes}, false, 0},
		"starting":                 {reading{View: alive(lifecycle.Starting, 0), Requested: &yes}, false, 0},
		"shutting down":            {reading{View: alive(lifecycle.Stopping, 0), Requested: &yes}, false, 0},
		"cancelled":                {reading{View: alive(lifecycle.Running, 1), Requested: &no}, true, ExitCancelled},
		"cancelled, not caught up": {reading{View: alive(lifecycle.Draining, 0), Requested: &no}, true, ExitCancelled},
		"marker unknown":           {reading{View: alive(lifecycle.Draining, 0), Requested: nil}, false, 0},
		"dead":                     {reading{View: status.View{State: lifecycle.Stopped}, Requested: &yes}, true, ExitNotRunning},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			over, err := outcome(c.now)
			var exit *exitError
			code := 0
			if errors.As(err, &exit) {
				code = exit.code
			}
			if over != c.over || code != c.code {
				t.Errorf("over=%t code=%d, want %t %d", over, code, c.over, c.code)
			}
		})
	}
}

func TestDrainCommands(t *testing.T) {
	m := modeltest.New(t)
	p := start(t, t.TempDir(), []string{"MODEL_BASE_URL=" + m.URL})

	expect(t, p.home, ExitOK, "no drain was requested", "drain", "cancel")
	expect(t, p.home, ExitCancelled, "no drain is requested", "drain", "wait")
	held := p.chat("held")
	call := m.Next(t)
	expect(t, p.home, ExitOK, "drain requested", "drain", "begin")
	expect(t, p.home, ExitOK, "requested again", "drain", "begin")
	expect(t, p.home, ExitDeadline, "not drained after 300ms", "drain", "wait", "--deadline", "300ms")
	expect(t, p.home, ExitUsage, "above zero", "drain", "wait", "--deadline", "0s")

	done := make(chan int, 1)
	go func() {
		code, _, _ := execute(t, p.home, "drain", "wait")
		done <- code
	}()
	call.Reply("done")
	await(t, held)
	select {
	case code := <-done:
		if code != ExitOK {
			t.Errorf("wait: exit %d", code)
		}
	case <-time.After(modeltest.Patience):
		t.Fatal("wait does not end")
	}
	_, stdout, _ := execute(t, p.home, "drain", "status", "--json")
	var now struct {
		Alive     bool   `json:"alive"`
		State     string `json:"gateway_state"`
		Requested bool   `json:"drain_requested"`
	}
	if err := json.Unmarshal([]byte(stdout), &now); err != nil || !now.Alive || now.State != "draining" || !now.Requested {
		t.Errorf("status: %s %v", stdout, err)
	}
	expect(t, p.home, ExitOK, "drain cancelled", "drain", "cancel")
	p.awaitState("running", 0)
	p.signal(syscall.SIGTERM)
	p.exit()
	expect(t, p.home, ExitNotRunning, "not running", "drain", "wait")
	expect(t, p.home, ExitOK, "no gateway is running", "drain", "begin")
	expect(t, p.home+"/gone", ExitFailure, "no such file", "drain", "begin")
}

// expect runs a command and looks at how it ended and what it said.
func expect(t *testing.T, home string, code int, says string, args ...string) {
	t.Helper()
	got, stdout, stderr := execute(t, home, args...)
	if got != code || !strings.Contains(stdout+stderr, says) {
		t.Errorf("%s: exit %d, want %d and %q in %s%s", strings.Join(args, " "), got, code, says, stdout, stderr)
	}
}

func TestProgressWithoutTerminal(t *testing.T) {
	var out strings.Builder
	show := newProgress(&out)
	for _, line := range []string{"a", "a", "b"} {
		show.say(line)
	}
	show.end()
	if out.String() != "a\nb\n" {
		t.Errorf("got %q", out.String())
	}
}
