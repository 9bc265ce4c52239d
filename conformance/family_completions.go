package conformance

import (
	"context"

	"github.com/onsi/gomega"

	"github.com/drainproof/drainproof/harness/expect"
	"github.com/drainproof/drainproof/harness/pod"
)

// Completions of background processes: the gateway owes the turn that they lead to.
func (s *suite) completions() {
	s.situation("GATE", "completion",
		"runs the turn that the completion of a background process leads to, in a drain as at any other time",
		ids("GATE-007", "GATE-004"),
		func(ctx context.Context, gw gateway) {
			gw.step(ctx, "a background process is started, and completed while nothing drains; a drain and its cancel leave its turn alone")
			before := gw.background(ctx, "a background process")
			gw.completes(ctx, before)
			gw.crosses(ctx, 1)
			gw.finishes(ctx, before.Completion)

			gw.step(ctx, "another is started, and completed during a drain: its turn runs, and is counted")
			during := gw.background(ctx, "a background process that outlasts the begin of a drain")
			gw.drain(ctx)
			gw.completes(ctx, during)
			gw.holds(ctx, gw.B()/20, expect.BeDraining())
			gw.finishes(ctx, during.Completion)
			gw.holds(ctx, gw.B()/20, expect.BeDraining())
			gw.revert(ctx)
		}, needs("background"))
}

// background has a turn start a background process, and waits for that turn's end.
// The turn that its completion leads to will be held by the model.
func (g gateway) background(ctx context.Context, purpose string) *pod.Background {
	b, err := g.StartBackground(ctx, pod.Turn{Hold: true, Purpose: purpose})
	must(err)
	g.eventuallyTurn(ctx, b.Starter).Should(expect.FinishWhole())
	g.eventually(ctx).Should(expect.HaveCount(0))
	return b
}

// completes ends a background process, and waits until the model holds the turn that
// this leads to, and it is counted.
func (g gateway) completes(ctx context.Context, b *pod.Background) {
	status, err := b.Complete(ctx)
	must(err)
	gomega.Expect(status/100).To(gomega.Equal(2), "the completion of a background process was answered with status %d", status)
	g.eventuallyTurn(ctx, b.Completion).Should(expect.BeHeldByTheModel())
	g.eventually(ctx).Should(expect.HaveCount(1))
}

// finishes releases a turn that no client waits for, the only one in flight, and
// waits until it is over.
func (g gateway) finishes(ctx context.Context, turn *pod.Submitted) {
	must(turn.Release(ctx))
	g.eventuallyTurn(ctx, turn).Should(expect.HaveItsReply())
	g.eventually(ctx).Should(expect.HaveCount(0))
}
