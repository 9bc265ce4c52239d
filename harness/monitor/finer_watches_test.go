package monitor

import (
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/history"
)

// TestChangesOfTheMarkerAtAnInstant are begins and cancels that meet markers out of the
// ordinary, a signal, or readings of the drain before.
func TestChangesOfTheMarkerAtAnInstant(t *testing.T) {
	runLimits(t, []limit{
		{name: "laid over after it appeared", charged: "WATCH-001", story: func(s *story, off time.Duration) {
			launched(s)
			s.begin(1000)
			laid := s.calledAt()
			s.over(1000, corrupt)
			s.from(laid.Add(max(off, 0))) // any sooner it is not laid over it
			deaf(1500, 4500, history.Running)(s)
			s.read(4600, history.Draining, 0)
		}},
		{name: "laid over after the last of a hurry", charged: "WATCH-005", story: func(s *story, off time.Duration) {
			do(launched, burst)(s)
			laid := s.calledAt()
			s.over(1020, corrupt)
			s.from(laid.Add(max(off, 0)))
			deaf(1500, 4500, history.Running)(s)
			s.read(4600, history.Draining, 0)
		}},
		{name: "running is read with the last draining, and stays", charged: "WATCH-001", early: true, story: func(s *story, off time.Duration) {
			launched(s)
			s.begin(1000)
			s.shown(ms(1003), ms(1010), history.Draining, 0)
			s.shown(ms(1005), (ms(1010) + 1).Add(off), history.Running, 0) // at the instant itself either may be the last
			s.cancel(1500)
			s.stale(1600, history.Running, 0)
			s.begin(2000)
			deaf(2500, 4500, history.Running)(s)
			s.read(4600, history.Draining, 0)
		}},
	})
	runChecks(t, []check{
		{name: "laid over as the marker is taken away, and draining for a while", story: tell(launched, replaced(corrupt), func(s *story) {
			s.cancel(4000)
			deaf(4500, 7500, history.Draining)(s)
			s.read(7600, history.Running, 0)
		}), notArose: []string{"WATCH-002"}},
		{name: "told to end as the marker is taken away, and running", story: tell(launched, drained(0), func(s *story) {
			s.stale(3990, history.Draining, 0)
			atOnce(4000, func(s *story) {
				s.cancel(4000)
				s.action(4000, history.ActionSIGTERM)
				s.read(4000, history.Running, 0)
				s.read(4000, history.Draining, 0)
			})(s)
			leaves(4010, 0)(s)
		}), violated: []string{"MARKER-001"}, arose: []string{"WATCH-002"}}, // at the instant at which it goes, the marker still is there
		{name: "the first of all comes right after one that was taken away at once", story: tell(launched, atOnce(1000, func(s *story) {
			s.begin(1000)
			s.cancel(1000)
		}), func(s *story) {
			s.begin(1010)
			deaf(1500, 3500, history.Running)(s)
			s.read(3600, history.Draining, 0)
		}), violated: []string{"WATCH-005"}},
	})
}

// ignoredBegin is a marker that a gateway does not notice within B.
func ignoredBegin(at float64) func(*story) {
	return func(s *story) {
		s.begin(at)
		s.stale(at+2500, history.Running, 0)
		s.stale(at+3500, history.Running, 0)
		s.read(at+3600, history.Draining, 0)
	}
}

