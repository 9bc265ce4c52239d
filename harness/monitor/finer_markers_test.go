package monitor

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/history"
)

// TestDrainsAtTheEdgesOfLives are drains that begin or end as a life does.
func TestDrainsAtTheEdgesOfLives(t *testing.T) {
	runs := func(s *story) { s.read(30, history.Running, 0) } // when the history begins
	runChecks(t, []check{
		{name: "begun before any launch, and over several lives", story: tell(runs, drained(0), func(s *story) {
			s.hold(1100, "in")
			s.kill(1500, "in")
			s.backDraining(1600, 0)
			s.hold(1700, "in again")
			s.kill(2500, "in again")
			s.backDraining(2600, 0)
		}), violated: []string{"GATE-001"}},
		{name: "begun at the last instant there is", story: tell(runs, func(s *story) {
			s.begin(1000)
			s.lasts(s.calledAt(), s.calledAt())
		}), notArose: []string{"WATCH-001"}},
		{name: "acknowledged in two places at one instant", story: tell(launched, func(s *story) {
			s.http(40, history.Running, 0)
			s.begin(1000)
			s.http(1003, history.Draining, 0)
			s.read(1003, history.Draining, 0)
			s.hold(1100, "in")
		}), violated: []string{"GATE-001"}},
	})
	runLimits(t, []limit{
		{name: "launched when the marker was there", charged: "WATCH-003", early: true, story: func(s *story, off time.Duration) {
			s.begin(-1)
			s.upTo(ms(0).Add(off))
			s.up(0, history.ActionStart)
			s.read(14, history.Starting, 0)
			s.hold(25, "t")
			s.read(28, history.Draining, 1)
		}},
		{name: "sent to a gateway that had published draining at its start", charged: "GATE-001", instead: "WATCH-003", story: func(s *story, off time.Duration) {
			s.begin(-1)
			s.up(0, history.ActionStart)
			s.read(28, history.Draining, 0)
			ack := s.returned()
			s.turn(29, "t", history.TurnSent)
			s.from(ack.Add(off))
			s.model(30, "t", history.ModelCalled)
		}},
		{name: "the drain before was over when the gateway was launched", charged: "GATE-001", early: true, story: func(s *story, off time.Duration) {
			do(launched, drained(0))(s)
			s.kill(1500)
			s.cancel(1999)
			s.upTo(ms(2000) + 1) // at the instant itself it still is
			s.move(history.Stamp(off))
			s.up(2000, history.ActionRespawn)
			s.begin(2010) // nothing was published yet
			s.read(2030, history.Draining, 0)
			s.hold(2040, "t")
		}},
		{name: "draining is this drain's", charged: "GATE-001", instead: "GATE-005", story: func(s *story, off time.Duration) {
			do(launched, drained(0))(s)
			s.cancel(2000)
			s.begin(2001)
			due := s.returned().Add(bound)
			s.stale(4001, history.Draining, 0)
			s.from(due.Add(off))
			s.hold(4100, "t")
		}},
	})
}

