package monitor

import (
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/history"
)

// two turns are held.
func two(s *story) {
	s.hold(100, "a")
	s.hold(110, "b")
}

// TestAsManyAsAreMissing are counts that are too low by just as many turns as one rule
// explains, and not another.
func TestAsManyAsAreMissing(t *testing.T) {
	runChecks(t, []check{
		{name: "one of two is in delivery, and is left out as the drain begins", story: tell(launched, func(s *story) {
			s.hold(100, "long", longAnd)
			s.hold(110, "t")
			s.read(112, history.Running, 2)
			s.model(200, "long", history.ModelReleased)
			s.model(201, "long", history.ModelDone)
			s.stale(999, history.Running, 2)
			s.begin(1000)
			s.read(1003, history.Draining, 1)
			s.turn(1100, "long", history.TurnResumed)
			s.end(1110, "long", history.Finished)
			s.finish(1200, "t")
			s.read(1203, history.Draining, 0)
		}), violated: []string{"COUNT-006"}, arose: []string{"STATE-009"}},
		{name: "the one in delivery was cut off, as its client learns late", story: tell(launched, func(s *story) {
			s.hold(100, "long", longAnd)
			s.read(102, history.Running, 1)
			s.model(200, "long", history.ModelReleased)
			s.model(201, "long", history.ModelDone)
			s.stale(999, history.Running, 1)
			s.begin(1000)
			s.read(1003, history.Draining, 1)
			s.read(3000, history.Draining, 0)
			s.turn(3100, "long", history.TurnResumed)
			s.turn(3110, "long", history.TurnAnswered, func(t *history.Turn) { t.Status = 503 })
		})},
		{name: "one was not counted, and then the newcomer is", story: tell(launched, two, func(s *story) {
			s.read(112, history.Running, 1)
			s.turn(998, "newcomer", history.TurnSent)
		}, drained(1), func(s *story) {
			s.model(1010, "newcomer", history.ModelCalled)
			s.read(1012, history.Draining, 2)
		}), violated: []string{"COUNT-001", "GATE-003"}},
		{name: "one of two lags, and then for a shorter time the other", story: tell(launched, two, func(s *story) {
			s.http(112, history.Running, 1)
			s.finish(200, "a")
			s.http(300, history.Running, 0)
			s.http(10_200, history.Running, 0)
			s.http(10_210, history.Running, 1)
		})},
		{name: "what lags is read again when the second reading is the grace old", story: tell(launched, func(s *story) {
			s.hold(100, "t")
			s.http(102, history.Running, 0)
			s.http(110, history.Running, 0)
			due := s.returned().Add(grace)
			s.http(10_110, history.Running, 0)
			s.from(due)
			s.http(10_130, history.Running, 1)
		}), violated: []string{"COUNT-001"}},
	})
}

