package monitor

import (
	"testing"

	"github.com/drainproof/drainproof/harness/history"
)

// status is an answer of a status endpoint.
func (s *story) status(at float64, state string, count int, busy, drainable string) {
	s.add(at, history.Event{Kind: history.KindState, State: &history.State{Publication: "http", State: state, Count: count, Busy: busy, Drainable: drainable}})
}

func TestStatusAgreesWithItself(t *testing.T) {
	answer := func(state string, count int, busy, drainable string) *story {
		return tell(launched, func(s *story) { s.status(40, state, count, busy, drainable) })
	}
	nine := []string{"CONTROL-009"}
	runChecks(t, []check{
		{name: "idle", story: answer(history.Running, 0, "false", "true"), arose: nine},
		{name: "starting", story: answer(history.Starting, 0, "false", "false"), arose: nine},
		{name: "starting, and would drain", story: answer(history.Starting, 0, "false", "true"), arose: nine},
		{name: "busy and running, said to be idle", story: tell(launched, func(s *story) {
			s.hold(900, "t")
			s.read(905, history.Running, 1)
			s.status(910, history.Running, 1, "false", "true")
		}), violated: nine},
		{name: "idle, said to be busy", story: answer(history.Running, 0, "true", "true"), violated: nine},
		{name: "running, said not to be drainable", story: answer(history.Running, 0, "false", "false"), violated: nine},
		{name: "no busy", story: answer(history.Running, 0, "missing", "true"), violated: nine},
		{name: "no drainable", story: answer(history.Running, 0, "false", `"yes"`), violated: nine},
		{name: "nobody looked for them", story: tell(launched, func(s *story) { s.http(40, history.Running, 0) }), notArose: nine},
		{name: "in a drain", story: tell(launched, func(s *story) {
			s.hold(900, "t")
			s.read(905, history.Running, 1)
			drained(1)(s)
			s.status(1010, history.Draining, 1, "true", "false")
			s.status(1020, history.Draining, 1, "true", "true")
		}), arose: nine},
		{name: "in a drain, said to be idle", story: tell(launched, func(s *story) {
			s.hold(900, "t")
			s.read(905, history.Running, 1)
			drained(1)(s)
			s.status(1010, history.Draining, 1, "false", "false")
		}), violated: nine},
	})
}

func TestTheDeadAreNotRunning(t *testing.T) {
	killed := func(more func(*story)) *story {
		return tell(launched, func(s *story) {
			s.http(900, history.Running, 0)
			s.action(1000, history.ActionSIGKILL)
			s.process(1005, history.ProcessGone)
			more(s)
		})
	}
	three := []string{"RESTART-003"}
	runChecks(t, []check{
		{name: "stopped", story: killed(func(s *story) { s.http(1010, history.Stopped, 0) }), arose: three},
		{name: "unreachable", story: killed(func(s *story) {
			s.add(1010, history.Event{Kind: history.KindState, State: &history.State{Publication: "http", Problem: "unreachable", Error: "refused"}})
		}), arose: three},
		{name: "not waited for yet", story: killed(func(s *story) { s.http(1010, history.Running, 0); s.http(1210, history.Stopped, 0) }), arose: three},
		{name: "running", story: killed(func(s *story) { s.http(1010, history.Running, 0); s.http(1210, history.Running, 0) }), violated: three},
		{name: "busy", story: killed(func(s *story) { s.status(1210, history.Stopped, 0, "true", "false") }), violated: []string{"CONTROL-009", "RESTART-003"}},
		{name: "counting", story: killed(func(s *story) { s.http(1210, history.Stopped, 2) }), violated: three},
		{name: "the file still says running", story: killed(func(s *story) { s.stale(1010, history.Running, 0) }), notArose: three},
		{name: "while it goes", story: killed(func(s *story) {
			s.span(1004, 1006, history.Event{Kind: history.KindState, State: &history.State{Publication: "http", State: history.Running}})
		}), notArose: three},
		{name: "with the next one", story: killed(func(s *story) {
			s.up(1100, history.ActionRespawn)
			s.http(1150, history.Running, 0)
		}), notArose: three},
		{name: "across the next start", story: killed(func(s *story) {
			s.span(1099, 1101, history.Event{Kind: history.KindState, State: &history.State{Publication: "http", State: history.Running}})
			s.up(1100, history.ActionRespawn)
		}), notArose: three},
	})
}
