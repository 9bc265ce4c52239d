package monitor

import (
	"fmt"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/history"
)

// TestFirstFourteenFaults tells how each of the first wrong gateways behaves and
// wants it charged with what it is, and with nothing else.
func TestFirstFourteenFaults(t *testing.T) {
	late := func(s *story) { // turns sent after the acknowledgement that get in
		s.hold(1020, "in")
		s.finish(1500, "in")
	}
	runChecks(t, []check{
		{name: "start-only", story: tell(launched, func(s *story) {
			s.begin(1000)
			s.hold(3100, "in")
			s.finish(3200, "in")
			s.stale(5000, history.Running, 0)
			s.cancel(5100)
		}), violated: []string{"GATE-005", "WATCH-001"}},

		{name: "exit-on-drain", story: tell(launched, drained(0), func(s *story) {
			s.turn(1020, "cut", history.TurnSent)
			s.process(1030, history.ProcessGone, exit(0))
			s.end(1031, "cut", history.Cut)
			s.turn(1040, "none", history.TurnSent)
			s.end(1041, "none", history.Unsent)
			s.stale(4000, history.Draining, 0)
		}), violated: []string{"STATE-008"}, arose: []string{"STATE-008"}},

		{name: "turn-end-writes-running before a quick cancel and begin", story: tell(launched, func(s *story) {
			s.hold(500, "t")
			s.read(501, history.Running, 1)
		}, drained(1), func(s *story) {
			s.finish(1100, "t")
			s.read(1101, history.Running, 0)
			s.cancel(1200)
			s.begin(1250)
			s.stale(9000, history.Running, 0)
		}), violated: []string{"STATE-010"}},

		// Connections break while a dying process still exists: one death, one charge.
		{name: "exit-on-drain cutting a turn on its way out", story: tell(launched, drained(0), func(s *story) {
			s.turn(1020, "cut", history.TurnSent)
			s.end(1031, "cut", history.Cut)
			s.process(1230, history.ProcessGone, exit(0))
			s.stale(4000, history.Draining, 0)
		}), violated: []string{"STATE-008"}, arose: []string{"STATE-008"}},
		// It said that it was leaving and left, slowly: no more is asked of it.
		{name: "exit-on-drain cancelled on its slow way out", story: tell(launched, drained(0), func(s *story) {
			s.cancel(1100)
			s.read(1200, history.Stopping, 0)
			s.read(3400, history.Stopping, 0)
			s.read(3500, history.Stopped, 0)
			s.process(3510, history.ProcessGone, exit(0))
			s.stale(8000, history.Stopped, 0)
		}), violated: []string{"STATE-006"}},
		{name: "stopping for ever instead of running", story: tell(launched, drained(0), func(s *story) {
			s.cancel(1100)
			s.read(1200, history.Stopping, 0)
			s.stale(9000, history.Stopping, 0)
		}), violated: []string{"WATCH-002"}},
		{name: "stopped by a process that was gone before it was seen", story: tell(func(s *story) {
			s.action(0, history.ActionStart)
			s.read(20, history.Stopped, 0)
			s.stale(9000, history.Stopped, 0)
		}), violated: nil},
		{name: "cut without a death", story: tell(launched, drained(0), func(s *story) {
			s.turn(1020, "cut", history.TurnSent)
			s.end(1031, "cut", history.Cut)
			s.stale(8000, history.Draining, 0)
		}), violated: []string{"GATE-008"}},

		{name: "exit-on-drain as the last reply leaves", story: tell(launched, func(s *story) {
			s.hold(100, "t")
			s.read(101, history.Running, 1)
		}, drained(1), func(s *story) {
			s.model(1100, "t", history.ModelReleased)
			s.model(1101, "t", history.ModelDone)
			s.process(1101.5, history.ProcessGone)
			s.end(1102, "t", history.Finished)
		}), violated: []string{"STATE-008"}},

		// Dead before the turns it had taken got to the model: it was not drained yet.
		{name: "crash-mid-drain with turns it has only just counted", story: tell(launched, func(s *story) {
			s.turn(990, "a", history.TurnSent)
			s.turn(991, "b", history.TurnSent)
			s.begin(1000)
			s.read(1020, history.Draining, 2)
			s.end(1029, "a", history.Cut)
			s.end(1029.5, "b", history.Cut)
			s.process(1030, history.ProcessGone)
			s.stale(4000, history.Draining, 2)
		}), violated: []string{"STATE-006"}},

		{name: "status-only", story: tell(launched, drained(0), late, func(s *story) {
			s.read(1020.5, history.Draining, 1)
		}), violated: []string{"GATE-001", "GATE-003"}},

		{name: "publish-before-gate", story: tell(launched, drained(0), late, func(s *story) {
			s.refuse(1060, "out")
		}), violated: []string{"GATE-001"}},

		{name: "check-then-claim", story: tell(launched, func(s *story) {
			s.turn(998, "slow", history.TurnSent)
		}, drained(0), func(s *story) {
			s.refuse(1010, "r")
			s.read(1029, history.Draining, 1)
			s.model(1030, "slow", history.ModelCalled)
			s.finish(1040, "slow")
		}), violated: []string{"GATE-003"}},

		{name: "gate-after-claim", story: tell(launched, drained(0), func(s *story) {
			s.refuse(1010, "r")
			s.read(1010.5, history.Draining, 1)
			s.read(1011.5, history.Draining, 0)
		}), violated: []string{"GATE-003"}},

		{name: "kill-in-flight", story: tell(launched, func(s *story) {
			s.hold(100, "t")
			s.read(101, history.Running, 1)
		}, drained(1), func(s *story) {
			s.model(1003, "t", history.ModelGone)
			s.end(1003.2, "t", history.Cut)
			s.read(1003.3, history.Draining, 0)
		}), violated: []string{"GATE-004"}},

		{name: "kill-in-flight, before it is acknowledged", story: tell(launched, func(s *story) {
			s.hold(100, "t")
			s.read(101, history.Running, 1)
			s.begin(1000)
			s.model(1001, "t", history.ModelGone)
			s.span(101, 1001.2, history.Event{Kind: history.KindTurn, Turn: &history.Turn{ID: "t", Phase: history.TurnEnded, Outcome: history.Cut}})
			s.read(1003, history.Draining, 0)
		}), violated: []string{"GATE-004"}},

		{name: "zero-before-delivery", story: tell(launched, func(s *story) {
			s.hold(100, "long", longAnd)
			s.read(100.5, history.Running, 1)
			s.model(110, "long", history.ModelReleased)
			s.model(112, "long", history.ModelDone)
			s.read(111, history.Running, 0)
		}, drained(0), func(s *story) {
			s.turn(1500, "long", history.TurnResumed)
			s.end(1510, "long", history.Finished)
		}), violated: []string{"COUNT-006"}, arose: []string{"COUNT-006", "COUNT-003"}},

		{name: "stale-count", story: tell(launched, func(s *story) {
			s.hold(100, "t")
			s.stale(10200, history.Running, 0)
		}), violated: []string{"COUNT-001"}},

		{name: "stale-count, seen at 0 in time", story: tell(launched, func(s *story) {
			s.hold(100, "t")
			s.stale(150, history.Running, 0)
			s.stale(10101, history.Running, 0)
		}), violated: nil},

		{name: "turn-end-writes-running", story: tell(launched, func(s *story) {
			s.hold(100, "t")
			s.read(100.5, history.Running, 1)
		}, drained(1), func(s *story) {
			s.refuse(1010, "r")
			s.finish(1100, "t")
			s.read(1102.5, history.Running, 0)
			s.refuse(1200, "r2")
		}), violated: []string{"STATE-010"}, arose: []string{"STATE-010"}},

		{name: "turn-end-writes-running, read before its client has seen the end", story: tell(launched, func(s *story) {
			s.hold(100, "t")
			s.read(100.5, history.Running, 1)
		}, drained(1), func(s *story) {
			s.read(3500, history.Draining, 1)
			s.read(3503, history.Running, 0)
			s.span(3400, 3504, history.Event{Kind: history.KindTurn, Turn: &history.Turn{ID: "t", Phase: history.TurnEnded, Outcome: history.Finished}})
			s.refuse(3600, "r")
		}), violated: []string{"STATE-010"}},

		{name: "stopped is published in a drain, and the process lives", story: tell(launched, drained(0), func(s *story) {
			s.read(1010, history.Stopped, 0)
			s.stale(4000, history.Stopped, 0)
		}), violated: []string{"STATE-012"}},
		{name: "a drain blocks the shutdown", story: tell(launched, drained(0), func(s *story) {
			s.action(1100, history.ActionSIGTERM)
			s.read(1101, history.Stopping, 0)
			s.stale(12000, history.Stopping, 0)
		}), violated: []string{"STATE-011"}},

		{name: "a drain blocks the shutdown, and clients knock in vain", story: tell(launched, drained(0), func(s *story) {
			s.action(1100, history.ActionSIGTERM)
			s.read(1101, history.Stopping, 0)
			s.turn(11000, "t", history.TurnSent)
			s.end(11001, "t", history.Unsent)
			s.stale(12000, history.Stopping, 0)
		}), violated: []string{"STATE-011"}},

		{name: "a drain delays the shutdown, and a client knocks when it is over", story: tell(launched, drained(0), func(s *story) {
			s.action(1100, history.ActionSIGTERM)
			s.read(1101, history.Stopping, 0)
			s.read(11900, history.Stopped, 0)
			s.process(12000, history.ProcessGone, exit(0))
			s.turn(12100, "t", history.TurnSent)
		}), violated: []string{"STATE-011"}},

		{name: "a flap on a rewrite that outlasts the cancel", story: tell(launched, drained(0), func(s *story) {
			s.rewrite(1500)
			s.read(1502, history.Running, 0)
			s.cancel(1550)
			s.read(1602, history.Draining, 0)
			s.read(1604, history.Running, 0)
			s.stale(6000, history.Running, 0)
		}), violated: []string{"STATE-003"}},
		{name: "draining flashes after the cancel was answered", story: tell(launched, drained(0), func(s *story) {
			s.cancel(4000)
			s.read(4002, history.Running, 0)
			s.read(4050, history.Draining, 0)
			s.read(4060, history.Running, 0)
			s.stale(8000, history.Running, 0)
		}), violated: []string{"STATE-005"}},
		{name: "slow-cancel", story: tell(launched, drained(0), func(s *story) {
			s.cancel(2000)
			s.refuse(5000, "r")
			s.stale(5990, history.Draining, 0)
			s.read(6000, history.Running, 0)
		}), violated: []string{"GATE-011", "WATCH-002"}},

		{name: "flap-on-rewrite", story: tell(launched, drained(0), func(s *story) {
			s.rewrite(1500)
			s.read(1502, history.Running, 0)
			s.read(1503, history.Draining, 0)
			s.stale(4000, history.Draining, 0)
		}), violated: []string{"STATE-003"}, arose: []string{"STATE-003"}},

		{name: "flap-on-rewrite, as the marker's own writing is seen twice", story: tell(launched, drained(0), func(s *story) {
			s.read(1004, history.Running, 0)
			s.read(1005, history.Draining, 0)
		}), violated: []string{"STATE-003"}},

		{name: "cancel-resurrects", story: tell(launched, drained(0), func(s *story) {
			s.action(2000, history.ActionSIGTERM)
			s.read(2002, history.Stopping, 0)
			s.cancel(2100)
			s.read(2103, history.Running, 0)
			s.read(2200, history.Stopped, 0)
			s.process(2210, history.ProcessGone, exit(0))
		}), violated: []string{"STATE-007"}, arose: []string{"STATE-007"}},

		{name: "cancel-resurrects, straight from draining", story: tell(launched, drained(1), func(s *story) {
			s.hold(100, "t")
			s.action(2000, history.ActionSIGTERM)
			s.cancel(4100)
			s.read(4103, history.Running, 1)
		}), violated: []string{"STATE-007"}},

		{name: "first-tick-late", story: tell(launched, drained(0), func(s *story) {
			s.action(1500, history.ActionSIGTERM)
			s.read(1510, history.Stopped, 0)
			s.process(1520, history.ProcessGone, exit(0))
			s.up(2000, history.ActionRespawn)
			s.read(2010, history.Starting, 0)
			s.hold(2016, "in")
			s.read(2016.5, history.Starting, 1)
			s.read(2216, history.Draining, 1)
			s.refuse(2300, "r")
			s.finish(2400, "in")
		}), violated: []string{"WATCH-003"}, arose: []string{"WATCH-003", "RESTART-001"}},

		{name: "first-tick-late, publishing running before it looks", story: tell(launched, drained(0), crashed, func(s *story) {
			s.read(2012, history.Running, 0)
			s.stale(2015, history.Running, 0)
			s.hold(2016, "in")
			s.read(2016.5, history.Running, 1)
			s.stale(2017, history.Running, 1)
			s.read(2216, history.Draining, 1)
			s.finish(2400, "in")
		}), violated: []string{"RESTART-001", "WATCH-003"}},
	})
}

