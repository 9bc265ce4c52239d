package monitor

import (
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/history"
)

// sends has a client send a turn at the instant, which is let in.
func sends(at float64, id string) func(*story) {
	return func(s *story) {
		s.hold(at, id)
		s.finish(at+100, id)
	}
}

func finishes(at float64) func(*story) { return func(s *story) { s.finish(at, "t") } }

// cutUnseen ends the turn for a client that waits for it in one long read, with the read
// begun at one instant and over at another.
func cutUnseen(from, to history.Stamp) func(*story) {
	return func(s *story) {
		s.end(0, "t", history.Cut)
		s.lasts(from, to)
	}
}

// TestSignalsThatMeetAtAnInstant are signals, and what shows that they were heard, with
// turns at the same instant or nearly so.
func TestSignalsThatMeetAtAnInstant(t *testing.T) {
	first := []string{"SHUTDOWN-001"}
	sigterm := func(s *story) { s.action(1000, history.ActionSIGTERM) }
	runChecks(t, []check{
		{name: "a shutdown is declared, and no deadline", story: tell(ending, func(s *story) { s.declares(0, "shutdown") }, stopping,
			sends(1010, "late"), finishes(2000), leaves(2010, 0)), notArose: []string{"SHUTDOWN-001", "SHUTDOWN-002"}},
		{name: "it says what it had said before it was told", story: tell(inFlight, func(s *story) { s.read(900, history.Stopping, 1) }, sigterm, stopping,
			sends(1010, "late"), finishes(2000), leaves(2010, 0)), notArose: first},
		{name: "heard in two places at one instant", story: tell(ending, func(s *story) { s.http(1002, history.Stopping, 1) }, stopping,
			sends(1010, "late"), finishes(2000), leaves(2010, 0)), violated: first},
		{name: "a turn is sent as the process goes", story: tell(ending, stopping, finishes(2000), leaves(2010, 0), func(s *story) {
			s.turn(2020, "late", history.TurnSent)
			s.end(2021, "late", history.Cut)
		}), notArose: first},
		{name: "nobody listens as the process goes", story: tell(ending, stopping, finishes(2000), leaves(2010, 0), func(s *story) {
			s.end(2019, "late", history.Unsent)
			s.upTo(ms(2020))
		}), notArose: first},
		{name: "let go by the model when the signal was sent", story: tell(inFlight, signalledSlowly, func(s *story) {
			sent := s.returned()
			s.read(1002, history.Stopping, 1)
			s.model(1100, "t", history.ModelReleased)
			s.from(sent)
			s.model(1101, "t", history.ModelDone)
			s.end(1102, "t", history.Finished)
			s.refuse(1103, "late")
		}, leaves(2010, 0)), notArose: first},
		{name: "asked of the model when the signal was sent", story: tell(func(s *story) {
			s.declares(3000, "shutdown")
			launched(s)
			s.turn(100, "t", history.TurnSent)
			s.tooled(101, "t", 1)
		}, signalledSlowly, func(s *story) {
			sent := s.returned()
			s.read(1002, history.Stopping, 1)
			s.call(1100, "t", 2, history.ModelCalled)
			s.upTo(sent)
			s.refuse(1103, "late")
			s.reply(2000, "t", 2)
			s.end(2002, "t", history.Finished)
		}, leaves(2010, 0)), notArose: first},
	})
	runLimits(t, []limit{
		{name: "draining is its word for it, as none is the last drain's any more", charged: "SHUTDOWN-001", story: func(s *story, off time.Duration) {
			s.declares(20000, "shutdown")
			do(launched, drained(0))(s)
			s.cancel(2000)
			over := s.returned().Add(grace)
			s.read(2003, history.Running, 0)
			s.action(11900, history.ActionSIGTERM)
			s.read(12000, history.Draining, 0)
			s.from(over.Add(off))
			do(sends(12100, "late"), leaves(12300, 0))(s)
		}},
		{name: "sent when stopping had been read", charged: "SHUTDOWN-001", story: func(s *story, off time.Duration) {
			do(ending, stopping)(s)
			heard := s.returned()
			s.turn(1003, "late", history.TurnSent)
			s.from(heard.Add(off))
			s.model(1004, "late", history.ModelCalled)
			s.finish(1500, "late")
			do(finishes(2000), leaves(2010, 0))(s)
		}},
		{name: "cut before it is killed", charged: "SHUTDOWN-001", early: true, story: func(s *story, off time.Duration) {
			do(ending, stopping)(s)
			s.action(1100, history.ActionSIGKILL)
			killed := s.calledAt() + 1 // at the instant itself it still is
			s.end(1099, "t", history.Cut)
			s.upTo(killed.Add(off))
			s.process(1110, history.ProcessGone)
		}},
		{name: "its client looks, and it is cut, from the signal on", charged: "SHUTDOWN-001", story: func(s *story, off time.Duration) {
			ending(s)
			before := s.calledAt() - 1 // at the instant itself it is cut after it
			s.stall(990, 1090)
			do(stopping, cutUnseen(before.Add(off), ms(1095)), leaves(1110, 0))(s)
		}},
		{name: "the gateway takes the model's answer after the signal", charged: "SHUTDOWN-001", story: func(s *story, off time.Duration) {
			ending(s)
			sent := s.returned()
			s.stall(990, 1090)
			s.model(999.9, "t", history.ModelReleased)
			s.model(1000, "t", history.ModelDone)
			s.from(sent.Add(off))
			do(stopping, cutUnseen(ms(110), ms(1095)), leaves(1110, 0))(s)
		}},
		{name: "asked of the model before the signal", charged: "SHUTDOWN-001", early: true, story: func(s *story, off time.Duration) {
			s.declares(3000, "shutdown")
			launched(s)
			s.turn(990, "t", history.TurnSent)
			s.model(999, "t", history.ModelCalled)
			s.upTo(ms(1000).Add(off))
			do(sigterm, stopping)(s)
			s.end(1004, "t", history.Cut)
			leaves(1010, 0)(s)
		}},
		{name: "over for its client when the signal is sent", charged: "SHUTDOWN-001", story: func(s *story, off time.Duration) {
			inFlight(s)
			s.end(999, "t", history.Cut)
			s.upTo(ms(1000).Add(off))
			do(sigterm, stopping)(s)
			s.model(1003, "t", history.ModelGone)
			leaves(1010, 0)(s)
		}},
	})
}

