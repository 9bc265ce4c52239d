package monitor

import (
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/history"
)

// lays puts a marker into place by a rename.
func (s *story) lays(at float64, expectation history.Expectation) {
	s.add(at, history.Event{Kind: history.KindMarker, Marker: &history.Marker{Op: history.OpBegin, How: "rename", Present: true, Expectation: expectation}})
}

func TestNotify(t *testing.T) {
	first, second := []string{"NOTIFY-001"}, []string{"NOTIFY-002"}
	announces := func(s *story) { s.declares(0, "notify") }
	quiet := func(s *story) {
		s.lays(1000, history.Expectation{Silences: true})
		s.read(1003, history.Draining, 0)
	}
	stale := func(s *story) {
		s.lays(1000, history.Expectation{Case: "expired", Tests: "EXPIRY-001", Drains: history.MustNot, Keeps: history.MustNot, Silences: true})
	}
	// shut ends the gateway from 2000 to 2060, telling whoever listens or not.
	shut := func(told bool) func(*story) {
		return func(s *story) {
			s.action(2000, history.ActionSIGTERM)
			s.read(2002, history.Stopping, 0)
			if told {
				s.tells(2004, true)
			}
			leaves(2050, 0)(s)
		}
	}
	// starved ends it from 2000 to 5060, without processor for B, and off longer.
	starved := func(off time.Duration, told bool) func(*story) {
		return func(s *story) {
			s.action(2000, history.ActionSIGTERM)
			s.read(2002, history.Stopping, 0)
			s.stall(3000, 5000)
			s.lasts(ms(3000), ms(5000).Add(off))
			if told {
				s.tells(5040, true)
			}
			leaves(5050, 0)(s)
			s.stale(15_100, history.Stopped, 0)
		}
	}
	later := func(s *story) { s.stale(12100, history.Stopped, 0) }
	runChecks(t, []check{
		{name: "told", story: tell(announces, launched, shut(true)), arose: first},
		{name: "never-announces", story: tell(announces, launched, shut(false), later), violated: first},
		{name: "not told yet", story: tell(announces, launched, shut(false)), notArose: first},
		{name: "not told, and started again at once", story: tell(announces, launched, shut(false), func(s *story) {
			s.up(3000, history.ActionRespawn)
			s.read(3030, history.Running, 0)
			s.stale(14000, history.Running, 0)
		}), notArose: first},
		{name: "not told, and starved before it shut down", story: tell(announces, launched, func(s *story) { s.stall(500, 1990) }, shut(false), later), violated: first},
		{name: "not told, and starved while it shut down", story: tell(announces, launched, starved(0, false)), noisy: first, inconclusive: first},
		{name: "told, and starved while it shut down", story: tell(announces, launched, starved(0, true)), arose: first},
		{name: "told by something that outlives it", story: tell(announces, launched, shut(false), func(s *story) { s.tells(9000, true) }, later), arose: first},
		{name: "something else is told", story: tell(announces, launched, shut(false), func(s *story) { s.tells(2004, false) }, later), violated: first},
		{name: "told before the signal", story: tell(announces, launched, func(s *story) { s.tells(1999, true) }, shut(false), later), violated: first},
		{name: "nothing is declared", story: tell(launched, shut(false), later), notArose: first},
		{name: "killed", story: tell(announces, launched, func(s *story) {
			s.action(2000, history.ActionSIGKILL)
			s.process(2010, history.ProcessGone)
		}, later), notArose: first},

		{name: "silenced", story: tell(announces, launched, quiet, shut(false), later), arose: first},
		{name: "notify-always", story: tell(announces, launched, quiet, shut(true), later), violated: first},
		{name: "silent, not acknowledged yet", story: tell(announces, launched, func(s *story) {
			s.lays(1999, history.Expectation{Silences: true})
		}, shut(true), later), notArose: first},
		{name: "silent, and cancelled meanwhile", story: tell(announces, launched, quiet, func(s *story) {
			s.action(2000, history.ActionSIGTERM)
			s.cancel(2001)
			s.tells(2004, true)
		}, leaves(2050, 0), later), notArose: first},
		{name: "a silent one that is over silences nothing", story: tell(announces, launched, quiet, func(s *story) {
			s.cancel(1500)
			s.read(1503, history.Running, 0)
		}, shut(false), later), violated: first},
		{name: "a silent one that may still be in its mind", story: tell(announces, launched, quiet, func(s *story) {
			s.cancel(1999)
		}, shut(false), later), notArose: first},
		{name: "a silent one, then a loud one", story: tell(announces, launched, quiet, func(s *story) {
			s.lays(1500, history.Expectation{})
			s.events[len(s.events)-1].Marker.Op = history.OpRewrite
		}, shut(true), later), notArose: first},

		{name: "an ordinary drain", story: tell(announces, launched, drained(0), shut(true), later), arose: first},
		{name: "a drain silences it", story: tell(announces, launched, drained(0), shut(false), later), violated: first},
		{name: "a marker that tests something else", story: tell(announces, launched, func(s *story) {
			s.lays(1000, history.Expectation{Case: "odd", Tests: "MARKER-001", Drains: history.Must})
			s.read(1003, history.Draining, 0)
		}, shut(false), later), notArose: first},

		{name: "told in spite of a stale marker", story: tell(announces, launched, stale, shut(true), later), arose: second, notArose: first},
		{name: "silenced-by-stale", story: tell(announces, launched, stale, shut(false), later), violated: second},
		{name: "silenced before the stale marker was there", story: tell(announces, launched, shut(false), func(s *story) {
			s.lays(2100, history.Expectation{Case: "expired", Tests: "EXPIRY-001", Drains: history.MustNot, Keeps: history.MustNot, Silences: true})
		}, later), violated: first, notArose: second},
		{name: "a stale marker that asks for nothing", story: tell(announces, launched, func(s *story) {
			s.lays(1000, history.Expectation{Case: "expired", Tests: "EXPIRY-001", Drains: history.MustNot, Keeps: history.MustNot})
		}, shut(false), later), violated: first, notArose: second},
		{name: "stale over one that silences, which may still be in its mind", story: tell(announces, launched, quiet, func(s *story) {
			s.lays(1500, history.Expectation{Case: "expired", Tests: "EXPIRY-001", Drains: history.MustNot, Keeps: history.MustNot, Silences: true})
		}, shut(false), later), notArose: []string{"NOTIFY-001", "NOTIFY-002"}},
		{name: "stale, and not declared", story: tell(launched, stale, shut(false), later), notArose: second},
		{name: "stale, and honoured", story: tell(announces, launched, stale, func(s *story) {
			s.read(1003, history.Draining, 0)
		}, shut(false), later), violated: []string{"EXPIRY-001"}, notArose: []string{"NOTIFY-001", "NOTIFY-002"}},
		{name: "stale, and starved while it shut down", story: tell(announces, launched, stale, starved(0, false)), noisy: second, inconclusive: second},
	})
	runLimits(t, []limit{{name: "starved while it shut down", charged: "NOTIFY-001", early: true, story: func(s *story, off time.Duration) {
		do(announces, launched, starved(off, false))(s)
	}}})
}
