package monitor

import (
	"testing"

	"github.com/drainproof/drainproof/harness/history"
)

func inSession(name string) func(*history.Turn) {
	return func(t *history.Turn) { t.Session = name }
}

func on(ingress string) func(*history.Turn) {
	return func(t *history.Turn) { t.Ingress = ingress }
}

// queue sends a follow-up that is acknowledged as queued.
func (s *story) queue(at float64, id, session string) {
	s.turn(at, id, history.TurnSent, inSession(session))
	s.turn(at+1, id, history.TurnQueued, inSession(session))
	s.turn(at+1.1, id, history.TurnEnded, inSession(session), func(t *history.Turn) { t.Outcome = history.Queued })
}

// run has the model called for a turn that waited, and answered at once.
func (s *story) run(at float64, id string, call int) {
	for i, phase := range []history.ModelPhase{history.ModelCalled, history.ModelReleased, history.ModelDone} {
		s.add(at+float64(i)/10, history.Event{Kind: history.KindModel, Model: &history.Model{Turn: id, Call: call, Phase: phase}})
	}
}

// tooled has the model called for a turn, and answer with the call of a tool.
func (s *story) tooled(at float64, id string, call int) {
	s.call(at, id, call, history.ModelCalled)
	s.call(at+1, id, call, history.ModelDone, func(m *history.Model) { m.Tool = "clock" })
}

func (s *story) session(at float64, name string, turns ...string) {
	s.add(at, history.Event{Kind: history.KindSession, Session: &history.Session{Name: name, Turns: turns}})
}

func (s *story) emit(at float64, id string, bytes int) {
	s.add(at, history.Event{Kind: history.KindModel, Model: &history.Model{Turn: id, Call: 1, Phase: history.ModelEmitted, Bytes: bytes}})
}

// abort has the client of a held turn hang up, and the gateway hang up on the model.
func (s *story) abort(at float64, id string) {
	s.turn(at, id, history.TurnAborted)
	s.end(at+0.1, id, history.Aborted)
	s.model(at+1, id, history.ModelGone)
}

// busySession holds a turn of session "s", and queues a follow-up behind it.
func busySession(s *story) {
	s.hold(500, "ahead", inSession("s"))
	s.read(500.5, history.Running, 1)
	s.queue(600, "queued", "s")
}

