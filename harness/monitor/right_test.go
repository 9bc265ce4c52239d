package monitor

import (
	"slices"
	"strings"
	"testing"

	"github.com/drainproof/drainproof/harness/history"
)

// right is a whole checklist done by a right gateway.
func right(s *story) {
	launched(s)
	s.http(31, history.Running, 0)

	// a turn and a long delivery, in flight when the drain begins
	s.turn(100, "t1", history.TurnSent)
	s.read(100.5, history.Running, 1)
	s.model(101, "t1", history.ModelCalled)
	s.turn(110, "long", history.TurnSent, longAnd)
	s.read(110.5, history.Running, 2)
	s.model(111, "long", history.ModelCalled)
	s.model(120, "long", history.ModelReleased)
	s.model(121, "long", history.ModelDone)
	s.http(125, history.Running, 2)

	s.stale(999, history.Running, 2)
	s.begin(1000)
	s.read(1003, history.Draining, 2)
	s.http(1010, history.Draining, 2)
	s.refuse(1020, "r1")
	s.refuse(1030, "r2", reused)
	s.refuse(1040, "r3", stream)
	s.rewrite(1100)
	s.refuse(3200, "r4")
	s.stale(3300, history.Draining, 2)
	s.http(3301, history.Draining, 2)
	s.finish(3310, "t1")
	s.read(3312.5, history.Draining, 1)
	s.turn(3400, "long", history.TurnResumed)
	s.end(3420, "long", history.Finished)
	s.read(3421, history.Draining, 0)
	s.http(3425, history.Draining, 0)
	s.stale(5900, history.Draining, 0)
	s.cancel(6000)
	s.read(6003, history.Running, 0)
	s.http(6010, history.Running, 0)
	s.marker(6100, history.OpCancel, false, false)
	s.hold(6200, "t2")
	s.read(6200.5, history.Running, 1)
	s.finish(6300, "t2")
	s.read(6303, history.Running, 0)
	s.http(6310, history.Running, 0)

	// killed mid-drain and respawned, twice: by SIGKILL and by SIGTERM
	s.begin(7000)
	s.read(7002, history.Draining, 0)
	s.http(7010, history.Draining, 0)
	s.kill(7100)
	respawn(s, 7200)
	s.action(8000, history.ActionSIGTERM)
	s.read(8002, history.Stopping, 0)
	s.cancel(8010)
	s.read(8050, history.Stopped, 0)
	s.process(8060, history.ProcessGone, exit(0))
	s.stale(8100, history.Stopped, 0)
	s.begin(8110)
	respawn(s, 8200)
	s.action(9000, history.ActionSIGTERM)
	s.read(9050, history.Stopped, 0)
	s.process(9060, history.ProcessGone, exit(0))
	s.cancel(9100)
	s.up(9200, history.ActionRespawn)
	s.read(9216, history.Running, 0)
	s.http(9230, history.Running, 0)

	// a hurry, which ends in a drain
	s.begin(9300)
	s.cancel(9305)
	s.begin(9310)
	s.read(9320, history.Draining, 0)
	s.http(9330, history.Draining, 0)
	s.stale(11400, history.Draining, 0)
	s.http(11410, history.Draining, 0)
	s.action(11900, history.ActionEnd)
	s.process(11901, history.ProcessGone)
	s.problem(11902, "unparseable")
}

// respawn brings a gateway up with the marker in place.
func respawn(s *story, at float64) {
	s.up(at, history.ActionRespawn)
	s.read(at+8, history.Starting, 0)
	s.read(at+12, history.Draining, 0)
	s.http(at+30, history.Draining, 0)
	id := string(rune('a' + s.life))
	s.refuse(at+16, "start-"+id)
	s.refuse(at+50, "later-"+id)
}

func TestRightGateway(t *testing.T) {
	var all []string
	elsewhere := []string{
		"MARKER-002", "MARKER-003", "MARKER-004", "MARKER-005", "MARKER-006", "MARKER-007", "MARKER-009", "MARKER-010", "WATCH-004", // TestRightGatewayAmongHostileMarkers
		"GATE-006", "COUNT-004", "COUNT-005", "COUNT-007", // TestRightLanes
		"WATCH-006",                                                                                                            // TestLoad
		"CONTROL-001", "CONTROL-002", "CONTROL-003", "CONTROL-004", "CONTROL-005", "CONTROL-006", "CONTROL-007", "CONTROL-008", // TestRequestsToTheEndpoint
		"CONTROL-009", "RESTART-003", // TestStatusAgreesWithItself, TestTheDeadAreNotRunning
		"GATE-007", "RESTART-004", "SCHEDULED-001", "SCHEDULED-002", "SCHEDULED-003", // TestReplays, TestCompletions, TestJobs
		"SHUTDOWN-001", "SHUTDOWN-002", "SHUTDOWN-003", // TestShutdown
		"NOTIFY-001", "NOTIFY-002", // TestNotify
	}
	for _, m := range All() {
		stale := strings.HasPrefix(m.Requirement, "EPOCH-") || strings.HasPrefix(m.Requirement, "EXPIRY-") // TestRightGatewayAmongStaleMarkers
		if !stale && !slices.Contains(elsewhere, m.Requirement) {
			all = append(all, m.Requirement)
		}
	}
	runChecks(t, []check{{name: "whole checklist", story: tell(right), arose: all}})
}

func TestMonitorsAreNamedOnce(t *testing.T) {
	names := map[string]bool{}
	for _, m := range All() {
		if names[m.Name] || m.Name == "" || m.Requirement == "" {
			t.Errorf("monitor %q of %q: names must be unique", m.Name, m.Requirement)
		}
		names[m.Name] = true
	}
}

func TestFiguresOfARightGateway(t *testing.T) {
	got := tell(right).judge(t)
	for id, name := range map[string]string{
		"WATCH-001": "draining published after", "WATCH-002": "running published after", "GATE-008": "refused after",
		"COUNT-001": "count published after", "COUNT-002": "count 0 after",
	} {
		found := 0
		for _, s := range got[id].Samples {
			if s.Name != name {
				t.Errorf("%s measures %q", id, s.Name)
			}
			if s.Value < 0 || s.Value.Milliseconds() > 30 {
				t.Errorf("%s measured %s", id, s.Value)
			}
			found++
		}
		if found == 0 {
			t.Errorf("%s measured nothing", id)
		}
	}
}
