package monitor

import (
	"slices"
	"testing"

	"github.com/drainproof/drainproof/harness/history"
)

// ending is a gateway with a deadline of 3 s that is told to shut down at 1000, with
// a turn in flight that is owed should it be cut off.
func ending(s *story) {
	inFlight(s)
	s.action(1000, history.ActionSIGTERM)
}

// inFlight is that gateway before it is told.
func inFlight(s *story) {
	s.declares(3000, "shutdown")
	launched(s)
	s.hold(100, "t", durable)
	s.read(100.5, history.Running, 1)
}

// polling is that gateway, told, with a run in flight besides that its client asks for.
func polling(s *story) {
	inFlight(s)
	s.hold(200, "run", func(t *history.Turn) { t.Polled = true })
	s.read(201, history.Running, 2)
	s.action(1000, history.ActionSIGTERM)
	s.read(1002, history.Stopping, 2)
}

// drainMet is a gateway that is told to end after a drain was cancelled, with a run in flight
// that was so all the while.
func drainMet(s *story) {
	s.declares(3000, "shutdown")
	launched(s)
	s.hold(100, "run", durable, func(t *history.Turn) { t.Polled = true })
	s.read(101, history.Running, 1)
	s.begin(200)
	s.read(203, history.Draining, 1)
	s.cancel(400)
	s.read(403, history.Running, 1)
	s.action(1000, history.ActionSIGTERM)
	s.read(1002, history.Stopping, 1)
}

// signalledSlowly has the engine take until 1100 to say that it sent the signal.
func signalledSlowly(s *story) {
	s.span(1000, 1100, history.Event{Kind: history.KindAction, Action: &history.Action{Name: history.ActionSIGTERM}})
}

// leaves has it end at the instant, in good order.
func leaves(at float64, code int) func(*story) {
	return func(s *story) {
		s.read(at, history.Stopped, 0)
		s.process(at+10, history.ProcessGone)
		s.exited(at+20, code)
		s.stale(at+30, history.Stopped, 0)
	}
}

func stopping(s *story) { s.read(1002, history.Stopping, 1) }

