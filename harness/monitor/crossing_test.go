package monitor

import (
	"testing"

	"github.com/drainproof/drainproof/harness/history"
)

// What a gateway asks of its model beyond the reply keeps no turn in flight.
func TestBeyondTheReply(t *testing.T) {
	one := func(s *story) {
		s.hold(500, "t")
		s.read(502, history.Running, 1)
	}
	title := func(s *story) {
		s.call(1204, "t", 2, history.ModelCalled)
		s.call(1208, "t", 2, history.ModelReleased)
		s.call(1209, "t", 2, history.ModelDone)
		s.read(1210, history.Draining, 0)
	}
	runChecks(t, []check{
		{name: "a title is asked for after the reply", story: tell(launched, one, drained(1), func(s *story) {
			s.finish(1200, "t")
			s.read(1203, history.Draining, 0)
		}, title)},
		{name: "it goes uncounted before its reply", story: tell(launched, one, drained(1), func(s *story) {
			s.read(1100, history.Draining, 0)
			s.finish(1200, "t")
			s.read(1203, history.Draining, 0)
		}, title), violated: []string{"COUNT-003"}},
		{name: "it goes uncounted at the call after a tool's", story: tell(launched, one, drained(1), func(s *story) {
			s.call(1100, "t", 1, history.ModelReleased)
			s.call(1101, "t", 1, history.ModelDone, func(m *history.Model) { m.Tool = "clock" })
			s.call(1104, "t", 2, history.ModelCalled)
			s.read(1150, history.Draining, 0)
			s.reply(1200, "t", 2)
			s.end(1202, "t", history.Finished)
			s.read(1203, history.Draining, 0)
		}), violated: []string{"COUNT-003"}},
	})
}

// A cancel ends no turn, and loses none from the count.
func TestAcrossTheCancel(t *testing.T) {
	one := func(s *story) {
		s.hold(500, "t")
		s.read(502, history.Running, 1)
	}
	cut := func(at float64) func(*story) {
		return func(s *story) {
			s.model(at, "t", history.ModelGone)
			s.end(at+1, "t", history.Cut)
			s.read(at+2, history.Running, 0)
		}
	}
	cancelled := func(count int) func(*story) {
		return func(s *story) {
			s.cancel(4000)
			s.read(4003, history.Running, count)
		}
	}
	arrives := func(s *story) {
		s.hold(600, "l", longAnd)
		s.read(602, history.Running, 1)
		s.model(700, "l", history.ModelReleased)
		s.model(701, "l", history.ModelDone)
		s.turn(710, "l", history.TurnResumed)
	}
	kept := func(s *story) {
		s.read(4010, history.Running, 1)
		s.finish(4100, "t")
		s.read(4103, history.Running, 0)
	}
	runChecks(t, []check{
		{name: "it goes on", story: tell(launched, one, drained(1), cancelled(1), kept), arose: []string{"GATE-004", "STATE-009"}},
		{name: "it is cut by the cancel", story: tell(launched, one, drained(1), cancelled(1), cut(4010)), violated: []string{"GATE-004"}},
		{name: "it is cut a while later", story: tell(launched, one, drained(1), cancelled(1), cut(4000+9900)), violated: []string{"GATE-004"}},
		{name: "it is cut long after", story: tell(launched, one, drained(1), cancelled(1), cut(4000+10100))},
		{name: "its client hangs up", story: tell(launched, one, drained(1), cancelled(1), func(s *story) { s.abort(4010, "t") })},
		{name: "its model fails", story: tell(launched, one, drained(1), cancelled(1), func(s *story) {
			s.call(4010, "t", 1, history.ModelReleased, func(m *history.Model) { m.Fail = 400 })
			s.end(4012, "t", history.Failed)
			s.read(4013, history.Running, 0)
		})},
		{name: "it is lost from the count for a moment", story: tell(launched, one, drained(1), cancelled(0), kept), violated: []string{"STATE-009"}},
		{name: "one of two is lost", story: tell(launched, one, func(s *story) {
			s.hold(600, "u")
			s.read(602, history.Running, 2)
		}, drained(2), cancelled(1), func(s *story) {
			s.read(4005, history.Running, 2)
			s.finish(4100, "t")
			s.finish(4100.5, "u")
			s.read(4103, history.Running, 0)
		}), violated: []string{"STATE-009"}},
		{name: "it is cut in the noise, and its model sees that", story: tell(launched, one, drained(1), func(s *story) {
			s.stall(1004, 1100)
			s.model(1090, "t", history.ModelGone)
			s.span(501, 1101, history.Event{Kind: history.KindTurn, Turn: &history.Turn{ID: "t", Phase: history.TurnEnded, Outcome: history.Failed}})
			s.read(1102, history.Draining, 0)
		}), violated: []string{"GATE-004"}},
		{name: "it is cut in the noise, and nobody knows when", story: tell(launched, one, drained(1), func(s *story) {
			s.stall(1004, 1100)
			s.span(501, 1101, history.Event{Kind: history.KindTurn, Turn: &history.Turn{ID: "t", Phase: history.TurnEnded, Outcome: history.Failed}})
			s.read(1102, history.Draining, 0)
		}), noisy: []string{"GATE-004"}, inconclusive: []string{"GATE-004"}},
		{name: "a long reply comes too slowly in the noise", story: tell(launched, arrives, drained(1), func(s *story) {
			s.stall(2000, 4000)
			s.outwaited(5100, 5100, "l")
			s.read(5103, history.Draining, 0)
		}), noisy: []string{"GATE-004"}, inconclusive: []string{"GATE-004"}},
		{name: "a long reply comes too slowly", story: tell(launched, arrives, drained(1), func(s *story) {
			s.outwaited(5100, 5100, "l")
			s.read(5103, history.Draining, 0)
		}), violated: []string{"GATE-004"}},
		{name: "a long reply stops in the noise, well after it", story: tell(launched, arrives, drained(1), func(s *story) {
			s.stall(1100, 1900)
			s.turn(2000, "l", history.TurnProgress, func(t *history.Turn) { t.Bytes = 1000 })
			s.outwaited(5100, 5100, "l")
			s.read(5103, history.Draining, 0)
		}), violated: []string{"GATE-004"}},
		{name: "it ends with the cancel", story: tell(launched, one, drained(1), func(s *story) { s.finish(3999, "t") }, cancelled(0))},
		{name: "one that the cancel let in is counted later", story: tell(launched, drained(0), func(s *story) {
			s.cancel(4000)
			s.hold(4001, "t")
		}, func(s *story) { s.read(4003, history.Running, 0) }, kept)},
	})
}

