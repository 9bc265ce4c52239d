package monitor

import (
	"testing"

	"github.com/drainproof/drainproof/harness/history"
)

// What was to be done later may be done in the next instantiation, whose probe does not know
// whose work it is: it is no ghost there. In the same one it would be known.
func TestLaterInTheNextInstantiation(t *testing.T) {
	anew := func(s *story) {
		s.action(1000, history.ActionRecreate)
		s.stale(1050, history.Running, 0)
		s.up(1100, history.ActionStart)
		s.read(1130, history.Running, 1)
		s.read(1200, history.Running, 0)
	}
	again := func(s *story) {
		s.action(1000, history.ActionSIGKILL)
		s.process(1020, history.ProcessGone)
		s.up(1100, history.ActionRespawn)
		s.read(1130, history.Running, 1)
		s.read(1200, history.Running, 0)
	}
	job := func(s *story) { s.job(500, "j", 900) }
	ghost := []string{"COUNT-002", "COUNT-007"}
	runChecks(t, []check{
		{name: "a job", story: tell(launched, job, anew)},
		{name: "a job that was cut off", story: tell(launched, job, func(s *story) { s.call(950, "j", 1, history.ModelCalled) }, anew)},
		{name: "nothing", story: tell(launched, anew), violated: ghost},
		{name: "a job that was over", story: tell(launched, job, func(s *story) {
			s.call(910, "j", 1, history.ModelCalled)
			s.reply(920, "j", 1)
		}, anew), violated: []string{"COUNT-007"}},
		{name: "a job, respawned", story: tell(launched, job, again, func(s *story) { s.stale(12000, history.Running, 0) }), violated: []string{"COUNT-007"}},
	})
}

// A slot is claimed some instants before the model is called, and the life can end in
// between: what the gateway owed may have been in flight all the same.
func TestKilledBeforeItsModelWasCalled(t *testing.T) {
	killed := func(s *story) {
		s.kill(1200)
	}
	completed := func(status int) func(*story) {
		return func(s *story) {
			s.expect(900, "p", history.OriginBackground)
			s.complete(1100, "p", status)
			s.read(1104, history.Draining, 1)
		}
	}
	started := func(s *story) {
		s.expect(900, "p", history.OriginBackground)
		s.complete(1100, "p", 202)
		s.read(1102, history.Draining, 1)
		s.call(1103, "p", 1, history.ModelCalled)
	}
	replayed := do(cutInDrain(0), func(s *story) {
		s.read(1620, history.Draining, 1)
		s.kill(1630)
		s.up(1700, history.ActionRespawn)
		s.read(1712, history.Draining, 1)
		s.call(1713, "t", 2, history.ModelCalled)
	})
	lives := func(s *story) { s.stale(13000, history.Draining, 1) }
	jobbed := func(due float64) func(*story) {
		return func(s *story) {
			s.job(500, "j", due)
			s.action(1000, history.ActionSIGKILL)
			s.process(1020, history.ProcessGone)
			s.up(1100, history.ActionRespawn)
			s.read(1130, history.Running, 1)
			s.kill(1140)
		}
	}
	runs := func(id string, n int) func(*story) {
		return func(s *story) {
			s.backDraining(1600, 1)
			s.call(1630, id, n, history.ModelCalled)
			s.reply(1700, id, n)
			s.read(1703, history.Draining, 0)
		}
	}
	ghost := []string{"COUNT-002", "COUNT-007"}
	rises := append(ghost, "GATE-003")
	runChecks(t, []check{
		{name: "a completion", story: tell(launched, drained(0), completed(202), killed)},
		{name: "a completion without an answer", story: tell(launched, drained(0), completed(0), killed)},
		{name: "a completion that was not taken", story: tell(launched, drained(0), completed(500), killed), violated: rises},
		{name: "a completion that had the time", story: tell(launched, drained(0), completed(202), lives), violated: append(rises, "GATE-007")},
		{name: "a turn that is run again", story: tell(replayed)},
		{name: "a turn that nobody owes", story: tell(launched, drained(0), func(s *story) { s.read(1104, history.Draining, 1) }, killed), violated: rises},
		{name: "a job", story: tell(launched, jobbed(1100))},
		{name: "a job that is not due yet", story: tell(launched, jobbed(1150)), violated: ghost},
		{name: "a completion, which the next life runs", story: tell(launched, drained(0), completed(202), killed, runs("p", 1))},
		{name: "a completion that had run", story: tell(launched, drained(0), started, func(s *story) {
			s.reply(1110, "p", 1)
			s.read(1113, history.Draining, 0)
			s.kill(1300)
			s.backDraining(1400, 0)
			s.read(1450, history.Draining, 1)
			s.kill(1460)
		}), violated: []string{"COUNT-007", "GATE-003"}},
		{name: "a completion, cut off in the life before", story: tell(launched, drained(0), started, func(s *story) {
			s.kill(1200)
			s.call(1202, "p", 1, history.ModelGone)
			s.backDraining(1300, 0)
			s.read(1350, history.Draining, 1)
			s.kill(1360)
		}, runs("p", 2))},
		{name: "a completion, killed at once and started again late", story: tell(launched, drained(0), completed(202), killed, func(s *story) {
			s.backDraining(15000, 0)
		})},
		{name: "a turn that is run again, and once more", story: tell(replayed, func(s *story) {
			s.stale(1900, history.Draining, 1)
			s.reply(2000, "t", 2)
			s.read(2003, history.Draining, 0)
		})},
		{name: "a job that waited for the end of a drain", story: tell(launched, func(s *story) { s.job(500, "j", 1200) }, drained(0), func(s *story) {
			s.stale(19990, history.Draining, 0)
			s.cancel(20000)
			s.read(20003, history.Running, 0)
			s.read(20005, history.Running, 1)
			s.kill(20010)
		})},
		{name: "a job, long before its instantiation is made anew", story: tell(launched, func(s *story) {
			s.job(500, "j", 60000)
			s.read(900, history.Running, 1)
			s.read(910, history.Running, 0)
			s.stale(3990, history.Running, 0)
			s.action(4000, history.ActionRecreate)
			s.up(4100, history.ActionStart)
			s.read(4130, history.Running, 0)
		}), violated: ghost},
	})
}

