package monitor

import (
	"testing"

	"github.com/drainproof/drainproof/harness/history"
)

// made is a marker out of the ordinary: as the corpus has it, and how it is laid.
type made struct {
	history.Expectation
	how, mode string
}

func content(id, tests string) made {
	return made{Expectation: history.Expectation{Case: id, Tests: tests, Drains: history.Must, Keeps: history.Must}, how: "in-place"}
}

func odd(how, keeps string) made {
	return made{Expectation: history.Expectation{Case: how, Tests: "MARKER-006", Drains: history.May, Keeps: keeps}, how: how}
}

var (
	cancelInside = content("action-cancel", "MARKER-001")
	corrupt      = content("prose", "MARKER-003")
	emptyMarker  = content("empty", "MARKER-004")
	newerFields  = content("unknown-fields", "MARKER-007")
	renamed      = made{Expectation: content("renamed", "MARKER-009").Expectation, how: "rename"}
	locked       = made{Expectation: content("unreadable", "MARKER-005").Expectation, how: "rename", mode: "000"}
	directory    = odd("directory", history.Must)
	fifo         = odd("fifo", history.Must)
	dangling     = odd("symlink-dangling", history.Should)
)

// lay lays a marker where there is none, lay over another.
func (s *story) lay(at float64, m made)  { s.hostile(at, history.OpBegin, m) }
func (s *story) over(at float64, m made) { s.hostile(at, history.OpRewrite, m) }

func (s *story) hostile(at float64, op history.Op, m made) {
	s.add(at, history.Event{Kind: history.KindMarker, Marker: &history.Marker{
		Op: op, How: m.how, Mode: m.mode, Existed: op == history.OpRewrite, Present: true, Expectation: m.Expectation,
	}})
}

func (s *story) decoy(at float64, present bool) {
	s.add(at, history.Event{Kind: history.KindMarker, Marker: &history.Marker{Op: history.OpDecoy, How: "working-directory", Existed: !present, Present: present}})
}

// heeds has a right gateway follow a marker of 3 s and its removal.
func heeds(at float64, m made) func(*story) {
	return func(s *story) {
		s.stale(at-1, history.Running, 0)
		s.lay(at, m)
		s.read(at+3, history.Draining, 0)
		s.stale(at+2900, history.Draining, 0)
		s.cancel(at + 3000)
		s.read(at+3003, history.Running, 0)
	}
}

// control is an ordinary drain, which shows that the gateway is listening.
func control(at float64) func(*story) {
	return func(s *story) {
		s.stale(at-1, history.Running, 0)
		s.begin(at)
		s.read(at+3, history.Draining, 0)
		s.cancel(at + 500)
		s.read(at+503, history.Running, 0)
	}
}

// deaf reads an unchanged state from one instant to another.
func deaf(from, to float64, state string) func(*story) {
	return func(s *story) {
		for at := from; at <= to; at += 1000 {
			s.stale(at, state, 0)
		}
	}
}

// replaced has a marker laid over an ordinary one in a drain, at 4000.
func replaced(m made) func(*story) {
	return do(drained(0), func(s *story) {
		s.stale(3999, history.Draining, 0)
		s.over(4000, m)
	})
}