// Who has promised to let turns finish says nothing else of them when it is told to go.
func TestCountedThroughAShutdown(t *testing.T) {
	told := func(state string, count int) func(*story) {
		return func(s *story) {
			s.hold(500, "t")
			s.read(502, history.Running, 1)
			s.action(1000, history.ActionSIGTERM)
			s.read(1005, state, count)
			s.finish(1200, "t")
			s.read(1203, history.Stopped, 0)
			s.process(1210, history.ProcessGone, exit(0))
			s.exited(1211, 0)
		}
	}
	promises := func(s *story) { s.declares(5000, "shutdown") }
	runChecks(t, []check{
		{name: "draining with all of them", story: tell(promises, launched, told(history.Draining, 1))},
		{name: "draining with none", story: tell(promises, launched, told(history.Draining, 0)), violated: []string{"COUNT-003"}},
		{name: "of stopping nothing is said", story: tell(promises, launched, told(history.Stopping, 0))},
		{name: "nothing was promised", story: tell(launched, told(history.Draining, 0))},
		{name: "after the deadline", story: tell(func(s *story) { s.declares(100, "shutdown") }, launched, func(s *story) {
			s.hold(500, "t")
			s.read(502, history.Running, 1)
			s.action(1000, history.ActionSIGTERM)
			s.read(1005, history.Draining, 1)
			s.read(1101, history.Draining, 0)
			s.process(1110, history.ProcessGone, exit(0))
			s.model(1111, "t", history.ModelGone)
			s.end(1112, "t", history.Cut)
			s.exited(1113, 0)
		})},
	})
}

// A connection that the gateway has closed in the drain exempts no turn.
func TestKeptConnectionIsClosed(t *testing.T) {
	closed := func(at float64) func(*story) {
		return func(s *story) {
			s.turn(at, "t", history.TurnEnded, func(t *history.Turn) { t.Outcome, t.Reused = history.Unsent, true })
		}
	}
	ten := []string{"GATE-010"}
	runChecks(t, []check{
		{name: "in a drain", story: tell(launched, drained(0), closed(1010)), arose: ten},
		{name: "before it was acknowledged", story: tell(launched, drained(0), closed(1001)), notArose: ten},
		{name: "outside a drain", story: tell(launched, closed(500)), notArose: ten},
		{name: "never opened", story: tell(launched, drained(0), func(s *story) { s.end(1010, "t", history.Unsent) }), notArose: ten},
	})
}