// TestExitsThatMeetAtAnInstant are the ends of processes, with what else may have ended
// them at the same instant or nearly so.
func TestExitsThatMeetAtAnInstant(t *testing.T) {
	runLimits(t, []limit{
		{name: "it fails before the deadline", charged: "SHUTDOWN-001", early: true, story: func(s *story, off time.Duration) {
			ending(s)
			due := s.calledAt().Add(3*time.Second) + 1 // at the instant itself it still does
			do(stopping, finishes(2000))(s)
			s.read(3990, history.Stopped, 0)
			s.process(4000, history.ProcessGone)
			s.upTo(due.Add(off))
			s.exited(4010, 2)
		}},
		{name: "gone when the signal was sent", charged: "SHUTDOWN-001", story: func(s *story, off time.Duration) {
			inFlight(s)
			s.end(1004, "t", history.Cut)
			signalledSlowly(s)
			sent := s.returned()
			s.process(1099, history.ProcessGone)
			s.upTo(sent.Add(off))
			s.exited(1120, 2)
		}},
		{name: "it has heard before it is gone", charged: "SHUTDOWN-001", early: true, story: func(s *story, off time.Duration) {
			do(inFlight, signalledSlowly)(s)
			s.process(1010, history.ProcessGone)
			gone := s.calledAt() + 1 // at the instant itself it still is there
			s.read(1009, history.Stopping, 1)
			s.upTo(gone.Add(off))
			s.end(1015, "t", history.Cut)
			s.exited(1120, 2)
		}},
		{name: "killed when it was gone", charged: "SHUTDOWN-001", story: func(s *story, off time.Duration) {
			do(ending, stopping, finishes(2000))(s)
			s.read(2010, history.Stopped, 0)
			s.process(2020, history.ProcessGone)
			gone := s.returned()
			s.action(2021, history.ActionSIGKILL)
			s.from(gone.Add(off))
			s.exited(2030, 2)
		}},
	})
}

