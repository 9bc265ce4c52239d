package cli

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/drainproof/drainproof/reference/drain"
	"github.com/drainproof/drainproof/reference/lifecycle"
	"github.com/drainproof/drainproof/reference/status"
)

// write puts a marker into the home that was requested so long ago.
func (p *process) write(age time.Duration, epoch string) {
	p.t.Helper()
	request := drain.Request{Action: drain.ActionDrain, RequestedAt: time.Now().Add(-age), Principal: "test", Epoch: epoch}
	if _, err := drain.Write(p.home, request); err != nil {
		p.t.Fatal(err)
	}
}

// awaitLog waits until the gateway's log says so, as often as wanted in all.
func (p *process) awaitLog(text string, times int) {
	p.t.Helper()
	count := func() (n int) {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, line := range p.logs {
			if strings.Contains(line, text) {
				n++
			}
		}
		return n
	}
	eventually(p.t, func() bool { return count() >= times }, func() any { return count() })
}

// A marker of another instantiation, or one too old, ends a drain and begins none
// (EPOCH-001, EXPIRY-001, EXPIRY-002).
func TestStaleMarkers(t *testing.T) {
	p := start(t, t.TempDir(), nil)
	p.write(0, "another instantiation's")
	p.awaitLog("its epoch is", 1)
	p.awaitState("running", 0)
	expect(t, p.home, ExitOK, "the marker is stale, by its epoch", "drain", "status")
	expect(t, p.home, ExitCancelled, "no drain is requested", "drain", "wait")

	p.write(0, "")
	p.awaitState("draining", 0)
	p.write(2*time.Hour, "")
	p.awaitState("running", 0)
	expect(t, p.home, ExitOK, "the marker is stale, by its age", "drain", "status")
	p.write(-2*time.Hour, "")
	p.awaitState("draining", 0)
	p.write(0, "another instantiation's")
	p.awaitState("running", 0)
	expect(t, p.home, ExitOK, "requested again", "drain", "begin")
	p.awaitState("draining", 0)
}

// A stamped drain outlives a respawn (EPOCH-003).
func TestStampedDrainSurvivesARespawn(t *testing.T) {
	p := start(t, t.TempDir(), nil)
	expect(t, p.home, ExitOK, "drain requested", "drain", "begin")
	_, epoch, _ := execute(t, p.home, "drain", "epoch")
	seen := drain.Home{Dir: p.home}.Look(t.Context())
	if own := strings.TrimSpace(epoch); own == "" || seen.Request.Epoch != own {
		t.Fatalf("stamped with %q, want %q", seen.Request.Epoch, own)
	}
	p.awaitState("draining", 0)
	p.signal(syscall.SIGKILL)
	p.exit()
	start(t, p.home, nil)
	if record, err := status.Load(p.home); err != nil || record.State != lifecycle.Draining {
		t.Errorf("served with %+v %v", record, err)
	}
	expect(t, p.home, ExitOK, "requested again", "drain", "begin", "--stamp=false", "--suppress-notification")
	if seen := (drain.Home{Dir: p.home}).Look(t.Context()); seen.Request.Epoch != "" || !seen.Request.SuppressNotification {
		t.Errorf("written: %+v", seen.Request)
	}
}
