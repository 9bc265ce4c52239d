package monitor

import (
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/history"
)

// TestGrace are the rules that wait [Grace] times B, or for a deadline.
func TestGrace(t *testing.T) {
	last := func(at float64, state string) func(*story, history.Stamp) {
		return func(s *story, upTo history.Stamp) {
			s.stale(at, state, 0)
			s.upTo(upTo)
		}
	}
	runLimits(t, []limit{
		{name: "readings that are too low", charged: "COUNT-001", story: func(s *story, off time.Duration) {
			launched(s)
			s.hold(100, "t")
			s.http(102, history.Running, 0)
			due := s.returned().Add(grace)
			s.http(10102, history.Running, 0)
			s.from(due.Add(off))
		}},
		{name: "a file that nobody writes", charged: "COUNT-001", story: func(s *story, off time.Duration) {
			launched(s)
			s.hold(100, "t")
			due := s.returned().Add(grace)
			s.stale(10102, history.Running, 0)
			s.from(due.Add(off))
		}},
		{name: "the count falls", charged: "COUNT-002", story: func(s *story, off time.Duration) {
			launched(s)
			s.hold(100, "t")
			s.read(102, history.Running, 1)
			s.finish(200, "t")
			due := s.returned().Add(grace)
			s.stale(10203, history.Running, 1)
			s.from(due.Add(off))
		}},
		{name: "the count falls after a hang-up", charged: "COUNT-004", story: func(s *story, off time.Duration) {
			launched(s)
			s.hold(100, "t")
			s.read(102, history.Running, 1)
			s.abort(200, "t")
			due := s.returned().Add(grace)
			s.stale(10203, history.Running, 1)
			s.from(due.Add(off))
		}},
		{name: "a damaged marker is heeded", charged: "MARKER-003", story: func(s *story, off time.Duration) {
			launched(s)
			s.lay(1000, corrupt)
			due := s.returned().Add(grace)
			s.stale(11000, history.Running, 0)
			s.from(due.Add(off))
			s.read(11500, history.Draining, 0)
		}},
		{name: "a cancel after a damaged marker is followed", charged: "WATCH-004", story: func(s *story, off time.Duration) {
			do(launched, replaced(corrupt))(s)
			s.cancel(7000)
			due := s.returned().Add(grace)
			s.stale(17000, history.Draining, 0)
			s.from(due.Add(off))
			s.read(17500, history.Running, 0)
		}},
		{name: "a cancel after a FIFO is followed", charged: "MARKER-006", story: func(s *story, off time.Duration) {
			do(launched, replaced(fifo))(s)
			s.cancel(7000)
			due := s.returned().Add(grace)
			s.stale(17000, history.Draining, 0)
			s.from(due.Add(off))
			s.read(17500, history.Running, 0)
		}},
		{name: "running is seen to have come after a decoy", charged: "STATE-005", story: func(s *story, off time.Duration) {
			launched(s)
			s.decoy(1000, true)
			s.decoy(1100, false)
			due := s.returned().Add(grace)
			s.stale(11100, history.Running, 0)
			s.from(due.Add(off))
			s.read(11500, history.Draining, 0)
		}},
		{name: "a stale marker ends the drain", charged: "EPOCH-001", story: func(s *story, off time.Duration) {
			do(declaring, launched, ended("EPOCH-001"))(s)
			due := s.returned().Add(grace)
			s.stale(14000, history.Draining, 0)
			s.from(due.Add(off))
			s.read(14500, history.Running, 0)
		}},
		{name: "a marker that grows too old ends the drain", charged: "EXPIRY-001", story: func(s *story, off time.Duration) {
			do(declaring, launched)(s)
			s.begin(1000)
			s.events[len(s.events)-1].Marker.Age = maxAge - 3*time.Second
			due := s.returned().Add(3*time.Second + grace)
			s.read(1003, history.Draining, 0)
			s.stale(14000, history.Draining, 0)
			s.from(due.Add(off))
			s.read(14500, history.Running, 0)
		}},
		{name: "a marker is honoured again", charged: "EPOCH-003", story: func(s *story, off time.Duration) {
			do(declaring, launched)(s)
			s.stamped(1000)
			s.read(1003, history.Draining, 0)
			respawned(2000)(s)
			due := s.returned().Add(grace)
			s.read(12000, history.Starting, 0)
			s.from(due.Add(off))
			s.read(12500, history.Draining, 0)
		}},
		{name: "tokens come out", charged: "GATE-004", story: func(s *story, off time.Duration) {
			do(launched, streaming, drained(1))(s)
			s.emit(1100, "t", 8)
			due := s.returned().Add(grace)
			s.stale(11100, history.Draining, 1)
			s.upTo(due.Add(off))
		}},
		{name: "a follow-up runs", charged: "GATE-006", story: func(s *story, off time.Duration) {
			do(launched, busySession)(s)
			s.finish(1200, "ahead")
			due := s.returned().Add(grace)
			s.stale(11200, history.Running, 0)
			s.upTo(due.Add(off))
		}},
		{name: "a completion passes the gate", charged: "GATE-007", story: func(s *story, off time.Duration) {
			do(launched, drained(0))(s)
			s.expect(1050, "b", history.OriginBackground)
			s.complete(1100, "b", 202)
			due := s.returned().Add(grace)
			s.cancel(11100)
			s.from(due.Add(off))
			s.read(11103, history.Running, 1)
			s.call(11105, "b", 1, history.ModelCalled)
			s.reply(11200, "b", 1)
		}},
		{name: "a turn that was cut off runs again", charged: "RESTART-004", story: func(s *story, off time.Duration) {
			launched(s)
			s.hold(100, "t", durable)
			s.read(102, history.Running, 1)
			s.kill(500, "t")
			s.up(600, history.ActionRespawn)
			due := s.returned().Add(grace)
			s.read(630, history.Running, 0)
			last(10600, history.Running)(s, due.Add(off))
		}},
		{name: "a job that was missed runs", charged: "SCHEDULED-003", story: func(s *story, off time.Duration) {
			launched(s)
			s.job(900, "j", 2000)
			drained(0)(s)
			s.cancel(4000)
			due := s.returned().Add(grace)
			s.read(4003, history.Running, 0)
			last(14000, history.Running)(s, due.Add(off))
		}},
		{name: "a drain does not keep it from ending", charged: "STATE-011", story: func(s *story, off time.Duration) {
			do(launched, drained(0))(s)
			s.action(1100, history.ActionSIGTERM)
			due := s.returned().Add(grace)
			s.read(1102, history.Stopping, 0)
			last(11100, history.Stopping)(s, due.Add(off))
		}},
		{name: "it ends with nothing in flight", charged: "SHUTDOWN-001", story: func(s *story, off time.Duration) {
			s.declares(3000, "shutdown")
			launched(s)
			s.action(1100, history.ActionSIGTERM)
			due := s.returned().Add(grace)
			s.read(1102, history.Stopping, 0)
			last(11100, history.Stopping)(s, due.Add(off))
		}},
		{name: "a turn gets in where nothing is said", charged: "SHUTDOWN-001", story: func(s *story, off time.Duration) {
			ending(s)
			s.declares(30000, "shutdown")
			due := s.returned().Add(grace)
			s.turn(11000, "late", history.TurnSent)
			s.from(due.Add(off))
			s.model(11002, "late", history.ModelCalled)
		}},
		{name: "a turn may go on", charged: "SHUTDOWN-001", early: true, story: func(s *story, off time.Duration) {
			ending(s)
			due := s.calledAt().Add(3 * time.Second)
			s.read(1002, history.Stopping, 1)
			s.model(4000, "t", history.ModelGone)
			s.upTo(due.Add(off))
			s.end(4002, "t", history.Cut)
			leaves(4010, 0)(s)
		}},
		{name: "past the deadline it ends", charged: "SHUTDOWN-002", story: func(s *story, off time.Duration) {
			ending(s)
			due := s.returned().Add(3*time.Second + grace)
			s.read(1002, history.Stopping, 1)
			s.stale(14000, history.Stopping, 1)
			s.upTo(due.Add(off))
		}},
		{name: "the marker is honoured again", charged: "SHUTDOWN-003", story: func(s *story, off time.Duration) {
			do(launched, drained(0))(s)
			s.action(1100, history.ActionSIGTERM)
			leaves(1110, 0)(s)
			s.up(2000, history.ActionRespawn)
			due := s.returned().Add(grace)
			s.read(2010, history.Starting, 0)
			s.stale(12000, history.Starting, 0)
			s.from(due.Add(off))
		}},
		{name: "its end is announced", charged: "NOTIFY-001", story: func(s *story, off time.Duration) {
			s.declares(0, "notify")
			launched(s)
			s.action(2000, history.ActionSIGTERM)
			s.read(2002, history.Stopped, 0)
			s.process(2060, history.ProcessGone)
			due := s.returned().Add(grace)
			last(12060, history.Stopped)(s, due.Add(off))
		}},
		{name: "its end is announced under a stale marker", charged: "NOTIFY-002", story: func(s *story, off time.Duration) {
			s.declares(0, "notify")
			launched(s)
			s.lays(1000, history.Expectation{Case: "expired", Tests: "EXPIRY-001", Drains: history.MustNot, Keeps: history.MustNot, Silences: true})
			s.action(2000, history.ActionSIGTERM)
			s.read(2002, history.Stopped, 0)
			s.process(2060, history.ProcessGone)
			due := s.returned().Add(grace)
			last(12060, history.Stopped)(s, due.Add(off))
		}},
	})
}