func TestRightLanes(t *testing.T) {
	runChecks(t, []check{
		{name: "a follow-up that was queued runs after the cancel", story: tell(launched, busySession, drained(1), func(s *story) {
			s.refuse(1100, "late", inSession("s"))
			s.finish(1200, "ahead")
			s.read(1203, history.Draining, 0)
			s.cancel(4000)
			s.read(4001, history.Running, 0)
			s.read(4001.5, history.Running, 1)
			s.run(4002, "queued", 1)
			s.read(4003, history.Running, 0)
			s.session(5000, "s", "ahead", "queued")
			s.stale(20000, history.Running, 0)
		}), arose: []string{"GATE-006", "GATE-002"}},
		{name: "one that comes during the drain may be queued as well", story: tell(launched, busySession, drained(1), func(s *story) {
			s.queue(1100, "late", "s")
			s.finish(1200, "ahead")
			s.read(1203, history.Draining, 0)
			s.cancel(4000)
			s.read(4001, history.Running, 0)
			s.run(4002, "queued", 1)
			s.run(4003, "late", 1)
			s.stale(20000, history.Running, 0)
		}), arose: []string{"GATE-006"}},
		{name: "a queued one that is free before the drain may be in flight in it", story: tell(launched, busySession, func(s *story) {
			s.finish(990, "ahead")
		}, drained(1), func(s *story) {
			s.run(1004, "queued", 1)
			s.read(1005, history.Draining, 0)
		})},
		{name: "a turn queued on a lane that is polled has no end yet", story: tell(launched, func(s *story) {
			s.hold(500, "ahead", inSession("s"))
			s.read(500.5, history.Running, 1)
			s.turn(600, "polled", history.TurnSent, inSession("s"), on("async"))
			s.turn(601, "polled", history.TurnQueued, inSession("s"), on("async"))
		}, drained(1), func(s *story) {
			s.finish(1200, "ahead")
			s.read(1203, history.Draining, 0)
			s.stale(30000, history.Draining, 0)
			s.cancel(30100)
			s.read(30101, history.Running, 0)
		})},
		{name: "titles are asked for as well", story: tell(launched, func(s *story) {
			s.turn(100, "other", history.TurnSent, inSession("o"))
			s.run(101, "other", 1)
			s.run(102, "other", 2)
			s.end(103, "other", history.Finished)
			busySession(s)
			s.finish(700, "ahead")
			s.run(710, "queued", 1)
			s.run(711, "queued", 2)
			s.read(712, history.Running, 0)
			s.stale(20000, history.Running, 0)
		}), arose: []string{"GATE-006"}},
		{name: "tools are called before the reply, and by no other turn", story: tell(launched, busySession, func(s *story) {
			s.finish(700, "ahead")
			s.tooled(710, "queued", 1)
			s.tooled(712, "queued", 2)
			s.run(714, "queued", 3)
			s.read(715, history.Running, 0)
			s.stale(20000, history.Running, 0)
		}), arose: []string{"GATE-006"}},
		{name: "a model that failed is called again", story: tell(launched, busySession, func(s *story) {
			s.finish(700, "ahead")
			for n, phase := range []history.ModelPhase{history.ModelCalled, history.ModelDone} {
				s.call(710+float64(n), "queued", 1, phase, func(m *history.Model) { m.Fail = 500 })
			}
			s.run(714, "queued", 2)
			s.read(715, history.Running, 0)
			s.stale(20000, history.Running, 0)
		}), arose: []string{"GATE-006"}},
		{name: "every end gives its slot back", story: tell(launched, func(s *story) {
			s.hold(100, "fails")
			s.read(100.5, history.Running, 1)
			s.model(110, "fails", history.ModelDone)
			s.end(111, "fails", history.Failed)
			s.read(112, history.Running, 0)
			s.hold(200, "aborted")
			s.read(200.5, history.Running, 1)
			s.abort(210, "aborted")
			s.read(212, history.Running, 0)
			s.stale(20000, history.Running, 0)
		}), arose: []string{"COUNT-004"}},
		{name: "an aborted run that lives on counts for as long as it does", story: tell(launched, func(s *story) {
			s.hold(100, "run", on("async"))
			s.read(100.5, history.Running, 1)
			s.turn(110, "run", history.TurnAborted)
			s.end(111, "run", history.Aborted)
			s.stale(30000, history.Running, 1)
			s.model(30010, "run", history.ModelReleased)
			s.model(30011, "run", history.ModelDone)
			s.read(30012, history.Running, 0)
		}), arose: []string{"COUNT-004"}},
		{name: "every lane is counted", story: tell(launched, func(s *story) {
			s.hold(100, "a")
			s.hold(102, "b", on("async"))
			s.read(104, history.Running, 2)
		}, drained(2), func(s *story) {
			s.finish(1100, "a")
			s.finish(1110, "b")
			s.read(1113, history.Draining, 0)
		}), arose: []string{"COUNT-005"}},
		{name: "a turn that a crash cut off is run again and counted", story: tell(launched, func(s *story) {
			s.hold(100, "t")
			s.read(100.5, history.Running, 1)
			s.stale(990, history.Running, 1)
			s.action(1000, history.ActionSIGKILL)
			s.process(1001, history.ProcessGone)
			s.model(1001, "t", history.ModelGone)
			s.end(1002, "t", history.Cut)
			s.up(2000, history.ActionRespawn)
			s.read(2010, history.Starting, 1)
			s.read(2016, history.Running, 1)
			s.run(2020, "t", 2)
			s.read(2022, history.Running, 0)
		}), arose: []string{"COUNT-007"}},
		{name: "a stream goes on in the drain", story: tell(launched, streaming, drained(1), func(s *story) {
			s.emit(1100, "t", 8)
			s.turn(1101, "t", history.TurnProgress)
			s.stale(15000, history.Draining, 1)
		}), arose: []string{"GATE-004"}},
		{name: "a stream whose drain is over before the grace", story: tell(launched, streaming, drained(1), func(s *story) {
			s.emit(1100, "t", 8)
			s.cancel(2000)
			s.read(2001, history.Running, 1)
			s.stale(15000, history.Running, 1)
		})},
		{name: "a gateway that always keeps the first tokens back", story: tell(launched, func(s *story) {
			s.hold(100, "t", func(t *history.Turn) { t.Streams = true })
			s.read(100.5, history.Running, 1)
			s.emit(200, "t", 4)
		}, drained(1), func(s *story) {
			s.emit(1100, "t", 8)
			s.stale(15000, history.Draining, 1)
		})},
	})
}

