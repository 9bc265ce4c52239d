package monitor

import (
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/history"
)

const maxAge = time.Hour

// declaring has the target declare both kinds of staleness, in containers.
func declaring(s *story) {
	h := s.events[0].Header
	h.Features, h.MaxAge, h.Runtime = []string{"epoch", "expiry"}, maxAge, "docker"
}

// marks lays a marker by renaming it into place.
func (s *story) marks(at float64, m history.Marker) {
	m.How, m.Present, m.Op = "rename", true, history.OpBegin
	if m.Existed {
		m.Op = history.OpRewrite
	}
	s.add(at, history.Event{Kind: history.KindMarker, Marker: &m})
}

// stamped is a begin, in place, of a marker with the gateway's own stamp.
func (s *story) stamped(at float64) {
	s.add(at, history.Event{Kind: history.KindMarker, Marker: &history.Marker{Op: history.OpBegin, How: "in-place", Present: true, Epoch: "own"}})
}

func stale(tests string) history.Marker {
	return history.Marker{Expectation: history.Expectation{Case: "stale", Tests: tests, Drains: history.MustNot, Keeps: history.MustNot}}
}

func fresh(tests string) history.Marker {
	return history.Marker{Expectation: history.Expectation{Case: "fresh", Tests: tests, Drains: history.Must, Keeps: history.Must}}
}

func over(m history.Marker) history.Marker { m.Existed = true; return m }

func aged(m history.Marker, age time.Duration) history.Marker { m.Age = age; return m }

// ignored lays a stale marker before a gateway that runs, and removes it 3 s later.
func ignored(at float64, tests string, then ...func(*story)) func(*story) {
	return func(s *story) {
		s.stale(at-1, history.Running, 0)
		s.marks(at, stale(tests))
		do(then...)(s)
		s.stale(at+2900, history.Running, 0)
		s.cancel(at + 3000)
		s.stale(at+3001, history.Running, 0)
	}
}

// ended lays a stale marker over that of a drain in effect, at 4000.
func ended(tests string) func(*story) {
	return do(drained(0), func(s *story) {
		s.stale(3999, history.Draining, 0)
		s.marks(4000, over(stale(tests)))
	})
}

// respawned kills the gateway at the instant and has it ready 30 ms later.
func respawned(at float64) func(*story) {
	return func(s *story) {
		s.action(at, history.ActionSIGKILL)
		s.process(at+1, history.ProcessGone)
		s.up(at+10, history.ActionRespawn)
	}
}

// recreated makes the container anew at the instant; the gateway is ready 30 ms later.
func recreated(at float64) func(*story) {
	return func(s *story) {
		s.action(at, history.ActionRecreate)
		s.stale(at+5, s.left.State, s.left.Count) // the new probe reads at once
		s.up(at+10, history.ActionStart)
	}
}

