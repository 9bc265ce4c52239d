package monitor

import (
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/history"
)

// shown is a reading of the file that took from one instant to another.
func (s *story) shown(from, to history.Stamp, state string, count int) {
	s.read(0, state, count)
	s.lasts(from, to)
}

// TestTouchingInstants are events that meet at an instant, and a nanosecond before and
// after: what is certain at an instant is certain, and what overlaps is in no order.
func TestTouchingInstants(t *testing.T) {
	runLimits(t, []limit{
		{name: "sent when draining had been read", charged: "GATE-001", story: func(s *story, off time.Duration) {
			do(launched, drained(0))(s)
			ack := s.returned()
			s.turn(1004, "t", history.TurnSent)
			s.from(ack.Add(off))
			s.model(1005, "t", history.ModelCalled)
		}},
		{name: "called before the cancel", charged: "GATE-001", early: true, story: func(s *story, off time.Duration) {
			do(launched, drained(0))(s)
			s.turn(1100, "t", history.TurnSent)
			s.cancel(1200)
			cancelled := s.calledAt() + 1 // at the instant itself it still is
			s.model(1199, "t", history.ModelCalled)
			s.upTo(cancelled.Add(off))
			s.read(1210, history.Running, 1)
		}},
		{name: "in flight from the beginning of the reading", charged: "COUNT-003", early: true, story: func(s *story, off time.Duration) {
			do(launched, drained(0))(s)
			s.cancel(1100) // outside a drain only this count is judged
			s.turn(1103, "t", history.TurnSent)
			s.model(1104, "t", history.ModelCalled)
			s.upTo(ms(1106) + 1) // at the instant itself it still is
			s.move(history.Stamp(off))
			s.shown(ms(1106), ms(1107), history.Draining, 0)
			s.read(1108, history.Running, 1)
			s.finish(1200, "t")
		}},
		{name: "in flight to the end of the reading", charged: "COUNT-003", story: func(s *story, off time.Duration) {
			do(launched, drained(0))(s)
			s.cancel(1100)
			s.hold(1103, "t")
			s.shown(ms(1106), ms(1107), history.Draining, 0)
			s.model(1107, "t", history.ModelReleased)
			s.from(ms(1107) - 1) // at the instant itself it still is
			s.move(history.Stamp(off))
			s.model(1108, "t", history.ModelDone)
			s.end(1109, "t", history.Finished)
			s.read(1110, history.Running, 0)
		}},
		{name: "two readings in order", charged: "GATE-003", story: func(s *story, off time.Duration) {
			do(launched, drained(0))(s)
			s.turn(1002, "t", history.TurnSent) // it may have been let in before
			s.shown(s.events[len(s.events)-2].Return-1, ms(1004), history.Draining, 1)
			s.move(history.Stamp(off))
			s.model(1005, "t", history.ModelCalled)
		}},
		{name: "running after draining", charged: "STATE-003", story: func(s *story, off time.Duration) {
			do(launched, drained(0))(s)
			s.shown(s.returned()-1, ms(1004), history.Running, 0)
			s.move(history.Stamp(off))
		}},
		{name: "draining after running", charged: "STATE-005", story: func(s *story, off time.Duration) {
			launched(s)
			s.shown(s.returned(), ms(31), history.Draining, 0)
			s.move(history.Stamp(off))
		}},
		{name: "a reading of the dead", charged: "RESTART-003", story: func(s *story, off time.Duration) {
			launched(s)
			s.action(1000, history.ActionSIGKILL)
			s.process(1001, history.ProcessGone)
			gone := s.returned()
			s.http(1202, history.Running, 0)
			s.from(gone.Add(200*time.Millisecond + off))
		}},
	})
}

// TestEverythingAtOneInstant has a right gateway seen by somebody for whom no time
// passes: every interval is an instant, and what follows at once does so at the same.
func TestEverythingAtOneInstant(t *testing.T) {
	instant := func(at float64, steps ...func(*story)) func(*story) {
		return func(s *story) {
			first := len(s.events)
			do(steps...)(s)
			for i := first; i < len(s.events); i++ {
				s.events[i].Call, s.events[i].Return = ms(at), ms(at)
			}
		}
	}
	asks := func(s *story) { s.turn(0, "t", history.TurnSent) }
	called := func(s *story) { s.model(0, "t", history.ModelCalled) }
	shows := func(state string, count int) func(*story) { return func(s *story) { s.read(0, state, count) } }
	begin := func(s *story) { s.begin(0) }
	cancel := func(s *story) { s.cancel(0) }
	runChecks(t, []check{
		{name: "begin, and draining is read", story: tell(launched, instant(1000, begin, shows(history.Draining, 0)))},
		{name: "draining is read, and begin", story: tell(launched, instant(1000, shows(history.Draining, 0), begin))},
		{name: "begin, and running is read", story: tell(launched, instant(1000, begin, shows(history.Running, 0)), instant(1001, shows(history.Draining, 0)))},
		// At the instant at which it goes, the marker still is there: Call is the last at which it was.
		{name: "cancel, and running is read", story: tell(launched, drained(0), instant(1100, cancel, shows(history.Running, 0))), violated: []string{"STATE-003"}},
		{name: "running is read, and cancel", story: tell(launched, drained(0), instant(1100, shows(history.Running, 0), cancel)), violated: []string{"STATE-003"}},
		{name: "a turn gets in as draining is read", story: tell(launched, instant(1000, begin, shows(history.Draining, 1), asks, called)), notArose: []string{"GATE-001"}},
		{name: "a turn is let in as the marker goes", story: tell(launched, drained(0), instant(1100, asks, cancel, called), func(s *story) { s.read(1101, history.Running, 1) })},
		{name: "a turn is let go as the count is read", story: tell(launched, func(s *story) {
			s.hold(500, "t")
			s.read(502, history.Running, 1)
		}, drained(1), instant(1100, func(s *story) { s.model(0, "t", history.ModelReleased) }, shows(history.Draining, 1), func(s *story) {
			s.model(0, "t", history.ModelDone)
			s.end(0, "t", history.Finished)
		}), func(s *story) { s.read(1101, history.Draining, 0) })},
		{name: "killed as draining is read", story: tell(launched, drained(0), instant(1100, shows(history.Draining, 0), func(s *story) {
			s.action(0, history.ActionSIGKILL)
			s.process(0, history.ProcessGone)
		}))},
	})
}