// TestTurnsAtTheDeadline are turns in flight when the deadline of a shutdown passes.
func TestTurnsAtTheDeadline(t *testing.T) {
	recovers := func(s *story) { s.declares(3000, "shutdown", "recovery") }
	fails := func(s *story) { s.end(4001, "t", history.Failed) }
	stays := func(s *story) { s.stale(16000, history.Stopping, 0) }
	respawned := func(s *story) { s.up(5000, history.ActionRespawn) }
	runChecks(t, []check{
		{name: "owed, and nothing is launched again", story: tell(ending, recovers, stopping, fails, leaves(4010, 0)), notArose: []string{"SHUTDOWN-002"}},
		{name: "whole for its client at the instant of the next start", story: tell(ending, recovers, stopping, func(s *story) {
			s.model(4500, "t", history.ModelReleased)
			s.model(4501, "t", history.ModelDone)
		}, leaves(4600, 0), respawned, func(s *story) {
			s.end(4999, "t", history.Finished)
			s.upTo(ms(5000))
			s.stale(16000, history.Running, 0)
		}), notArose: []string{"SHUTDOWN-002"}},
		{name: "whole, and its client hears of it from the next life", story: tell(ending, recovers, stopping, func(s *story) {
			s.model(4500, "t", history.ModelReleased)
			s.model(4501, "t", history.ModelDone)
		}, leaves(4600, 0), respawned, func(s *story) {
			s.end(5100, "t", history.Finished)
			s.stale(16000, history.Running, 0)
		}), notArose: []string{"SHUTDOWN-002"}},
	})
	past := func(phase history.ModelPhase) func(*story, time.Duration) {
		return func(s *story, off time.Duration) {
			ending(s)
			before := s.returned().Add(3*time.Second) - 1 // at the instant itself it is past
			stopping(s)
			s.model(4000, "t", phase)
			s.from(before.Add(off))
			do(fails, stays)(s)
		}
	}
	runLimits(t, []limit{
		{name: "let go by the model past the deadline", charged: "SHUTDOWN-002", instead: "SHUTDOWN-001", story: past(history.ModelReleased)},
		{name: "answered past the deadline, by a model that held it not", charged: "SHUTDOWN-002", instead: "SHUTDOWN-001", story: past(history.ModelDone)},
		{name: "taken up again", charged: "SHUTDOWN-002", story: func(s *story, off time.Duration) {
			do(ending, recovers, stopping, fails, leaves(4010, 0), respawned)(s)
			due := s.returned().Add(grace)
			s.read(5030, history.Running, 0)
			s.stale(15000, history.Running, 0)
			s.upTo(due.Add(off))
		}},
	})
}