// TestCountsAtAnInstant are readings that meet with what they count, or with each other.
func TestCountsAtAnInstant(t *testing.T) {
	runLimits(t, []limit{
		{name: "draining after running", charged: "STATE-009", early: true, anyway: []string{"COUNT-003"}, story: func(s *story, off time.Duration) {
			launched(s)
			s.hold(100, "t")
			s.read(102, history.Running, 1)
			s.begin(1000)
			s.shown(ms(1001), (ms(1002) + 1).Add(off), history.Running, 1) // at the instant itself they still are in order
			s.shown(ms(1002), ms(1003), history.Draining, 0)
		}},
		{name: "running after draining", charged: "STATE-009", early: true, story: func(s *story, off time.Duration) {
			launched(s)
			s.hold(100, "t")
			s.read(102, history.Running, 1)
			drained(1)(s)
			s.cancel(1100)
			s.shown(ms(1101), (ms(1102) + 1).Add(off), history.Draining, 1)
			s.shown(ms(1102), ms(1103), history.Running, 0)
			s.read(1110, history.Running, 1)
		}},
		{name: "sent as running was read", charged: "STATE-009", early: true, anyway: []string{"COUNT-003"}, story: func(s *story, off time.Duration) {
			launched(s)
			s.hold(100, "before")
			s.read(102, history.Running, 1)
			s.finish(900, "before")
			s.shown(ms(901), s.returned(), history.Running, 1)
			sent := s.returned() + 1 // at the instant itself it may have been counted
			s.turn(910, "t", history.TurnSent)
			s.from(sent.Add(off))
			s.model(911, "t", history.ModelCalled)
			s.begin(1000)
			s.read(1003, history.Draining, 0)
		}},
		{name: "run again from the beginning of the reading", charged: "RESTART-004", early: true, story: func(s *story, off time.Duration) {
			cutInDrain(1)(s)
			s.call(1630, "t", 2, history.ModelCalled)
			s.upTo((ms(1631) + 1).Add(off))
			s.shown(ms(1631), ms(1632), history.Draining, 0)
			s.reply(1700, "t", 2)
		}},
		{name: "called as the first was read", charged: "COUNT-006", early: true, anyway: []string{"COUNT-003", "GATE-003"}, story: func(s *story, off time.Duration) {
			launched(s)
			s.hold(100, "t")
			s.turn(998, "late", history.TurnSent)
			drained(0)(s)
			s.model(1004, "late", history.ModelCalled)
			s.upTo((ms(1005) + 1).Add(off))
			s.shown(ms(1005), ms(1006), history.Draining, 0)
			s.finish(1007, "t")
			s.read(1010, history.Draining, 1)
		}},
		{name: "a file that nobody writes, and was read as the turn began", charged: "COUNT-001", story: func(s *story, off time.Duration) {
			launched(s)
			s.turn(100, "t", history.TurnSent)
			s.model(101, "t", history.ModelCalled)
			s.read(101, history.Running, 0)
			due := s.returned().Add(grace)
			s.stale(10_101, history.Running, 0)
			s.from(due.Add(off))
		}},
		{name: "0 as the deadline passes", charged: "COUNT-003", early: true, story: func(s *story, off time.Duration) {
			ending(s)
			due := s.calledAt().Add(3 * time.Second)
			s.read(1002, history.Stopping, 1)
			s.read(3999, history.Draining, 0)
			s.upTo((due + 1).Add(off))
			s.finish(4002, "t")
			leaves(4010, 0)(s)
		}},
	})
	released := func(s *story) {
		s.turn(100, "long", history.TurnSent, longAnd)
		s.model(101, "long", history.ModelCalled)
		called := s.returned()
		s.model(101, "long", history.ModelReleased)
		s.from(called)
		s.shown(called, called, history.Running, 1)
	}
	runChecks(t, []check{
		{name: "draining is read as the marker is laid, while running was being read", story: tell(launched, two, func(s *story) {
			s.read(112, history.Running, 1)
			s.shown(ms(999), ms(1000.5), history.Running, 1)
			s.shown(ms(1000), ms(1000), history.Draining, 1)
			s.begin(1000)
		}), violated: []string{"COUNT-001"}},
		{name: "let go as it was called, and delivered from then on", story: tell(launched, released, func(s *story) {
			s.model(102, "long", history.ModelDone)
			s.turn(200, "long", history.TurnResumed)
			s.end(210, "long", history.Finished)
			s.read(211, history.Running, 0)
		}), arose: []string{"COUNT-006"}, notArose: []string{"COUNT-005"}},
		{name: "one is let go as the next is called", story: tell(launched, func(s *story) {
			s.hold(100, "a")
			s.read(102, history.Running, 1)
			s.hold(200, "b")
			called := s.returned()
			s.model(201, "a", history.ModelReleased)
			s.from(called)
			s.model(202, "a", history.ModelDone)
			s.end(203, "a", history.Finished)
			s.read(204, history.Running, 1)
		})},
	})
}

