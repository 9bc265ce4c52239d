package monitor

import (
	"testing"

	"github.com/drainproof/drainproof/harness/history"
)

// drainsOn has a gateway drain on a marker laid at 1000, in which nothing happens
// until 4000.
func drainsOn(m made) func(*story) {
	return func(s *story) {
		s.stale(999, history.Running, 0)
		s.lay(1000, m)
		s.read(1003, history.Draining, 0)
		s.stale(4000, history.Draining, 0)
	}
}

// ignores has one that takes no notice of it.
func ignores(m made) func(*story) {
	return func(s *story) {
		s.stale(999, history.Running, 0)
		s.lay(1000, m)
		deaf(1500, 3500, history.Running)(s)
	}
}

// vanishes is the marker's disappearance by somebody else's hand.
func (s *story) vanishes(at float64) { s.marker(at, history.OpFound, true, false) }

func TestFollowingAfterABadLook(t *testing.T) {
	outlived := []string{"WATCH-004"}
	runChecks(t, []check{
		{name: "mended, cancelled, and drained again", story: tell(launched, drainsOn(corrupt), func(s *story) {
			s.rewrite(4001)
			s.stale(4500, history.Draining, 0)
			s.cancel(5000)
			s.read(5003, history.Running, 0)
		}, control(6000)), arose: outlived},
		{name: "ignored, and heeded when it is mended", story: tell(launched, ignores(corrupt), func(s *story) {
			s.rewrite(4000)
			s.read(4003, history.Draining, 0)
			s.stale(7000, history.Draining, 0)
		}), arose: outlived},
		{name: "ignored and cancelled tells nothing", story: tell(launched, ignores(corrupt), func(s *story) {
			s.cancel(4000)
			deaf(4500, 16500, history.Running)(s)
		}), notArose: outlived},
		{name: "mended while it drains tells nothing", story: tell(launched, drainsOn(corrupt), func(s *story) {
			s.rewrite(4001)
			s.stale(18000, history.Draining, 0)
		}), notArose: outlived},
		{name: "late, but in time for this", story: tell(launched, drainsOn(corrupt), func(s *story) {
			s.cancel(5000)
			deaf(5500, 14500, history.Draining)(s)
			s.read(14900, history.Running, 0)
		}), arose: outlived},
		{name: "watcher-dies, the cancel is not noticed", story: tell(launched, drainsOn(corrupt), func(s *story) {
			s.cancel(5000)
			deaf(5500, 16500, history.Draining)(s)
		}), violated: outlived},
		{name: "watcher-dies, the cancel of what mended it is not noticed", story: tell(launched, drainsOn(locked), func(s *story) {
			s.rewrite(4001)
			s.stale(4500, history.Draining, 0)
			s.cancel(5000)
			deaf(5500, 16500, history.Draining)(s)
		}), violated: outlived},
		{name: "watcher-dies, what mends it is not noticed", story: tell(launched, ignores(emptyMarker), func(s *story) {
			s.rewrite(4000)
			deaf(4500, 15500, history.Running)(s)
		}), violated: outlived},
		{name: "watcher-dies, a later drain is not noticed", story: tell(launched, drainsOn(corrupt), func(s *story) {
			s.cancel(5000)
			s.read(5003, history.Running, 0)
			s.begin(6000)
			deaf(6500, 17500, history.Running)(s)
		}), violated: outlived},
		{name: "after what is no regular file it is MARKER-006", story: tell(launched, drainsOn(corrupt), func(s *story) {
			s.over(4001, directory)
			s.stale(8000, history.Draining, 0)
			s.cancel(8001)
			deaf(8500, 19500, history.Draining)(s)
		}), violated: []string{"MARKER-006"}, notArose: outlived},
		{name: "a respawn has met nothing", story: tell(launched, drainsOn(corrupt), func(s *story) {
			s.cancel(5000)
			s.read(5003, history.Running, 0)
			s.action(6000, history.ActionSIGKILL)
			s.process(6001, history.ProcessGone)
			s.up(6100, history.ActionRespawn)
			s.read(6130, history.Running, 0)
			s.begin(7000)
			deaf(7500, 18500, history.Running)(s)
		}), violated: []string{"WATCH-001"}},
		{name: "what somebody else removed was not cancelled", story: tell(launched, drainsOn(corrupt), func(s *story) {
			s.vanishes(5000)
			deaf(5500, 16500, history.Draining)(s)
		}), violated: []string{"MARKER-008"}, notArose: outlived},
	})
}

