package monitor

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/history"
)

// atOffsets tells a story at instants that lie a nanosecond apart, and wants exactly these
// charged at each.
func atOffsets(t *testing.T, name string, told func(s *story, off time.Duration), wants map[time.Duration][]string) {
	t.Helper()
	for off, want := range wants {
		t.Run(fmt.Sprintf("%s, %d ns past the instant", name, off), func(t *testing.T) {
			if got := tell(func(s *story) { told(s, off) }).judge(t).where(violated); !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

// ghosts are charged where a count is of turns that cannot be.
var ghosts = []string{"COUNT-002", "COUNT-007"}

// TestAnnouncementsAtAnInstant are shutdowns, and what is asked of them, that meet.
func TestAnnouncementsAtAnInstant(t *testing.T) {
	announcing := func(s *story) {
		s.declares(0, "notify")
		launched(s)
	}
	silent := history.Expectation{Case: "expired", Tests: "EXPIRY-001", Drains: history.MustNot, Keeps: history.MustNot, Silences: true}
	shut := func(s *story, at float64) {
		s.action(at, history.ActionSIGTERM)
		s.read(at+2, history.Stopped, 0)
		s.process(at+60, history.ProcessGone)
	}
	long := func(s *story, at float64) { s.stale(at+11_000, history.Stopped, 0) }
	runLimits(t, []limit{
		{name: "told to end once the marker is stale", charged: "NOTIFY-002", story: func(s *story, off time.Duration) {
			announcing(s)
			s.lays(1999, silent)
			laid := s.returned()
			s.read(2002, history.Stopped, 0)
			s.process(2060, history.ProcessGone)
			long(s, 2000)
			s.action(1999, history.ActionSIGTERM)
			s.from(laid.Add(off))
		}},
		{name: "a stale marker is removed once the process is gone", charged: "NOTIFY-002", story: func(s *story, off time.Duration) {
			announcing(s)
			s.lays(1000, silent)
			shut(s, 2000)
			gone := s.returned()
			s.cancel(2060)
			s.from(gone.Add(off))
			long(s, 2000)
		}},
		{name: "a stale marker is laid once the process is gone", charged: "NOTIFY-001", story: func(s *story, off time.Duration) {
			announcing(s)
			shut(s, 2000)
			gone := s.returned()
			s.lays(2060, silent)
			s.from(gone.Add(off))
			long(s, 2000)
		}},
		{name: "a stale marker is gone when the next life begins", charged: "NOTIFY-001", early: true, story: func(s *story, off time.Duration) {
			announcing(s)
			s.lays(1000, silent)
			s.kill(1500)
			s.up(2000, history.ActionRespawn)
			s.cancel(2000)
			s.upTo(ms(2000).Add(off))
			s.read(2030, history.Running, 0)
			shut(s, 3000)
			long(s, 3000)
		}},
		{name: "a silent drain is over when the next life begins", charged: "NOTIFY-001", early: true, story: func(s *story, off time.Duration) {
			announcing(s)
			s.lays(1000, history.Expectation{Silences: true})
			s.read(1003, history.Draining, 0)
			s.kill(1500)
			s.up(2000, history.ActionRespawn)
			s.cancel(2000)
			s.upTo(ms(2000).Add(1 + off)) // at the instant itself it is
			s.action(3000, history.ActionSIGTERM)
			s.process(3060, history.ProcessGone)
			s.stale(14_000, history.Draining, 0)
		}},
		{name: "announced from the signal on", charged: "NOTIFY-001", early: true, story: func(s *story, off time.Duration) {
			announcing(s)
			shut(s, 2000)
			s.tells(2000, true)
			s.from(ms(2000).Add(off))
			long(s, 2000)
		}},
		{name: "announced before the next life", charged: "NOTIFY-001", story: func(s *story, off time.Duration) {
			announcing(s)
			shut(s, 2000)
			s.up(14_000, history.ActionRespawn)
			s.tells(14_000, true)
			s.upTo(ms(14_000).Add(off))
			s.read(14_030, history.Running, 0)
		}},
	})
	runChecks(t, []check{
		{name: "gone by the instant of the signal", story: tell(announcing, func(s *story) {
			s.read(1990, history.Stopped, 0)
			s.action(2000, history.ActionSIGTERM)
			s.process(2000, history.ProcessGone)
			s.upTo(ms(2000))
			long(s, 2000)
		}), notArose: []string{"NOTIFY-001"}},
	})
}

// TestRunAgainAtAnInstant are turns that are run again, up to where that is certain.
func TestRunAgainAtAnInstant(t *testing.T) {
	runLimits(t, []limit{
		{name: "it ends after a turn that was run again", charged: "STATE-011", story: func(s *story, off time.Duration) {
			cutInDrain(1)(s)
			s.call(1630, "t", 2, history.ModelCalled)
			s.action(1700, history.ActionSIGTERM)
			s.read(1702, history.Stopping, 1)
			s.reply(2000, "t", 2)
			due := s.returned().Add(grace)
			s.read(2003, history.Stopping, 0)
			s.stale(12_001, history.Stopping, 0)
			s.upTo(due.Add(off))
		}},
		{name: "hung up on before the next kill", charged: "RESTART-004", instead: "GATE-004", story: func(s *story, off time.Duration) {
			cutInDrain(1)(s)
			s.call(1630, "t", 2, history.ModelCalled)
			s.read(1700, history.Draining, 0)
			s.kill(2000)
			s.call(2000, "t", 2, history.ModelGone)
			s.upTo(ms(2000).Add(off))
		}},
	})
	runChecks(t, []check{
		{name: "let go by the model right before the kill", story: tell(launched, func(s *story) {
			s.hold(100, "t", durable)
			s.read(101, history.Running, 1)
		}, drained(1), func(s *story) {
			s.model(1400, "t", history.ModelReleased)
			s.read(1402, history.Draining, 0)
			s.kill(1500, "t")
			s.backDraining(1600, 1)
			s.call(1630, "t", 2, history.ModelCalled)
			s.reply(1700, "t", 2)
			s.read(1703, history.Draining, 0)
		}), notArose: []string{"RESTART-004"}},
		{name: "run again, told to end, and run once more", story: tell(cutInDrain(1), func(s *story) {
			s.call(1630, "t", 2, history.ModelCalled)
			s.reply(2000, "t", 2)
			s.read(2003, history.Draining, 0)
			s.action(2500, history.ActionSIGTERM)
		}, leaves(2510, 0), func(s *story) {
			s.backDraining(2600, 1)
			s.call(2630, "t", 3, history.ModelCalled)
			s.reply(2700, "t", 3)
			s.read(2703, history.Draining, 0)
		}), violated: []string{"RESTART-004"}},
	})
}

// TestTakenUpAtAnInstant are counts of one in which work of the gateway's own may be, which
// was killed before its model was called.
func TestTakenUpAtAnInstant(t *testing.T) {
	// counted has the job counted once a drain is over, and the gateway killed.
	counted := func(s *story) {
		s.read(20_003, history.Running, 0)
		s.read(20_005, history.Running, 1)
		s.kill(20_010)
	}
	atOffsets(t, "a job falls due as the count is read", func(s *story, off time.Duration) {
		launched(s)
		s.job(500, "j", 2000)
		s.read(2000, history.Running, 1)
		s.upTo(ms(2000).Add(off))
	}, map[time.Duration][]string{-1: ghosts, 0: nil})
	atOffsets(t, "a completion has the grace", func(s *story, off time.Duration) {
		launched(s)
		s.expect(900, "p", history.OriginBackground)
		s.complete(1000, "p", 202)
		due := s.returned().Add(grace)
		s.read(1104, history.Running, 1)
		s.stale(11_000, history.Running, 1)
		s.upTo(due.Add(off))
	}, map[time.Duration][]string{0: nil, 1: ghosts})
	runChecks(t, []check{
		{name: "a drain begins at the last instant at which the job may start", story: tell(launched, func(s *story) {
			s.job(500, "j", 1200)
			s.begin(1700 + 10_000)
			s.read(11_703, history.Draining, 0)
			s.stale(19_990, history.Draining, 0)
			s.cancel(20_000)
		}, counted)},
		{name: "a drain begins when the job should have started long ago", story: tell(launched, func(s *story) {
			s.job(500, "j", 1200)
			s.begin(1700.01 + 10_000)
			s.read(11_703, history.Draining, 0)
			s.stale(19_990, history.Draining, 0)
			s.cancel(20_000)
		}, counted), violated: ghosts},
		{name: "the kill comes as the drain is taken back", story: tell(launched, func(s *story) { s.job(500, "j", 1200) }, drained(0), func(s *story) {
			s.stale(19_990, history.Draining, 0)
			s.span(20_000, 20_020, history.Event{Kind: history.KindMarker, Marker: &history.Marker{Op: history.OpCancel, Existed: true}})
		}, counted)},
	})
	runLimits(t, []limit{
		{name: "its client was cut off by the life before, and notices in the next", charged: "COUNT-004", instead: "COUNT-002", story: func(s *story, off time.Duration) {
			launched(s)
			s.kill(990)
			s.turn(999, "t", history.TurnSent)
			s.upTo(ms(1000).Add(off - 1))
			s.up(1000, history.ActionRespawn)
			s.end(1020, "t", history.Cut)
			s.read(1030, history.Running, 1)
			s.stale(12_000, history.Running, 1)
		}},
		{name: "a turn is over for its client when the next life begins", charged: "COUNT-007", early: true, story: func(s *story, off time.Duration) {
			launched(s)
			s.turn(900, "t", history.TurnSent, durable)
			s.kill(1000)
			s.up(1100, history.ActionRespawn)
			s.end(1100, "t", history.Finished)
			s.upTo(ms(1100).Add(1 + off)) // at the instant itself it is
			s.read(1130, history.Running, 1)
			s.kill(1140)
		}},
	})
}

// TestReadingsAtAnInstant are readings that end, or begin, as something happens.
func TestReadingsAtAnInstant(t *testing.T) {
	// gone has the marker removed while the gateway was down.
	gone := do(launched, drained(0), func(s *story) {
		s.kill(1500)
		s.cancel(1600)
	})
	runLimits(t, []limit{
		{name: "the endpoint is read once the gateway is ready", charged: "WATCH-007", story: func(s *story, off time.Duration) {
			gone(s)
			s.up(2000, history.ActionRespawn)
			ready := s.returned()
			s.read(2030, history.Running, 0)
			s.http(2020, history.Draining, 0)
			s.from(ready.Add(off - 1)) // at the instant itself it is
			s.http(2100, history.Running, 0)
		}},
		{name: "what was left is read before the launch", charged: "WATCH-007", early: true, story: func(s *story, off time.Duration) {
			gone(s)
			s.left = nil // not read by the suite
			s.up(2000, history.ActionRespawn)
			s.stale(2000, history.Draining, 0)
			s.upTo(ms(2000).Add(1 + off)) // at the instant itself it is
			s.read(2012, history.Draining, 0)
			s.read(2030, history.Running, 0)
		}},
	})
	runChecks(t, []check{
		{name: "what was left is read as the gateway is launched", story: tell(gone, func(s *story) {
			s.up(2000, history.ActionRespawn)
			s.stale(2000, history.Draining, 0)
			s.read(2030, history.Running, 0)
		}), arose: []string{"WATCH-007"}},
		{name: "draining is read in no time as a reading of running begins", story: tell(func(s *story) {
			s.up(0, history.ActionStart)
			s.read(14, history.Starting, 0)
			s.shown(ms(31), ms(32), history.Running, 0)
			s.shown(ms(31), ms(31), history.Draining, 0)
		})},
		{name: "slow readings of the last drain's end are over as the next begins", story: tell(launched, drained(0), func(s *story) {
			s.cancel(2000)
			s.shown(ms(2001), ms(3000), history.Draining, 0)
			s.shown(ms(2500), ms(3000), history.Running, 0)
			s.begin(3000)
			s.stale(3001, history.Running, 0)
			s.read(3003, history.Draining, 0)
		})},
		{name: "nothing was read after the last reading of a drain", story: tell(launched, drained(0), func(s *story) {
			last := s.returned()
			s.refuse(1010, "r")
			s.cancel(1100)
			s.shown(last, ms(1200), history.Draining, 0) // begun by then
		}), notArose: []string{"GATE-003"}},
	})
}

// TestRespawnsAtAnInstant are kills and starts in a drain, as the marker comes and goes.
func TestRespawnsAtAnInstant(t *testing.T) {
	// listens starts the gateway again at 2000; it listens, and does not become ready.
	listens := func(s *story) {
		s.action(2000, history.ActionRespawn)
		s.process(2005, history.ProcessSeen)
		s.process(2015, history.ProcessListening, socket(99))
	}
	runLimits(t, []limit{
		{name: "it has B to come back to a drain", charged: "RESTART-002", story: func(s *story, off time.Duration) {
			do(launched, drained(0))(s)
			s.kill(1500)
			s.up(1600, history.ActionRespawn)
			s.read(1630, history.Running, 0)
			due := s.returned().Add(bound)
			s.cancel(3630)
			s.from(due.Add(off))
			s.stale(3700, history.Running, 0)
		}},
		{name: "it listens, and drains, and is not ready", charged: "RESTART-002", early: true, story: func(s *story, off time.Duration) {
			do(launched, drained(0))(s)
			s.kill(1500)
			listens(s)
			listening := s.returned()
			s.http(2015, history.Draining, 0)
			s.from(listening.Add(off))
			s.down(17_000)
		}},
		{name: "the marker goes as it is killed, and it does not come up", charged: "RESTART-002", story: func(s *story, off time.Duration) {
			do(launched, drained(0))(s)
			s.kill(1500)
			s.cancel(1500)
			s.from(ms(1500).Add(off))
			listens(s)
			s.down(17_000)
		}},
		{name: "killed once the marker is there", charged: "RESTART-002", instead: "RESTART-001", story: func(s *story, off time.Duration) {
			launched(s)
			s.begin(1000)
			laid := s.returned()
			s.action(1000, history.ActionSIGKILL)
			s.from(laid.Add(off))
			s.process(1002, history.ProcessGone)
			s.up(1100, history.ActionRespawn)
			s.read(1130, history.Running, 0)
			s.stale(4000, history.Running, 0)
			s.cancel(4001)
		}},
		{name: "running is read once it listens", charged: "RESTART-001", story: func(s *story, off time.Duration) {
			do(launched, drained(0))(s)
			s.kill(1500)
			s.up(2000, history.ActionRespawn)
			s.read(2015, history.Running, 0)
			s.from(ms(2015.01).Add(off - 1)) // at the instant itself it does
			s.read(2030, history.Draining, 0)
		}},
	})
}

// TestJobsAtAnInstant are jobs that fall due, or start, as a drain begins or ends.
func TestJobsAtAnInstant(t *testing.T) {
	dueAt := func(s *story, at history.Stamp) {
		s.job(900, "j", 0)
		s.events[len(s.events)-1].Turn.Due = at
	}
	runs := func(s *story, at float64) {
		s.read(at, history.Draining, 1)
		s.call(at+1, "j", 1, history.ModelCalled)
		s.reply(at+100, "j", 1)
		s.read(at+103, history.Draining, 0)
	}
	// slowly has the model called for the job in an interval.
	slowly := func(s *story, from, to float64) {
		s.span(from, to, history.Event{Kind: history.KindModel, Model: &history.Model{Turn: "j", Call: 1, Phase: history.ModelCalled}})
	}
	runLimits(t, []limit{
		{name: "it falls due once draining was read", charged: "SCHEDULED-001", story: func(s *story, off time.Duration) {
			do(launched, drained(0))(s)
			dueAt(s, s.returned().Add(off))
			runs(s, 1100)
		}},
		{name: "its model is called once draining was read", charged: "SCHEDULED-001", story: func(s *story, off time.Duration) {
			do(launched, drained(0))(s)
			ack := s.returned()
			s.job(900, "j", 1004)
			slowly(s, 1003, 1005)
			s.from(ack.Add(off))
			s.read(1006, history.Draining, 1)
			s.reply(1100, "j", 1)
			s.read(1103, history.Draining, 0)
		}},
		{name: "its model is called from the next launch on", charged: "SCHEDULED-001", story: func(s *story, off time.Duration) {
			launched(s)
			s.job(900, "j", 1550)
			drained(0)(s)
			s.kill(1500)
			s.backDraining(1600, 1)
			slowly(s, 1600, 1650)
			s.from(ms(1600).Add(off - 1)) // at the instant itself it is
			s.reply(1700, "j", 1)
			s.read(1703, history.Draining, 0)
		}},
		{name: "its model is called before the cancel", charged: "SCHEDULED-001", early: true, story: func(s *story, off time.Duration) {
			launched(s)
			s.job(900, "j", 2000)
			drained(0)(s)
			s.read(2001, history.Draining, 1)
			s.cancel(2100)
			s.call(2100, "j", 1, history.ModelCalled)
			s.upTo(ms(2100).Add(1 + off)) // at the instant itself it is
			s.read(2103, history.Running, 1)
			s.reply(2200, "j", 1)
			s.read(2203, history.Running, 0)
		}},
		{name: "it falls due once draining was read, and never runs", charged: "SCHEDULED-003", story: func(s *story, off time.Duration) {
			do(launched, drained(0))(s)
			dueAt(s, s.returned().Add(off))
			s.cancel(4000)
			s.read(4003, history.Running, 0)
			s.stale(15_000, history.Running, 0)
		}},
		{name: "the cancel is over before the signal, and it runs twice", charged: "SCHEDULED-003", early: true, story: func(s *story, off time.Duration) {
			launched(s)
			s.job(900, "j", 2000)
			drained(0)(s)
			s.stale(3990, history.Draining, 0)
			s.action(4000, history.ActionSIGTERM)
			s.cancel(4000)
			s.upTo(ms(4000).Add(1 + off)) // at the instant itself it is
			s.read(4003, history.Stopping, 1)
			for i := range 2 {
				s.call(4005+float64(10*i), "j", i+1, history.ModelCalled)
				s.reply(4007+float64(10*i), "j", i+1)
			}
			leaves(4100, 0)(s)
		}},
	})
	runChecks(t, []check{
		{name: "it may be as late as the cancel", story: tell(launched, func(s *story) { s.job(900, "j", 2500) }, drained(0), func(s *story) {
			s.stale(2990, history.Draining, 0)
			s.cancel(3000)
			s.read(3003, history.Running, 0)
			s.read(3004, history.Running, 1)
			s.call(3005, "j", 1, history.ModelCalled)
			s.reply(3100, "j", 1)
			s.read(3103, history.Running, 0)
		}), arose: []string{"SCHEDULED-003"}, notArose: []string{"SCHEDULED-001"}},
		{name: "the cancel comes long before the next instantiation is started", story: tell(launched, func(s *story) { s.job(900, "j", 2000) }, drained(0), func(s *story) {
			s.action(1700, history.ActionRecreate)
			s.stale(1750, history.Draining, 0)
			s.cancel(2500)
			s.up(20_000, history.ActionStart)
			s.read(20_030, history.Running, 0)
			s.stale(22_000, history.Running, 0)
		}), notArose: []string{"SCHEDULED-003"}},
	})
}
