package monitor

import (
	"testing"

	"github.com/drainproof/drainproof/harness/history"
)

// asked is a request that takes 2 ms, and what its endpoint made of the marker.
func (s *story) asked(at float64, change func(*history.Control)) {
	c := &history.Control{Credential: history.RightToken, Principal: "ann", Status: 200}
	change(c)
	if c.Changed && c.Present != c.Existed {
		op := history.OpBegin
		if !c.Present {
			op = history.OpCancel
		}
		s.span(at+0.5, at+1, history.Event{Kind: history.KindMarker, Marker: &history.Marker{Op: op, How: history.HowControl, Existed: c.Existed, Present: c.Present}})
	}
	s.span(at, at+2, history.Event{Kind: history.KindControl, Control: c})
}

// drains and cancels are requests that were done as they should be.
func drains(c *history.Control) {
	c.Action, c.Present, c.Changed, c.Appeared, c.By = history.AskDrain, true, true, true, "ann"
}

func cancels(c *history.Control) {
	c.Action, c.Existed, c.Changed, c.Said = history.AskCancel, true, true, "true"
}

func cancelsNothing(c *history.Control) { c.Action, c.Said = history.AskCancel, "false" }

func and(first func(*history.Control), then func(*history.Control)) func(*history.Control) {
	return func(c *history.Control) { first(c); then(c) }
}

// request tells a story with one request, made to a gateway that runs.
func one(change func(*history.Control)) *story {
	return tell(launched, func(s *story) {
		s.stale(999, history.Running, 0)
		s.asked(1000, change)
	})
}

