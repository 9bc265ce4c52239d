package monitor

import (
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/history"
)

// durable says that the turn's ingress owes it after a crash.
func durable(t *history.Turn) { t.Durable = true }

// expect announces a turn that the gateway starts by itself.
func (s *story) expect(at float64, id, origin string) {
	s.turn(at, id, history.TurnExpected, func(t *history.Turn) { t.Origin = origin })
}

// job schedules a job that is due at an instant and may be 500 ms late.
func (s *story) job(at float64, id string, due float64) {
	s.expect(at, id, history.OriginJob)
	s.turn(at+1, id, history.TurnArranged, func(t *history.Turn) {
		t.Status, t.Due, t.Late = 201, ms(due), 500*time.Millisecond
	})
}

// complete ends a background process; the answer has the status.
func (s *story) complete(at float64, id string, status int) {
	s.turn(at, id, history.TurnArranged, func(t *history.Turn) {
		t.Status = status
		if status/100 != 2 {
			t.Outcome = history.Failed
		}
	})
}

// call is the n-th model call of a turn.
func (s *story) call(at float64, id string, n int, phase history.ModelPhase, more ...func(*history.Model)) {
	m := &history.Model{Turn: id, Call: n, Phase: phase}
	for _, f := range more {
		f(m)
	}
	s.add(at, history.Event{Kind: history.KindModel, Model: m})
}

// reply answers the n-th call of a turn.
func (s *story) reply(at float64, id string, n int) {
	s.call(at, id, n, history.ModelReleased)
	s.call(at+1, id, n, history.ModelDone)
}

// kill ends the gateway at once, with the turns whose calls it had open.
func (s *story) kill(at float64, cut ...string) {
	s.action(at, history.ActionSIGKILL)
	s.process(at+1, history.ProcessGone)
	for _, id := range cut {
		s.call(at+2, id, 1, history.ModelGone)
		s.end(at+3, id, history.Cut)
	}
}

// backDraining respawns the gateway in a drain, with the count.
func (s *story) backDraining(at float64, count int) {
	s.up(at, history.ActionRespawn)
	s.read(at+8, history.Starting, count)
	s.read(at+12, history.Draining, count)
}

// cutInDrain holds a durable turn, drains, kills at 1500 and respawns at 1600.
func cutInDrain(count int) func(*story) {
	return do(launched, func(s *story) {
		s.hold(100, "t", durable)
		s.read(101, history.Running, 1)
	}, drained(1), func(s *story) {
		s.kill(1500, "t")
		s.backDraining(1600, count)
	})
}

