package conformance

import (
	"context"
	"time"

	"github.com/onsi/ginkgo/v2"

	"github.com/drainproof/drainproof/harness/expect"
	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/pod"
)

// The COUNT family: on which ways in, from when on, until when, and across restarts.
func (s *suite) count() {
	s.situation("COUNT", "lanes",
		"counts turns on every way in, each by itself",
		ids("COUNT-005", "COUNT-001"),
		func(ctx context.Context, gw gateway) {
			for _, ingress := range gw.ingresses() {
				// What the drain shows is the monitors' to judge: the spec goes on, so that
				// a lane that is not counted can be told from a gateway that counts none.
				gw.step(ctx, "two turns in flight on %s and nothing else: drain, finish, cancel", ingress)
				gw.held(ctx, pod.Turn{Ingress: ingress, Purpose: "one of two on its ingress"})
				gw.held(ctx, pod.Turn{Ingress: ingress, Purpose: "the other one"})
				gw.drain(ctx)
				gw.drained(ctx)
				gw.revert(ctx)
			}
		})

	s.situation("COUNT", "admission",
		"counts a turn before its model has answered",
		ids("COUNT-006"),
		func(ctx context.Context, gw gateway) {
			for _, ingress := range gw.ingresses() {
				if !gw.delivers(ingress) {
					continue // no client that could keep the turn in flight after the model's answer
				}
				gw.step(ctx, "drain with one turn in flight on %s, whose model has not begun to answer", ingress)
				turn := gw.held(ctx, pod.Turn{Ingress: ingress, Stall: true, ReplyBytes: stalledReply, Purpose: "at its first model call when the drain begins"})
				gw.drain(ctx)

				gw.step(ctx, "let the model answer, with a client that does not read: the count stays what it was")
				must(turn.Release(ctx))
				gw.onTheWay(ctx, turn)
				gw.holds(ctx, max(gw.whole(), relay), expect.HaveCount(1))

				gw.step(ctx, "cancel, and drain again, while the reply is on its way")
				gw.cancelDrain(ctx)
				gw.eventually(ctx).Should(expect.BeRunning())
				gw.drain(ctx)
				must(turn.Resume(ctx))
				gw.arrivesWhole(ctx, turn)
				gw.drained(ctx)
				gw.revert(ctx)
			}
		})

	s.situation("COUNT", "cancel",
		"never says draining and 0 of turns that a cancel let in",
		ids("COUNT-003"),
		func(ctx context.Context, gw gateway) {
			for _, ingress := range gw.ingresses() {
				gw.step(ctx, "drain, and send turns to %s across the cancel, every 5 ms", ingress)
				gw.drain(ctx)
				_, err := gw.Sweep(ctx, pod.Sweep{
					Turn:  pod.Turn{Ingress: ingress, Hold: true, Purpose: "sent across the cancel"},
					Every: 5 * time.Millisecond, Lead: 60 * time.Millisecond, Marker: history.OpCancel,
					Until: history.Running, Past: 120 * time.Millisecond, MaxInFlight: gw.sweepInFlight(),
				})
				must(err)
				gw.eventually(ctx).Should(expect.BeRunning())
				gw.drained(ctx)
			}
		})

	s.situation("COUNT", "leaks",
		"gives every slot back, however the turn ends",
		ids("COUNT-004", "COUNT-003", "STATE-010"),
		func(ctx context.Context, gw gateway) {
			gw.step(ctx, "on every ingress, turns whose model fails or does not answer in time")
			for _, turn := range gw.failing(ctx) {
				gw.ends(ctx, turn)
			}
			gw.drained(ctx)

			gw.step(ctx, "on every ingress, a turn whose client hangs up")
			for _, ingress := range gw.ingresses() {
				turn := gw.held(ctx, pod.Turn{Ingress: ingress, Purpose: "its client hangs up"})
				must(turn.Abort(ctx))
			}
			gw.drained(ctx)
			// That may be a count from between two of them. Their slots are not to be given back into the next step.
			must(gw.Hold(ctx, gw.B()/10))

			gw.step(ctx, "drain with three turns in flight: when the model of one fails, two still count")
			whole := gw.withoutStream()
			fails := gw.held(ctx, pod.Turn{Ingress: whole, Fail: 400, Purpose: "its model fails in the drain"})
			gone := gw.held(ctx, pod.Turn{Ingress: whole, Purpose: "its client hangs up in the drain"})
			stays := gw.held(ctx, pod.Turn{Ingress: whole, Purpose: "in flight with one whose client hangs up"})
			gw.drain(ctx)
			for _, ingress := range gw.ingresses() {
				turn := gw.submit(ctx, pod.Turn{Ingress: ingress, Purpose: "refused, so it leaves nothing in the count"})
				gw.eventuallyTurn(ctx, turn).Should(gw.beTurnedAway())
			}
			must(fails.Release(ctx))
			gw.ends(ctx, fails)
			gw.eventually(ctx).Should(expect.HaveCount(2))
			gw.holds(ctx, gw.B()/10, expect.BeDraining())

			gw.step(ctx, "when the client of another hangs up, one still counts")
			must(gone.Abort(ctx))
			// A gateway needs a moment to notice; with its reply it would be done before it does.
			within(ctx, gw.B()/10, func() bool { return gone.View().ModelGone })
			must(gone.Release(ctx)) // it may go on without its client
			gw.eventually(ctx).Should(expect.HaveCount(1))
			gw.holds(ctx, gw.B()/10, expect.HaveCount(1))
			must(stays.Release(ctx))
			gw.eventuallyTurn(ctx, stays).Should(expect.FinishWhole())
			gw.drained(ctx)
			gw.revert(ctx)
		})

	s.situation("COUNT", "restart",
		"counts nobody who went down with the process before it",
		ids("COUNT-007"),
		func(ctx context.Context, gw gateway) {
			for _, drains := range []bool{false, true} {
				gw.step(ctx, "kill the gateway with a turn in flight on every ingress (while draining: %t)", drains)
				for _, ingress := range gw.ingresses() {
					gw.held(ctx, pod.Turn{Ingress: ingress, Purpose: "in flight when the gateway is killed"})
				}
				gw.eventually(ctx).Should(expect.HaveCount(len(gw.ingresses())))
				state := expect.BeRunning()
				if drains {
					gw.drain(ctx)
					state = expect.BeDraining()
				}
				must(gw.SIGKILL(ctx))

				gw.step(ctx, "start it again: what it takes up itself may run, and then nothing is left")
				must(gw.Respawn(ctx))
				must(gw.AwaitReady(ctx))
				gw.eventually(ctx).Should(state)
				gw.drained(ctx)
				if drains {
					gw.revert(ctx)
				} else {
					s.learns(ctx, gw)
				}
				gw.accepts(ctx, pod.Turn{Purpose: "after a crash"})
			}
		}, respawning())
}

// failing sends turns for which the model answers with an error: one that tells that
// the request is at fault, and one that tells of a time-out.
func (g gateway) failing(ctx context.Context) []*pod.Submitted {
	var all []*pod.Submitted
	for _, ingress := range g.ingresses() {
		for _, status := range []int{400, 504} {
			all = append(all, g.submit(ctx, pod.Turn{Ingress: ingress, Fail: status, Purpose: "its model fails"}))
		}
	}
	return all
}

// ends waits until the client has seen the end of a turn or given up on it.
func (g gateway) ends(ctx context.Context, turn *pod.Submitted) {
	ginkgo.GinkgoHelper()
	g.patientlyTurn(ctx, turn, g.Grace()+g.B()).Should(expect.HaveEnded())
}