// TestMarkersThatMeetShutdowns are markers that are laid, or found to be gone, as a
// gateway is told to end or launched again.
func TestMarkersThatMeetShutdowns(t *testing.T) {
	told := func(s *story) {
		s.action(1100, history.ActionSIGTERM)
		s.read(1102, history.Stopping, 0)
		leaves(1110, 0)(s)
	}
	respawned := func(s *story) { s.up(2000, history.ActionRespawn) }
	foundGone := func(from, to history.Stamp) func(*story) {
		return func(s *story) {
			s.vanishes(0)
			s.lasts(from, to)
		}
	}
	runChecks(t, []check{
		{name: "gone at the instant of the signal", story: tell(launched, drained(0), foundGone(ms(1100), ms(1100)), told, respawned, func(s *story) {
			s.read(2016, history.Running, 0)
		}), violated: []string{"MARKER-008"}, notArose: []string{"SHUTDOWN-003"}},
		{name: "gone when no gateway lived any more", story: tell(launched, drained(0), told, foundGone(ms(1121), ms(1140)), respawned, func(s *story) {
			s.read(2016, history.Running, 0)
		}), notArose: []string{"SHUTDOWN-003"}},
		{name: "not honoured in two places at one instant", story: tell(launched, drained(0), told, respawned, func(s *story) {
			s.http(12100, history.Starting, 0)
			s.stale(12100, history.Stopped, 0)
		}), violated: []string{"SHUTDOWN-003"}},
	})
	runLimits(t, []limit{
		{name: "laid before the signal", charged: "SHUTDOWN-003", early: true, story: func(s *story, off time.Duration) {
			launched(s)
			s.begin(1099)
			s.upTo(ms(1100).Add(off))
			do(told, respawned)(s)
			s.stale(12100, history.Stopped, 0)
		}},
		{name: "gone from the signal on", charged: "SHUTDOWN-003", anyway: []string{"MARKER-008"}, story: func(s *story, off time.Duration) {
			before := ms(1100) - 1 // at the instant itself it goes after it
			do(launched, drained(0), foundGone(before.Add(off), ms(1105)), told)(s)
		}},
		{name: "gone before the next start", charged: "SHUTDOWN-003", early: true, anyway: []string{"MARKER-008"}, story: func(s *story, off time.Duration) {
			start := ms(2000) + 1 // at the instant itself it is before it
			do(launched, drained(0), foundGone(ms(1105), start.Add(off)), told, respawned)(s)
			s.read(2016, history.Running, 0)
		}},
	})
}

// TestStaleMarkersThatMeetAtAnInstant are stale markers that are laid, or taken away, as
// something else happens.
func TestStaleMarkersThatMeetAtAnInstant(t *testing.T) {
	looked := func(off time.Duration) *story {
		return tell(declaring, launched, func(s *story) {
			s.marks(1000, stale("EPOCH-001"))
			due := s.returned().Add(bound)
			s.stale(3000, history.Running, 0)
			s.from(due.Add(off))
		})
	}
	heeds := func(s *story) { // one that was laid just now
		laid := s.returned()
		s.read(0, history.Draining, 0)
		s.from(laid.Add(3 * time.Millisecond))
	}
	runChecks(t, []check{
		{name: "taken away at the instant at which it was laid", story: tell(declaring, launched, func(s *story) {
			s.marks(1000, stale("EPOCH-001"))
			s.vanishes(1000)
			s.lasts(ms(1000), ms(1000))
			s.stale(1010, history.Running, 0)
		}), violated: []string{"MARKER-008"}},
		{name: "laid over another at the last instant there is", story: tell(declaring, launched, drained(0), func(s *story) {
			s.marks(4000, over(stale("EPOCH-001")))
			s.lasts(ms(4000), ms(4000))
			s.read(4000, history.Running, 0)
			s.lasts(ms(4000), ms(4000))
		}), violated: []string{"MARKER-001"}, notArose: []string{"EPOCH-001"}}, // at the instant at which it goes, the other still is there
		{name: "B after it was laid", story: looked(0), notArose: []string{"EPOCH-001"}},
		{name: "more than B after it was laid", story: looked(1), arose: []string{"EPOCH-001"}},
	})
	runLimits(t, []limit{
		{name: "draining is read before it is laid", charged: "STATE-005", early: true, story: func(s *story, off time.Duration) {
			do(declaring, launched)(s)
			s.read(999, history.Draining, 0)
			s.upTo(ms(1000).Add(off))
			s.marks(1000, stale("EPOCH-001"))
			s.read(1003, history.Running, 0)
		}},
		{name: "running is read when it can't be heeded any more", charged: "STATE-005", story: func(s *story, off time.Duration) {
			do(declaring, launched, ignored(1000, "EPOCH-001"))(s)
			over := s.events[len(s.events)-2].Return.Add(grace) // of its removal
			s.stale(14000, history.Running, 0)
			s.from(over.Add(off))
			s.read(15000, history.Draining, 0)
		}},
		{name: "it lies there when the gateway is launched", charged: "EPOCH-001", story: func(s *story, off time.Duration) {
			do(declaring, launched)(s)
			s.marks(1000, stale("EPOCH-001"))
			s.kill(1500)
			s.cancel(2000)
			s.from(ms(2000).Add(off))
			s.backDraining(2000, 0)
			deaf(3000, 13000, history.Draining)(s)
		}},
		{name: "refused before it is taken away", charged: "GATE-011", early: true, story: func(s *story, off time.Duration) {
			do(declaring, launched)(s)
			s.marks(1000, stale("EPOCH-001"))
			s.stale(1010, history.Running, 0)
			s.turn(4000, "t", history.TurnSent)
			s.end(4999, "t", history.Refused)
			s.lasts(ms(4001), ms(4100).Add(off))
			s.cancel(4100)
		}},
		{name: "the drain before was over when the gateway was launched", charged: "EPOCH-001", early: true, story: func(s *story, off time.Duration) {
			do(declaring, launched, drained(0))(s)
			s.kill(1500)
			s.cancel(1999)
			s.upTo(ms(2000) + 1) // at the instant itself it still was
			s.move(history.Stamp(off))
			s.up(2000, history.ActionRespawn)
			s.read(2030, history.Running, 0)
			s.marks(2100, stale("EPOCH-001"))
			heeds(s)
		}},
		{name: "a drain that nothing followed was over", charged: "EPOCH-001", story: func(s *story, off time.Duration) {
			do(declaring, launched)(s)
			s.begin(1000)
			s.cancel(1001)
			over := s.returned().Add(grace)
			s.stale(10000, history.Running, 0)
			s.marks(11001, stale("EPOCH-001"))
			s.from(over.Add(off))
			heeds(s)
		}},
		{name: "running is read from the end of the drain on", charged: "EPOCH-001", story: func(s *story, off time.Duration) {
			do(declaring, launched, drained(0))(s)
			s.cancel(2000)
			before := s.returned() - 1 // at the instant itself it was over
			s.read(2001, history.Running, 0)
			s.from(before.Add(off))
			s.marks(2100, stale("EPOCH-001"))
			heeds(s)
		}},
		{name: "draining is read before it is laid over", charged: "EPOCH-001", early: true, story: func(s *story, off time.Duration) {
			do(declaring, launched)(s)
			s.begin(1000)
			s.read(1999, history.Draining, 0)
			s.upTo(ms(2000).Add(off))
			s.marks(2000, over(stale("EPOCH-001")))
			deaf(3000, 13000, history.Draining)(s)
		}},
	})
}

