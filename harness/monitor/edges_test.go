package monitor

import (
	"testing"

	"github.com/drainproof/drainproof/harness/history"
)

// TestWatchEdges are the edges of the bound: noise, freezes, death, and drains
// that are over before it.
func TestWatchEdges(t *testing.T) {
	lateBegin := func(flip float64, more ...func(*story)) func(*story) {
		return func(s *story) {
			s.begin(1000)
			s.stale(flip-1, history.Running, 0)
			s.read(flip, history.Draining, 0)
			do(more...)(s)
		}
	}
	runChecks(t, []check{
		{name: "exactly at the bound", story: tell(launched, lateBegin(3000.9)), arose: []string{"WATCH-001"}},
		{name: "a reading begun at the bound itself", story: tell(launched, func(s *story) {
			s.begin(1000)
			s.span(3000.01, 3000.5, history.Event{Kind: history.KindState, State: &history.State{Publication: "file", State: history.Running, Version: s.version}})
			s.read(3001, history.Draining, 0)
		}), arose: []string{"WATCH-001"}},
		{name: "late", story: tell(launched, lateBegin(3500)), violated: []string{"WATCH-001"}},
		{name: "late, in the noise", story: tell(launched, lateBegin(3500, func(s *story) { s.stall(2000, 2100) })),
			noisy: []string{"WATCH-001"}, inconclusive: []string{"WATCH-001"}},
		{name: "late, with a stall too short to matter", story: tell(launched, lateBegin(3500, func(s *story) { s.stall(2000, 2040) })), violated: []string{"WATCH-001"}},
		{name: "as late as noise may have it", story: tell(launched, lateBegin(14199, func(s *story) { s.stall(2000, 3200) })),
			noisy: []string{"WATCH-001"}, inconclusive: []string{"WATCH-001"}},
		{name: "later than any noise has it", story: tell(launched, lateBegin(14203, func(s *story) { s.stall(2000, 3200) })), violated: []string{"WATCH-001"}},
		{name: "later, with a gateway that was kept from running", story: tell(launched, lateBegin(14203, func(s *story) {
			s.stall(2000, 3200)
			s.stall(5000, 5100)
		})), noisy: []string{"WATCH-001"}, inconclusive: []string{"WATCH-001"}},
		{name: "late, with a stall before", story: tell(launched, lateBegin(3500, func(s *story) { s.stall(500, 900) })), violated: []string{"WATCH-001"}},
		{name: "late in the noise, then retaken", story: tell(launched, lateBegin(3500, func(s *story) { s.stall(2000, 2100) }), func(s *story) {
			s.cancel(4000)
			s.read(4002, history.Running, 0)
			s.begin(5000)
			s.read(5002, history.Draining, 0)
		}), noisy: []string{"WATCH-001"}},
		{name: "frozen meanwhile", story: tell(launched, func(s *story) {
			s.begin(1000)
			s.action(1001, history.ActionFreeze)
			s.stale(4000, history.Running, 0)
			s.action(5000, history.ActionThaw)
			s.read(5003, history.Draining, 0)
		}), arose: []string{"WATCH-001"}},
		{name: "frozen meanwhile, and a load taken off in the middle", story: tell(launched, func(s *story) {
			s.begin(1000)
			s.action(1001, history.ActionFreeze)
			s.action(1500, history.ActionUnload)
			s.stale(4000, history.Running, 0)
			s.action(5000, history.ActionThaw)
			s.read(5003, history.Draining, 0)
		}), arose: []string{"WATCH-001"}},
		{name: "over before the bound", story: tell(launched, func(s *story) {
			s.begin(1000)
			s.cancel(2500)
			s.stale(4000, history.Running, 0)
		}), notArose: []string{"WATCH-001", "WATCH-002"}},
		{name: "dead before the bound", story: tell(launched, func(s *story) {
			s.begin(1000)
			s.action(1500, history.ActionSIGKILL)
			s.process(1501, history.ProcessGone)
			s.stale(4000, history.Running, 0)
		}), notArose: []string{"WATCH-001"}},
		{name: "still starting when the marker comes", story: tell(func(s *story) {
			s.up(0, history.ActionStart)
			s.read(10, history.Starting, 0)
			s.begin(12)
			s.stale(3000, history.Starting, 0)
		}), notArose: []string{"WATCH-001"}},
		{name: "a marker operation that failed", story: tell(launched, func(s *story) {
			s.add(1000, history.Event{Kind: history.KindMarker, Marker: &history.Marker{Op: history.OpBegin, Present: true, Error: "disk full"}})
			s.stale(5000, history.Running, 0)
		}), notArose: []string{"WATCH-001"}},
		{name: "not back yet when the next drain begins", story: tell(launched, drained(0), func(s *story) {
			s.cancel(2000)
			s.begin(2001)
			s.stale(2002, history.Draining, 0)
			s.hold(2003, "in") // it may not have looked yet: what was read is the last drain's
			s.read(2004, history.Running, 1)
			s.read(2006, history.Draining, 1)
			s.refuse(2010, "r")
		}), arose: []string{"GATE-001"}},
		{name: "http is late, the file is not", story: tell(launched, func(s *story) {
			s.http(40, history.Running, 0)
			s.begin(1000)
			s.read(1003, history.Draining, 0)
			s.http(4000, history.Running, 0)
		}), violated: []string{"WATCH-001"}},
		{name: "nothing after the end is judged", story: tell(launched, func(s *story) {
			s.begin(1000)
			s.action(2000, history.ActionEnd)
			s.stale(9000, history.Running, 0)
			s.process(9001, history.ProcessGone)
		}), notArose: []string{"WATCH-001"}},
	})
}

