package monitor

import (
	"fmt"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/history"
)

// acked is when the reading of drained was over, asked when its marker was laid.
var (
	acked = ms(1003.01)
	asked = ms(1000)
)

// sentFrom sends a turn exactly then.
func (s *story) sentFrom(at history.Stamp, id string, more ...func(*history.Turn)) {
	s.turn(0, id, history.TurnSent, more...)
	s.from(at)
}

// atOnce has everything in it happen at one instant.
func atOnce(at float64, steps ...func(*story)) func(*story) {
	return func(s *story) {
		first := len(s.events)
		do(steps...)(s)
		for i := range s.events[first:] {
			e := &s.events[first+i]
			e.Call, e.Return = ms(at), ms(at)
		}
	}
}

// TestWhatIsSentAfterB are the limits of the marker, and of the reading, that decide
// whether a turn that gets in later than B is judged.
func TestWhatIsSentAfterB(t *testing.T) {
	runLimits(t, []limit{
		{name: "laid when the launch was over", charged: "GATE-005", story: func(s *story, off time.Duration) {
			s.action(0, history.ActionStart) // and nobody saw it ready
			over := s.returned()
			s.begin(0)
			s.from(over.Add(off - 1))
			s.hold(2500, "t")
		}},
		{name: "laid when it was ready", charged: "GATE-005", story: func(s *story, off time.Duration) {
			s.up(0, history.ActionStart)
			ready := s.returned()
			s.begin(0)
			s.from(ready.Add(off - 1))
			s.hold(2500, "t")
		}},
		{name: "sent as the reading began", charged: "GATE-005", early: true, story: func(s *story, off time.Duration) {
			launched(s)
			s.begin(1000)
			s.sentFrom(ms(3500).Add(off+1), "t") // at the instant itself it still is
			s.read(3500, history.Draining, 0)
			s.model(3501, "t", history.ModelCalled)
		}},
	})
	runChecks(t, []check{
		{name: "a damaged marker is laid over it at the instant", story: tell(launched, func(s *story) {
			s.begin(1000)
			s.over(1000, corrupt)
			s.hold(3500, "t")
		}), notArose: []string{"GATE-005"}},
		{name: "laid before the first launch", story: tell(func(s *story) {
			s.begin(0)
			s.up(1000, history.ActionStart)
			s.read(1012, history.Draining, 0)
			s.refuse(5000, "r")
		}), arose: []string{"GATE-008"}, notArose: []string{"GATE-005"}},
	})
}

// TestTurnsAtTheFlip sends eight turns just before draining is read, as many as are needed.
func TestTurnsAtTheFlip(t *testing.T) {
	eight := func(first, last history.Stamp) *story {
		return tell(launched, func(s *story) {
			s.events[0].Header.Requirements = []string{"GATE-003"}
			s.sentFrom(first, "first")
			s.model(964, "first", history.ModelCalled)
			for i := range 6 {
				s.hold(970+float64(i), fmt.Sprintf("t%d", i))
			}
			s.read(990, history.Running, 7)
		}, drained(7), func(s *story) {
			s.turn(0, "last", history.TurnSent)
			s.upTo(last)
			s.model(1004, "last", history.ModelCalled)
		})
	}
	first, few := acked.Add(-FlipWindow), []string{"GATE-003"}
	runChecks(t, []check{
		{name: "all within the window", story: eight(first, acked-1)},
		{name: "the first a moment too early", story: eight(first-1, acked-1), inconclusive: few},
		{name: "the last still on its way", story: eight(first, acked), inconclusive: few},
	})
}