// What the gateway began by itself and was killed over, twice, may have been in flight in each
// of these lives, and not only in the last.
func TestCutOffTwice(t *testing.T) {
	lives := func(counted int) func(*story) {
		return func(s *story) {
			s.job(500, "j", 900)
			for i, at := range []float64{1000, 2000, 3000} {
				s.call(at-50, "j", i+1, history.ModelCalled)
				s.action(at, history.ActionSIGKILL)
				s.process(at+20, history.ProcessGone)
				s.up(at+100, history.ActionRespawn)
				s.read(at+120, history.Running, counted)
			}
			s.call(3130, "j", 4, history.ModelCalled)
			s.reply(3140, "j", 4)
			s.read(3150, history.Running, 0)
		}
	}
	runChecks(t, []check{
		{name: "it alone", story: tell(launched, lives(1))},
		{name: "and a ghost", story: tell(launched, lives(2)), violated: []string{"COUNT-002", "COUNT-007"}},
	})
}

// What the gateway wrote last before its instantiation was made anew is no word of the next
// one, whether it was read in between or not.
func TestLeftByTheLastInstantiation(t *testing.T) {
	anew := func(read bool) func(*story) {
		return func(s *story) {
			s.read(990, history.Running, 0)
			s.action(1000, history.ActionRecreate)
			if read {
				s.read(1010, history.Running, 1)
				s.stale(1050, history.Running, 1)
			}
			s.action(1100, history.ActionStart)
			if read {
				s.stale(1102, history.Running, 1)
			} else {
				s.read(1102, history.Running, 1)
			}
			s.process(1105, history.ProcessSeen)
			s.process(1115, history.ProcessListening, socket(99))
			s.action(1120, history.ActionReady)
		}
	}
	ghost := func(s *story) { s.read(1130, history.Running, 1); s.read(1150, history.Running, 0) }
	runChecks(t, []check{
		{name: "read", story: tell(launched, anew(true), func(s *story) { s.read(1130, history.Running, 0) })},
		{name: "unread", story: tell(launched, anew(false), func(s *story) { s.read(1130, history.Running, 0) })},
		{name: "and a ghost", story: tell(launched, anew(true), ghost), violated: []string{"COUNT-002", "COUNT-007"}},
		{name: "and a ghost, unread", story: tell(launched, anew(false), ghost), violated: []string{"COUNT-002", "COUNT-007"}},
	})
}

// An instantiation takes the word of what was sent to it last along with its probe. The next
// one runs that again, and its model is called for turns that nobody told of.
func TestNobodyToldOf(t *testing.T) {
	strange := func(at float64) func(*story) {
		return func(s *story) {
			for i, phase := range []history.ModelPhase{history.ModelCalled, history.ModelDone} {
				s.add(at+float64(i), history.Event{Kind: history.KindModel, Model: &history.Model{Call: 1, Phase: phase, Auxiliary: true}})
			}
		}
	}
	anew := func(s *story) {
		s.action(1000, history.ActionRecreate)
		s.stale(1050, history.Running, 0)
		s.up(1100, history.ActionStart)
	}
	again := func(s *story) {
		s.action(1000, history.ActionSIGKILL)
		s.process(1020, history.ProcessGone)
		s.up(1100, history.ActionRespawn)
	}
	counted := func(at float64, state string) func(*story) {
		return func(s *story) {
			s.read(at, state, 1)
			s.read(at+100, state, 0)
		}
	}
	ghost := []string{"COUNT-002", "COUNT-007"}
	runChecks(t, []check{
		{name: "in the next instantiation", story: tell(launched, anew, counted(1130, history.Running), strange(1140))},
		{name: "after a respawn in it", story: tell(launched, anew, func(s *story) {
			s.read(1130, history.Running, 0)
			s.action(2000, history.ActionSIGKILL)
			s.process(2020, history.ProcessGone)
			s.up(2100, history.ActionRespawn)
		}, counted(2130, history.Running), strange(2140))},
		{name: "two, and one call", story: tell(launched, anew, func(s *story) {
			s.read(1130, history.Running, 2)
			s.read(1230, history.Running, 0)
		}, strange(1140)), violated: ghost},
		{name: "in the same instantiation", story: tell(launched, again, counted(1130, history.Running), strange(1140)), violated: ghost},
		{name: "long before", story: tell(launched, anew, strange(1140), func(s *story) {
			s.read(1150, history.Running, 0)
		}, counted(22000, history.Running)), violated: []string{"COUNT-002"}},
		{name: "in a drain", story: tell(launched, func(s *story) { s.begin(900) }, anew, func(s *story) {
			s.read(1130, history.Draining, 0)
		}, counted(1135, history.Draining), strange(1140))},
		{name: "in a drain, in the same instantiation", story: tell(launched, func(s *story) { s.begin(900) }, again, func(s *story) {
			s.read(1130, history.Draining, 0)
		}, counted(1135, history.Draining), strange(1140)), violated: []string{"COUNT-002", "COUNT-007", "GATE-003"}},
	})
}