// TestAdmissionEdges are turns at the edges of a drain.
func TestAdmissionEdges(t *testing.T) {
	refused := func(arriving, resumed, answered float64) func(*story) {
		return func(s *story) {
			s.turn(1200, "t", history.TurnSent)
			s.turn(arriving, "t", history.TurnArriving)
			s.turn(resumed, "t", history.TurnResumed)
			s.turn(answered, "t", history.TurnAnswered)
			s.end(answered+1, "t", history.Refused)
		}
	}
	runChecks(t, []check{
		{name: "sent as the reading was under way", story: tell(launched, func(s *story) {
			s.begin(1000)
			s.span(1003, 1004, history.Event{Kind: history.KindState, State: &history.State{Publication: "file", State: history.Draining, Version: "d"}})
			s.hold(1003.5, "in")
		}), notArose: []string{"GATE-001"}},
		{name: "sent at the instant the reading ended", story: tell(launched, drained(0), func(s *story) {
			s.hold(1003.01, "in")
		}), notArose: []string{"GATE-001"}},
		{name: "reached the model after the cancel", story: tell(launched, drained(0), func(s *story) {
			s.turn(1500, "q", history.TurnSent)
			s.cancel(1600)
			s.model(1600.5, "q", history.ModelCalled)
			s.read(1602, history.Running, 1)
		}), arose: []string{"GATE-001"}},
		{name: "an auxiliary call", story: tell(launched, drained(0), func(s *story) {
			s.add(1100, history.Event{Kind: history.KindModel, Model: &history.Model{Phase: history.ModelCalled, Auxiliary: true}})
		})},
		{name: "admitted after B, unread", story: tell(launched, func(s *story) {
			s.begin(1000)
			s.hold(3500, "in")
			s.finish(3550, "in")
		}), violated: []string{"GATE-005"}},
		{name: "admitted after B, in the noise", story: tell(launched, func(s *story) {
			s.begin(1000)
			s.stall(1100, 1300)
			s.hold(3500, "in")
		}), noisy: []string{"GATE-005"}, inconclusive: []string{"GATE-005"}},
		{name: "admitted in a shutdown", story: tell(launched, drained(0), func(s *story) {
			s.action(1100, history.ActionSIGTERM)
			s.hold(1200, "in")
		})},
		{name: "the client hangs up", story: tell(launched, func(s *story) {
			s.hold(100, "t")
			s.read(100.5, history.Running, 1)
		}, drained(1), func(s *story) {
			s.turn(1100, "t", history.TurnAborted)
			s.model(1101, "t", history.ModelGone)
			s.end(1102, "t", history.Aborted)
			s.read(1103, history.Draining, 0)
		})},
		{name: "the client gives up in a stall, and the gateway drops its turn", story: tell(launched, func(s *story) {
			s.hold(100, "t")
			s.read(100.5, history.Running, 1)
			s.begin(1000)
			s.stall(1001, 2900)
			s.outwaited(101, 2900.5, "t")
			s.model(2901, "t", history.ModelGone)
			s.read(2902, history.Draining, 0)
		}), noisy: []string{"GATE-004"}, inconclusive: []string{"GATE-004"}},
		{name: "the gateway drops a turn, and its client gives up in a stall", story: tell(launched, func(s *story) {
			s.hold(100, "t")
			s.read(100.5, history.Running, 1)
		}, drained(1), func(s *story) {
			s.model(1100, "t", history.ModelGone)
			s.read(1101, history.Draining, 0)
			s.stall(3000, 3500)
			s.outwaited(101, 3700, "t")
		}), violated: []string{"GATE-004"}},
		{name: "the model fails a turn", story: tell(launched, func(s *story) {
			s.turn(100, "t", history.TurnSent)
			s.add(101, history.Event{Kind: history.KindModel, Model: &history.Model{Turn: "t", Call: 1, Phase: history.ModelCalled, Fail: 500}})
			s.read(101, history.Running, 1)
		}, drained(1), func(s *story) { s.end(1100, "t", history.Failed) })},
		{name: "cut by a SIGKILL", story: tell(launched, func(s *story) {
			s.hold(100, "t")
			s.read(100.5, history.Running, 1)
		}, drained(1), func(s *story) {
			s.action(1100, history.ActionSIGKILL)
			s.process(1100.5, history.ProcessGone)
			s.model(1101, "t", history.ModelGone)
			s.end(1102, "t", history.Cut)
		})},
		{name: "cut, and perhaps before the drain", story: tell(launched, func(s *story) {
			s.hold(100, "t")
			s.read(100.5, history.Running, 1)
			s.stall(900, 1001)
			s.begin(1000)
			s.span(101, 1001, history.Event{Kind: history.KindTurn, Turn: &history.Turn{ID: "t", Phase: history.TurnEnded, Outcome: history.Cut}})
			s.read(1003, history.Draining, 0)
		}), noisy: []string{"GATE-004"}, inconclusive: []string{"GATE-004"}},
		{name: "a slow refusal", story: tell(launched, drained(0), func(s *story) {
			s.turn(1100, "r", history.TurnSent)
			s.turn(2500, "r", history.TurnEnded, func(t *history.Turn) { t.Outcome = history.Refused })
		}), violated: []string{"GATE-008"}},
		{name: "a slow refusal, in the noise", story: tell(launched, drained(0), func(s *story) {
			s.turn(1100, "r", history.TurnSent)
			s.stall(1200, 1300)
			s.turn(2500, "r", history.TurnEnded, func(t *history.Turn) { t.Outcome = history.Refused })
		}), noisy: []string{"GATE-008"}, inconclusive: []string{"GATE-008"}},
		{name: "hung while frozen", story: tell(launched, drained(0), func(s *story) {
			s.action(1050, history.ActionFreeze)
			s.turn(1100, "h", history.TurnSent)
			s.end(3100, "h", history.Hung)
			s.action(3200, history.ActionThaw)
		})},
		{name: "hung, in the noise", story: tell(launched, drained(0), func(s *story) {
			s.turn(1100, "h", history.TurnSent)
			s.stall(1200, 4000)
			s.outwaited(1100, 4100, "h")
		}), noisy: []string{"GATE-008"}, inconclusive: []string{"GATE-008"}},
		{name: "hung, and a moment of noise does not explain it", story: tell(launched, drained(0), func(s *story) {
			s.turn(1100, "h", history.TurnSent)
			s.stall(1200, 1300)
			s.outwaited(1100, 4100, "h")
		}), violated: []string{"GATE-008"}},
		{name: "a turn in flight that hangs in the noise", story: tell(launched, func(s *story) {
			s.hold(100, "t")
			s.read(100.5, history.Running, 1)
		}, drained(1), func(s *story) {
			s.model(2000, "t", history.ModelReleased)
			s.model(2001, "t", history.ModelDone)
			s.stall(2010, 5500)
			s.outwaited(2002, 5002, "t")
		}), noisy: []string{"GATE-004"}, inconclusive: []string{"GATE-004"}},
		{name: "a turn in flight that hangs in a noise beyond the end", story: tell(launched, func(s *story) {
			s.hold(100, "t")
			s.read(100.5, history.Running, 1)
		}, drained(1), func(s *story) {
			s.model(2000, "t", history.ModelReleased)
			s.model(2001, "t", history.ModelDone)
			s.outwaited(2002, 5002, "t")
			s.action(6000, history.ActionEnd)
			s.stall(2010, 9000)
		}), noisy: []string{"GATE-004"}, inconclusive: []string{"GATE-004"}},
		{name: "busy is no refusal", story: tell(launched, drained(0), func(s *story) {
			s.turn(1100, "b", history.TurnSent)
			s.end(1101, "b", history.Busy)
		}), notArose: []string{"GATE-002"}, violated: []string{"GATE-008"}},
		{name: "refused within B of the cancel", story: tell(launched, drained(0), func(s *story) {
			s.cancel(2000)
			s.refuse(2001, "r")
			s.read(2003, history.Running, 0)
		})},
		{name: "failed within B of the cancel", story: tell(launched, drained(0), func(s *story) {
			s.cancel(2000)
			s.read(2010, history.Running, 0)
			s.turn(3900, "t", history.TurnSent)
			s.end(3910, "t", history.Failed)
		})},
		{name: "failed after B of the cancel", story: tell(launched, drained(0), func(s *story) {
			s.cancel(2000)
			s.read(2010, history.Running, 0)
			s.turn(4100, "t", history.TurnSent)
			s.end(4110, "t", history.Failed)
		}), violated: []string{"GATE-011"}},
		{name: "refused at once, to a client that reads late", story: tell(launched, drained(0), refused(1210, 2900, 2901))},
		{name: "refused late, after something else had arrived", story: tell(launched, drained(0), refused(1210, 2900, 2600)), violated: []string{"GATE-008"}},
		{name: "refused late, to a client that reads later", story: tell(launched, drained(0), refused(2300, 2900, 2901)), violated: []string{"GATE-008"}},
		{name: "refused in noise, B after a cancel", story: tell(launched, drained(0), func(s *story) {
			s.cancel(2000)
			s.read(2010, history.Running, 0)
			s.stall(4000, 4050)
			s.refuse(4100, "r")
		}), noisy: []string{"GATE-011"}, inconclusive: []string{"GATE-011"}},
		{name: "refused in noise, B after a cancel, where another was taken since", story: tell(launched, drained(0), func(s *story) {
			s.cancel(2000)
			s.read(2010, history.Running, 0)
			s.hold(2020, "t")
			s.finish(2030, "t")
			s.stall(4000, 4050)
			s.refuse(4100, "r")
		}), violated: []string{"GATE-011"}},
		{name: "refused before B after a cancel, where another was taken since", story: tell(launched, drained(0), func(s *story) {
			s.cancel(2000)
			s.read(2010, history.Running, 0)
			s.hold(2020, "t")
			s.finish(2030, "t")
			s.refuse(3900, "r")
		})},
		{name: "refused in noise, B after a cancel, where another way in took one since", story: tell(launched, drained(0), func(s *story) {
			s.cancel(2000)
			s.read(2010, history.Running, 0)
			s.hold(2020, "t", stream)
			s.finish(2030, "t")
			s.stall(4000, 4050)
			s.refuse(4100, "r")
		}), noisy: []string{"GATE-011"}, inconclusive: []string{"GATE-011"}},
		{name: "an old connection ends as a turn is sent on it", story: tell(launched, drained(0), func(s *story) {
			s.cancel(2000)
			s.read(2010, history.Running, 0)
			s.turn(4100, "t", history.TurnSent, reused)
			s.end(4110, "t", history.Cut)
		})},
		{name: "hung as the next drain begins", story: tell(launched, drained(0), func(s *story) {
			s.cancel(2000)
			s.read(2010, history.Running, 0)
			s.turn(4100, "t", history.TurnSent)
			s.begin(4200)
			s.read(4210, history.Draining, 0)
			s.end(16100, "t", history.Hung)
		})},
		{name: "refused as the next drain begins", story: tell(launched, drained(0), func(s *story) {
			s.cancel(2000)
			s.read(2003, history.Running, 0)
			s.turn(4999, "r", history.TurnSent)
			s.begin(5000)
			s.end(5001, "r", history.Refused)
			s.read(5002, history.Draining, 0)
		})},
		{name: "owed work is counted in", story: tell(launched, func(s *story) {
			s.hold(100, "t")
			s.read(100.5, history.Running, 1)
		}, drained(1), func(s *story) {
			s.action(1100, history.ActionSIGKILL)
			s.process(1101, history.ProcessGone)
			s.end(1102, "t", history.Cut)
			s.up(2000, history.ActionRespawn)
			s.read(2012, history.Draining, 0)
			s.read(2030, history.Draining, 1)
			s.add(2031, history.Event{Kind: history.KindModel, Model: &history.Model{Turn: "t", Call: 2, Phase: history.ModelCalled}})
			s.refuse(2040, "r")
		}), arose: []string{"WATCH-003", "RESTART-002"}},
	})
}

