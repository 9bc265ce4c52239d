package monitor

import (
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/history"
)

// counting has a turn in flight, which is counted, when the gateway is drained.
func counting(s *story) {
	s.hold(500, "t")
	s.read(502, history.Running, 1)
	drained(1)(s)
}

// offered is a story in which something arises a nanosecond after an instant, and not at it.
func offered(name, arises string, tells func(s *story, off history.Stamp)) []check {
	at := func(off history.Stamp) *story { return tell(func(s *story) { tells(s, off) }) }
	return []check{
		{name: name, story: at(0), notArose: []string{arises}},
		{name: name + ", and a moment later", story: at(1), arose: []string{arises}},
	}
}

// TestWhoMadeItFlap has running flash in a drain as a turn ends or the marker is written
// again.
func TestWhoMadeItFlap(t *testing.T) {
	ended := history.Event{Kind: history.KindTurn, Turn: &history.Turn{ID: "t", Phase: history.TurnEnded, Outcome: history.Finished}}
	released := history.Event{Kind: history.KindModel, Model: &history.Model{Turn: "t", Call: 1, Phase: history.ModelReleased}}
	runChecks(t, []check{
		{name: "as a turn ends that is still counted", story: tell(launched, counting, func(s *story) {
			s.read(3500, history.Draining, 1)
			s.read(3503, history.Running, 1)
			s.span(3400, 3504, ended)
		}), violated: []string{"MARKER-001"}},
		{name: "as a turn ends whose client, which stood still, sees it when the marker is gone", story: tell(launched, counting, func(s *story) {
			s.read(3500, history.Draining, 1)
			s.read(3503, history.Running, 0)
			s.cancel(3510)
			s.span(3550, 3580, ended)
		}), violated: []string{"STATE-010"}},
		{name: "the marker is written again while its client reads the end", story: tell(launched, counting, func(s *story) {
			s.rewrite(1500)
			s.span(600, 1600, ended)
			s.read(1602, history.Running, 0)
		}), violated: []string{"STATE-010"}},
		{name: "the marker is written again while the model lets go", story: tell(launched, counting, func(s *story) {
			s.rewrite(1500)
			s.span(1499.9, 1500.5, released)
			s.read(1502, history.Running, 1)
			s.model(1503, "t", history.ModelDone)
			s.end(1504, "t", history.Finished)
		}), violated: []string{"STATE-003"}},
		{name: "a turn ends, and draining is read, as the marker goes", story: tell(launched, counting, func(s *story) {
			s.model(1098, "t", history.ModelReleased)
			s.model(1099, "t", history.ModelDone)
		}, atOnce(1100, func(s *story) {
			s.end(0, "t", history.Finished)
			s.read(0, history.Draining, 0)
			s.cancel(0)
		}), func(s *story) { s.read(1103, history.Running, 0) }), notArose: []string{"STATE-010"}},
	})
	runLimits(t, []limit{
		{name: "its client begins to see the end later than B after running was read", charged: "MARKER-001", instead: "STATE-010", story: func(s *story, off time.Duration) {
			do(launched, counting)(s)
			s.read(3500, history.Draining, 1)
			s.read(3503, history.Running, 0)
			due := s.returned().Add(bound)
			s.add(5000, ended)
			s.from(due.Add(off))
		}},
	})
}

// TestDrainingOutOfNothing has draining read, or not, where there is no marker any more.
func TestDrainingOutOfNothing(t *testing.T) {
	runChecks(t, offered("told to end when a cancel of nothing was over", "STATE-005", func(s *story, off history.Stamp) {
		launched(s)
		s.marker(1000, history.OpCancel, false, false)
		over := s.returned()
		s.action(1001, history.ActionSIGTERM)
		s.from(over + off)
	}))
	runLimits(t, []limit{
		{name: "B after the cancel of a drain that was soon over", charged: "STATE-005", story: func(s *story, off time.Duration) {
			do(launched, drained(0))(s)
			s.cancel(2000)
			due := s.returned().Add(bound)
			s.read(2003, history.Running, 0)
			s.read(4000, history.Draining, 0)
			s.from(due.Add(off))
			s.read(4100, history.Running, 0)
		}},
		{name: "cancelled B after it was begun", charged: "STATE-005", story: func(s *story, off time.Duration) {
			do(launched, drained(0))(s)
			due := ms(1000.01).Add(bound)
			s.cancel(3000)
			s.from(due.Add(off))
			s.read(3003, history.Running, 0)
			s.read(3050, history.Draining, 0)
			s.read(3150, history.Running, 0)
		}},
	})
}