// TestOwedWorkThatIsCountedIn has the count rise in a drain, by work that the gateway owed,
// or by what may have been such.
func TestOwedWorkThatIsCountedIn(t *testing.T) {
	owing := do(launched, func(s *story) {
		s.hold(100, "t", durable)
		s.read(101, history.Running, 1)
	}, drained(1), func(s *story) {
		s.kill(1500, "t")
		s.backDraining(1600, 0)
		s.read(1625, history.Draining, 1)
	})
	// anew is a gateway whose probe does not know what was sent to the instantiation before.
	anew := do(launched, func(s *story) {
		s.action(500, history.ActionRecreate)
		s.stale(550, history.Running, 0)
		s.up(600, history.ActionStart)
		s.read(630, history.Running, 0)
	}, drained(0), func(s *story) { s.read(1100, history.Draining, 1) })
	unknown := func(s *story) {
		s.add(0, history.Event{Kind: history.KindModel, Model: &history.Model{Call: 1, Phase: history.ModelCalled}})
	}
	runLimits(t, []limit{
		{name: "called before the first of the readings", charged: "GATE-003", early: true, story: func(s *story, off time.Duration) {
			owing(s)
			s.call(1612, "t", 2, history.ModelCalled)
			s.upTo(ms(1612).Add(off))
			s.call(1640, "t", 2, history.ModelDone)
		}},
		{name: "called the grace after the second", charged: "GATE-003", story: func(s *story, off time.Duration) {
			owing(s)
			due := s.returned().Add(grace)
			s.call(11625, "t", 2, history.ModelCalled)
			s.from(due.Add(off))
		}},
		{name: "a completion after the second", charged: "GATE-003", story: func(s *story, off time.Duration) {
			launched(s)
			s.turn(998, "slow", history.TurnSent)
			drained(0)(s)
			s.expect(1050, "b", history.OriginBackground)
			s.read(1100, history.Draining, 1)
			read := s.returned()
			s.model(1105, "slow", history.ModelCalled)
			s.complete(1101, "b", 202)
			s.from(read.Add(off))
		}},
		{name: "a call by nobody before the first", charged: "GATE-003", early: true, story: func(s *story, off time.Duration) {
			do(anew, unknown)(s)
			s.upTo(ms(1003).Add(off))
		}},
		{name: "a call by nobody the grace after the second", charged: "GATE-003", story: func(s *story, off time.Duration) {
			anew(s)
			due := s.returned().Add(grace)
			unknown(s)
			s.from(due.Add(off))
		}},
	})
	runChecks(t, []check{
		{name: "a call that may have been made since the launch", story: tell(owing, func(s *story) {
			s.call(1600, "t", 2, history.ModelCalled)
			s.events[len(s.events)-1].Return = ms(1626)
		})},
		{name: "two readings at the last instant", story: tell(launched, drained(0), func(s *story) {
			s.expect(1040, "b", history.OriginBackground)
			s.complete(1050, "b", 202)
		}, atOnce(1100, func(s *story) {
			s.read(0, history.Draining, 0)
			s.read(0, history.Draining, 1)
		}))},
	})
}

// TestWhatFollowsUpOnWhat are the limits that make a turn a follow-up, and of the drain in
// which it may not start.
func TestWhatFollowsUpOnWhat(t *testing.T) {
	ahead := func(s *story) {
		s.hold(500, "ahead", inSession("s"))
		s.read(501.5, history.Running, 1)
	}
	runLimits(t, []limit{
		{name: "sent when the one ahead was let go", charged: "GATE-006", early: true, anyway: []string{"GATE-001"}, story: func(s *story, off time.Duration) {
			do(launched, ahead, drained(1))(s)
			s.turn(1200, "late", history.TurnSent, inSession("s"))
			s.upTo(ms(1200).Add(off + 1)) // at the instant itself it still is
			s.finish(1200, "ahead")
			s.model(1203, "late", history.ModelCalled)
			s.finish(1210, "late")
		}},
		{name: "sent when the one ahead had reached the model", charged: "GATE-006", story: func(s *story, off time.Duration) {
			do(launched, ahead)(s)
			s.sentFrom(ms(501.01).Add(off-1), "queued", inSession("s"))
			s.turn(503, "queued", history.TurnQueued)
			s.end(504, "queued", history.Queued)
			drained(1)(s)
			s.finish(1200, "ahead")
			s.run(1210, "queued", 1)
		}},
		{name: "busy until draining had been read", charged: "GATE-006", story: func(s *story, off time.Duration) {
			do(launched, busySession, drained(1))(s)
			s.model(1003, "ahead", history.ModelReleased)
			s.from(acked.Add(off - 1))
			s.model(1004, "ahead", history.ModelDone)
			s.end(1005, "ahead", history.Finished)
			s.run(1210, "queued", 1)
		}},
		{name: "called when draining had been read", charged: "GATE-006", story: func(s *story, off time.Duration) {
			do(launched, busySession, drained(1))(s)
			s.run(1003, "queued", 1)
			called := &s.events[len(s.events)-3]
			called.Return = acked.Add(off)
		}},
		{name: "called before the cancel", charged: "GATE-006", early: true, story: func(s *story, off time.Duration) {
			do(launched, busySession, drained(1))(s)
			s.finish(1100, "ahead")
			s.read(1103, history.Draining, 0)
			s.run(1200, "queued", 1)
			called := &s.events[len(s.events)-3]
			called.Call, called.Return = ms(1199), ms(1200).Add(off+1) // at the instant itself it still is
			s.cancel(1200)
			s.read(1203, history.Running, 0)
		}},
	})
	// two has turns of the session in flight of which one is let go at 1200, and the other
	// when told; the follow-up starts then.
	two := func(other float64) *story {
		return tell(launched, func(s *story) {
			s.hold(500, "first", inSession("s"))
			s.hold(510, "second", inSession("s"))
			s.read(512, history.Running, 2)
			s.queue(600, "queued", "s")
			s.finish(other, "second")
			if other < 1000 {
				s.read(other+3, history.Running, 1)
				drained(1)(s)
			} else {
				drained(2)(s)
			}
			s.finish(1200, "first")
			s.run(1210, "queued", 1)
			s.read(1212, history.Draining, 0)
		})
	}
	charged := []string{"GATE-006"}
	runChecks(t, []check{
		{name: "the first of two lasts longer", story: two(800), violated: charged},
		{name: "both of two last as long", story: two(1200), violated: charged},
		{name: "sent as the marker goes", story: tell(launched, ahead, drained(1), func(s *story) {
			s.cancel(1200)
			s.sentFrom(ms(1200), "late", inSession("s"))
			s.model(1202, "late", history.ModelCalled)
			s.read(1203, history.Running, 2)
		}), notArose: charged},
		{name: "sent as draining had just been read", story: tell(launched, ahead, drained(1), func(s *story) {
			s.sentFrom(acked, "late", inSession("s"))
			s.model(1005, "late", history.ModelCalled)
		}), notArose: charged},
		{name: "free for the grace before a drain, and for longer after it", story: tell(launched, busySession, func(s *story) {
			s.finish(700, "ahead")
			due := s.returned().Add(grace)
			s.read(703, history.Running, 0)
			s.begin(10_702)
			s.from(due)
			s.read(10_705, history.Draining, 0)
			s.cancel(11_000)
			s.read(11_003, history.Running, 0)
			s.stale(30_000, history.Running, 0)
		}), violated: charged},
	})
}