// streaming holds a stream of which the first token has come out.
func streaming(s *story) {
	s.hold(100, "t", func(t *history.Turn) { t.Streams = true })
	s.read(100.5, history.Running, 1)
	s.emit(200, "t", 4)
	s.turn(201, "t", history.TurnProgress)
}

func TestWrongLanes(t *testing.T) {
	runChecks(t, []check{
		{name: "busy-followup-admitted, queued before the drain", story: tell(launched, busySession, drained(1), func(s *story) {
			s.finish(1200, "ahead")
			s.run(1210, "queued", 1)
			s.read(1212, history.Draining, 0)
		}), violated: []string{"GATE-006"}},
		{name: "busy-followup-admitted, sent in the drain", story: tell(launched, func(s *story) {
			s.hold(500, "ahead", inSession("s"))
			s.read(500.5, history.Running, 1)
		}, drained(1), func(s *story) {
			s.hold(1100, "late", inSession("s"))
			s.finish(1200, "ahead")
			s.finish(1210, "late")
			s.read(1213, history.Draining, 0)
		}), violated: []string{"GATE-001", "GATE-006"}},
		{name: "followup-lost", story: tell(launched, busySession, drained(1), func(s *story) {
			s.finish(1200, "ahead")
			s.read(1203, history.Draining, 0)
			s.cancel(4000)
			s.read(4001, history.Running, 0)
			s.stale(14100, history.Running, 0)
		}), violated: []string{"GATE-006"}},
		{name: "followup-lost, not proven yet", story: tell(launched, busySession, drained(1), func(s *story) {
			s.finish(1200, "ahead")
			s.read(1203, history.Draining, 0)
			s.cancel(4000)
			s.read(4001, history.Running, 0)
			s.stale(13900, history.Running, 0)
		})},
		{name: "followup-lost, and another drain meanwhile", story: tell(launched, busySession, func(s *story) {
			s.finish(700, "ahead")
			s.read(703, history.Running, 0)
		}, drained(0), func(s *story) {
			s.cancel(4000)
			s.read(4001, history.Running, 0)
			s.begin(9000)
			s.read(9001, history.Draining, 0)
			s.stale(30000, history.Draining, 0)
		})},
		{name: "a follow-up that runs twice", story: tell(launched, busySession, func(s *story) {
			s.finish(700, "ahead")
			s.run(710, "queued", 1)
			s.run(720, "queued", 2)
			s.read(722, history.Running, 0)
		}), violated: []string{"GATE-006"}},
		{name: "a follow-up that runs twice, with a tool each time", story: tell(launched, busySession, func(s *story) {
			s.finish(700, "ahead")
			s.tooled(710, "queued", 1)
			s.run(714, "queued", 2)
			s.tooled(720, "queued", 3)
			s.call(724, "queued", 4, history.ModelCalled)
			s.read(725, history.Running, 1)
		}), violated: []string{"GATE-006"}},
		{name: "refusal-in-history", story: tell(launched, drained(0), func(s *story) {
			s.refuse(1100, "r", inSession("s"))
			s.session(1200, "s", "x", "r")
		}), violated: []string{"GATE-002"}},
		{name: "a history that was read before the refusal was over", story: tell(launched, drained(0), func(s *story) {
			s.refuse(1100, "r", inSession("s"))
			s.session(1101, "s", "r")
		})},
		{name: "leak-on-error", story: tell(launched, func(s *story) {
			s.hold(100, "fails")
			s.read(100.5, history.Running, 1)
			s.model(110, "fails", history.ModelDone)
			s.end(111, "fails", history.Failed)
			s.stale(10200, history.Running, 1)
		}), violated: []string{"COUNT-004"}},
		{name: "leak-on-abort", story: tell(launched, func(s *story) {
			s.hold(100, "aborted")
			s.read(100.5, history.Running, 1)
			s.abort(110, "aborted")
			s.stale(10200, history.Running, 1)
		}), violated: []string{"COUNT-004"}},
		{name: "a leak that either end may have left", story: tell(launched, func(s *story) {
			s.hold(100, "aborted")
			s.hold(101, "well")
			s.read(102.5, history.Running, 2)
			s.abort(110, "aborted")
			s.finish(120, "well")
			s.read(123, history.Running, 1)
			s.stale(10200, history.Running, 1)
		}), violated: []string{"COUNT-002", "COUNT-004"}},
		{name: "double-decrement", story: tell(launched, func(s *story) {
			s.hold(100, "a")
			s.hold(102, "b")
			s.read(103.5, history.Running, 2)
		}, drained(2), func(s *story) {
			s.abort(1100, "a")
			s.read(1102, history.Draining, 0)
			s.finish(1300, "b")
		}), violated: []string{"COUNT-003"}},
		{name: "api-uncounted", story: tell(launched, func(s *story) {
			s.hold(100, "chat")
			s.read(100.5, history.Running, 1)
			s.stale(110, history.Running, 1)
			s.finish(120, "chat")
			s.read(123, history.Running, 0)
			s.hold(200, "a", on("async"))
			s.hold(202, "b", on("async"))
		}, drained(0)), violated: []string{"COUNT-003", "COUNT-005"}},
		{name: "nothing is counted at all", story: tell(launched, func(s *story) {
			s.hold(200, "a", on("async"))
			s.hold(202, "b", on("async"))
			s.hold(204, "c")
			s.hold(206, "d")
		}, drained(0)), violated: []string{"COUNT-003"}},
		{name: "undercount", story: tell(launched, func(s *story) {
			s.hold(200, "a", on("async"))
			s.read(201, history.Running, 1)
			s.hold(202, "b", on("async"))
		}, drained(1)), violated: []string{"COUNT-001"}},
		{name: "count-after-model-starts", story: tell(launched, func(s *story) {
			s.hold(100, "long", longAnd)
		}, drained(0), func(s *story) {
			s.model(1100, "long", history.ModelReleased)
			s.model(1102, "long", history.ModelDone)
			s.read(1103, history.Draining, 1)
			s.turn(1500, "long", history.TurnResumed)
			s.end(1510, "long", history.Finished)
			s.read(1511, history.Draining, 0)
		}), violated: []string{"COUNT-003", "COUNT-006", "GATE-003"}},
		{name: "a late newcomer is no proof of a late count", story: tell(launched, func(s *story) {
			s.hold(100, "t")
			s.turn(998, "slow", history.TurnSent)
		}, drained(0), func(s *story) {
			s.read(1029, history.Draining, 1)
			s.model(1030, "slow", history.ModelCalled)
			s.finish(1040, "slow")
		}), violated: []string{"COUNT-003", "GATE-003"}},
		{name: "reset-count-on-enter, and right again", story: tell(launched, func(s *story) {
			s.hold(100, "t")
			s.read(101.5, history.Running, 1)
		}, func(s *story) {
			s.stale(999, history.Running, 1)
			s.begin(1000)
			s.read(1003, history.Draining, 0)
			s.stale(1004, history.Draining, 0)
			s.read(1005, history.Draining, 1)
		}), violated: []string{"COUNT-003", "GATE-003", "STATE-009"}},
		{name: "ghost-count", story: tell(launched, func(s *story) {
			s.hold(100, "t")
			s.read(100.5, history.Running, 1)
			s.stale(990, history.Running, 1)
			s.action(1000, history.ActionSIGKILL)
			s.process(1001, history.ProcessGone)
			s.model(1001, "t", history.ModelGone)
			s.end(1002, "t", history.Cut)
			s.stale(1500, history.Running, 1)
			s.up(2000, history.ActionRespawn)
			s.stale(2005, history.Running, 1)
			s.read(2010, history.Starting, 1)
			s.read(2016, history.Running, 1)
		}), violated: []string{"COUNT-007"}},
		{name: "stall-stream", story: tell(launched, streaming, drained(1), func(s *story) {
			s.emit(1100, "t", 8)
			s.stale(12000, history.Draining, 1)
		}), violated: []string{"GATE-004"}},
		{name: "stall-stream, just within the grace", story: tell(launched, streaming, drained(1), func(s *story) {
			s.emit(1100, "t", 8)
			s.turn(11099, "t", history.TurnProgress)
			s.stale(12000, history.Draining, 1)
		})},
	})
}