func TestReplays(t *testing.T) {
	replayed := func(s *story) {
		s.call(1630, "t", 2, history.ModelCalled)
		s.stale(1900, history.Draining, 1)
		s.reply(2000, "t", 2)
		s.read(2003, history.Draining, 0)
	}
	runChecks(t, []check{
		{name: "right", story: tell(cutInDrain(1), replayed, func(s *story) {
			s.kill(2500)
			s.backDraining(2600, 0)
			s.stale(9000, history.Draining, 0)
			s.cancel(9100)
			s.read(9103, history.Running, 0)
		}), arose: []string{"RESTART-004", "GATE-007"}},

		// The second kill came before anybody could know that it was over.
		{name: "run again because it may not have been over", story: tell(cutInDrain(1), func(s *story) {
			s.call(1630, "t", 2, history.ModelCalled)
			s.reply(2000, "t", 2)
			s.kill(2010)
			s.backDraining(2100, 1)
			s.call(2130, "t", 3, history.ModelCalled)
			s.reply(2200, "t", 3)
			s.read(2203, history.Draining, 0)
		}), arose: []string{"RESTART-004"}},
		{name: "not run again although it may not have been over", story: tell(cutInDrain(1), func(s *story) {
			s.call(1630, "t", 2, history.ModelCalled)
			s.reply(2000, "t", 2)
			s.kill(2010)
			s.backDraining(2100, 0)
			s.stale(20_000, history.Draining, 0)
		}), arose: []string{"RESTART-004"}},
		{name: "cut off a second time, and lost", story: tell(cutInDrain(1), func(s *story) {
			s.call(1630, "t", 2, history.ModelCalled)
			s.kill(2000)
			s.call(2001, "t", 2, history.ModelGone)
			s.backDraining(2100, 0)
			s.stale(20_000, history.Draining, 0)
		}), violated: []string{"RESTART-004"}},
		{name: "cut off a second time", story: tell(cutInDrain(1), func(s *story) {
			s.call(1630, "t", 2, history.ModelCalled)
			s.kill(2000)
			s.call(2001, "t", 2, history.ModelGone)
			s.backDraining(2100, 1)
			s.call(2130, "t", 3, history.ModelCalled)
			s.reply(2200, "t", 3)
			s.read(2203, history.Draining, 0)
		}), arose: []string{"RESTART-004"}},

		{name: "replay-twice", story: tell(cutInDrain(1), replayed, func(s *story) {
			s.kill(2500)
			s.backDraining(2600, 1)
			s.call(2630, "t", 3, history.ModelCalled)
			s.reply(2640, "t", 3)
			s.read(2650, history.Draining, 0)
		}), violated: []string{"RESTART-004"}},
		{name: "replay-twice, and 0 was not read in between", story: tell(cutInDrain(1), func(s *story) {
			s.call(1630, "t", 2, history.ModelCalled)
			s.reply(2000, "t", 2)
			s.kill(4100)
			s.backDraining(4200, 1)
			s.call(4230, "t", 3, history.ModelCalled)
		}), violated: []string{"RESTART-004"}},
		{name: "twice at once", story: tell(cutInDrain(1), replayed, func(s *story) {
			s.call(1631, "t", 3, history.ModelCalled)
			s.reply(2001, "t", 3)
		}), violated: []string{"RESTART-004"}},
		// What an ordinary turn takes shows that this gateway asks twice for each.
		{name: "a gateway that asks for a title as well", story: tell(launched, func(s *story) {
			s.hold(50, "o")
			s.read(51, history.Running, 1)
			s.model(60, "o", history.ModelReleased)
			s.model(61, "o", history.ModelDone)
			s.call(62, "o", 2, history.ModelCalled)
			s.reply(63, "o", 2)
			s.end(66, "o", history.Finished)
			s.hold(100, "t", durable)
			s.read(101, history.Running, 1)
		}, drained(1), func(s *story) {
			s.kill(1500, "t")
			s.backDraining(1600, 1)
		}, replayed, func(s *story) {
			s.call(2002, "t", 3, history.ModelCalled)
			s.reply(2002.2, "t", 3)
		}), arose: []string{"RESTART-004"}},

		{name: "replay-lost", story: tell(cutInDrain(0), func(s *story) {
			s.stale(11700, history.Draining, 0)
		}), violated: []string{"RESTART-004"}, notArose: []string{"GATE-007"}},
		{name: "replay-lost, while the machine stood still", story: tell(cutInDrain(0), func(s *story) {
			s.stall(3000, 11_000)
			s.stale(11700, history.Draining, 0)
		}), noisy: []string{"RESTART-004"}, inconclusive: []string{"RESTART-004"}},
		{name: "killed again before it had to be run again", story: tell(cutInDrain(0), func(s *story) {
			s.kill(11000)
			s.backDraining(11100, 0)
			s.stale(20000, history.Draining, 0)
		}), notArose: []string{"RESTART-004"}},
		{name: "recovery-gated", story: tell(cutInDrain(0), func(s *story) {
			s.stale(11700, history.Draining, 0)
			s.cancel(12000)
			s.read(12003, history.Running, 0)
			s.read(12004, history.Running, 1)
			s.call(12005, "t", 2, history.ModelCalled)
			s.reply(12100, "t", 2)
			s.read(12103, history.Running, 0)
		}), violated: []string{"GATE-007"}},
		{name: "slow, and the cancel came first", story: tell(cutInDrain(0), func(s *story) {
			s.cancel(5000)
			s.read(5003, history.Running, 0)
			s.read(5004, history.Running, 1)
			s.call(5005, "t", 2, history.ModelCalled)
			s.reply(5100, "t", 2)
			s.read(5103, history.Running, 0)
		}), arose: []string{"RESTART-004"}, notArose: []string{"GATE-007"}},

		{name: "a replay that is not counted", story: tell(cutInDrain(0), func(s *story) {
			s.call(1630, "t", 2, history.ModelCalled)
			s.stale(1900, history.Draining, 0)
			s.reply(2000, "t", 2)
		}), violated: []string{"RESTART-004"}},
		// Nothing is counted: that is not about replays.
		{name: "neither replays nor turns are counted", story: tell(cutInDrain(0), func(s *story) {
			s.call(1630, "t", 2, history.ModelCalled)
			s.cancel(1700)
			s.read(1703, history.Running, 0)
			s.hold(1710, "u")
		}, func(s *story) {
			s.begin(1800)
			s.read(1803, history.Draining, 0)
		}), violated: []string{"COUNT-003"}},

		{name: "nothing is owed: not durable", story: tell(launched, func(s *story) {
			s.hold(100, "t")
			s.read(101, history.Running, 1)
			s.kill(500, "t")
			s.up(600, history.ActionRespawn)
			s.read(630, history.Running, 0)
			s.stale(20000, history.Running, 0)
		}), notArose: []string{"RESTART-004", "GATE-007"}},
		{name: "nothing is owed: the model had replied", story: tell(launched, func(s *story) {
			s.hold(100, "t", durable)
			s.read(101, history.Running, 1)
			s.model(490, "t", history.ModelReleased)
			s.model(491, "t", history.ModelDone)
			s.kill(500)
			s.end(503, "t", history.Cut)
			s.up(600, history.ActionRespawn)
			s.read(630, history.Running, 0)
			s.stale(20000, history.Running, 0)
		}), notArose: []string{"RESTART-004"}},
		{name: "nothing is owed: the client went away", story: tell(launched, func(s *story) {
			s.hold(100, "t", durable)
			s.read(101, history.Running, 1)
			s.turn(400, "t", history.TurnAborted)
			s.end(401, "t", history.Aborted)
			s.kill(500)
			s.up(600, history.ActionRespawn)
			s.read(630, history.Running, 0)
			s.stale(20000, history.Running, 0)
		}), notArose: []string{"RESTART-004"}},
		{name: "a shutdown waits for a turn that is run again", story: tell(cutInDrain(1), func(s *story) {
			s.call(1630, "t", 2, history.ModelCalled)
			s.action(1700, history.ActionSIGTERM)
			s.read(1702, history.Stopping, 1)
			s.reply(15000, "t", 2)
			s.read(15002, history.Stopped, 0)
			s.process(15010, history.ProcessGone, exit(0))
			s.stale(16000, history.Stopped, 0)
		}), arose: []string{"STATE-011", "RESTART-004"}},
	})
}