func TestRightGatewayAmongHostileMarkers(t *testing.T) {
	runChecks(t, []check{
		{name: "each laid where there was none", story: tell(launched,
			heeds(1000, cancelInside), control(5000), heeds(11000, corrupt), control(15000), heeds(21000, emptyMarker), control(25000),
			heeds(31000, locked), control(35000), heeds(41000, newerFields), control(45000), heeds(51000, renamed), control(55000),
			heeds(61000, fifo), control(65000), heeds(71000, directory), control(75000), heeds(81000, dangling), control(85000)),
			arose: []string{"MARKER-001", "MARKER-003", "MARKER-004", "MARKER-005", "MARKER-006", "MARKER-007", "MARKER-009"}},
		{name: "each laid over another", story: tell(launched, replaced(corrupt), func(s *story) {
			for i, m := range []made{emptyMarker, locked, newerFields, renamed, fifo, directory, dangling} {
				at := 8000 + 4000*float64(i)
				s.stale(at-1, history.Draining, 0)
				s.over(at, m)
			}
			s.stale(37000, history.Draining, 0)
			s.rewrite(37001)
			s.stale(40000, history.Draining, 0)
			s.cancel(40001)
			s.read(40010, history.Running, 0)
		}), arose: []string{"MARKER-003", "MARKER-004", "MARKER-006", "MARKER-007", "MARKER-009", "MARKER-010"}},
		{name: "what is no regular file begins no drain", story: tell(launched, func(s *story) {
			s.lay(1000, directory)
			deaf(1500, 15500, history.Running)(s)
			s.rewrite(16000)
			s.read(16003, history.Draining, 0)
			s.cancel(17000)
			s.read(17003, history.Running, 0)
			s.lay(18000, dangling)
			deaf(18500, 32500, history.Running)(s)
			s.cancel(33000)
			deaf(33500, 40000, history.Running)(s)
			control(41000)(s)
		}), arose: []string{"MARKER-006"}},
		{name: "a link ends the drain, which it should not", story: tell(launched, replaced(dangling), func(s *story) {
			s.read(4003, history.Running, 0)
			s.hold(5000, "in")
			s.read(5000.5, history.Running, 1)
			s.finish(5100, "in")
			s.read(5103, history.Running, 0)
			s.cancel(9000)
			s.stale(12000, history.Running, 0)
		}), violated: []string{"GATE-001"}}, // no spec sends a turn there: GATE-001 allows no exception
		{name: "killed and respawned among them", story: tell(launched, replaced(corrupt), func(s *story) {
			s.action(5000, history.ActionSIGKILL)
			s.process(5001, history.ProcessGone)
			s.up(5100, history.ActionRespawn)
			s.read(5130, history.Running, 0)
			s.stale(9000, history.Running, 0)
		}), notArose: []string{"RESTART-002", "WATCH-003"}},
		{name: "a decoy", story: tell(launched, func(s *story) {
			s.decoy(1000, true)
			deaf(1500, 5500, history.Running)(s)
			s.begin(6000)
			s.read(6003, history.Draining, 0)
			s.cancel(9000)
			s.read(9003, history.Running, 0)
			s.decoy(10000, false)
		}), arose: []string{"MARKER-002"}},
		{name: "a decoy too short to be told from none", story: tell(launched, func(s *story) {
			s.decoy(1000, true)
			s.stale(1500, history.Running, 0)
			s.decoy(1600, false)
			s.stale(5000, history.Running, 0)
		}), notArose: []string{"MARKER-002"}},
	})
}