// TestMarkersThatMeetAtAnInstant are operations on the marker, and what else happens to
// the gateway, at the same instant or nearly so.
func TestMarkersThatMeetAtAnInstant(t *testing.T) {
	halfOf := func(off time.Duration) *story {
		return tell(launched, replaced(corrupt), func(s *story) {
			next := s.returned().Add(bound/2 + off)
			s.over(5000, newerFields)
			s.from(next)
			s.stale(9000, history.Draining, 0)
		})
	}
	looked := func(off time.Duration) *story {
		return tell(launched, func(s *story) {
			s.decoy(1000, true)
			due := s.returned().Add(bound)
			s.stale(3000, history.Running, 0)
			s.from(due.Add(off))
		})
	}
	deafTo := func(at float64) func(*story) {
		return func(s *story) {
			s.stale(at-1, history.Running, 0)
			s.begin(at)
			deaf(at+500, at+11500, history.Running)(s)
		}
	}
	runChecks(t, []check{
		{name: "laid over for half of B", story: halfOf(0), arose: []string{"MARKER-003", "MARKER-007"}},
		{name: "laid over for less than half of B", story: halfOf(-1), arose: []string{"MARKER-007"}, notArose: []string{"MARKER-003"}},
		{name: "B after a decoy", story: looked(0), notArose: []string{"MARKER-002"}},
		{name: "more than B after a decoy", story: looked(1), arose: []string{"MARKER-002"}},
		{name: "laid and taken away at one instant, it was not met", story: tell(launched, func(s *story) {
			s.lay(1000, corrupt)
			s.cancel(1000)
			deaf(1500, 3500, history.Running)(s)
		}, deafTo(4000)), violated: []string{"WATCH-001"}},
		{name: "laid over as the marker is taken away, it was met", story: tell(launched, replaced(corrupt), func(s *story) {
			s.cancel(4000)
			s.read(4003, history.Running, 0)
		}, deafTo(8000)), violated: []string{"WATCH-004"}},
		{name: "told to end as the marker is taken away", story: tell(launched, drainsOn(corrupt), func(s *story) {
			s.cancel(5000)
			s.action(5000, history.ActionSIGTERM)
			s.read(5000, history.Running, 0)
			s.read(5000, history.Draining, 0)
			for i := len(s.events) - 2; i < len(s.events); i++ {
				s.events[i].Return = s.events[i].Call
			}
			s.process(5010, history.ProcessGone, exit(0))
		}), violated: []string{"MARKER-003"}}, // at the instant at which it goes, the marker still is there
	})
	runLimits(t, []limit{
		{name: "mended after it was laid", charged: "WATCH-004", story: func(s *story, off time.Duration) {
			launched(s)
			s.stale(999, history.Running, 0)
			s.lay(1000, corrupt)
			laid := s.calledAt()
			s.rewrite(1000)
			s.from(laid.Add(max(off, 0))) // any sooner it is not what mends it
			deaf(1500, 12500, history.Running)(s)
		}},
		{name: "cancelled after it was laid over", charged: "MARKER-006", instead: "WATCH-004", story: func(s *story, off time.Duration) {
			do(launched, drainsOn(corrupt))(s)
			s.over(4001, directory)
			laid := s.calledAt()
			s.cancel(4001)
			s.from(laid.Add(max(off, 0)))
			deaf(4500, 15500, history.Draining)(s)
		}},
		{name: "running is read after it was laid over", charged: "MARKER-003", instead: "MARKER-001", story: func(s *story, off time.Duration) {
			do(launched, replaced(corrupt))(s)
			laid := s.calledAt()
			s.read(3999.5, history.Running, 0)
			s.upTo(laid.Add(off))
			s.read(4100, history.Draining, 0)
		}},
		{name: "it dies of what was laid over", charged: "STATE-008", instead: "MARKER-006", story: func(s *story, off time.Duration) {
			do(launched, replaced(emptyMarker))(s)
			due := s.returned().Add(grace)
			s.stale(13999, history.Draining, 0)
			s.process(14000, history.ProcessGone, exit(2))
			s.from(due.Add(off))
		}},
		{name: "removed by a gateway that was not killed yet", charged: "MARKER-008", early: true, story: func(s *story, off time.Duration) {
			do(launched, drained(0))(s)
			s.action(1500, history.ActionSIGKILL)
			killed := s.returned() + 1 // at the instant itself it still may live
			s.vanishes(1500)
			s.from(killed.Add(off))
			s.process(1520, history.ProcessGone)
		}},
		{name: "cancelled before it is too old", charged: "WATCH-002", early: true, story: func(s *story, off time.Duration) {
			do(declaring, launched)(s)
			s.stale(999, history.Running, 0)
			s.begin(1000)
			s.events[len(s.events)-1].Marker.Age = maxAge - 4*time.Second
			old := s.calledAt().Add(4*time.Second-Coarseness) + 1 // at the instant itself it still is not
			s.read(1003, history.Draining, 0)
			s.stale(3900, history.Draining, 0)
			s.cancel(4000)
			s.from(old.Add(off))
			deaf(4500, 7500, history.Draining)(s)
			s.read(7600, history.Running, 0)
		}},
		{name: "draining is read before there is a decoy", charged: "STATE-005", early: true, story: func(s *story, off time.Duration) {
			launched(s)
			s.read(1000, history.Draining, 0)
			read := s.returned()
			s.read(1003, history.Running, 0)
			s.decoy(1001, true)
			s.from(read.Add(-off))
		}},
	})
}