func TestCompletions(t *testing.T) {
	// started says that a process was started, and completed as it should be, while
	// nothing drained.
	started := do(launched, func(s *story) {
		s.expect(50, "b1", history.OriginBackground)
		s.complete(60, "b1", 202)
		s.call(62, "b1", 1, history.ModelCalled)
		s.read(63, history.Running, 1)
		s.reply(70, "b1", 1)
		s.read(72, history.Running, 0)
		s.expect(500, "b2", history.OriginBackground)
	}, drained(0))
	runChecks(t, []check{
		{name: "right", story: tell(started, func(s *story) {
			s.complete(1100, "b2", 202)
			s.read(1101, history.Draining, 1)
			s.call(1102, "b2", 1, history.ModelCalled)
			s.stale(1200, history.Draining, 1)
			s.reply(1300, "b2", 1)
			s.read(1302, history.Draining, 0)
		}), arose: []string{"GATE-007", "COUNT-003"}},
		{name: "background-gated: run after the cancel", story: tell(started, func(s *story) {
			s.complete(1100, "b2", 202)
			s.stale(11200, history.Draining, 0)
			s.cancel(11300)
			s.read(11303, history.Running, 1)
			s.call(11305, "b2", 1, history.ModelCalled)
			s.reply(11310, "b2", 1)
			s.read(11312, history.Running, 0)
		}), violated: []string{"GATE-007"}},
		{name: "background-gated: never run", story: tell(started, func(s *story) {
			s.complete(1100, "b2", 202)
			s.stale(11200, history.Draining, 0)
		}), violated: []string{"GATE-007"}},
		{name: "background-gated: the completion is refused", story: tell(started, func(s *story) {
			s.complete(1100, "b2", 503)
			s.stale(1200, history.Draining, 0)
		}), violated: []string{"GATE-007"}},
		{name: "refused, as it may be anywhere on this target", story: tell(launched, drained(0), func(s *story) {
			s.expect(1050, "b2", history.OriginBackground)
			s.complete(1100, "b2", 404)
			s.stale(20000, history.Draining, 0)
		}), notArose: []string{"GATE-007"}},
		{name: "the cancel came too soon to tell", story: tell(started, func(s *story) {
			s.complete(1100, "b2", 202)
			s.cancel(1200)
			s.read(1203, history.Running, 1)
			s.call(1205, "b2", 1, history.ModelCalled)
			s.reply(1210, "b2", 1)
			s.read(1212, history.Running, 0)
		}), notArose: []string{"GATE-007"}},
		{name: "not counted", story: tell(started, func(s *story) {
			s.complete(1100, "b2", 202)
			s.call(1102, "b2", 1, history.ModelCalled)
			s.stale(1200, history.Draining, 0)
		}), violated: []string{"COUNT-003"}, arose: []string{"GATE-007"}},
	})
}