func TestShutdown(t *testing.T) {
	first := []string{"SHUTDOWN-001"}
	runChecks(t, []check{
		{name: "in good order", story: tell(ending, stopping, func(s *story) {
			s.refuse(1010, "late")
			s.finish(2000, "t")
		}, leaves(2010, 0)), arose: first, notArose: []string{"SHUTDOWN-002"}},
		{name: "in good order, and the engine is slow to say that it sent the signal", story: tell(inFlight, signalledSlowly, func(s *story) {
			s.read(1002, history.Stopping, 1)
			s.refuse(1101, "late")
			s.finish(2000, "t")
		}, leaves(2010, 0)), arose: first},
		{name: "it crashes before the engine says that the signal was sent", story: tell(inFlight, func(s *story) {
			s.end(1004, "t", history.Cut)
			s.process(1010, history.ProcessGone)
		}, signalledSlowly, func(s *story) { s.exited(1120, 2) }), notArose: first},
		{name: "the signal kills it before the engine says that it was sent", story: tell(inFlight, func(s *story) {
			s.end(1004, "t", history.Cut)
			s.process(1010, history.ProcessGone)
		}, signalledSlowly, func(s *story) { s.exited(1120, 143) }), violated: first},
		{name: "the signal meets it on its way out", story: tell(func(s *story) {
			s.declares(3000, "shutdown")
			launched(s)
			s.read(900, history.Stopped, 0)
			s.action(1000, history.ActionSIGTERM)
		}, leaves(1010, 143)), notArose: first},
		{name: "it publishes that it goes once it is told to, and fails", story: tell(func(s *story) {
			s.declares(3000, "shutdown")
			launched(s)
			s.read(900, history.Running, 0)
			s.action(1000, history.ActionSIGTERM)
			s.read(1002, history.Stopped, 0)
		}, leaves(1010, 143)), violated: first},
		{name: "cut near a stall, after the gateway took the model's answer", story: tell(ending, stopping, func(s *story) {
			s.stall(990, 1090)
			s.model(1200, "t", history.ModelReleased)
			s.model(1200.5, "t", history.ModelDone)
			s.span(110, 1210, history.Event{Kind: history.KindTurn, Turn: &history.Turn{ID: "t", Phase: history.TurnEnded, Outcome: history.Cut}})
		}, leaves(2010, 0)), violated: first},
		{name: "nobody listens any more", story: tell(ending, stopping, func(s *story) {
			s.end(1010, "late", history.Unsent)
			s.finish(2000, "t")
		}, leaves(2010, 0)), arose: first},
		{name: "draining is its word for it", story: tell(ending, func(s *story) {
			s.read(1002, history.Draining, 1)
			s.hold(1010, "late")
			s.finish(1500, "late")
			s.finish(2000, "t")
		}, leaves(2010, 0)), violated: first},
		{name: "draining may be about a stale marker that it heeds", story: tell(ending, func(s *story) {
			s.marks(1000.5, stale("EPOCH-001"))
			s.read(1002, history.Draining, 1)
			s.hold(1010, "late")
			s.finish(1500, "late")
			s.finish(2000, "t")
		}, leaves(2010, 0)), notArose: first},
		{name: "draining may still be about a marker", story: tell(ending, func(s *story) {
			s.begin(1000.5)
			s.cancel(1001)
			s.read(1002, history.Draining, 1)
			s.hold(1010, "late")
			s.finish(1500, "late")
			s.finish(2000, "t")
		}, leaves(2010, 0)), notArose: first},
		{name: "shutdown-accepts", story: tell(ending, stopping, func(s *story) {
			s.hold(1010, "late")
			s.finish(1500, "late")
			s.finish(2000, "t")
		}, leaves(2010, 0)), violated: first},
		{name: "a turn that was sent before it had heard", story: tell(ending, func(s *story) {
			s.hold(1001, "early")
		}, stopping, func(s *story) {
			s.finish(1500, "early")
			s.finish(2000, "t")
		}, leaves(2010, 0)), notArose: first},
		{name: "shutdown-kills", story: tell(ending, stopping, func(s *story) {
			s.model(1003, "t", history.ModelGone)
			s.end(1004, "t", history.Cut)
		}, leaves(1010, 0)), violated: first, notArose: []string{"SHUTDOWN-002"}},
		{name: "shutdown-forgets-runs", story: tell(polling, func(s *story) {
			s.model(1003, "run", history.ModelGone)
			s.finish(2000, "t")
			s.end(2011, "run", history.Cut)
		}, leaves(2010, 0)), violated: first},
		{name: "a run whose client finds nobody to ask", story: tell(polling, func(s *story) {
			s.refuse(1010, "late")
			s.end(1011, "run", history.Cut)
			s.finish(2000, "t")
			s.model(2001, "run", history.ModelReleased)
			s.model(2002, "run", history.ModelDone)
		}, leaves(2010, 0)), arose: first},
		{name: "a run that is said to have failed", story: tell(polling, func(s *story) {
			s.end(1011, "run", history.Failed)
			s.finish(2000, "t")
		}, leaves(2010, 0)), violated: first},
		{name: "cut with the shape of a refusal", story: tell(ending, stopping, func(s *story) {
			s.model(1003, "t", history.ModelGone)
			s.end(1004, "t", history.Refused)
		}, leaves(1010, 0)), violated: first},
		{name: "cut a hair too early", story: tell(ending, stopping, func(s *story) {
			s.model(3999.9, "t", history.ModelGone)
			s.end(4001, "t", history.Cut)
		}, leaves(4010, 0)), violated: first},
		{name: "cut at the deadline", story: tell(ending, stopping, func(s *story) {
			s.refuse(1010, "late")
			s.model(4000, "t", history.ModelGone)
			s.end(4001, "t", history.Refused)
		}, leaves(4010, 1)), arose: []string{"SHUTDOWN-002"}, notArose: first},
		{name: "a run that a drain met is cut at the deadline, and its client asks in vain", story: tell(drainMet, func(s *story) {
			s.refuse(1010, "late")
			s.model(4000, "run", history.ModelGone)
		}, leaves(4010, 1), func(s *story) { s.outwaited(1500, 7000, "run") }), arose: []string{"SHUTDOWN-002"}},
		{name: "a run that a drain met is cut at the signal, and its client asks in vain", story: tell(drainMet, func(s *story) {
			s.model(1003, "run", history.ModelGone)
		}, leaves(1010, 0), func(s *story) { s.outwaited(1005, 4000, "run") }), violated: first},
		{name: "stalled until its client gave up", story: tell(func(s *story) {
			ending(s)
			s.declares(20000, "shutdown")
		}, stopping, func(s *story) {
			s.model(1100, "t", history.ModelReleased)
			s.model(1101, "t", history.ModelDone)
			s.end(13100, "t", history.Hung)
		}, leaves(13200, 0)), violated: first},
		{name: "its client gave up in a stall, and the gateway dropped it", story: tell(ending, stopping, func(s *story) {
			s.stall(1100, 3500)
			s.outwaited(900, 3500.5, "t")
			s.model(3501, "t", history.ModelGone)
		}, leaves(3510, 0)), noisy: first, inconclusive: first},
		{name: "stalled, in the noise, until its client gave up", story: tell(func(s *story) {
			ending(s)
			s.declares(20000, "shutdown")
		}, stopping, func(s *story) {
			s.model(1100, "t", history.ModelReleased)
			s.model(1101, "t", history.ModelDone)
			s.stall(1110, 13000)
			s.outwaited(1101, 13100, "t")
		}, leaves(13200, 0)), noisy: first, inconclusive: first},
		{name: "an end that may have come before the signal", story: tell(ending, func(s *story) {
			s.stall(900, 1004)
			s.span(101, 1004, history.Event{Kind: history.KindTurn, Turn: &history.Turn{ID: "t", Phase: history.TurnEnded, Outcome: history.Cut}})
		}, stopping, leaves(1010, 0)), noisy: first, inconclusive: first},
		{name: "its client hung up", story: tell(ending, stopping, func(s *story) {
			s.turn(1500, "t", history.TurnAborted)
			s.model(1501, "t", history.ModelGone)
			s.end(1502, "t", history.Aborted)
		}, leaves(1510, 0)), notArose: first},
		{name: "another exit code", story: tell(ending, stopping, func(s *story) { s.finish(2000, "t") }, leaves(2010, 143)), violated: first},
		{name: "nobody knows the exit code", story: tell(ending, stopping, func(s *story) {
			s.refuse(1010, "late")
			s.finish(2000, "t")
			s.read(2010, history.Stopped, 0)
			s.process(2020, history.ProcessGone)
			s.stale(2030, history.Stopped, 0)
		}), notArose: first},
		{name: "it stays, with nothing in flight", story: tell(ending, stopping, func(s *story) {
			s.finish(2000, "t")
			s.read(2003, history.Stopping, 0)
			s.stale(13000, history.Stopping, 0)
		}), violated: first},
		{name: "it takes its time", story: tell(ending, stopping, func(s *story) {
			s.finish(2000, "t")
			s.stale(11500, history.Stopping, 0)
		})},
		{name: "killed meanwhile", story: tell(ending, stopping, func(s *story) {
			s.action(1100, history.ActionSIGKILL)
			s.model(1101, "t", history.ModelGone)
			s.end(1102, "t", history.Cut)
			s.process(1103, history.ProcessGone)
			s.exited(1110, 137)
			s.stale(9000, history.Stopping, 1)
		}), notArose: first},
		{name: "a deadline is written down, and the feature not declared", story: tell(ending, func(s *story) { s.declares(3000) }, stopping, func(s *story) {
			s.model(1003, "t", history.ModelGone)
			s.end(1004, "t", history.Cut)
		}, leaves(1010, 1)), notArose: []string{"SHUTDOWN-001", "SHUTDOWN-002"}},
		{name: "nothing is declared", story: tell(ending, func(s *story) { s.declares(0) }, stopping, func(s *story) {
			s.model(1003, "t", history.ModelGone)
			s.end(1004, "t", history.Cut)
		}, leaves(1010, 1)), notArose: []string{"SHUTDOWN-001", "SHUTDOWN-002"}},
		{name: "without a word, a turn is late after the grace", story: tell(func(s *story) {
			ending(s)
			s.declares(20000, "shutdown")
			s.hold(10900, "in time")
			s.finish(10950, "in time")
			s.hold(11100, "late")
			s.finish(11150, "late")
			s.finish(11200, "t")
		}, leaves(11300, 0)), violated: first},
	})
}