// TestWhatIsNotWhole are readings that say too little of what is wrong with them.
func TestWhatIsNotWhole(t *testing.T) {
	runChecks(t, []check{
		{name: "fewer than none are counted", story: tell(launched, func(s *story) { s.read(1000, history.Running, -1) }), violated: []string{"STATE-001"}},
		{name: "it failed, and nobody knows how", story: tell(launched, func(s *story) {
			s.add(1000, history.Event{Kind: history.KindState, State: &history.State{Publication: "file", State: history.Running, Error: "failed", Version: s.version}})
		})},
	})
}

// TestWhoAnswersForADeath has the gateway end in a drain, unasked, just as what it did for
// a turn is over, or is not yet.
func TestWhoAnswersForADeath(t *testing.T) {
	held := do(launched, counting)
	dies := func(s *story) history.Stamp {
		s.process(1100, history.ProcessGone, exit(0))
		return s.returned()
	}
	runLimits(t, []limit{
		{name: "counted when the turn had ended", charged: "STATE-006", instead: "STATE-008", story: func(s *story, off time.Duration) {
			held(s)
			s.finish(1050, "t")
			over := s.returned()
			s.read(1053, history.Draining, 1)
			s.from(over.Add(off))
			dies(s)
		}},
		{name: "the model is called when it was gone", charged: "STATE-008", instead: "STATE-006", story: func(s *story, off time.Duration) {
			launched(s)
			s.turn(998, "t", history.TurnSent)
			drained(0)(s)
			gone := dies(s)
			s.model(1101, "t", history.ModelCalled)
			s.from(gone.Add(off))
		}},
		{name: "the model lets go when it was gone", charged: "STATE-006", instead: "STATE-008", story: func(s *story, off time.Duration) {
			held(s)
			gone := dies(s)
			s.model(1101, "t", history.ModelReleased)
			s.from(gone.Add(off - 1))
		}},
		{name: "the model has answered when it was gone", charged: "STATE-006", instead: "STATE-008", story: func(s *story, off time.Duration) {
			held(s)
			gone := dies(s)
			s.model(1101, "t", history.ModelDone)
			s.from(gone.Add(off - 1))
		}},
	})
}

// TestWhatBreaksAsAGatewayDies has it end unasked, with the last that broke of a turn a bound
// before that, or longer.
func TestWhatBreaksAsAGatewayDies(t *testing.T) {
	told := map[time.Duration][]string{0: {"STATE-006"}, 1: {"GATE-004", "STATE-008"}}
	dies := func(s *story, off time.Duration) {
		broke := s.returned()
		s.process(3100, history.ProcessGone, exit(2))
		s.from(broke.Add(bound + off))
	}
	atOffsets(t, "its client is cut off", func(s *story, off time.Duration) {
		do(launched, counting)(s)
		s.end(1099, "t", history.Cut)
		dies(s, off)
	}, told)
	atOffsets(t, "it hangs up on the model", func(s *story, off time.Duration) {
		do(launched, counting)(s)
		s.model(1099, "t", history.ModelGone)
		dies(s, off)
	}, told)
	runChecks(t, []check{
		{name: "its client had left", story: tell(launched, counting, func(s *story) {
			s.abort(1090, "t")
			s.read(1092, history.Draining, 0)
			s.process(1100, history.ProcessGone, exit(0))
		}), violated: []string{"STATE-008"}},
		{name: "its client had given up", story: tell(launched, counting, func(s *story) {
			s.outwaited(100, 1090, "t")
			s.model(1091, "t", history.ModelGone)
			s.read(1092, history.Draining, 0)
			s.process(1100, history.ProcessGone, exit(0))
		}), violated: []string{"STATE-008"}},
	})
}

// TestSocketsThatClose has a gateway stop listening near what may explain it.
func TestSocketsThatClose(t *testing.T) {
	closes := func(s *story) {
		launched(s)
		s.process(1000, history.ProcessClosed, socket(7))
	}
	runLimits(t, []limit{
		{name: "and then it is told to end", charged: "STATE-006", story: func(s *story, off time.Duration) {
			closes(s)
			closed := s.returned()
			s.action(1001, history.ActionSIGTERM)
			s.from(closed.Add(off - 1))
			s.read(3000, history.Stopped, 0)
			s.process(3001, history.ProcessGone)
		}},
		{name: "and then nobody looks any more", charged: "STATE-006", story: func(s *story, off time.Duration) {
			closes(s)
			due := s.returned().Add(linger - 1)
			s.action(2000, history.ActionEnd)
			s.from(due.Add(off))
		}},
		{name: "as another opens", charged: "STATE-006", story: func(s *story, off time.Duration) {
			closes(s)
			closed := s.calledAt()
			s.process(1000, history.ProcessListening, socket(8))
			s.upTo(closed.Add(off - 1))
		}},
	})
}