// TestMarkerFaults tells how gateways that stumble over a marker behave, and wants
// each charged with the requirement that the marker tests, and with nothing else.
func TestMarkerFaults(t *testing.T) {
	ignored := func(m made) *story {
		return tell(launched, func(s *story) {
			s.lay(1000, m)
			deaf(1500, 12500, history.Running)(s)
			s.cancel(13000)
			s.stale(14000, history.Running, 0)
		})
	}
	ended := func(m made) *story {
		return tell(launched, replaced(m), func(s *story) {
			s.read(4003, history.Running, 0)
			s.stale(7000, history.Running, 0)
			s.cancel(8000)
			s.stale(12000, history.Running, 0)
		})
	}
	runChecks(t, []check{
		{name: "content-decides", story: ignored(cancelInside), violated: []string{"MARKER-001"}},
		{name: "content-decides, over another", story: ended(cancelInside), violated: []string{"MARKER-001"}},
		{name: "corrupt-is-running", story: ignored(corrupt), violated: []string{"MARKER-003"}},
		{name: "corrupt-is-running, over another", story: ended(corrupt), violated: []string{"MARKER-003"}},
		{name: "bad-utf8-keeps-state", story: ignored(emptyMarker), violated: []string{"MARKER-004"}},
		{name: "unreadable-is-running", story: ignored(locked), violated: []string{"MARKER-005"}},
		{name: "unreadable-is-running, over another", story: ended(locked), violated: []string{"MARKER-010"}},
		{name: "strict-schema", story: ignored(newerFields), violated: []string{"MARKER-007"}},
		{name: "strict-schema, over another", story: ended(newerFields), violated: []string{"MARKER-007"}},
		{name: "rename-blind", story: ignored(renamed), violated: []string{"MARKER-009"}},
		{name: "rename-blind, with a marker that only says how", story: ignored(made{how: "rename"}), violated: []string{"MARKER-009"}},
		{name: "read-error-releases", story: ended(directory), violated: []string{"MARKER-010"}, arose: []string{"MARKER-010"}},
		{name: "a FIFO releases", story: ended(fifo), violated: []string{"MARKER-006"}},
		{name: "a link releases", story: ended(dangling)},
		{name: "heeded too late", story: tell(launched, func(s *story) {
			s.lay(1000, corrupt)
			deaf(1500, 12500, history.Running)(s)
			s.read(12600, history.Draining, 0)
		}), violated: []string{"MARKER-003"}},
		{name: "heeded late, but in time for this", story: tell(launched, func(s *story) {
			s.lay(1000, corrupt)
			deaf(1500, 10500, history.Running)(s)
			s.read(10600, history.Draining, 0)
		}), arose: []string{"MARKER-003"}},
		{name: "repaired before it was due", story: tell(launched, func(s *story) {
			s.lay(1000, corrupt)
			deaf(1500, 9500, history.Running)(s)
			s.rewrite(10000)
			s.read(14000, history.Draining, 0)
		}), notArose: []string{"MARKER-003"}},
		{name: "one that does not answer is charged once", story: tell(launched, func(s *story) {
			s.lay(1000, corrupt)
			deaf(1500, 12500, history.Running)(s)
			s.cancel(13000)
			s.lay(14000, emptyMarker)
			deaf(14500, 26500, history.Running)(s)
		}), violated: []string{"MARKER-003"}, notArose: []string{"MARKER-004"}},
		{name: "fifo-hangs, then an ordinary marker takes its place", story: tell(launched, func(s *story) {
			s.lay(1000, fifo)
			s.rewrite(3000)
			deaf(3500, 15000, history.Running)(s)
		}), violated: []string{"MARKER-006"}},
		{name: "fifo-hangs, then a cancel", story: tell(launched, replaced(fifo), func(s *story) {
			s.cancel(7000)
			deaf(7500, 19000, history.Draining)(s)
		}), violated: []string{"MARKER-006"}},
		{name: "fifo-hangs, then the next drain", story: tell(launched, func(s *story) {
			s.lay(1000, fifo)
			deaf(1500, 3500, history.Running)(s)
			s.cancel(4000)
			s.begin(6000)
			deaf(6500, 18000, history.Running)(s)
		}), violated: []string{"MARKER-006"}},
		{name: "crashes on a content", story: tell(launched, func(s *story) {
			s.lay(1000, emptyMarker)
			s.process(1010, history.ProcessGone, exit(2))
			s.stale(5000, history.Running, 0)
		}), violated: []string{"MARKER-006"}},
		{name: "crashes on a content laid over another", story: tell(launched, replaced(emptyMarker), func(s *story) {
			s.process(4010, history.ProcessGone, exit(2))
			s.stale(9000, history.Draining, 0)
		}), violated: []string{"MARKER-006"}},
		{name: "exit-on-drain, on a marker out of the ordinary", story: tell(launched, func(s *story) {
			s.lay(1000, corrupt)
			s.read(1003, history.Draining, 0)
			s.process(1055, history.ProcessGone, exit(0))
		}), violated: []string{"STATE-008"}},
		{name: "flaps on an ordinary rewrite after a repair", story: tell(launched, replaced(corrupt), func(s *story) {
			s.stale(5000, history.Draining, 0)
			s.rewrite(6000)
			s.read(6003, history.Running, 0)
			s.read(6103, history.Draining, 0)
		}), violated: []string{"STATE-003"}},
		{name: "wrong-home", story: tell(launched, func(s *story) {
			s.decoy(1000, true)
			s.read(1500, history.Draining, 0)
			s.decoy(4000, false)
			s.read(4500, history.Running, 0)
		}), violated: []string{"MARKER-002"}},
		{name: "draining without a marker, long after a decoy", story: tell(launched, func(s *story) {
			s.decoy(1000, true)
			deaf(1500, 3500, history.Running)(s)
			s.decoy(4000, false)
			deaf(4500, 15500, history.Running)(s)
			s.read(16000, history.Draining, 0)
		}), violated: []string{"STATE-005"}},
	})
}

func TestAdviceIsNoBreach(t *testing.T) {
	got := tell(launched, replaced(dangling), func(s *story) {
		s.read(4003, history.Running, 0)
		s.cancel(8000)
		s.stale(12000, history.Running, 0)
	}).judge(t)["MARKER-006"]
	if len(got.Violations) > 0 || len(got.Advice) != 1 {
		t.Errorf("%d breaches and %d pieces of advice, want 0 and 1", len(got.Violations), len(got.Advice))
	}
}
