package monitor

import (
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/history"
)

// load puts a load of that many turns on the gateway.
func (s *story) load(at float64, turns int) {
	s.add(at, history.Event{Kind: history.KindAction, Action: &history.Action{
		Name: history.ActionLoad, Load: &history.Load{Turns: turns, Every: 20 * time.Millisecond, Burners: 2},
	}})
}

// busy is a gateway with two turns in flight and a load from 900 on.
func busy(s *story) {
	launched(s)
	for _, id := range []string{"h1", "h2"} {
		s.turn(500, id, history.TurnSent)
	}
	s.read(500.5, history.Running, 2)
	for _, id := range []string{"h1", "h2"} {
		s.model(501, id, history.ModelCalled)
	}
	s.load(900, 2)
	s.stale(999, history.Running, 2)
}

// cycle is a begin and a cancel, each followed after so many milliseconds; what is
// read just before shows that it was not.
func cycle(at, begin, cancel float64) func(*story) {
	return func(s *story) {
		s.begin(at)
		s.stale(at+begin-1, history.Running, 2)
		s.read(at+begin, history.Draining, 2)
		s.stale(at+5999, history.Draining, 2)
		s.cancel(at + 6000)
		s.stale(at+6000+cancel-1, history.Draining, 2)
		s.read(at+6000+cancel, history.Running, 2)
		s.stale(at+11000, history.Running, 2)
	}
}

func TestLoad(t *testing.T) {
	off := func(at float64) func(*story) {
		return func(s *story) { s.action(at, history.ActionUnload) }
	}
	runChecks(t, []check{
		{name: "in time", story: tell(busy, cycle(1000, 1990, 1990), off(15000)), arose: []string{"WATCH-006"}, notArose: []string{"WATCH-001", "WATCH-002"}},
		{name: "late into the drain", story: tell(busy, cycle(1000, 2100, 100), off(15000)), violated: []string{"WATCH-006"}, notArose: []string{"WATCH-001", "WATCH-002"}},
		{name: "late out of it", story: tell(busy, cycle(1000, 100, 2100), off(15000)), violated: []string{"WATCH-006"}},
		{name: "late out of it, and refusing meanwhile", story: tell(busy, cycle(1000, 100, 4100), func(s *story) {
			s.refuse(9500, "r")
		}, off(15000)), violated: []string{"WATCH-006"}, notArose: []string{"GATE-011"}},
		{name: "late into it, and admitting meanwhile", story: tell(busy, cycle(1000, 4100, 100), func(s *story) {
			s.hold(3500, "t")
			s.finish(3600, "t")
		}, off(15000)), violated: []string{"WATCH-006"}, notArose: []string{"GATE-005"}},
		{name: "late, and kept from running by the machine", story: tell(busy, cycle(1000, 5000, 10), func(s *story) {
			s.span(1500, 5900, history.Event{Kind: history.KindStall, Stall: &history.Stall{Late: 4 * time.Second, Of: history.StallGateway}})
		}), noisy: []string{"WATCH-006"}, inconclusive: []string{"WATCH-006"}},
		{name: "never", story: tell(busy, func(s *story) {
			s.begin(1000)
			s.stale(13000, history.Running, 2)
		}), violated: []string{"WATCH-006"}},
		{name: "no cancel", story: tell(busy, func(s *story) {
			s.begin(1000)
			s.read(1003, history.Draining, 2)
			s.stale(9000, history.Draining, 2)
		}), notArose: []string{"WATCH-006"}},

		// What is late before or after the load is WATCH-001's and 002's.
		{name: "late after the load", story: tell(busy, cycle(1000, 10, 10), off(12500), cycle(13000, 2100, 10)), violated: []string{"WATCH-001"}, arose: []string{"WATCH-006", "WATCH-002"}},
		{name: "late cancel after the load", story: tell(busy, cycle(1000, 10, 10), off(12500), cycle(13000, 10, 2100)), violated: []string{"WATCH-002"}, arose: []string{"WATCH-006", "WATCH-001"}},
		// A load that comes or goes within B of the change may have had a part in it.
		{name: "load put on meanwhile", story: tell(launched, func(s *story) {
			s.stale(999, history.Running, 0)
			s.begin(1000)
			s.load(1500, 0)
			s.stale(4000, history.Running, 0)
		}), notArose: []string{"WATCH-001", "WATCH-006"}},
		{name: "load just taken off", story: tell(busy, func(s *story) {
			s.add(1000.005, history.Event{Kind: history.KindAction, Action: &history.Action{Name: history.ActionUnload}})
			s.begin(1000)
			s.stale(4000, history.Running, 2)
		}), notArose: []string{"WATCH-001", "WATCH-006"}},

		{name: "fewer turns than it is to have", story: tell(busy, func(s *story) {
			s.finish(950, "h1")
			s.read(960, history.Running, 1)
			s.begin(1000)
			s.stale(4000, history.Running, 1)
		}), notArose: []string{"WATCH-001", "WATCH-006"}},
		{name: "a load that could not be put on", story: tell(launched, func(s *story) {
			s.add(900, history.Event{Kind: history.KindAction, Action: &history.Action{Name: history.ActionLoad, Error: "no burner", Load: &history.Load{}}})
			s.stale(999, history.Running, 0)
			s.begin(1000)
			s.stale(3900, history.Running, 0)
			s.read(4000, history.Draining, 0)
		}), violated: []string{"WATCH-001"}, notArose: []string{"WATCH-006"}},

		// Noise: the machine stood still, so it is taken again; a clean cancel does not
		// make good for a noisy begin.
		{name: "noise", story: tell(busy, cycle(1000, 2100, 10), func(s *story) { s.stall(2900, 3050) }),
			noisy: []string{"WATCH-006"}, inconclusive: []string{"WATCH-006"}},
		{name: "noise, taken again", story: tell(busy, cycle(1000, 2100, 10), func(s *story) { s.stall(2900, 3050) }, cycle(13000, 10, 10)),
			noisy: []string{"WATCH-006"}, arose: []string{"WATCH-006"}},
	})
}