func TestRightGatewayAmongStaleMarkers(t *testing.T) {
	runChecks(t, []check{
		{name: "laid where there was none", story: tell(declaring, launched, ignored(1000, "EPOCH-001"), ignored(5000, "EXPIRY-001"), control(9000)),
			arose: []string{"EPOCH-001", "EXPIRY-001", "WATCH-001"}},
		{name: "gone before it could be told from none", story: tell(declaring, launched, func(s *story) {
			s.marks(1000, stale("EPOCH-001"))
			s.stale(1500, history.Running, 0)
			s.cancel(1600)
			s.stale(9000, history.Running, 0)
		}), notArose: []string{"EPOCH-001"}},
		{name: "laid over another, and followed slowly", story: tell(declaring, launched, ended("EXPIRY-001"), func(s *story) {
			s.stale(13000, history.Draining, 0)
			s.read(13500, history.Running, 0)
			s.stale(16000, history.Running, 0)
			s.cancel(16001)
			s.stale(20000, history.Running, 0)
		}), arose: []string{"EXPIRY-001"}, notArose: []string{"WATCH-002"}},
		{name: "laid over another and taken away, and followed slowly", story: tell(declaring, launched, ended("EXPIRY-001"), func(s *story) {
			s.cancel(5000)
			s.stale(13900, history.Draining, 0)
			s.read(14100, history.Running, 0)
			s.stale(20000, history.Running, 0)
		}), notArose: []string{"EXPIRY-001"}},
		{name: "laid over another and taken away, and a drain soon after", story: tell(declaring, launched, ended("EXPIRY-001"), func(s *story) {
			s.cancel(5000)
			s.begin(6000)
			s.stale(20000, history.Draining, 0)
		}), notArose: []string{"EXPIRY-001"}},
		{name: "laid over another that was hardly there", story: tell(declaring, launched, func(s *story) {
			s.stale(999, history.Running, 0)
			s.begin(1000)
			s.marks(1001, over(stale("EXPIRY-001")))
			s.stale(1002, history.Running, 0)
			s.read(1003, history.Draining, 0)
			s.read(1100, history.Running, 0)
			s.stale(9000, history.Running, 0)
		}), notArose: []string{"EXPIRY-001"}},
		{name: "laid right after a drain that was hardly there", story: tell(declaring, launched, func(s *story) {
			s.stale(999, history.Running, 0)
			s.begin(1000)
			s.cancel(1001)
			s.marks(1002, stale("EPOCH-001"))
			s.read(1003, history.Draining, 0)
			s.read(1100, history.Running, 0)
			s.stale(9000, history.Running, 0)
		}), notArose: []string{"EPOCH-001"}},
		{name: "a turn refused while the drain ends", story: tell(declaring, launched, ended("EXPIRY-001"), func(s *story) {
			s.refuse(4001, "r")
			s.read(4500, history.Running, 0)
			s.refuse(4600, "soon after")
			s.hold(6600, "t")
			s.finish(6700, "t")
			s.cancel(7000)
		}), arose: []string{"GATE-011"}},
		{name: "a turn in flight meanwhile", story: tell(declaring, launched, func(s *story) {
			s.hold(100, "t")
			s.read(101, history.Running, 1)
			s.stale(999, history.Running, 1)
			s.marks(1000, stale("EPOCH-001"))
			s.stale(4000, history.Running, 1)
			s.finish(4001, "t")
			s.read(4002, history.Running, 0)
		}), arose: []string{"EPOCH-001"}},
		{name: "written again, and old again", story: tell(declaring, launched, func(s *story) {
			s.stale(999, history.Running, 0)
			s.marks(1000, aged(stale("EXPIRY-001"), 2*maxAge))
			s.stale(3500, history.Running, 0)
			s.marks(3600, over(fresh("EXPIRY-002")))
			s.read(3603, history.Draining, 0)
			s.marks(3700, over(aged(stale("EXPIRY-001"), 2*maxAge)))
			s.read(3703, history.Running, 0)
			s.cancel(3800)
			s.stale(3801, history.Running, 0)
		}), arose: []string{"EXPIRY-001", "EXPIRY-002"}},
		{name: "renewed, and too old by itself", story: tell(declaring, launched, grown, func(s *story) {
			s.read(6100, history.Running, 0)
			s.stale(9000, history.Running, 0)
			s.cancel(9001)
			s.stale(9002, history.Running, 0)
		}), arose: []string{"EXPIRY-001", "EXPIRY-002"}},
		{name: "too old by itself by a clock that knows seconds", story: tell(declaring, launched, grown, func(s *story) {
			s.read(5200, history.Running, 0)
			s.stale(9000, history.Running, 0)
		}), arose: []string{"EXPIRY-001"}},
		{name: "doubtful", story: tell(declaring, launched, func(s *story) {
			s.marks(1000, aged(fresh("EXPIRY-003"), -2*maxAge))
			s.read(1003, history.Draining, 0)
			s.cancel(4000)
			s.read(4003, history.Running, 0)
			s.marks(5000, fresh("EPOCH-002"))
			s.read(5003, history.Draining, 0)
			s.cancel(8000)
			s.read(8003, history.Running, 0)
		}), arose: []string{"EXPIRY-003", "EPOCH-002"}},
		{name: "begun by command, and ended before it was followed", story: tell(declaring, launched, func(s *story) {
			s.span(1000, 1150, history.Event{Kind: history.KindMarker, Marker: &history.Marker{Op: history.OpBegin, How: "command", Present: true, Epoch: "own"}})
			s.stale(9000, history.Running, 0)
			s.cancel(9001)
			s.stale(9500, history.Running, 0)
		}), notArose: []string{"WATCH-001", "MARKER-009"}},
		{name: "begun by command, and followed at once", story: tell(declaring, launched, func(s *story) {
			s.read(1100, history.Draining, 0)
			s.cancel(1200)
			s.read(1203, history.Running, 0)
		}, func(s *story) { // told last, for it is known last
			s.span(1000, 1150, history.Event{Kind: history.KindMarker, Marker: &history.Marker{Op: history.OpBegin, How: "command", Present: true, Epoch: "own"}})
		}), arose: []string{"WATCH-002", "MARKER-008"}},
		{name: "respawned with its own stamp", story: tell(declaring, launched, stampedDrain, respawned(2000), func(s *story) {
			s.read(2030, history.Draining, 0)
		}), arose: []string{"EPOCH-003", "RESTART-002"}},
		{name: "made anew", story: tell(declaring, launched, stampedDrain, recreated(2000), func(s *story) {
			s.read(2030, history.Draining, 0) // as the old file said
			s.read(2100, history.Running, 0)
			s.hold(2200, "t")
			s.finish(2300, "t")
			s.stale(6000, history.Running, 0)
			s.cancel(6001)
			s.stale(6002, history.Running, 0)
		}), arose: []string{"EPOCH-004"}, notArose: []string{"WATCH-003", "WATCH-007", "EPOCH-003"}},
		{name: "made anew without a stamp", story: tell(declaring, launched, drained(0), recreated(2000), func(s *story) {
			s.read(2030, history.Draining, 0)
		}), notArose: []string{"EPOCH-004"}},
		{name: "made anew where nothing is", story: tell(declaring, func(s *story) { s.events[0].Header.Runtime = "process" }, launched, stampedDrain, recreated(2000), func(s *story) {
			s.read(2030, history.Draining, 0)
		}), notArose: []string{"EPOCH-004"}},
		{name: "made anew, and made anew again", story: tell(declaring, launched, stampedDrain, recreated(2000), func(s *story) {
			s.read(2100, history.Running, 0)
		}, recreated(3000), func(s *story) {
			s.read(3100, history.Running, 0)
		}), arose: []string{"EPOCH-004"}},
		{name: "features it does not declare", story: tell(launched, func(s *story) {
			s.marks(1000, aged(fresh("EXPIRY-001"), 2*maxAge))
			s.read(1003, history.Draining, 0)
			s.cancel(4000)
			s.read(4003, history.Running, 0)
			stamp := fresh("EPOCH-004")
			stamp.Epoch = "whatever"
			s.marks(5000, stamp)
			s.read(5003, history.Draining, 0)
		}, recreated(8000), func(s *story) {
			s.read(8040, history.Draining, 0)
		}), arose: []string{"EXPIRY-001", "EPOCH-004"}, notArose: []string{"EPOCH-003"}},
	})
}

