package monitor

import (
	"testing"

	"github.com/drainproof/drainproof/harness/history"
)

// burst is begin, cancel, begin within 20 ms, from running.
func burst(s *story) {
	s.stale(999, history.Running, 0)
	s.begin(1000)
	s.cancel(1010)
	s.begin(1020)
}

func TestHurriesSettle(t *testing.T) {
	draining := []string{"WATCH-005"}
	runChecks(t, []check{
		{name: "settles on draining", story: tell(launched, burst, func(s *story) {
			s.read(1100, history.Draining, 0)
			s.stale(3100, history.Draining, 0)
		}), arose: draining},
		{name: "passes through running on the way", story: tell(launched, burst, func(s *story) {
			s.read(1005, history.Draining, 0)
			s.read(1100, history.Running, 0)
			s.read(1800, history.Draining, 0)
			s.stale(3100, history.Draining, 0)
		}), arose: draining},
		{name: "never settles", story: tell(launched, burst, func(s *story) {
			s.stale(3100, history.Running, 0)
			s.stale(5100, history.Running, 0)
		}), violated: draining},
		{name: "settles and is lost again", story: tell(launched, burst, func(s *story) {
			s.read(1100, history.Draining, 0)
			s.read(3200, history.Running, 0)
		}), violated: draining},
		{name: "follows every operation, a little late", story: tell(launched, burst, func(s *story) {
			s.stale(1015, history.Running, 0)
			s.read(1018, history.Draining, 0)
			s.stale(1025, history.Draining, 0)
			s.read(1030, history.Running, 0)
			s.read(1040, history.Draining, 0)
			s.stale(3100, history.Draining, 0)
		}), arose: draining},
		{name: "a cancel it has not come to yet", story: tell(launched, func(s *story) {
			s.stale(999, history.Running, 0)
			s.begin(1000)
			s.cancel(1010)
			s.stale(1015, history.Running, 0)
			s.read(1100, history.Draining, 0)
			s.stale(3500, history.Draining, 0)
		}), violated: draining},
		{name: "never settles, and the machine stood still for a moment", story: tell(launched, burst, func(s *story) {
			s.stall(1100, 1230)
			s.stale(3100, history.Running, 0)
			s.stale(13100, history.Running, 0)
		}), violated: draining},
		{name: "a hurry long over, and calm drains since", story: tell(launched, burst, func(s *story) {
			s.read(1100, history.Draining, 0)
			for at := 1200.0; at < 4000; at += 200 {
				s.cancel(at)
				s.read(at+10, history.Running, 0)
				s.begin(at + 100)
				s.read(at+110, history.Draining, 0)
			}
			s.hold(4010, "t")
		}), violated: []string{"GATE-001"}},
		{name: "the machine stood still", story: tell(launched, burst, func(s *story) {
			s.stall(1100, 3000)
			s.stale(3100, history.Running, 0)
			s.read(3101, history.Draining, 0)
			s.stale(3500, history.Draining, 0)
		}), noisy: draining, inconclusive: draining},
		{name: "cancelled before the bound", story: tell(launched, burst, func(s *story) {
			s.cancel(2000)
			s.stale(4500, history.Running, 0)
		}), arose: draining},
		{name: "a quick begin and cancel that is never taken back", story: tell(launched, func(s *story) {
			s.stale(999, history.Running, 0)
			s.begin(1000)
			s.cancel(1010)
			s.read(1100, history.Draining, 0)
			s.stale(3500, history.Draining, 0)
		}), violated: draining},
		{name: "a calm begin after a calm cancel is not a hurry", story: tell(launched, drained(0), func(s *story) {
			s.cancel(1100)
			s.read(1110, history.Running, 0)
			s.begin(1120)
			s.stale(3500, history.Running, 0)
		}), violated: []string{"WATCH-001"}, notArose: draining},
		{name: "a slow reading that began before the drain did shows that it was followed", story: tell(launched, func(s *story) {
			s.http(990, history.Running, 0)
			drained(0)(s)
			s.span(995, 1010, onHTTP(history.Draining, 0))
			s.cancel(1100)
			s.read(1110, history.Running, 0)
			s.http(1110, history.Running, 0)
			s.begin(1200)
			s.stale(3500, history.Running, 0)
		}), violated: []string{"WATCH-001"}, notArose: draining},
		{name: "the first reading of all may be a slow one", story: tell(launched, drained(0), func(s *story) {
			s.span(995, 1010, onHTTP(history.Draining, 0))
			s.cancel(1100)
			s.read(1110, history.Running, 0)
			s.http(1110, history.Running, 0)
			s.begin(1200)
			s.stale(3500, history.Running, 0)
		}), violated: []string{"WATCH-001"}, notArose: draining},
		{name: "the first reading of all may be begun before the gateway is ready", story: tell(func(s *story) {
			s.action(0, history.ActionStart)
			s.process(5, history.ProcessSeen)
			s.process(15, history.ProcessListening, socket(7))
			s.http(16, history.Stopped, 0)
			s.read(17, history.Running, 0)
			s.span(19, 40, onHTTP(history.Draining, 0))
			s.action(20, history.ActionReady)
			s.begin(30)
			s.read(35, history.Draining, 0)
			s.cancel(50)
			s.read(60, history.Running, 0)
			s.http(60, history.Running, 0)
			s.begin(100)
			s.stale(3500, history.Running, 0)
		}), violated: []string{"WATCH-001"}, notArose: draining},
		{name: "a slow reading like the one before it shows nothing", story: tell(launched, drained(0), func(s *story) {
			s.http(1003, history.Draining, 0)
			s.cancel(1100)
			s.read(1110, history.Running, 0)
			s.span(1090, 1115, onHTTP(history.Draining, 0))
			s.span(1116, 1125, onHTTP(history.Draining, 0))
			s.begin(1120)
			s.read(1130, history.Draining, 0)
			s.stale(3500, history.Draining, 0)
			s.http(3500, history.Draining, 0)
		}), arose: draining},
		{name: "not after a restart", story: tell(launched, drained(0), func(s *story) {
			s.action(1100, history.ActionSIGKILL)
			s.process(1101, history.ProcessGone)
			s.cancel(1200)
			s.up(1300, history.ActionRespawn)
			s.read(1330, history.Running, 0)
			s.begin(1400)
			s.read(1410, history.Draining, 0)
			s.stale(4000, history.Draining, 0)
		}), notArose: draining},
	})
}