// TestAnEndAndABeginAtOneInstant has the marker laid again at the very instant at which
// it certainly was gone: the drain before is over then, and the next one is to come.
func TestAnEndAndABeginAtOneInstant(t *testing.T) {
	again := func(s *story) {
		gone := s.returned()
		s.begin(0)
		s.from(gone)
	}
	runChecks(t, []check{
		{name: "a hurry is followed by a drain", story: tell(launched, func(s *story) {
			s.begin(1000)
			s.cancel(1001)
			again(s)
			s.read(1100, history.Draining, 0)
			s.stale(4000, history.Draining, 0)
		}), arose: []string{"WATCH-005"}},
		{name: "a slow reading may be about the drain before", story: tell(launched, func(s *story) {
			s.begin(1000)
			s.shown(ms(1001), ms(1005), history.Draining, 0)
			s.cancel(1003)
			again(s)
			s.read(1006, history.Running, 0)
			s.read(1010, history.Draining, 0)
		})},
	})
}

// TestUnknownOutcomes are turns and operations of which nobody heard how they ended:
// they may have been, and prove nothing.
func TestUnknownOutcomes(t *testing.T) {
	sent := func(at float64, id string) func(*story) {
		return func(s *story) { s.turn(at, id, history.TurnSent) }
	}
	longAfter := func(state string, count int) func(*story) {
		return func(s *story) { s.stale(30_000, state, count) }
	}
	runChecks(t, []check{
		{name: "sent in a drain, and never heard of", story: tell(launched, drained(0), sent(1100, "t"), longAfter(history.Draining, 0)),
			arose: []string{"GATE-001"}, notArose: []string{"GATE-002", "GATE-008"}},
		{name: "sent after B, and never heard of", story: tell(launched, func(s *story) { s.begin(1000) }, sent(3100, "t"), func(s *story) {
			s.read(3200, history.Draining, 0)
		}), arose: []string{"GATE-005"}},
		{name: "sent while running, and never heard of", story: tell(launched, sent(1000, "t"), longAfter(history.Running, 0)), notArose: []string{"COUNT-002", "GATE-011"}},
		{name: "sent while running, never heard of, and counted for ever", story: tell(launched, sent(1000, "t"), func(s *story) {
			s.read(1001, history.Running, 1)
		}, longAfter(history.Running, 1))},
		{name: "sent before a drain, and never heard of", story: tell(launched, sent(998, "t"), drained(0), longAfter(history.Draining, 0)), notArose: []string{"GATE-004"}},
		{name: "sent after a cancel, and never heard of", story: tell(launched, drained(0), func(s *story) {
			s.cancel(1100)
			s.read(1103, history.Running, 0)
		}, sent(4000, "t"), longAfter(history.Running, 0)), notArose: []string{"GATE-011"}},
		{name: "sent before a SIGKILL, and never heard of", story: tell(launched, sent(1000, "t"), func(s *story) {
			s.kill(1001)
			s.up(1100, history.ActionRespawn)
			s.read(1130, history.Running, 0)
		}, longAfter(history.Running, 0)), notArose: []string{"COUNT-007"}},
		{name: "released, and never replied to", story: tell(launched, func(s *story) {
			s.hold(500, "t")
			s.read(502, history.Running, 1)
		}, drained(1), func(s *story) {
			s.model(1100, "t", history.ModelReleased)
			s.read(1200, history.Draining, 0)
		}, longAfter(history.Draining, 0))},
		{name: "released, never replied to, and counted for ever", story: tell(launched, func(s *story) {
			s.hold(500, "t")
			s.read(502, history.Running, 1)
		}, drained(1), func(s *story) { s.model(1100, "t", history.ModelReleased) }, longAfter(history.Draining, 1))},
		{name: "frozen, and never thawed", story: tell(launched, func(s *story) {
			s.begin(1000)
			s.action(1001, history.ActionFreeze)
			s.turn(4000, "t", history.TurnSent)
			s.end(14_000, "t", history.Hung)
		}, longAfter(history.Running, 0)), notArose: []string{"WATCH-001", "GATE-008"}},
		{name: "told to end, and nobody looked", story: tell(launched, drained(0), func(s *story) { s.action(1100, history.ActionSIGTERM) }), notArose: []string{"STATE-011", "STATE-012"}},
		{name: "launched, and never seen", story: tell(func(s *story) {
			s.action(0, history.ActionStart)
			s.begin(1000)
			s.turn(4000, "t", history.TurnSent)
			s.end(4001, "t", history.Unsent)
		}), notArose: []string{"WATCH-001", "GATE-001", "GATE-005"}},
	})
}