// TestWhatWasInFlight are the limits of what was in flight when a drain began, and of what
// came of it in the drain.
func TestWhatWasInFlight(t *testing.T) {
	held := do(launched, func(s *story) {
		s.hold(100, "t")
		s.read(101.5, history.Running, 1)
	})
	// cut ends the turn in a long read that began then.
	cut := func(s *story, from, to history.Stamp) {
		s.end(0, "t", history.Cut)
		e := &s.events[len(s.events)-1]
		e.Call, e.Return = from, to
	}
	// waking has the marker laid in a stall in which the client may have been woken late.
	waking := func(s *story) {
		s.stall(900, 1001)
		s.begin(1000)
		s.read(1003, history.Draining, 0)
	}
	runLimits(t, []limit{
		{name: "cut as the marker was laid", charged: "GATE-004", story: func(s *story, off time.Duration) {
			do(held, waking)(s)
			cut(s, asked.Add(off-1), ms(1001))
		}},
		{name: "let go as the marker was laid, and cut", charged: "GATE-004", story: func(s *story, off time.Duration) {
			do(held, waking)(s)
			s.model(1000, "t", history.ModelReleased)
			s.from(asked.Add(off - 1))
			s.model(1000.5, "t", history.ModelDone)
			cut(s, ms(102), ms(1001))
		}},
		{name: "called when draining had been read, and cut", charged: "GATE-004", early: true, story: func(s *story, off time.Duration) {
			launched(s)
			s.turn(998, "t", history.TurnSent)
			drained(0)(s)
			s.model(1003, "t", history.ModelCalled)
			s.upTo(acked.Add(off))
			s.end(1100, "t", history.Cut)
		}},
		{name: "cut in the cancel, and told to end", charged: "GATE-004", story: func(s *story, off time.Duration) {
			do(held, drained(1))(s)
			s.cancel(1200)
			s.events[len(s.events)-1].Return = ms(1210)
			s.end(1205, "t", history.Cut)
			s.action(1210, history.ActionSIGTERM)
			s.from(ms(1210).Add(off - 1))
			s.process(1220, history.ProcessGone)
		}},
		{name: "hung up on, and told to end", charged: "GATE-004", early: true, story: func(s *story, off time.Duration) {
			do(held, drained(1))(s)
			s.model(1200, "t", history.ModelGone)
			s.upTo(ms(1200).Add(off + 1)) // at the instant itself it still is
			s.action(1200, history.ActionSIGTERM)
			s.end(1203, "t", history.Cut)
			s.process(1210, history.ProcessGone)
		}},
		{name: "hung up on as the marker was laid", charged: "GATE-004", story: func(s *story, off time.Duration) {
			do(held, drained(1))(s)
			s.model(1000, "t", history.ModelGone)
			s.from(asked.Add(off - 1))
		}},
		{name: "hung up on B before its client gave up", charged: "GATE-004", story: func(s *story, off time.Duration) {
			do(held, drained(1))(s)
			s.stall(1300, 1700)
			s.model(2000, "t", history.ModelGone)
			due := s.returned().Add(bound)
			s.outwaited(102, 4000, "t")
			s.events[len(s.events)-1].Return = due.Add(off)
		}},
		{name: "the first of a stream came before the marker", charged: "GATE-004", early: true, story: func(s *story, off time.Duration) {
			launched(s)
			s.hold(100, "t", func(t *history.Turn) { t.Streams = true })
			s.read(101.5, history.Running, 1)
			s.emit(200, "t", 4)
			s.turn(999, "t", history.TurnProgress)
			s.upTo(asked.Add(off))
			drained(1)(s)
			s.emit(1100, "t", 8)
			s.stale(12_000, history.Draining, 1)
		}},
		{name: "more of a stream was due as the marker was laid", charged: "GATE-004", story: func(s *story, off time.Duration) {
			do(launched, streaming, drained(1))(s)
			s.emit(1000, "t", 8)
			s.from(asked.Add(off - 1))
			s.stale(12_000, history.Draining, 1)
		}},
		{name: "some of a stream came as more was due", charged: "GATE-004", early: true, story: func(s *story, off time.Duration) {
			do(launched, streaming, drained(1))(s)
			s.emit(1100, "t", 8)
			s.turn(1099, "t", history.TurnProgress)
			s.upTo(ms(1100).Add(off))
			s.stale(12_000, history.Draining, 1)
		}},
	})
	runChecks(t, []check{
		{name: "its client hangs up as the marker goes", story: tell(held, drained(1), func(s *story) {
			s.turn(1199, "t", history.TurnAborted)
			s.end(1200, "t", history.Aborted)
			s.upTo(ms(1200))
			s.cancel(1200)
			s.model(1201, "t", history.ModelGone)
			s.read(1203, history.Running, 0)
		}), notArose: []string{"GATE-004"}},
		{name: "it ends as the marker is laid", story: tell(held, func(s *story) {
			s.model(990, "t", history.ModelReleased)
			s.model(991, "t", history.ModelDone)
			s.read(992, history.Running, 0)
			s.end(1000, "t", history.Finished)
			s.upTo(asked)
		}, drained(0)), notArose: []string{"GATE-004"}},
		{name: "more of a stream is due as the marker goes", story: tell(launched, streaming, drained(1), func(s *story) {
			s.emit(1200, "t", 8)
			s.upTo(ms(1200))
			s.cancel(1200)
			s.read(1203, history.Running, 1)
		}), arose: []string{"GATE-004"}},
	})
}