// TestCountEdges are counts that a careless judge would accuse.
// In a drain that is over, or was never acknowledged, only one thing is held against a
// count: that a controller may act on it.
func TestDrainingWithNobodyOutsideADrain(t *testing.T) {
	opened := func(s *story) { s.cancel(1100) }
	caught := func(s *story) {
		s.read(1130, history.Running, 1)
		s.finish(1200, "t")
	}
	runChecks(t, []check{
		{name: "opens-before-it-says", story: tell(launched, drained(0), opened, func(s *story) {
			s.hold(1105, "t")
			s.stale(1120, history.Draining, 0)
		}, caught), violated: []string{"COUNT-003"}},
		{name: "counts those that it lets in", story: tell(launched, drained(0), opened, func(s *story) {
			s.hold(1105, "t")
			s.read(1120, history.Draining, 1)
		}, caught)},
		{name: "counts some of them", story: tell(launched, drained(0), opened, func(s *story) {
			s.hold(1105, "t")
			s.hold(1105, "u")
			s.read(1120, history.Draining, 1)
			s.read(1130, history.Running, 2)
			s.finish(1200, "t")
			s.finish(1200, "u")
		})},
		{name: "lets them in as it says so", story: tell(launched, drained(0), opened, func(s *story) {
			s.stale(1105, history.Draining, 0)
			s.hold(1105, "t")
		}, caught)},
		{name: "job-uncounted is charged for its jobs", story: tell(launched, func(s *story) {
			s.job(900, "j", 1002)
		}, drained(0), opened, func(s *story) {
			s.model(1105, "j", history.ModelCalled)
			s.stale(1120, history.Draining, 0)
			s.read(1130, history.Running, 1)
			s.model(1200, "j", history.ModelDone)
		}), notArose: []string{"COUNT-003"}},
	})
}

