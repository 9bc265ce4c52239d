package conformance

import (
	"context"

	"github.com/drainproof/drainproof/harness/expect"
	"github.com/drainproof/drainproof/harness/pod"
)

// Point d, revert: the marker goes; within B running is published and a new turn
// is accepted; both directions are idempotent.
func (s *suite) revert() {
	s.point("d", "revert",
		"publishes running within B of the cancel and accepts the next turn; both directions are idempotent",
		ids("WATCH-002", "STATE-003", "STATE-005", "STATE-009", "GATE-004", "GATE-011", "MARKER-008"),
		func(ctx context.Context, gw gateway) {
			cycle := func(ctx context.Context) {
				gw.drain(ctx)
				gw.revert(ctx)
				gw.acceptsOnAll(ctx, "after a cancel")
			}
			gw.step(ctx, "drain and cancel %d times; a turn on every ingress after each", s.repeat.Reverts)
			for range s.repeat.Reverts {
				cycle(ctx)
			}
			gw.retakeWhileNoisy(ctx, "WATCH-002", cycle)

			gw.step(ctx, "request the drain again while draining, %d times, by every way of writing, with a turn in flight on every ingress", s.repeat.Rewrites)
			inFlight := gw.heldOnAll(ctx, pod.Turn{Purpose: "in flight when its drain is requested again"})
			gw.drain(ctx)
			ways := []string{"in-place", "rename"}
			for i := range s.repeat.Rewrites {
				must(gw.Rewrite(ctx, ways[i%len(ways)]))
				gw.holds(ctx, gw.B()/20, expect.BeDraining())
			}
			gw.step(ctx, "hold for B, so that every cadence has met the rewrites")
			gw.holds(ctx, gw.whole(), expect.BeDraining())

			gw.step(ctx, "cancel: the turns in flight go on")
			gw.revert(ctx)
			gw.eventually(ctx).Should(expect.HaveCount(len(inFlight)))
			gw.holds(ctx, gw.whole(), expect.BeRunning()) // what the cancel sets off may take until then

			gw.step(ctx, "drain and cancel once more: they are counted, go on, and finish")
			gw.drain(ctx)
			gw.holds(ctx, gw.B()/20, expect.HaveCount(len(inFlight)))
			gw.revert(ctx)
			must(gw.Release(ctx, inFlight...))
			for _, turn := range inFlight {
				gw.eventuallyTurn(ctx, turn).Should(expect.FinishWhole())
			}
			gw.eventually(ctx).Should(expect.HaveCount(0))

			gw.step(ctx, "cancel again when nothing drains")
			gw.cancelDrain(ctx)
			gw.holds(ctx, gw.whole(), expect.BeRunning())
			turn := gw.submit(ctx, pod.Turn{Purpose: "after a cancel of nothing"})
			gw.eventuallyTurn(ctx, turn).Should(expect.FinishWhole())
		})
}