func TestRequestsToTheEndpoint(t *testing.T) {
	refusedWith := func(status int) func(*history.Control) {
		return func(c *history.Control) { c.Status = status }
	}
	unasked := func(c *history.Control) { c.Case, c.Status = "an unknown action", 400 }
	wrong := func(c *history.Control) {
		c.Action, c.Credential, c.Status = history.AskDrain, history.WrongToken, 401
	}
	weak := func(c *history.Control) {
		c.Action, c.Credential, c.Status = history.AskDrain, history.WeakToken, 503
	}
	locked := func(c *history.Control) { c.Action, c.Locked, c.Status = history.AskDrain, true, 500 }
	written := func(c *history.Control) { c.Present, c.Changed, c.Appeared, c.By = true, true, true, "ann" }
	runChecks(t, []check{
		{name: "a drain", story: one(drains), arose: []string{"CONTROL-001", "CONTROL-005"}, notArose: []string{"CONTROL-002", "CONTROL-007", "CONTROL-008", "MARKER-008"}},
		{name: "an empty body", story: one(and(drains, func(c *history.Control) { c.Case = history.CaseEmptyBody })), arose: []string{"CONTROL-001"}},
		{name: "an empty body refused", story: one(func(c *history.Control) { c.Action, c.Case, c.Status = history.AskDrain, history.CaseEmptyBody, 400 }), violated: []string{"CONTROL-001"}},
		{name: "a drain refused", story: one(func(c *history.Control) { c.Action, c.Status = history.AskDrain, 403 }), violated: []string{"CONTROL-001"}},
		{name: "ok and no marker", story: one(func(c *history.Control) { c.Action = history.AskDrain }), violated: []string{"CONTROL-001"}},
		{name: "ok and the marker left alone", story: one(func(c *history.Control) { c.Action, c.Existed, c.Present = history.AskDrain, true, true }), notArose: []string{"CONTROL-001"}},
		{name: "ok and somebody took it", story: one(and(drains, func(c *history.Control) { c.Present = false })), arose: []string{"CONTROL-001"}},
		{name: "torn", story: one(and(drains, func(c *history.Control) { c.Torn = "0 bytes" })), violated: []string{"CONTROL-001"}},
		{name: "a field missing", story: one(and(drains, func(c *history.Control) { c.Flaw, c.By = "it names no principal", "" })), violated: []string{"CONTROL-001"}, notArose: []string{"CONTROL-005"}},
		{name: "another principal", story: one(and(drains, func(c *history.Control) { c.By = "mallory" })), violated: []string{"CONTROL-005"}},
		{name: "more than it should say, refused", story: one(func(c *history.Control) {
			c.Action, c.Case, c.Status = history.AskDrain, "another principal in it", 400
		}), notArose: []string{"CONTROL-001", "CONTROL-003", "CONTROL-005"}},
		{name: "unanswered at once", story: one(func(c *history.Control) { c.Action, c.Status, c.Error = history.AskDrain, 0, "refused" }), notArose: []string{"CONTROL-001"}},

		{name: "a cancel", story: one(cancels), arose: []string{"CONTROL-002"}},
		{name: "a cancel of nothing", story: one(cancelsNothing), arose: []string{"CONTROL-002"}},
		{name: "a cancel of nothing is an error", story: one(and(cancelsNothing, refusedWith(404))), violated: []string{"CONTROL-002"}},
		{name: "it does not say", story: one(and(cancels, func(c *history.Control) { c.Said = "unclear" })), violated: []string{"CONTROL-002"}},
		{name: "it says the wrong thing", story: one(and(cancelsNothing, func(c *history.Control) { c.Said = "true" })), violated: []string{"CONTROL-002"}},
		{name: "the marker stays", story: one(and(cancels, func(c *history.Control) { c.Present, c.Changed = true, false })), violated: []string{"CONTROL-002"}},

		{name: "a bad request", story: one(unasked), arose: []string{"CONTROL-003"}},
		{name: "a bad request drains", story: one(and(unasked, written)), violated: []string{"CONTROL-003"}, arose: []string{"CONTROL-005"}},
		{name: "a bad request is ok", story: one(and(unasked, refusedWith(204))), violated: []string{"CONTROL-003"}},
		{name: "a bad request breaks it", story: one(and(unasked, refusedWith(500))), violated: []string{"CONTROL-003"}},

		{name: "a wrong token", story: one(wrong), arose: []string{"CONTROL-004"}, notArose: []string{"CONTROL-001"}},
		{name: "no token, and done", story: one(and(and(wrong, func(c *history.Control) { c.Credential, c.Status = history.NoToken, 200 }), written)), violated: []string{"CONTROL-004"}, notArose: []string{"CONTROL-005"}},
		{name: "a wrong token, and another status", story: one(and(wrong, refusedWith(400))), violated: []string{"CONTROL-004"}},
		{name: "401, and done all the same", story: one(and(wrong, written)), violated: []string{"CONTROL-004"}},

		{name: "a weak secret", story: one(weak), arose: []string{"CONTROL-006"}, notArose: []string{"CONTROL-001", "CONTROL-004"}},
		{name: "a weak secret, and nobody there", story: one(and(weak, func(c *history.Control) { c.Status, c.Error = 0, "refused" })), arose: []string{"CONTROL-006"}},
		{name: "a weak secret is ok", story: one(and(weak, refusedWith(200))), violated: []string{"CONTROL-006"}},
		{name: "a weak secret moves the marker", story: one(and(weak, written)), violated: []string{"CONTROL-006"}},

		{name: "an unwritable home", story: one(locked), arose: []string{"CONTROL-008"}, notArose: []string{"CONTROL-001"}},
		{name: "ok in an unwritable home", story: one(and(locked, refusedWith(200))), violated: []string{"CONTROL-008"}},
		{name: "the client's fault in an unwritable home", story: one(and(locked, refusedWith(404))), violated: []string{"CONTROL-008"}},
		{name: "ok, and it could be written", story: one(and(and(locked, refusedWith(200)), written)), notArose: []string{"CONTROL-008"}},
		{name: "a cancel in an unwritable home", story: one(func(c *history.Control) {
			c.Action, c.Locked, c.Existed, c.Present, c.Status = history.AskCancel, true, true, true, 200
		}), violated: []string{"CONTROL-008"}, notArose: []string{"CONTROL-002"}},
	})
}