func TestCountEdges(t *testing.T) {
	runChecks(t, []check{
		{name: "lag while running", story: tell(launched, func(s *story) {
			s.hold(100, "t")
			s.stale(9000, history.Running, 0)
			s.read(9001, history.Running, 1)
		})},
		{name: "other turns are missing every time", story: tell(launched, func(s *story) {
			for i := range 30 { // each lags by half a second, none for 5 B
				id := string(rune('A' + i))
				at := 100 + 500*float64(i)
				s.hold(at, id)
				s.read(at+400, history.Running, 0)
				s.finish(at+450, id)
			}
		})},
		{name: "churn is counted late, always", story: tell(launched, func(s *story) {
			for i := range 30 {
				id := string(rune('A' + i))
				at := 100 + 500*float64(i)
				s.hold(at, id)
				s.finish(at+100, id)
				s.read(at+450, history.Running, 1)
			}
		})},
		{name: "released as it was read", story: tell(launched, func(s *story) {
			s.hold(100, "t")
			s.read(100.5, history.Running, 1)
			s.begin(1000)
			s.read(1003, history.Draining, 1)
			s.finish(1100, "t")
			s.span(1099.9, 1100.2, history.Event{Kind: history.KindState, State: &history.State{Publication: "file", State: history.Draining, Version: "x"}})
		})},
		{name: "called as it was read", story: tell(launched, func(s *story) {
			s.begin(1000)
			s.turn(1000.5, "t", history.TurnSent)
			s.span(1001, 1002, history.Event{Kind: history.KindModel, Model: &history.Model{Turn: "t", Call: 1, Phase: history.ModelCalled}})
			s.read(1001.5, history.Draining, 0)
		}), notArose: []string{"COUNT-003"}},
		{name: "a turn that was aborted is no witness", story: tell(launched, func(s *story) {
			s.hold(100, "t")
			s.read(100.5, history.Running, 1)
			s.turn(200, "t", history.TurnAborted)
			s.end(201, "t", history.Aborted)
			s.read(202, history.Running, 0)
		}, drained(0))},
		{name: "a restart forgets what was in flight", story: tell(launched, func(s *story) {
			s.hold(100, "t")
			s.read(100.5, history.Running, 1)
		}, drained(1), func(s *story) {
			s.action(1100, history.ActionSIGKILL)
			s.process(1101, history.ProcessGone)
			s.up(2000, history.ActionRespawn)
			s.read(2012, history.Draining, 0)
			s.stale(2500, history.Draining, 0)
		})},
		{name: "the file of the last life is not this one's", story: tell(launched, drained(0), func(s *story) {
			s.action(1100, history.ActionSIGKILL)
			s.process(1101, history.ProcessGone)
			s.cancel(1200)
			s.action(2000, history.ActionRespawn)
			s.stale(2001, history.Draining, 0)
			s.hold(2015, "t")
			s.stale(2016, history.Draining, 0)
			s.read(2017, history.Running, 1)
		})},
		{name: "cut after the spec was over", story: tell(launched, func(s *story) {
			s.hold(100, "t")
			s.stale(10200, history.Running, 0)
			s.action(10300, history.ActionEnd)
			s.end(10400, "t", history.Cut)
		}), violated: []string{"COUNT-001"}},
		{name: "sigterm on its way", story: tell(launched, func(s *story) {
			s.action(1000, history.ActionSIGTERM)
			s.read(1000.5, history.Running, 0)
			s.read(1002, history.Stopped, 0)
			s.process(1003, history.ProcessGone, exit(0))
		})},
		{name: "a cancel that overtakes the sigterm", story: tell(launched, drained(0), func(s *story) {
			s.action(2000, history.ActionSIGTERM)
			s.cancel(2010)
			s.read(2012, history.Running, 0)
			s.read(2060, history.Stopped, 0)
		})},
		{name: "a begin and a cancel that overtake the sigterm", story: tell(launched, func(s *story) {
			s.action(2000, history.ActionSIGTERM)
			s.begin(2010)
			s.read(2012, history.Draining, 0)
			s.cancel(2020)
			s.read(2022, history.Running, 0)
			s.read(2060, history.Stopped, 0)
		})},
		{name: "the death of a life is noticed in the next", story: tell(launched, func(s *story) {
			s.action(1000, history.ActionSIGKILL)
			s.life++
			s.events = append(s.events, history.Event{Seq: 900, Kind: history.KindAction, Call: ms(1100), Return: ms(1100.1), Action: &history.Action{Name: history.ActionRespawn}})
			s.life--
			s.process(1101, history.ProcessGone)
			s.life++
			s.process(1105, history.ProcessSeen)
			s.read(1120, history.Running, 0)
		})},
	})
}