// TestFlapsThatMeetAtAnInstant are flaps, with the marker written again at the same
// instant or nearly so as what else may be the cause.
func TestFlapsThatMeetAtAnInstant(t *testing.T) {
	runLimits(t, []limit{
		{name: "draining is read after it was written, and a turn ends", charged: "STATE-010", instead: "STATE-003", story: func(s *story, off time.Duration) {
			launched(s)
			s.hold(500, "t")
			s.read(502, history.Running, 1)
			drained(1)(s)
			s.rewrite(4000)
			written := s.returned()
			s.read(4001, history.Draining, 1)
			s.from(written.Add(off))
			s.model(4100, "t", history.ModelDone)
			s.span(4101, 4103, history.Event{Kind: history.KindTurn, Turn: &history.Turn{ID: "t", Phase: history.TurnEnded, Outcome: history.Finished}})
			s.read(4102, history.Running, 0)
			s.read(4110, history.Draining, 0)
		}},
		{name: "written before running is read", charged: "STATE-003", early: true, instead: "MARKER-001", story: func(s *story, off time.Duration) {
			do(launched, drained(0))(s)
			s.read(4000, history.Running, 0)
			read := s.returned()
			s.rewrite(4000)
			s.from(read.Add(off))
			s.read(4010, history.Draining, 0)
		}},
		{name: "written after the gateway was launched", charged: "STATE-003", instead: "MARKER-001", story: func(s *story, off time.Duration) {
			do(launched, drained(0))(s)
			s.kill(1500)
			s.rewrite(1999)
			s.upTo(ms(2000).Add(off))
			s.backDraining(2000, 0)
			s.read(5000, history.Running, 0)
			s.read(5010, history.Draining, 0)
		}},
	})
}
