package monitor

import (
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/history"
)

// What no client waits for is in flight as well: neither a drain nor its cancel ends it.
func TestOwedInFlight(t *testing.T) {
	jobRuns := do(launched, func(s *story) {
		s.job(110, "j", 300)
		s.read(301, history.Running, 1)
		s.call(302, "j", 1, history.ModelCalled)
	})
	cancelled := func(count int) func(*story) {
		return func(s *story) {
			s.cancel(2000)
			s.read(2003, history.Running, count)
		}
	}
	gone := func(at float64) func(*story) {
		return func(s *story) {
			s.call(at, "j", 1, history.ModelGone)
			s.read(at+2, history.Running, 0)
		}
	}
	runChecks(t, []check{
		{name: "a job lives through a drain", story: tell(jobRuns, drained(1), cancelled(1), func(s *story) {
			s.reply(2500, "j", 1)
			s.read(2503, history.Running, 0)
		}), arose: []string{"GATE-004"}},
		{name: "the drain ends a job", story: tell(jobRuns, drained(1), func(s *story) {
			s.call(1100, "j", 1, history.ModelGone)
			s.read(1102, history.Draining, 0)
		}), violated: []string{"GATE-004"}},
		{name: "the cancel ends a job", story: tell(jobRuns, drained(1), cancelled(1), gone(2100)), violated: []string{"GATE-004"}},
		{name: "a job ends long after the cancel", story: tell(jobRuns, drained(1), cancelled(1), gone(12_100)), arose: []string{"GATE-004"}},
		{name: "a job ended before the drain", story: tell(jobRuns, func(s *story) {
			s.call(500, "j", 1, history.ModelGone)
			s.read(502, history.Running, 0)
		}, drained(0)), notArose: []string{"GATE-004"}},
		{name: "a job ends in a shutdown", story: tell(jobRuns, drained(1), func(s *story) {
			s.action(1200, history.ActionSIGTERM)
			s.call(1201, "j", 1, history.ModelGone)
		}), arose: []string{"GATE-004"}},
		{name: "a job that the model fails", story: tell(jobRuns, drained(1), func(s *story) {
			s.call(1100, "j", 1, history.ModelReleased, func(m *history.Model) { m.Fail = 400 })
			s.call(1101, "j", 1, history.ModelGone)
			s.read(1103, history.Draining, 0)
		}), notArose: []string{"GATE-004"}},
		{name: "the cancel ends what a background process led to", story: tell(launched, func(s *story) {
			s.expect(100, "j", history.OriginBackground)
		}, drained(0), func(s *story) {
			s.complete(1100, "j", 202)
			s.read(1101, history.Draining, 1)
			s.call(1102, "j", 1, history.ModelCalled)
		}, cancelled(1), gone(2100)), violated: []string{"GATE-004"}},
	})
	runLimits(t, []limit{
		{name: "a job ends before the drain, or in it", charged: "GATE-004", story: func(s *story, off time.Duration) {
			do(jobRuns, drained(1))(s)
			s.call(1000, "j", 1, history.ModelGone)
			s.upTo(ms(1000).Add(off))
		}},
		{name: "a job ends the grace after the cancel", charged: "GATE-004", early: true, story: func(s *story, off time.Duration) {
			do(jobRuns, drained(1), func(s *story) { s.cancel(2000) })(s)
			due := s.returned().Add(10*time.Second + 1) // at the instant itself it still is
			s.read(2003, history.Running, 1)
			s.call(12_000, "j", 1, history.ModelGone)
			s.upTo(due.Add(off))
		}},
	})
}

// A turn that is let go after a cancel, and of which nothing more is seen.
func TestHangsAfterCancel(t *testing.T) {
	letGo := func(at float64) *story {
		return tell(launched, func(s *story) {
			s.hold(100, "t")
			s.read(102, history.Running, 1)
		}, drained(1), func(s *story) {
			s.cancel(1200)
			s.read(1203, history.Running, 1)
			s.model(at, "t", history.ModelReleased)
			s.model(at+1, "t", history.ModelDone)
			s.outwaited(102, at+12_100, "t")
		})
	}
	runChecks(t, []check{
		{name: "let go B after it", story: letGo(3500), violated: []string{"GATE-004"}},
		{name: "let go so long after it that the cancel is not why", story: letGo(11_300)},
	})
}