func TestJobs(t *testing.T) {
	// busy has a job and a turn in flight when the drain begins, the readings at 1003
	// and after show the count; another job falls due at 2000.
	busy := func(count int) func(*story) {
		return do(launched, func(s *story) {
			s.hold(100, "t")
			s.read(101, history.Running, 1)
			s.job(110, "j1", 300)
			s.read(301, history.Running, count)
			s.call(302, "j1", 1, history.ModelCalled)
			s.job(900, "j2", 2000)
		}, drained(count), func(s *story) {
			s.stale(1400, history.Draining, count)
			s.finish(1500, "t")
			s.read(1503, history.Draining, count-1)
			s.reply(1600, "j1", 1)
			s.read(1602, history.Draining, 0)
		})
	}
	cancelled := func(s *story) {
		s.stale(2990, history.Draining, 0)
		s.cancel(3000)
		s.read(3003, history.Running, 0)
	}
	ran := func(s *story) {
		s.read(3100, history.Running, 1)
		s.call(3101, "j2", 1, history.ModelCalled)
		s.reply(3200, "j2", 1)
		s.read(3202, history.Running, 0)
	}
	runChecks(t, []check{
		{name: "right", story: tell(busy(2), cancelled, ran, func(s *story) { s.stale(4500, history.Running, 0) }),
			arose: []string{"SCHEDULED-001", "SCHEDULED-002", "SCHEDULED-003"}},
		{name: "schedule-ungated", story: tell(busy(2), func(s *story) {
			s.read(2001, history.Draining, 1)
			s.call(2002, "j2", 1, history.ModelCalled)
			s.reply(2500, "j2", 1)
			s.read(2502, history.Draining, 0)
		}, cancelled), violated: []string{"SCHEDULED-001"}},
		{name: "due before draining was read", story: tell(launched, func(s *story) {
			s.job(900, "j", 1002)
		}, drained(0), func(s *story) {
			s.read(1004, history.Draining, 1)
			s.call(1005, "j", 1, history.ModelCalled)
			s.reply(1100, "j", 1)
			s.read(1102, history.Draining, 0)
			s.stale(3000, history.Draining, 0)
		}), notArose: []string{"SCHEDULED-001", "SCHEDULED-003"}},
		{name: "job-uncounted", story: tell(busy(1), cancelled, ran), violated: []string{"SCHEDULED-002"}},
		{name: "job-uncounted, while running", story: tell(launched, func(s *story) {
			s.job(100, "j", 300)
			s.call(302, "j", 1, history.ModelCalled)
			s.stale(11000, history.Running, 0)
		}), violated: []string{"SCHEDULED-002"}},
		{name: "a count of 0 for all is not about jobs", story: tell(launched, func(s *story) {
			s.hold(100, "t")
			s.read(101, history.Running, 1)
			s.job(110, "j", 300)
			s.read(301, history.Running, 2)
			s.call(302, "j", 1, history.ModelCalled)
			s.begin(1000)
			s.read(1003, history.Draining, 0)
		}), violated: []string{"COUNT-003", "STATE-009"}},
		{name: "job-lost", story: tell(busy(2), cancelled, func(s *story) { s.stale(13100, history.Running, 0) }),
			violated: []string{"SCHEDULED-003"}},
		{name: "too soon to call it lost", story: tell(busy(2), cancelled, func(s *story) { s.stale(12900, history.Running, 0) }),
			notArose: []string{"SCHEDULED-003"}},
		{name: "another drain came first", story: tell(busy(2), cancelled, func(s *story) {
			s.begin(5000)
			s.read(5003, history.Draining, 0)
			s.stale(14000, history.Draining, 0)
		}), notArose: []string{"SCHEDULED-003"}},
		{name: "job-lost, before the next instantiation", story: tell(busy(2), func(s *story) {
			s.cancel(2000)
			s.read(2003, history.Running, 0)
			s.stale(20000, history.Running, 0)
			s.action(20100, history.ActionRecreate)
			s.up(20200, history.ActionStart)
			s.read(20230, history.Running, 0)
		}), violated: []string{"SCHEDULED-003"}},
		{name: "run twice", story: tell(busy(2), cancelled, ran, func(s *story) {
			s.read(3300, history.Running, 1)
			s.call(3301, "j2", 2, history.ModelCalled)
			s.reply(3302, "j2", 2)
			s.read(3310, history.Running, 0)
		}), violated: []string{"SCHEDULED-003"}},
		{name: "run once, with a tool", story: tell(busy(2), cancelled, func(s *story) {
			s.read(3100, history.Running, 1)
			s.call(3101, "j2", 1, history.ModelCalled)
			s.call(3102, "j2", 1, history.ModelReleased)
			s.call(3103, "j2", 1, history.ModelDone, func(m *history.Model) { m.Tool = "clock" })
			s.call(3104, "j2", 2, history.ModelCalled)
			s.reply(3105, "j2", 2)
			s.read(3110, history.Running, 0)
		}), arose: []string{"SCHEDULED-003"}},
		{name: "a job that was not taken", story: tell(launched, func(s *story) {
			s.expect(100, "j", history.OriginJob)
			s.turn(101, "j", history.TurnArranged, func(t *history.Turn) { t.Status, t.Due = 400, ms(2000) })
		}, drained(0), cancelled, func(s *story) { s.stale(20000, history.Running, 0) }), notArose: []string{"SCHEDULED-001", "SCHEDULED-003"}},
		{name: "the gateway was respawned in the drain", story: tell(busy(2), func(s *story) {
			s.kill(1700)
			s.backDraining(1800, 0)
			s.stale(2990, history.Draining, 0)
			s.cancel(3000)
			s.read(3003, history.Running, 0)
		}, ran), arose: []string{"SCHEDULED-001", "SCHEDULED-003"}},
		{name: "job-lost, in the next instantiation", story: tell(busy(2), func(s *story) {
			s.action(1700, history.ActionRecreate)
			s.up(1800, history.ActionStart)
			s.read(1830, history.Draining, 0)
			s.stale(2990, history.Draining, 0)
			s.cancel(3000)
			s.read(3003, history.Running, 0)
			s.stale(20000, history.Running, 0)
		}), notArose: []string{"SCHEDULED-003"}},
		{name: "and started the job under the marker", story: tell(busy(2), func(s *story) {
			s.kill(1700)
			s.backDraining(1800, 0)
			s.read(2001, history.Draining, 1)
			s.call(2002, "j2", 1, history.ModelCalled)
			s.reply(2500, "j2", 1)
			s.read(2502, history.Draining, 0)
		}, cancelled), violated: []string{"SCHEDULED-001"}},
	})
}