// TestDrainedForB has a drained gateway seen to stay for B.
func TestDrainedForB(t *testing.T) {
	seen := func(off time.Duration) *story {
		return tell(launched, drained(0), func(s *story) {
			due := s.returned().Add(bound)
			s.stale(3003, history.Draining, 0)
			s.from(due.Add(off))
		})
	}
	runChecks(t, []check{
		{name: "for B", story: seen(0), arose: []string{"STATE-008"}},
		{name: "for less", story: seen(-1), notArose: []string{"STATE-008"}},
	})
}

// TestShutdownsAtAnInstant are shutdowns in which something happens just as the signal is
// sent, the marker goes, or the process ends.
func TestShutdownsAtAnInstant(t *testing.T) {
	told := func(s *story) {
		do(launched, drained(0))(s)
		s.action(2000, history.ActionSIGTERM)
	}
	runChecks(t, offered("read when the marker was gone", "STATE-007", func(s *story, off history.Stamp) {
		told(s)
		s.cancel(2100)
		gone := s.returned()
		s.read(2101, history.Stopping, 0)
		s.from(gone + off)
	}))
	runChecks(t, offered("the marker goes as the signal was sent", "STATE-007", func(s *story, off history.Stamp) {
		told(s)
		sent := s.returned()
		s.cancel(2001)
		s.from(sent + off)
		s.read(2003, history.Stopping, 0)
	}))
	runChecks(t, []check{
		{name: "running again, and killed later", story: tell(told, func(s *story) {
			s.read(2002, history.Stopping, 0)
			s.cancel(2100)
			s.read(2103, history.Running, 0)
			s.action(2200, history.ActionSIGKILL)
			s.process(2201, history.ProcessGone)
		}), violated: []string{"STATE-007"}},
		{name: "running again, and killed as the marker was gone", story: tell(told, func(s *story) {
			s.read(2002, history.Stopping, 0)
			s.read(2003, history.Running, 0)
			s.cancel(2100)
			gone := s.returned()
			s.action(2101, history.ActionSIGKILL)
			s.from(gone)
			s.process(2201, history.ProcessGone)
		}), violated: []string{"STATE-007"}},
		{name: "it stays when a turn that was run again is over", story: tell(cutInDrain(1), func(s *story) {
			s.call(1630, "t", 2, history.ModelCalled)
			s.action(1700, history.ActionSIGTERM)
			s.read(1702, history.Stopping, 1)
			s.reply(1800, "t", 2)
			s.read(1802, history.Stopping, 0)
			s.stale(12000, history.Stopping, 0)
		}), violated: []string{"STATE-011"}},
		{name: "told to end, and gone, at one instant", story: tell(launched, atOnce(1000, func(s *story) {
			s.action(0, history.ActionSIGTERM)
			s.read(0, history.Stopped, 0)
			s.process(0, history.ProcessGone)
		})), arose: []string{"STATE-012"}},
	})
	runLimits(t, []limit{
		{name: "killed when it was gone", charged: "STATE-012", story: func(s *story, off time.Duration) {
			launched(s)
			s.action(1000, history.ActionSIGTERM)
			s.process(1100, history.ProcessGone)
			gone := s.returned()
			s.action(1101, history.ActionSIGKILL)
			s.from(gone.Add(off))
			s.stale(1200, history.Running, 0)
		}},
		{name: "last seen as the signal is sent", charged: "STATE-012", story: func(s *story, off time.Duration) {
			launched(s)
			s.action(1000, history.ActionSIGTERM)
			sent := s.calledAt()
			s.process(1000, history.ProcessGone)
			s.from(sent.Add(off - 1))
			s.stale(1200, history.Running, 0)
		}},
		{name: "read when it was gone, and written again", charged: "STATE-012", story: func(s *story, off time.Duration) {
			launched(s)
			s.action(1000, history.ActionSIGTERM)
			s.process(1100, history.ProcessGone)
			gone := s.returned()
			s.read(1101, history.Stopped, 0)
			s.from(gone.Add(off))
			s.read(1200, history.Stopped, 0)
		}},
	})
	runChecks(t, offered("asked when it was gone", "RESTART-003", func(s *story, off history.Stamp) {
		launched(s)
		s.http(900, history.Running, 0)
		s.action(1000, history.ActionSIGKILL)
		s.process(1005, history.ProcessGone)
		gone := s.returned()
		s.http(1006, history.Stopped, 0)
		s.from(gone + off)
	}))
}
