package cli

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"testing"

	"github.com/drainproof/drainproof/reference/model/modeltest"
)

// A thousand turns in flight fit into 128 MiB, and every one of them survives a
// drain whole.
func TestThousandTurnsInFlight(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	const turns, limit = 1000, 128 << 10 // KiB
	m := modeltest.New(t)
	p := start(t, t.TempDir(), []string{"MODEL_BASE_URL=" + m.URL})
	answers := make([]<-chan answer, turns)
	for i := range answers {
		answers[i] = send(p.url, fmt.Sprintf("turn %d", i), i%2 == 0)
	}
	calls := make([]*modeltest.Call, turns)
	for i := range calls {
		calls[i] = m.Next(t)
	}
	p.awaitState("running", turns)
	begin(t, p.home)
	p.awaitState("draining", turns)
	if now := memory(t, p.cmd.Process.Pid, "VmRSS"); now > limit && !raceDetector {
		t.Errorf("%d turns in flight take %d KiB, more than %d", turns, now, limit)
	} else {
		t.Logf("%d turns in flight take %d KiB (peak %d)", turns, now, memory(t, p.cmd.Process.Pid, "VmHWM"))
	}
	for _, call := range calls {
		call.Reply("done")
	}
	for i := range answers {
		if a := await(t, answers[i]); a.status != 200 {
			t.Fatalf("turn %d: %+v", i, a)
		}
	}
	p.awaitState("draining", 0)
}

// memory reads a figure of /proc/PID/status, in KiB.
func memory(t *testing.T, pid int, name string) int {
	t.Helper()
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(name + `:\s+(\d+) kB`).FindSubmatch(content)
	if found == nil {
		t.Fatalf("no %s in %s", name, content)
	}
	value, err := strconv.Atoi(string(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func begin(t *testing.T, home string) {
	t.Helper()
	if code, _, stderr := execute(t, home, "drain", "begin", "--principal", "test"); code != ExitOK {
		t.Fatalf("drain begin: exit %d: %s", code, stderr)
	}
}

func cancel(t *testing.T, home string) {
	t.Helper()
	if code, _, stderr := execute(t, home, "drain", "cancel"); code != ExitOK {
		t.Fatalf("drain cancel: exit %d: %s", code, stderr)
	}
}