// A client waits for the end of a turn in one long read that began before the drain;
// a stall leaves open when it was over, unless the gateway still took the model's
// answer.
func TestStepsInADrain(t *testing.T) {
	step := func(at float64) func(*story) {
		return do(launched, func(s *story) {
			s.hold(990, "t")
			s.read(991, history.Running, 1)
		}, drained(1), func(s *story) {
			s.stall(1020, 1045)
			s.call(at, "t", 1, history.ModelReleased)
			s.call(at+1, "t", 1, history.ModelDone, func(m *history.Model) { m.Tool = "clock" })
		})
	}
	failed := func(s *story) {
		s.span(992, 1105, history.Event{Kind: history.KindTurn, Turn: &history.Turn{ID: "t", Phase: history.TurnEnded, Ingress: "chat", Outcome: history.Failed}})
		s.read(1106, history.Draining, 0)
		s.stale(2000, history.Draining, 0)
	}
	runChecks(t, []check{
		{name: "right", story: tell(step(1100), func(s *story) {
			s.call(1102, "t", 2, history.ModelCalled)
			s.reply(1102.2, "t", 2)
			s.end(1104, "t", history.Finished)
			s.read(1106, history.Draining, 0)
			s.stale(2000, history.Draining, 0)
		}), arose: []string{"GATE-004"}},
		{name: "block-substeps", story: tell(step(1100), failed), violated: []string{"GATE-004"}},
		{name: "it may have failed before", story: tell(step(998), failed), noisy: []string{"GATE-004"}, inconclusive: []string{"GATE-004"}},
	})
}