// TestDecoysInSeveralPlaces has one removed while another, laid before it, still lies there.
func TestDecoysInSeveralPlaces(t *testing.T) {
	place := func(s *story, how string) { s.events[len(s.events)-1].Marker.How = how }
	runChecks(t, []check{
		{name: "draining is read long after the one that was removed", story: tell(launched, func(s *story) {
			s.decoy(1000, true)
			s.decoy(2000, true)
			place(s, "parent")
			s.decoy(2100, false)
			place(s, "parent")
			deaf(3000, 20000, history.Running)(s)
			s.read(20500, history.Draining, 0)
		}), violated: []string{"MARKER-002"}},
	})
}

// TestNoiseThatTouches has the machine stand still right before, or right after, what it
// may explain.
func TestNoiseThatTouches(t *testing.T) {
	late := func(s *story) (begun, read history.Stamp) {
		launched(s)
		s.begin(1000)
		begun = s.calledAt()
		s.stale(3500, history.Running, 0)
		read = s.returned()
		s.read(3600, history.Draining, 0)
		return begun, read
	}
	runLimits(t, []limit{
		{name: "it stands still from the end of the reading", charged: "WATCH-001", story: func(s *story, off time.Duration) {
			_, read := late(s)
			s.stall(3501, 3701)
			s.from(read.Add(off))
		}},
		{name: "it stands still until the marker appears", charged: "WATCH-001", early: true, story: func(s *story, off time.Duration) {
			begun, _ := late(s)
			s.stall(700, 900)
			s.upTo(begun.Add(off))
		}},
		{name: "later than the noise has it", charged: "WATCH-001", story: func(s *story, off time.Duration) {
			launched(s)
			s.begin(1000)
			due := s.returned().Add(bound + grace + 1200*time.Millisecond)
			s.stall(2000, 3200)
			s.stale(14200, history.Running, 0)
			s.from(due.Add(off))
			s.read(14300, history.Draining, 0)
		}},
	})
	runChecks(t, []check{
		{name: "it stands still twice, for as long", story: tell(func(s *story) {
			late(s)
			s.stall(1500, 1700)
			s.stall(2000, 2200)
		}), noisy: []string{"WATCH-001"}, inconclusive: []string{"WATCH-001"}},
	})
}

// TestTheMostThatIsTold has what is no breach happen more often than is told of.
func TestTheMostThatIsTold(t *testing.T) {
	often := func(step func(s *story, at float64)) *story {
		return tell(launched, func(s *story) {
			for i := range MaxViolations + 1 {
				step(s, 1000+6000*float64(i))
			}
		})
	}
	advised := often(func(s *story, at float64) {
		s.begin(at)
		s.read(at+3, history.Draining, 0)
		s.over(at+3000, dangling)
		s.read(at+3003, history.Running, 0)
		s.cancel(at + 4000)
		s.stale(at+4500, history.Running, 0)
	}).judge(t)
	if n := len(advised["MARKER-006"].Advice); n != MaxViolations || len(advised.where(violated)) > 0 {
		t.Errorf("%d pieces of advice, and breaches of %v", n, advised.where(violated))
	}
	blurs := often(func(s *story, at float64) {
		s.begin(at)
		s.stall(at+100, at+1100)
		s.stale(at+3000, history.Running, 0)
		s.read(at+3500, history.Draining, 0)
		s.cancel(at + 4000)
		s.read(at+4003, history.Running, 0)
	}).judge(t)
	if n := len(blurs["WATCH-001"].Noisy); n != MaxViolations || !slices.Equal(blurs.where(blurred), []string{"WATCH-001"}) {
		t.Errorf("%d misses that noise explains, and some of %s", n, strings.Join(blurs.where(blurred), ", "))
	}
}