// TestNobodyReadTheLastWords has nobody read the file from a gateway's end to the next
// launch: what is read first may be what the old one wrote last.
func TestNobodyReadTheLastWords(t *testing.T) {
	last := func(read bool, state string, count int) func(*story) {
		return func(s *story) {
			s.process(1520, history.ProcessGone)
			if !read {
				s.left = nil
			}
			s.up(2000, history.ActionRespawn)
			s.read(2025, state, count)
			s.read(2030, history.Running, 0)
			s.stale(9000, history.Running, 0)
		}
	}
	ended := func(s *story) { s.action(1500, history.ActionSIGTERM) }
	killed := func(s *story) {
		s.hold(1400, "t")
		s.action(1500, history.ActionSIGKILL)
		s.model(1501, "t", history.ModelGone)
		s.end(1502, "t", history.Cut)
	}
	runChecks(t, []check{
		{name: "it ended in good order", story: tell(launched, ended, last(false, history.Stopped, 0))},
		{name: "it had counted a turn", story: tell(launched, killed, last(false, history.Running, 1))},
		{name: "its last words were read", story: tell(launched, killed, last(true, history.Running, 1)), violated: []string{"COUNT-007"}},
	})
}

// TestStartEdges are restarts whose way in was seen to open late, or early.
func TestStartEdges(t *testing.T) {
	respawned := func(listening [2]float64, running, draining float64) func(*story) {
		return func(s *story) {
			s.action(1500, history.ActionSIGKILL)
			s.process(1520, history.ProcessGone)
			s.action(2000, history.ActionRespawn)
			s.process(2005, history.ProcessSeen)
			s.span(listening[0], listening[1], history.Event{Kind: history.KindProcess, Process: &history.Process{Phase: history.ProcessListening, PID: 102, Port: 8080, Inode: 14}})
			s.read(running, history.Running, 0)
			s.read(draining, history.Draining, 0)
		}
	}
	runChecks(t, []check{
		{name: "running, then draining, before it was seen to listen", story: tell(launched, drained(0), respawned([2]float64{1400, 2300}, 2010, 2020)), violated: []string{"WATCH-008"}},
		{name: "running as it begins to listen", story: tell(launched, drained(0), respawned([2]float64{2005, 2015}, 2010, 2020))},
		{name: "running while it listens", story: tell(launched, drained(0), respawned([2]float64{2005, 2008}, 2010, 2020)), violated: []string{"RESTART-001"}},
		{name: "a marker that is gone again says nothing of the start", story: tell(launched, drained(0), crashed, func(s *story) {
			s.cancel(2010)
			s.read(2030, history.Running, 0)
		}), notArose: []string{"RESTART-002"}},
		{name: "draining for the marker that was there at start, and is laid anew", story: tell(launched, drained(0), crashed, func(s *story) {
			s.read(2008, history.Starting, 0)
			s.cancel(2010)
			s.shown(ms(2025), ms(2035), history.Draining, 0)
			s.begin(2030)
			s.read(2037, history.Running, 0)
			s.read(2040, history.Draining, 0)
			s.refuse(2050, "r")
		}), arose: []string{"GATE-001"}},
		{name: "recreated: no respawn", story: tell(launched, drained(0), func(s *story) {
			s.action(1500, history.ActionRecreate)
			s.up(1600, history.ActionStart)
			s.read(1614, history.Draining, 0)
			s.process(1615, history.ProcessGone, func(p *history.Process) { p.PID = 101; p.StartTime = 1001 })
		}), notArose: []string{"RESTART-001", "RESTART-002", "STATE-008"}},
	})
}