// TestWhatIsLeftInTheCount are counts that are too high, and the ends that may have left
// them so.
func TestWhatIsLeftInTheCount(t *testing.T) {
	was := func(s *story) { // one turn that came and went, and left nothing
		launched(s)
		s.hold(100, "first")
		s.read(102, history.Running, 1)
		s.finish(200, "first")
		s.read(203, history.Running, 0)
	}
	runLimits(t, []limit{
		{name: "it hung up as 0 was read", charged: "COUNT-004", instead: "COUNT-002", story: func(s *story, off time.Duration) {
			launched(s)
			s.hold(100, "t")
			s.read(102, history.Running, 1)
			s.turn(199, "t", history.TurnAborted)
			s.model(199.5, "t", history.ModelGone)
			s.end(200, "t", history.Aborted)
			s.read(201, history.Running, 0)
			s.from(s.events[len(s.events)-2].Return.Add(-off))
			s.read(300, history.Running, 1)
			s.stale(10_300, history.Running, 1)
		}},
		{name: "it hangs up as too many are read", charged: "COUNT-004", instead: "COUNT-002", early: true, story: func(s *story, off time.Duration) {
			was(s)
			s.hold(10_400, "t")
			s.read(10_402, history.Running, 2)
			over := s.returned() + 1 // at the instant itself it may be what is left
			s.turn(10_403, "t", history.TurnAborted)
			s.end(10_404, "t", history.Aborted)
			s.from(over.Add(off))
			s.model(10_405, "t", history.ModelGone)
			s.read(10_406, history.Running, 0)
		}},
		{name: "the machine stands still for B", charged: "COUNT-002", early: true, story: func(s *story, off time.Duration) {
			was(s)
			s.read(300, history.Running, 1)
			s.stale(10_300, history.Running, 1)
			s.span(5000, 7000, history.Event{Kind: history.KindStall, Stall: &history.Stall{Late: bound + 1 + off}})
		}},
		{name: "the history was cut the grace ago", charged: "COUNT-002", story: func(s *story, off time.Duration) {
			s.process(-500, history.ProcessSeen)
			s.read(-20, history.Running, 0)
			s.read(10_000, history.Running, 1)
			s.events[0].Header.Since = s.calledAt().Add(-grace + 1 - off)
		}},
	})
	runChecks(t, []check{
		{name: "frozen before the grace, and within two of it", story: tell(was, func(s *story) {
			s.read(300, history.Running, 1)
			s.action(310, history.ActionFreeze)
			s.action(350, history.ActionThaw)
			s.stale(10_390, history.Running, 1)
			s.read(10_400, history.Running, 0)
		})},
		{name: "too high, right again, and too high again", story: tell(was, func(s *story) {
			s.stale(10_300, history.Running, 1)
			s.stale(10_310, history.Running, 1)
			s.read(10_320, history.Running, 0)
			s.read(10_330, history.Running, 1)
			s.stale(10_340, history.Running, 1)
			s.read(10_350, history.Running, 0)
		}), violated: []string{"COUNT-002"}},
		{name: "the second of two turns ended the grace ago, and both are counted", story: tell(launched, two, func(s *story) {
			s.read(112, history.Running, 2)
			s.finish(200, "a")
			s.finish(300, "b")
			due := s.returned().Add(grace)
			s.stale(10_302, history.Running, 2)
			s.from(due)
			s.read(10_310, history.Running, 0)
		}), violated: []string{"COUNT-002"}},
	})
}

// TestBusyWithNothingInFlight has a turn refused as busy in a drain, and others that came
// to nothing as well.
func TestBusyWithNothingInFlight(t *testing.T) {
	eight := []string{"GATE-008"}
	busy := func(s *story) {
		s.turn(1020, "b", history.TurnSent, inSession("s"))
		s.end(1022, "b", history.Busy)
	}
	runLimits(t, []limit{
		{name: "the next of its session is sent", charged: "GATE-008", story: func(s *story, off time.Duration) {
			do(launched, drained(0), busy)(s)
			over := s.returned() - 1
			s.refuse(1030, "r", inSession("s"))
			sent := &s.events[len(s.events)-3]
			sent.Return = over.Add(off) + sent.Return - sent.Call
			sent.Call = over.Add(off)
		}},
	})
	runChecks(t, []check{
		{name: "another session's is refused meanwhile", story: tell(launched, drained(0), busy, func(s *story) {
			s.refuse(1019, "r", inSession("r"))
		}), violated: eight},
		{name: "another session's is busy meanwhile", story: tell(launched, drained(0), busy, func(s *story) {
			s.turn(1021, "c", history.TurnSent, inSession("r"))
			s.end(1023, "c", history.Busy)
		}), violated: eight},
	})
}

// TestAnEndpointHasB has it not answer a request for just as long as it may take.
func TestAnEndpointHasB(t *testing.T) {
	runLimits(t, []limit{
		{name: "the request is answered", charged: "CONTROL-001", story: func(s *story, off time.Duration) {
			launched(s)
			s.stale(999, history.Running, 0)
			s.span(1000, 3000, history.Event{Kind: history.KindControl, Control: &history.Control{Action: history.AskDrain, Credential: history.RightToken, Error: "deadline exceeded"}})
			s.events[len(s.events)-1].Return = s.calledAt().Add(bound + off)
		}},
	})
}
