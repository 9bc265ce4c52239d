package conformance

import (
	"context"

	"github.com/onsi/gomega"

	"github.com/drainproof/drainproof/harness/expect"
	"github.com/drainproof/drainproof/harness/pod"
)

// Turns of several model calls: what was begun before the drain goes on in it.
func (s *suite) steps() {
	s.situation("GATE", "steps",
		"lets a turn in flight call its tools and the model again during a drain, and after its cancel",
		ids("GATE-004"),
		func(ctx context.Context, gw gateway) {
			calls := gw.toolCalls()
			gw.step(ctx, "a turn whose model calls a tool %d times, while nothing drains", calls)
			gw.accepts(ctx, pod.Turn{ToolCalls: calls, Purpose: "of several steps"})

			for _, ingress := range gw.ingresses() {
				gw.step(ctx, "hold the first step of such a turn on %s, drain, and let it go on", ingress)
				turn := gw.held(ctx, pod.Turn{Ingress: ingress, ToolCalls: calls, Purpose: "in its first step at the flip"})
				gw.drain(ctx)
				gw.holds(ctx, gw.B()/20, expect.HaveCount(1))
				must(turn.Release(ctx))
				gw.eventuallyTurn(ctx, turn).Should(expect.HaveEnded())
				gomega.Expect(turn).To(expect.FinishWhole())
				gw.eventually(ctx).Should(expect.HaveCount(0))
				gw.revert(ctx)
			}

			gw.step(ctx, "hold the first step on all of them through a drain and its cancel, and let them go on after it")
			turns := gw.heldOnAll(ctx, pod.Turn{ToolCalls: calls, Purpose: "in its first step throughout a drain"})
			gw.crosses(ctx, len(turns))
			must(gw.Release(ctx, turns...))
			for _, turn := range turns {
				gw.eventuallyTurn(ctx, turn).Should(expect.FinishWhole())
			}
			gw.eventually(ctx).Should(expect.HaveCount(0))
		}, needsTools())
}

// toolCalls is how often a turn is made to call its tool, and then the model again: 0
// where the target says of no tool.
func (g gateway) toolCalls() int {
	if g.Target().Tools == nil {
		return 0
	}
	return min(3, g.Target().Tools.CallsPerTurn)
}