// TestFurtherFaults are faults of the catalogue that the same monitors name.
func TestFurtherFaults(t *testing.T) {
	runChecks(t, []check{
		{name: "refusal-reaches-model", story: tell(launched, drained(0), func(s *story) {
			s.refuse(1020, "r")
			s.model(1020.5, "r", history.ModelCalled)
			s.model(1020.8, "r", history.ModelDone)
		}), violated: []string{"GATE-002"}},
		{name: "keepalive-exempt", story: tell(launched, drained(0), func(s *story) {
			s.hold(1020, "in", reused)
			s.refuse(1030, "r")
		}), violated: []string{"GATE-010"}},
		{name: "stream-ungated", story: tell(launched, drained(0), func(s *story) {
			s.hold(1020, "a", stream)
			s.hold(1030, "b", stream)
			s.refuse(1040, "r")
		}), violated: []string{"GATE-001", "GATE-009"}},
		{name: "leaky-gate", story: tell(launched, drained(0), func(s *story) {
			for i := range 6 {
				if i == 3 {
					s.hold(1020+10*float64(i), "leak")
				} else {
					s.refuse(1020+10*float64(i), fmt.Sprint("r", i), stream)
				}
			}
		}), violated: []string{"GATE-001"}},
		{name: "silent-refusal", story: tell(launched, drained(0), func(s *story) {
			s.turn(1020, "h", history.TurnSent)
			s.end(4020, "h", history.Hung)
		}), violated: []string{"GATE-008"}},
		{name: "wrong-refusal", story: tell(launched, drained(0), func(s *story) {
			s.turn(1020, "f", history.TurnSent)
			s.end(1021, "f", history.Failed)
		}), violated: []string{"GATE-008"}},
		{name: "busy with a turn in flight", story: tell(launched, func(s *story) {
			s.hold(500, "t")
			s.read(501, history.Running, 1)
		}, drained(1), func(s *story) {
			s.turn(1020, "b", history.TurnSent)
			s.end(1021, "b", history.Busy)
			s.finish(1100, "t")
		})},
		{name: "busy with what its session left", story: tell(launched, func(s *story) {
			s.hold(500, "t", inSession("s"))
			s.finish(600, "t")
			s.read(610, history.Running, 0)
		}, drained(0), func(s *story) {
			s.turn(1020, "b", history.TurnSent, inSession("s"))
			s.end(1021, "b", history.Busy)
		})},
		{name: "bare refusal", story: tell(launched, drained(0), func(s *story) {
			s.turn(1020, "f", history.TurnSent)
			s.turn(1021, "f", history.TurnEnded, func(t *history.Turn) { t.Outcome, t.Status = history.Refused, 500 })
		}), violated: []string{"GATE-012"}},
		{name: "hangs-after-cancel", story: tell(launched, drained(0), func(s *story) {
			s.cancel(2000)
			s.read(2010, history.Running, 0)
			s.turn(4100, "t", history.TurnSent)
			s.end(16100, "t", history.Hung)
			s.stale(16200, history.Running, 0)
		}), violated: []string{"GATE-011"}},
		{name: "refuse-without-drain", story: tell(launched, func(s *story) { s.refuse(100, "r") }), violated: []string{"GATE-011"}},
		{name: "stall-stream", story: tell(launched, func(s *story) {
			s.hold(100, "t", stream)
			s.read(100.5, history.Running, 1)
		}, drained(1), func(s *story) { s.end(9000, "t", history.Hung) }), violated: []string{"GATE-004"}},
		{name: "reset-count-on-enter", story: tell(launched, func(s *story) {
			s.hold(100, "t")
			s.read(100.5, history.Running, 1)
			s.stale(999, history.Running, 1)
			s.begin(1000)
			s.read(1003, history.Draining, 0)
		}), violated: []string{"COUNT-003", "STATE-009"}},
		{name: "reset-count-on-enter, as turns get in", story: tell(launched, func(s *story) {
			s.turn(998, "t", history.TurnSent)
		}, drained(0), func(s *story) {
			s.model(1005, "t", history.ModelCalled)
			s.stale(1020, history.Draining, 0)
			s.read(1030, history.Draining, 1)
		}), violated: []string{"COUNT-003", "GATE-003"}},
		{name: "reset-count-on-enter, by a reading that was under way", story: tell(launched, func(s *story) {
			s.hold(100, "t")
			s.hold(100, "u")
			s.hold(100, "v", stream)
			s.http(500, history.Running, 3)
			s.finish(600, "v")
			s.http(700, history.Running, 2)
			s.begin(1000)
			s.span(995, 1010, onHTTP(history.Draining, 0))
			s.http(1050, history.Draining, 0)
		}), violated: []string{"COUNT-003", "STATE-009"}},
		{name: "undercount in a drain", story: tell(launched, func(s *story) {
			s.hold(100, "t")
			s.hold(110, "u")
			s.read(110.5, history.Running, 1)
			s.begin(1000)
			s.read(1003, history.Draining, 1)
		}), violated: []string{"COUNT-001"}},
		{name: "count-stuck-at-one", story: tell(launched, func(s *story) {
			s.hold(100, "t")
			s.read(100.5, history.Running, 1)
			s.finish(200, "t")
			s.stale(10203, history.Running, 1)
		}), violated: []string{"COUNT-002"}},
		{name: "torn-state-file", story: tell(launched, func(s *story) { s.problem(100, "unparseable") }), violated: []string{"STATE-001"}},
		{name: "a file that vanishes", story: tell(launched, func(s *story) { s.problem(100, "absent") }), violated: []string{"STATE-001"}},
		{name: "restart-on-drain", story: tell(launched, drained(0), func(s *story) {
			s.cancel(1500)
			s.read(1502, history.Running, 0)
			s.process(1505, history.ProcessClosed, socket(7))
			s.process(1600, history.ProcessListening, socket(9))
		}), violated: []string{"STATE-006"}},
		{name: "another pid", story: tell(launched, func(s *story) {
			s.process(500, history.ProcessSeen, func(p *history.Process) { p.PID = 99 })
		}), violated: []string{"STATE-006"}},
		{name: "crash in a turn", story: tell(launched, func(s *story) {
			s.hold(100, "t")
			s.read(100.5, history.Running, 1)
		}, drained(1), func(s *story) {
			s.process(1100, history.ProcessGone)
			s.model(1101, "t", history.ModelGone)
			s.end(1102, "t", history.Cut)
		}), violated: []string{"STATE-006"}},
		{name: "no-stopped", story: tell(launched, func(s *story) {
			s.action(100, history.ActionSIGTERM)
			s.process(150, history.ProcessGone, exit(0))
			s.stale(200, history.Running, 0)
		}), violated: []string{"STATE-012"}},
		{name: "stopped and more", story: tell(launched, func(s *story) {
			s.action(100, history.ActionSIGTERM)
			s.read(140, history.Stopped, 0)
			s.read(145, history.Stopping, 0)
			s.process(150, history.ProcessGone, exit(0))
		}), violated: []string{"STATE-012"}},
		{name: "cancel-when-idle-flaps", story: tell(launched, func(s *story) {
			s.marker(100, history.OpCancel, false, false)
			s.read(102, history.Draining, 0)
			s.read(103, history.Running, 0)
		}), violated: []string{"STATE-005"}, arose: []string{"STATE-005"}},
		{name: "eats-marker", story: tell(launched, drained(0), func(s *story) {
			s.marker(1010, history.OpFound, true, false)
			s.marker(2000, history.OpCancel, false, false)
			s.read(2003, history.Running, 0)
		}), violated: []string{"MARKER-008"}},
		{name: "eats-marker, found out by the cancel", story: tell(launched, drained(0), func(s *story) {
			s.marker(2000, history.OpCancel, false, false)
			s.read(2003, history.Running, 0)
		}), violated: []string{"MARKER-008"}},
		{name: "a drain that does not hold", story: tell(launched, drained(0), func(s *story) {
			s.read(4000, history.Running, 0)
		}), violated: []string{"MARKER-001"}},
		{name: "sticky-draining", story: tell(launched, drained(0), func(s *story) {
			s.action(1500, history.ActionSIGKILL)
			s.process(1520, history.ProcessGone)
			s.cancel(1600)
			s.up(2000, history.ActionRespawn)
			s.read(2016, history.Draining, 0)
		}), violated: []string{"WATCH-007"}},
		{name: "running-before-first-look", story: tell(launched, drained(0), crashed, func(s *story) {
			s.read(2008, history.Running, 0)
			s.read(2012, history.Draining, 0)
		}), violated: []string{"WATCH-008"}},
		{name: "kept from shutting down by the machine", story: tell(launched, drained(0), func(s *story) {
			s.action(1500, history.ActionSIGTERM)
			s.read(1510, history.Stopping, 0)
			s.span(1600, 14000, history.Event{Kind: history.KindStall, Stall: &history.Stall{Late: 12 * time.Second, Of: history.StallGateway}})
			s.read(14100, history.Stopped, 0)
			s.process(14110, history.ProcessGone, exit(0))
		}), violated: nil},
		{name: "kept from shutting down by a machine that stood still", story: tell(launched, drained(0), func(s *story) {
			s.action(1500, history.ActionSIGTERM)
			s.read(1510, history.Stopping, 0)
			s.span(1600, 14000, history.Event{Kind: history.KindStall, Stall: &history.Stall{Late: 12 * time.Second}})
			s.read(14100, history.Stopped, 0)
			s.process(14110, history.ProcessGone, exit(0))
		}), violated: nil},
		{name: "kept from shutting down by nothing", story: tell(launched, drained(0), func(s *story) {
			s.action(1500, history.ActionSIGTERM)
			s.read(1510, history.Stopping, 0)
			s.read(14100, history.Stopped, 0)
			s.process(14110, history.ProcessGone, exit(0))
		}), violated: []string{"STATE-011"}},
		{name: "respawn-flashes-running", story: tell(launched, drained(0), func(s *story) {
			s.action(1500, history.ActionSIGTERM)
			s.read(1510, history.Stopped, 0)
			s.process(1520, history.ProcessGone, exit(0))
			s.up(2000, history.ActionRespawn)
			s.read(2016, history.Running, 0)
			s.read(2017, history.Draining, 0)
			s.refuse(2018, "r")
		}), violated: []string{"RESTART-001"}},
		{name: "running first after a crash, and cancelled before it could drain", story: tell(launched, drained(0), crashed, func(s *story) {
			s.read(2016, history.Running, 0)
			s.cancel(2020)
			s.stale(9000, history.Running, 0)
		}), violated: nil},
		{name: "respawn-flashes-running, after a crash", story: tell(launched, drained(0), crashed, func(s *story) {
			s.read(2016, history.Running, 0)
			s.read(2017, history.Draining, 0)
		}), violated: []string{"RESTART-001"}, arose: []string{"RESTART-002"}},
		{name: "crash-loses-drain", story: tell(launched, drained(0), crashed, func(s *story) {
			s.read(2016, history.Running, 0)
			s.stale(9000, history.Running, 0)
		}), violated: []string{"RESTART-002"}},
		{name: "does not come up after a crash", story: tell(launched, drained(0), func(s *story) {
			s.action(1500, history.ActionSIGKILL)
			s.process(1520, history.ProcessGone)
			s.action(2000, history.ActionRespawn)
			s.down(17000)
		}), violated: []string{"RESTART-002"}},
	})
}