// stampedDrain is a drain with the gateway's own stamp, acknowledged at 1003.
func stampedDrain(s *story) {
	s.stale(999, history.Running, 0)
	s.stamped(1000)
	s.read(1003, history.Draining, 0)
}

// grown is a drain with 2.5 s left, renewed at 1100 for 5 s: it is over at 6100, or a
// second earlier.
func grown(s *story) {
	s.stale(999, history.Running, 0)
	s.marks(1000, aged(fresh("EXPIRY-001"), maxAge-2500*time.Millisecond))
	s.read(1003, history.Draining, 0)
	s.marks(1100, over(aged(fresh("EXPIRY-002"), maxAge-5*time.Second)))
	s.stale(5000, history.Draining, 0)
}

// TestStaleFaults wants each gateway that stumbles over staleness charged with the
// requirement that the marker tests, and with nothing else.
func TestStaleFaults(t *testing.T) {
	heeded := func(s *story) {
		s.read(1003, history.Draining, 0)
		s.stale(3900, history.Draining, 0)
		s.cancel(4000)
		s.read(4003, history.Running, 0)
		s.stale(20000, history.Running, 0)
	}
	laid := func(m history.Marker) func(*story) {
		return func(s *story) {
			s.stale(999, history.Running, 0)
			s.marks(1000, m)
		}
	}
	runChecks(t, []check{
		{name: "expiry-taken-away: keeps draining when what it ended with is gone", story: tell(declaring, launched, ended("EXPIRY-001"), func(s *story) {
			s.cancel(5000)
			s.stale(14100, history.Draining, 0)
			s.refuse(15000, "r")
		}), violated: []string{"EXPIRY-001"}},
		{name: "epoch-ignored", story: tell(declaring, launched, laid(stale("EPOCH-001")), heeded), violated: []string{"EPOCH-001"}},
		{name: "epoch-ignored, in a drain", story: tell(declaring, launched, ended("EPOCH-001"), deaf(4500, 15000, history.Draining)), violated: []string{"EPOCH-001"}},
		{name: "epoch-ignored, after a while", story: tell(declaring, launched, ended("EPOCH-001"), func(s *story) {
			s.read(4003, history.Running, 0)
			s.read(5000, history.Draining, 0)
		}), violated: []string{"EPOCH-001"}},
		{name: "epochless-ignored", story: tell(declaring, launched, laid(fresh("EPOCH-002")), deaf(1500, 12500, history.Running)), violated: []string{"EPOCH-002"}},
		{name: "epoch-per-process", story: tell(declaring, launched, stampedDrain, respawned(2000), func(s *story) {
			s.read(2030, history.Running, 0)
			deaf(3000, 13000, history.Running)(s)
		}), violated: []string{"EPOCH-003", "RESTART-002"}},
		{name: "recreate-keeps-drain", story: tell(declaring, launched, stampedDrain, recreated(2000), func(s *story) {
			s.read(2040, history.Draining, 0)
			deaf(3000, 13000, history.Draining)(s)
		}), violated: []string{"EPOCH-004"}},
		{name: "recreate-keeps-drain, publishing running first", story: tell(declaring, launched, stampedDrain, recreated(2000), func(s *story) {
			s.read(2040, history.Running, 0)
			s.read(2050, history.Draining, 0)
		}), violated: []string{"EPOCH-004"}},
		{name: "no-expiry", story: tell(declaring, launched, laid(aged(stale("EXPIRY-001"), 2*maxAge)), heeded), violated: []string{"EXPIRY-001"}},
		{name: "no-expiry, right after it was started without one", story: tell(declaring, launched, drained(0), func(s *story) {
			s.kill(1500)
			s.cancel(1600)
			s.up(2000, history.ActionRespawn)
			s.read(2018, history.Running, 0)
			s.http(2019, history.Running, 0) // not of use: it is not ready yet
			s.marks(2030, aged(stale("EXPIRY-001"), 2*maxAge))
			s.read(2033, history.Draining, 0)
			s.http(2034, history.Draining, 0)
			s.stale(4900, history.Draining, 0)
			s.cancel(5000)
			s.read(5003, history.Running, 0)
		}), violated: []string{"EXPIRY-001"}},
		{name: "no-expiry, as it grows too old", story: tell(declaring, launched, grown, deaf(5500, 17000, history.Draining)), violated: []string{"EXPIRY-001"}},
		{name: "refresh-ignored, over a stale one", story: tell(declaring, launched, laid(aged(stale("EXPIRY-001"), 2*maxAge)), func(s *story) {
			s.stale(3500, history.Running, 0)
			s.marks(3600, over(fresh("EXPIRY-002")))
			deaf(4000, 15000, history.Running)(s)
		}), violated: []string{"EXPIRY-002"}},
		{name: "refresh-ignored, in a drain", story: tell(declaring, launched, grown, func(s *story) {
			s.events = s.events[:len(s.events)-1] // it does not drain until 5000
			s.read(3600, history.Running, 0)
			s.stale(9000, history.Running, 0)
		}), violated: []string{"EXPIRY-002"}},
		{name: "too old too soon", story: tell(declaring, launched, laid(aged(fresh("EXPIRY-001"), maxAge-20*time.Second)), deaf(1500, 13000, history.Running)), violated: []string{"EXPIRY-001"}},
		{name: "future-is-stale", story: tell(declaring, launched, laid(aged(fresh("EXPIRY-003"), -maxAge)), deaf(1500, 12500, history.Running)), violated: []string{"EXPIRY-003"}},
		{name: "a stale marker keeps the gate shut", story: tell(declaring, launched, ended("EXPIRY-001"), func(s *story) {
			s.read(4003, history.Running, 0)
			s.stale(6500, history.Running, 0)
			s.refuse(6600, "r")
			s.stale(6700, history.Running, 0)
		}), violated: []string{"GATE-011"}},
		{name: "a stale marker is cleared away", story: tell(declaring, launched, ignored(1000, "EPOCH-001"), func(s *story) {
			s.marks(5000, stale("EPOCH-001"))
			s.marker(5100, history.OpFound, true, false)
			s.stale(9000, history.Running, 0)
		}), violated: []string{"MARKER-008"}},
		{name: "expiry where none is declared", story: tell(launched, laid(aged(fresh("EXPIRY-001"), 2*maxAge)), deaf(1500, 12500, history.Running)), violated: []string{"EXPIRY-001"}},
		{name: "epochs where none are declared", story: tell(launched, laid(fresh("EPOCH-001")), deaf(1500, 12500, history.Running)), violated: []string{"EPOCH-001"}},
	})
}
