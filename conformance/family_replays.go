package conformance

import (
	"context"
	"slices"

	"github.com/onsi/gomega"

	"github.com/drainproof/drainproof/harness/expect"
	"github.com/drainproof/drainproof/harness/pod"
)

// Turns that a crash cut off: they are owed.
func (s *suite) replays() {
	s.situation("RESTART", "replay",
		"runs turns again that a SIGKILL cut off, each once, counted, and although it drains",
		ids("RESTART-004", "GATE-007", "GATE-004"),
		func(ctx context.Context, gw gateway) {
			gw.step(ctx, "what an ordinary turn takes")
			gw.accepts(ctx, pod.Turn{Ingress: gw.durable(), Purpose: "undisturbed"})

			gw.step(ctx, "drain with two turns in flight, kill the gateway, and respawn it under the marker")
			var turns []*pod.Submitted
			for range min(2, gw.Target().Capacity) {
				turns = append(turns, gw.held(ctx, pod.Turn{Ingress: gw.durable(), Purpose: "in flight at the SIGKILL"}))
			}
			gw.drain(ctx)
			gw.holds(ctx, gw.whole(), expect.HaveCount(len(turns))) // what the drain sets off is done when it is killed
			must(gw.SIGKILL(ctx))
			must(gw.Respawn(ctx))
			must(gw.AwaitReady(ctx))

			gw.step(ctx, "they are run again in the drain, and counted")
			again := func() bool {
				return !slices.ContainsFunc(turns, func(t *pod.Submitted) bool { return t.View().ModelCalls < 2 })
			}
			if !within(ctx, gw.Grace(), again) {
				gw.step(ctx, "they are not; it may be the drain that holds them back: cancel")
				gw.cancelDrain(ctx)
				within(ctx, gw.B()+gw.B()/2, again)
				return // the history tells which it is
			}
			gw.eventually(ctx).Should(expect.HaveCount(len(turns)))
			gw.holds(ctx, gw.B()/20, expect.BeDraining())
			must(gw.Release(ctx, turns...))
			for _, turn := range turns {
				gw.finishes(ctx, turn)
			}

			gw.step(ctx, "kill and respawn once more: they are over, and not run again")
			must(gw.SIGKILL(ctx))
			must(gw.Respawn(ctx))
			must(gw.AwaitReady(ctx))
			must(gw.Hold(ctx, gw.B()/2))
			for _, turn := range turns {
				gomega.Expect(turn.View().ModelCalls).To(gomega.Equal(2), "how often the model was called for a turn that was cut off once")
			}
			gw.revert(ctx)
			gw.accepts(ctx, pod.Turn{Ingress: gw.durable(), Purpose: "after the crashes"})

			gw.step(ctx, "a turn that was in flight in a drain is owed after its cancel too")
			turn := gw.held(ctx, pod.Turn{Ingress: gw.durable(), Purpose: "in flight at a SIGKILL after a cancel"})
			gw.crosses(ctx, 1)
			must(gw.SIGKILL(ctx))
			must(gw.Respawn(ctx))
			must(gw.AwaitReady(ctx))
			gw.eventuallyTurn(ctx, turn).Should(expect.HaveCalledTheModel(2))
			gw.eventually(ctx).Should(expect.HaveCount(1))

			gw.step(ctx, "a drain and its cancel leave it alone when it is run again")
			gw.crosses(ctx, 1)
			gw.finishes(ctx, turn)
		}, needs("recovery"), respawning())
}

// durable is the name of an ingress whose turns are run again after a crash.
func (g gateway) durable() string {
	for _, in := range g.Target().Ingresses {
		if in.Durable {
			return in.Name
		}
	}
	return g.Target().Ingresses[0].Name
}