// TestComesUp is about gateways that do not become ready when they are started again.
func TestComesUp(t *testing.T) {
	killed := func(s *story) {
		s.action(1500, history.ActionSIGKILL)
		s.process(1520, history.ProcessGone)
	}
	ended := func(s *story) {
		s.action(1500, history.ActionSIGTERM)
		s.read(1510, history.Stopped, 0)
		s.process(1520, history.ProcessGone, exit(0))
	}
	respawned := func(more ...func(*story)) func(*story) {
		return func(s *story) {
			s.action(2000, history.ActionRespawn)
			s.process(2005, history.ProcessSeen)
			for _, m := range more {
				m(s)
			}
			s.down(12000)
		}
	}
	code := 1
	cancelled := func(s *story) { s.cancel(1100); s.read(1110, history.Running, 0) }
	stands := func(s *story) { s.stall(3000, 4500) }
	one, two := []string{"RESTART-001"}, []string{"RESTART-002"}
	runChecks(t, []check{
		{name: "after a crash", story: tell(launched, drained(0), killed, respawned()), violated: two},
		{name: "after an end", story: tell(launched, drained(0), ended, respawned()), violated: one},
		{name: "after a crash without a drain", story: tell(launched, killed, respawned())},
		{name: "after a crash after a drain", story: tell(launched, drained(0), cancelled, killed, respawned())},
		{name: "after an end after a drain", story: tell(launched, drained(0), cancelled, ended, respawned())},
		{name: "after a crash, and the marker was removed", story: tell(launched, drained(0), killed, func(s *story) {
			s.cancel(1600)
		}, respawned()), violated: two},
		{name: "after an end, and the marker was removed", story: tell(launched, drained(0), ended, func(s *story) {
			s.cancel(1600)
		}, respawned())},
		{name: "in the noise", story: tell(launched, drained(0), killed, respawned(stands)), noisy: two, inconclusive: two},
		{name: "in a little noise", story: tell(launched, drained(0), killed, respawned(func(s *story) { s.stall(3000, 3500) })), violated: two},
		{name: "in the noise, and long after it", story: tell(launched, drained(0), killed, func(s *story) {
			s.action(2000, history.ActionRespawn)
			s.process(2005, history.ProcessSeen)
			s.stall(3000, 6000)
			s.down(22000)
		}), violated: two},
		{name: "in the noise, and it ended", story: tell(launched, drained(0), killed, respawned(stands, func(s *story) {
			s.process(5000, history.ProcessGone)
		})), violated: two},
		{name: "in the noise, and too soon to be seen", story: tell(launched, drained(0), ended, func(s *story) {
			s.action(2000, history.ActionRespawn)
			s.stall(3000, 4500)
			s.add(7000, history.Event{Kind: history.KindAction, Action: &history.Action{Name: history.ActionReady, Error: "not seen", ExitCode: &code}})
		}), violated: one},
		{name: "its ready check says that it drains", story: tell(launched, drained(0), killed, respawned(func(s *story) {
			s.process(2020, history.ProcessListening)
			s.read(2030, history.Draining, 0)
		}))},
		{name: "it says that it drains, and nobody listens", story: tell(launched, drained(0), killed, respawned(func(s *story) {
			s.read(2030, history.Draining, 0)
		})), violated: two},
		{name: "it listens, and goes on starting", story: tell(launched, drained(0), killed, respawned(func(s *story) {
			s.process(2020, history.ProcessListening)
			s.read(2030, history.Starting, 0)
		})), violated: two},
		{name: "not ready at first, and then", story: tell(launched, drained(0), killed, respawned(), func(s *story) {
			s.action(12500, history.ActionReady)
			s.read(12501, history.Draining, 0)
		})},
		{name: "as slow as ever", story: tell(func(s *story) {
			s.action(0, history.ActionStart)
			s.process(5, history.ProcessSeen)
			s.action(9900, history.ActionReady)
			s.begin(10000)
			s.read(10010, history.Draining, 0)
			s.action(10100, history.ActionSIGKILL)
			s.process(10120, history.ProcessGone)
			s.action(11000, history.ActionRespawn)
			s.process(11005, history.ProcessSeen)
			s.stall(12000, 12200)
			s.down(21000)
		}), noisy: two, inconclusive: two},
	})
}