// again is the model's call for a turn that is run once more.
func (s *story) again(at float64, id string) {
	s.add(at, history.Event{Kind: history.KindModel, Model: &history.Model{Turn: id, Call: 2, Phase: history.ModelCalled}})
}

func TestShutdownDeadline(t *testing.T) {
	second := []string{"SHUTDOWN-002"}
	cut := func(s *story) {
		s.model(4000.5, "t", history.ModelGone)
		s.end(4001, "t", history.Failed)
	}
	recovers := func(s *story) { s.declares(3000, "shutdown", "recovery") }
	next := func(s *story) {
		s.up(5000, history.ActionRespawn)
		s.read(5030, history.Running, 0)
	}
	runChecks(t, []check{
		{name: "shutdown-waits-forever", story: tell(ending, stopping, func(s *story) { s.stale(15000, history.Stopping, 1) }), violated: second},
		{name: "the turn is cut, and the process stays", story: tell(ending, stopping, cut, func(s *story) { s.stale(16000, history.Stopping, 0) }), violated: second},
		{name: "it takes its time to exit", story: tell(ending, stopping, cut, leaves(13900, 0)), arose: second},
		{name: "released before the deadline", story: tell(ending, stopping, func(s *story) {
			s.model(3900, "t", history.ModelReleased)
		}, cut, leaves(4010, 0)), notArose: second},
		{name: "nobody waited for the end", story: tell(ending, stopping, func(s *story) { s.stale(9000, history.Stopping, 1) }), notArose: second},
		{name: "owed, and taken up", story: tell(ending, recovers, stopping, cut, leaves(4010, 0), next, func(s *story) {
			s.read(5040, history.Running, 1)
			s.again(5041, "t")
		}), arose: second},
		{name: "replay-lost", story: tell(ending, recovers, stopping, cut, leaves(4010, 0), next, func(s *story) {
			s.stale(15100, history.Running, 0)
		}), violated: second},
		{name: "cut off, and owed to nobody", story: tell(ending, recovers, func(s *story) {
			s.events[slices.IndexFunc(s.events, func(e history.Event) bool { return e.Turn != nil && e.Turn.Phase == history.TurnSent })].Turn.Durable = false
		}, stopping, cut, leaves(4010, 0), next, func(s *story) {
			s.stale(15100, history.Running, 0)
		}), notArose: second},
		{name: "owed, and nobody waited for it", story: tell(ending, recovers, stopping, cut, leaves(4010, 0), next, func(s *story) {
			s.stale(15000, history.Running, 0)
		}), notArose: second},
		{name: "let finish after all", story: tell(ending, recovers, stopping, func(s *story) { s.finish(4500, "t") }, leaves(4600, 0), next, func(s *story) {
			s.stale(16000, history.Running, 0)
		}), notArose: second},
		{name: "no recovery declared", story: tell(ending, stopping, cut, leaves(4010, 0), next, func(s *story) {
			s.stale(16000, history.Running, 0)
		}), arose: second},
	})
}