// TestQuickOperationsAtAnInstant are begins of which it depends on an instant whether they
// are part of a hurry.
func TestQuickOperationsAtAnInstant(t *testing.T) {
	cancelled := do(launched, drained(0), func(s *story) { s.cancel(1500) })
	runLimits(t, []limit{
		{name: "it has B to catch up with a hurry", charged: "WATCH-001", instead: "WATCH-005", story: func(s *story, off time.Duration) {
			do(launched, burst)(s)
			due := s.returned().Add(bound)
			s.read(1100, history.Draining, 0)
			s.cancel(1200)
			s.read(1210, history.Running, 0)
			s.begin(3020)
			s.from(due.Add(off))
			deaf(3500, 6500, history.Running)(s)
			s.read(6600, history.Draining, 0)
		}},
		{name: "running is read by the next begin", charged: "WATCH-005", instead: "WATCH-001", story: func(s *story, off time.Duration) {
			cancelled(s)
			s.read(2000, history.Running, 0)
			s.upTo(ms(2000).Add(off))
			ignoredBegin(2000)(s)
		}},
		{name: "the endpoint is first read from the cancel on", charged: "WATCH-005", early: true, instead: "WATCH-001", story: func(s *story, off time.Duration) {
			cancelled(s)
			s.http(1500, history.Running, 0)
			s.from(ms(1500).Add(off))
			s.read(1510, history.Running, 0)
			ignoredBegin(4000)(s)
		}},
		{name: "the drain before was over when the gateway was launched", charged: "WATCH-005", instead: "WATCH-001", story: func(s *story, off time.Duration) {
			do(launched, drained(0))(s)
			s.kill(1500)
			s.cancel(2000)
			s.upTo(ms(2000).Add(off))
			s.up(2000, history.ActionRespawn)
			s.read(2030, history.Running, 0)
			s.begin(5000)
			s.read(5003, history.Draining, 0)
			s.span(4995, 5010, onHTTP(history.Draining, 0)) // the first of all
			s.cancel(5100)
			s.read(5110, history.Running, 0)
			s.http(5110, history.Running, 0)
			ignoredBegin(5200)(s)
		}},
	})
	runChecks(t, []check{
		{name: "running is read in no time as the next begins", story: tell(cancelled, atOnce(2000, func(s *story) {
			s.read(2000, history.Running, 0)
		}), ignoredBegin(2000)), violated: []string{"WATCH-001"}, notArose: []string{"WATCH-005"}},
	})
}

// TestLoadsAtAnInstant are loads that are put on, or taken off, as the marker is laid.
func TestLoadsAtAnInstant(t *testing.T) {
	ignoring := func(s *story, off func(begun, laid history.Stamp)) {
		s.begin(1000)
		off(s.calledAt(), s.returned())
		s.stale(3500, history.Running, 2)
		s.read(3600, history.Draining, 2)
	}
	runLimits(t, []limit{
		{name: "in place when the marker is laid", charged: "WATCH-006", early: true, story: func(s *story, off time.Duration) {
			busy(s)
			s.events[len(s.events)-2].Return = (ms(1000) + 1).Add(off) // at the instant itself it is
			ignoring(s, func(_, _ history.Stamp) {})
		}},
		{name: "taken off when the marker was laid", charged: "WATCH-006", story: func(s *story, off time.Duration) {
			busy(s)
			ignoring(s, func(_, laid history.Stamp) {
				s.action(1000, history.ActionUnload)
				s.from(laid.Add(off - 1)) // at the instant itself it still was in place
			})
		}},
		{name: "put on more than B after the marker was laid", charged: "WATCH-001", story: func(s *story, off time.Duration) {
			launched(s)
			s.stale(999, history.Running, 0)
			s.load(3000, 0)
			s.from(ms(1000.01).Add(bound + off))
			ignoredBegin(1000)(s)
		}},
		{name: "taken off before the marker is laid", charged: "WATCH-001", early: true, story: func(s *story, off time.Duration) {
			busy(s)
			ignoring(s, func(begun, _ history.Stamp) {
				s.action(999, history.ActionUnload)
				s.upTo(begun.Add(off))
			})
		}},
	})
}

// TestTurnsSoonAfterAStart are turns refused by a gateway that started with the marker there:
// they show that it opened shut if they come within B of when it could be spoken to.
func TestTurnsSoonAfterAStart(t *testing.T) {
	started := func(s *story) {
		s.begin(-1)
		s.action(0, history.ActionStart)
		s.process(5, history.ProcessSeen)
		s.process(15, history.ProcessListening, socket(7))
	}
	acknowledged := func(at float64) func(*story) {
		return func(s *story) { s.read(at, history.Draining, 0) }
	}
	runChecks(t, []check{
		{name: "of its being ready, long after it published", story: tell(started, acknowledged(20), func(s *story) {
			s.action(1020, history.ActionReady)
			s.stale(1030, history.Draining, 0)
			s.refuse(2500, "r")
		}), arose: []string{"WATCH-003"}},
		{name: "of its being ready, before it published", story: tell(started, func(s *story) {
			s.action(20, history.ActionReady)
			s.read(1020, history.Draining, 0)
			s.refuse(2500, "r")
		}), notArose: []string{"WATCH-003"}},
		{name: "of its publishing, never known to be ready", story: tell(started, acknowledged(1020), func(s *story) {
			s.refuse(2500, "r")
		}), arose: []string{"WATCH-003"}},
	})
}
