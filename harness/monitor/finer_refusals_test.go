package monitor

import (
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/history"
)

// TestRefusalsAtTheLimits are refusals that meet at an instant with what makes them wrong,
// or right.
func TestRefusalsAtTheLimits(t *testing.T) {
	// back has a drain cancelled at 2000.
	back := do(launched, drained(0), func(s *story) {
		s.cancel(2000)
		s.read(2010, history.Running, 0)
	})
	turnedAway := func(s *story) { // in noise, so that it matters whether another was taken since
		s.stall(4000, 4050)
		s.refuse(4100, "r")
	}
	runLimits(t, []limit{
		{name: "looked at when it had been refused", charged: "GATE-002", story: func(s *story, off time.Duration) {
			do(launched, drained(0))(s)
			s.refuse(1100, "r", inSession("s"))
			refused := s.returned()
			s.session(1102, "s", "r")
			s.from(refused.Add(off - 1))
		}},
		{name: "called as the signal came, and refused", charged: "GATE-002", story: func(s *story, off time.Duration) {
			launched(s)
			s.turn(998, "t", history.TurnSent)
			s.model(999, "t", history.ModelCalled)
			s.upTo(ms(1000).Add(off - 1))
			s.action(1000, history.ActionSIGTERM)
			s.end(1003, "t", history.Refused)
			s.process(1010, history.ProcessGone)
		}},
		{name: "refused as the signal came", charged: "GATE-002", early: true, story: func(s *story, off time.Duration) {
			launched(s)
			s.hold(990, "t")
			s.read(992, history.Running, 1)
			drained(1)(s)
			s.end(1100, "t", history.Refused)
			s.upTo(ms(1100).Add(off + 1)) // at the instant itself it still is
			s.action(1100, history.ActionSIGTERM)
			s.process(1110, history.ProcessGone)
		}},
		{name: "read on when it was answered", charged: "GATE-008", story: func(s *story, off time.Duration) {
			do(launched, drained(0))(s)
			s.turn(1200, "t", history.TurnSent)
			s.turn(1210, "t", history.TurnArriving)
			s.turn(2500, "t", history.TurnAnswered)
			answered := s.returned()
			s.turn(2500, "t", history.TurnResumed)
			s.from(answered.Add(off - 1))
			s.end(2501, "t", history.Refused)
		}},
		{name: "cancelled as it was launched", charged: "GATE-011", early: true, story: func(s *story, off time.Duration) {
			s.begin(500)
			s.cancel(1000)
			s.from(ms(1000).Add(off + 1)) // at the instant itself it still is
			s.up(1000, history.ActionStart)
			s.read(1030, history.Running, 0)
			s.refuse(1100, "r")
		}},
		{name: "refused B after a cancel, where another was taken since", charged: "GATE-011", story: func(s *story, off time.Duration) {
			back(s)
			s.hold(2020, "t")
			s.finish(2030, "t")
			s.sentFrom(ms(2000.01).Add(bound+off), "r")
			s.end(4003, "r", history.Refused)
		}},
		{name: "another was sent when the marker was gone", charged: "GATE-011", story: func(s *story, off time.Duration) {
			back(s)
			s.sentFrom(ms(2000.01).Add(off), "t")
			s.model(2005, "t", history.ModelCalled)
			s.finish(2030, "t")
			turnedAway(s)
		}},
		{name: "another was taken before it was sent", charged: "GATE-011", early: true, story: func(s *story, off time.Duration) {
			back(s)
			s.turn(4090, "t", history.TurnSent)
			s.model(4099, "t", history.ModelCalled)
			s.upTo(ms(4100).Add(off + 1)) // at the instant itself it still is
			s.finish(4200, "t")
			turnedAway(s)
		}},
	})
	again := []string{"GATE-011"}
	runChecks(t, []check{
		{name: "another is sent, and taken, at the instant", story: tell(back, atOnce(4100, func(s *story) { s.hold(0, "t") }), turnedAway), noisy: again, inconclusive: again},
	})
}