func TestMarkerOutlivesShutdown(t *testing.T) {
	third := []string{"SHUTDOWN-003"}
	respawned := func(s *story) { s.up(2000, history.ActionRespawn) }
	told := func(s *story) {
		s.action(1100, history.ActionSIGTERM)
		s.read(1102, history.Stopping, 0)
	}
	runChecks(t, []check{
		{name: "honoured again", story: tell(launched, drained(0), told, leaves(1110, 0), respawned, func(s *story) {
			s.read(2016, history.Draining, 0)
		}), arose: third},
		{name: "marker-cleared-on-exit", story: tell(launched, drained(0), told, func(s *story) {
			s.marker(1105, history.OpFound, true, false)
		}, leaves(1110, 0), respawned, func(s *story) { s.read(2016, history.Running, 0) }), violated: []string{"MARKER-008", "SHUTDOWN-003"}},
		{name: "eaten before the signal", story: tell(launched, drained(0), func(s *story) {
			s.marker(1050, history.OpFound, true, false)
		}, told, leaves(1110, 0), respawned, func(s *story) { s.read(2016, history.Running, 0) }), violated: []string{"MARKER-008"}, notArose: third},
		{name: "not honoured", story: tell(launched, drained(0), told, leaves(1110, 0), respawned, func(s *story) {
			s.read(2016, history.Running, 0)
			s.stale(12100, history.Running, 0)
		}), violated: []string{"RESTART-001", "SHUTDOWN-003"}},
		{name: "not honoured, and nothing is published at all", story: tell(launched, drained(0), told, leaves(1110, 0), respawned, func(s *story) {
			s.stale(12100, history.Stopped, 0)
		}), violated: third},
		{name: "nobody looked", story: tell(launched, drained(0), told, leaves(1110, 0), respawned, func(s *story) {
			s.refuse(12100, "r")
		}), notArose: third},
		{name: "cancelled while it was down", story: tell(launched, drained(0), told, leaves(1110, 0), func(s *story) {
			s.cancel(1500)
		}, respawned, func(s *story) {
			s.read(2016, history.Running, 0)
			s.stale(12100, history.Running, 0)
		}), notArose: third},
		{name: "another instantiation", story: tell(launched, drained(0), told, leaves(1110, 0), func(s *story) {
			s.up(2000, history.ActionRecreate)
			s.read(2016, history.Draining, 0)
		}), notArose: third},
	})
}