// A gateway that removed the marker itself, and goes on draining, is charged for
// the marker: nobody cancelled, so nothing it refuses is refused without reason.
func TestAVanishedMarkerIsNoCancel(t *testing.T) {
	eaten := []string{"MARKER-008"}
	goesOn := func(s *story) {
		deaf(2000, 5000, history.Draining)(s)
		s.refuse(6000, "r")
		s.cancel(6500)
		deaf(7000, 18000, history.Draining)(s)
	}
	runChecks(t, []check{
		{name: "once it drains", story: tell(launched, drained(0), func(s *story) { s.vanishes(1500) }, goesOn),
			violated: eaten, notArose: []string{"GATE-011", "WATCH-002", "WATCH-005"}},
		{name: "before it publishes the drain", story: tell(launched, func(s *story) {
			s.stale(999, history.Running, 0)
			s.begin(1000)
			s.vanishes(1001)
			s.stale(1002, history.Running, 0)
			s.read(1003, history.Draining, 0)
		}, goesOn), violated: eaten, notArose: []string{"WATCH-001", "WATCH-005"}},
		{name: "while it is written", story: tell(launched, func(s *story) {
			s.stale(999, history.Running, 0)
			s.marker(1000, history.OpBegin, false, false)
			s.stale(1002, history.Running, 0)
			s.read(1003, history.Draining, 0)
		}, goesOn), violated: eaten, notArose: []string{"WATCH-001", "WATCH-005"}},
		{name: "while it is written again", story: tell(launched, drained(0), func(s *story) {
			s.marker(1500, history.OpRewrite, true, false)
		}, goesOn), violated: eaten, notArose: []string{"STATE-003", "WATCH-002"}},
		{name: "unseen until the cancel", story: tell(launched, drained(0), func(s *story) {
			s.stale(5000, history.Draining, 0)
			s.marker(5001, history.OpCancel, false, false)
			deaf(5500, 17500, history.Draining)(s)
		}), violated: eaten, notArose: []string{"WATCH-002"}},
	})
}

// A drain that is noticed after its cancel is not one that nobody asked for. It is
// in itself no breach, and whether it ends is WATCH-005's.
func TestADrainNoticedAfterItsCancel(t *testing.T) {
	late := func(until float64) *story {
		return tell(launched, burst, func(s *story) {
			s.cancel(1030)
			s.stale(1040, history.Running, 0)
			s.read(1500, history.Draining, 0)
			s.stale(until, history.Draining, 0)
			s.read(until+1, history.Running, 0)
			s.stale(until+4000, history.Running, 0)
		})
	}
	runChecks(t, []check{
		{name: "and taken back in time", story: late(2500)},
		{name: "and taken back too late", story: late(4500), violated: []string{"WATCH-005"}},
	})
}

// A marker that was replaced before any cadence could meet it was not kept.
func TestTooShortToBeKept(t *testing.T) {
	over := func(lies float64) *story {
		return tell(launched, replaced(corrupt), func(s *story) {
			s.over(4000+lies, newerFields)
			s.stale(9000, history.Draining, 0)
		})
	}
	runChecks(t, []check{
		{name: "just too short", story: over(1000), notArose: []string{"MARKER-003"}, arose: []string{"MARKER-007"}},
		{name: "just long enough", story: over(1000.02), arose: []string{"MARKER-003", "MARKER-007"}},
	})
}