// TestWorkOfItsOwnAtTheLimits is what the gateway owes, at the ends of the drain in which it
// has to pass the gate.
func TestWorkOfItsOwnAtTheLimits(t *testing.T) {
	runLimits(t, []limit{
		{name: "a completion is run before the cancel", charged: "GATE-007", story: func(s *story, off time.Duration) {
			do(launched, drained(0))(s)
			s.expect(1050, "b", history.OriginBackground)
			s.complete(1100, "b", 202)
			s.call(12_000, "b", 1, history.ModelCalled)
			s.upTo(ms(12_000).Add(off))
			s.cancel(12_000)
			s.read(12_003, history.Running, 1)
		}},
		{name: "a completion is refused before the cancel", charged: "GATE-007", early: true, story: func(s *story, off time.Duration) {
			launched(s)
			s.expect(50, "b1", history.OriginBackground)
			s.complete(60, "b1", 202)
			s.run(62, "b1", 1)
			s.expect(500, "b2", history.OriginBackground)
			drained(0)(s)
			s.complete(1200, "b2", 503)
			s.upTo(ms(1200).Add(off + 1)) // at the instant itself it still is
			s.cancel(1200)
			s.read(1203, history.Running, 0)
		}},
		{name: "run again at the cancel", charged: "GATE-007", story: func(s *story, off time.Duration) {
			cutInDrain(0)(s)
			s.stale(11_700, history.Draining, 0)
			s.cancel(12_000)
			s.call(12_000, "t", 2, history.ModelCalled)
			s.move(history.Stamp(off - 1))
			s.read(12_003, history.Running, 1)
		}},
		{name: "drained for the grace, and run again", charged: "GATE-007", story: func(s *story, off time.Duration) {
			cutInDrain(0)(s)
			s.cancel(11_620)
			s.from(ms(1620.01).Add(grace + off))
			s.read(11_623, history.Running, 1)
			s.call(11_625, "t", 2, history.ModelCalled)
		}},
	})
	runChecks(t, []check{
		{name: "cut off, and never launched again", story: tell(launched, func(s *story) {
			s.hold(100, "t", durable)
			s.read(101, history.Running, 1)
			s.kill(500, "t")
		}), notArose: []string{"GATE-007"}},
		{name: "run again as the marker goes", story: tell(cutInDrain(1), func(s *story) {
			s.call(5000, "t", 2, history.ModelCalled)
			s.upTo(ms(5000))
			s.cancel(5000)
			s.read(5003, history.Running, 1)
		}), arose: []string{"GATE-007"}},
	})
}