// An endpoint that was given the time, and answers nothing, does not do its work;
// unless it was the machine that stood still.
func TestUnansweredRequests(t *testing.T) {
	silent := func(from, to float64, noise bool) *story {
		return tell(launched, func(s *story) {
			s.stale(999, history.Running, 0)
			if noise {
				s.stall(from, to)
			}
			s.span(from, to, history.Event{Kind: history.KindControl, Control: &history.Control{Action: history.AskDrain, Credential: history.RightToken, Error: "deadline exceeded"}})
		})
	}
	one := []string{"CONTROL-001"}
	runChecks(t, []check{
		{name: "for long", story: silent(1000, 6000, false), violated: one},
		{name: "within B", story: silent(1000, 2900, false)},
		{name: "in the noise", story: silent(1000, 6000, true), noisy: one, inconclusive: one},
	})
}

// down is a gateway that was told to go, and is gone at 1100.
func down(s *story) {
	s.action(1000, history.ActionSIGTERM)
	s.read(1050, history.Stopped, 0)
	s.process(1100, history.ProcessGone, exit(0))
}

func TestTheEndpointWithoutAGateway(t *testing.T) {
	seven := []string{"CONTROL-007"}
	runChecks(t, []check{
		{name: "drain, and honoured at the start", story: tell(launched, down, func(s *story) {
			s.asked(1200, drains)
			s.up(1300, history.ActionRespawn)
			s.read(1330, history.Draining, 0)
		}), arose: []string{"CONTROL-001", "CONTROL-007", "RESTART-001"}},
		{name: "drain, and forgotten at the start", story: tell(launched, down, func(s *story) {
			s.asked(1200, drains)
			s.up(1300, history.ActionRespawn)
			s.read(1330, history.Running, 0)
		}), violated: []string{"CONTROL-007", "RESTART-001"}},
		{name: "cancel", story: tell(launched, down, func(s *story) { s.asked(1200, cancelsNothing) }), arose: seven},
		{name: "no", story: tell(launched, down, func(s *story) {
			s.asked(1200, func(c *history.Control) { c.Action, c.Status = history.AskDrain, 503 })
		}), violated: seven, notArose: []string{"CONTROL-001"}},
		{name: "yes, and no marker", story: tell(launched, down, func(s *story) {
			s.asked(1200, func(c *history.Control) { c.Action = history.AskDrain })
		}), violated: seven, notArose: []string{"CONTROL-001"}},
		{name: "nobody there", story: tell(launched, down, func(s *story) {
			s.span(1200, 9000, history.Event{Kind: history.KindControl, Control: &history.Control{Action: history.AskDrain, Credential: history.RightToken, Error: "refused"}})
		}), violated: seven},
		{name: "perhaps not gone yet", story: tell(launched, func(s *story) {
			down(s)
			s.asked(1099, func(c *history.Control) { c.Action, c.Status = history.AskDrain, 503 })
		}), violated: []string{"CONTROL-001"}, notArose: seven},
		{name: "not seen to be gone yet, and its exit code is there", story: tell(launched, func(s *story) {
			s.action(1000, history.ActionSIGTERM)
			s.exited(1090, 0)
			s.asked(1095, func(c *history.Control) { c.Action, c.Status = history.AskDrain, 503 })
			s.process(1100, history.ProcessGone)
		}), violated: seven, notArose: []string{"CONTROL-001"}},
		{name: "drain before the gateway was gone", story: tell(launched, func(s *story) {
			s.stale(899, history.Running, 0)
			s.asked(900, drains)
			s.read(910, history.Draining, 0)
			down(s)
			s.up(1300, history.ActionRespawn)
			s.read(1330, history.Draining, 0)
		}), arose: []string{"RESTART-001"}, notArose: seven},
	})
}

// A gateway that does not start with a weak secret is as good as an endpoint that is
// off, and its end is no breach; with the secret of its target file it is.
func TestAGatewayThatRefusesAWeakSecret(t *testing.T) {
	refuses := func(overrides ...string) *story {
		s := tell(func(s *story) {
			s.action(0, history.ActionStart)
			s.process(5, history.ProcessSeen)
			s.process(9, history.ProcessGone, exit(2))
		})
		s.events[0].Header.Overrides = overrides
		return s
	}
	runChecks(t, []check{
		{name: "a weak one", story: refuses("CONTROL_TOKEN"), arose: []string{"CONTROL-006"}},
		{name: "its own", story: refuses(), violated: []string{"STATE-006"}, notArose: []string{"CONTROL-006"}},
	})
}
