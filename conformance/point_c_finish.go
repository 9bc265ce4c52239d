package conformance

import (
	"context"

	"github.com/drainproof/drainproof/harness/expect"
	"github.com/drainproof/drainproof/harness/pod"
)

// Point c, finish: a turn in flight when the drain began is untouched: its whole
// reply arrives, active_agents falls to 0 and only then, draining holds.
func (s *suite) finish() {
	s.point("c", "finish",
		"leaves turns in flight alone, counts them until the last byte, and only then publishes 0",
		ids("GATE-004", "COUNT-001", "COUNT-002", "COUNT-003", "COUNT-006", "STATE-009", "STATE-010"),
		func(ctx context.Context, gw gateway) {
			whole := gw.withoutStream()
			stalls := gw.delivers(whole)
			gw.step(ctx, "put three turns in flight: plain, streamed, and one whose client reads nothing")
			plain := gw.held(ctx, pod.Turn{Ingress: whole, Purpose: "in flight at the flip"})
			stream := gw.held(ctx, pod.Turn{Ingress: gw.streamed(), ReplyBytes: 4096, Purpose: "in flight at the flip, streamed"})
			stalled := gw.held(ctx, pod.Turn{Ingress: whole, Stall: stalls, ReplyBytes: stalledReply, Purpose: "in flight at the flip, its client reads nothing"})
			gw.eventually(ctx).Should(expect.HaveCount(3))
			trickles := gw.trickles(ctx, stream)

			gw.step(ctx, "drain: all three are still counted")
			gw.drain(ctx)
			gw.holds(ctx, gw.B()/4, expect.HaveCount(3))
			if trickles {
				gw.step(ctx, "stream tokens of a held turn in the middle of the drain")
				before := stream.View().Received
				must(stream.Emit(ctx, 4))
				gw.eventuallyTurn(ctx, stream).Should(expect.HaveReceived(before + 1))
			}

			gw.step(ctx, "let the plain turn and the streamed one finish, one after the other")
			must(plain.Release(ctx))
			gw.eventuallyTurn(ctx, plain).Should(expect.FinishWhole())
			gw.eventually(ctx).Should(expect.HaveCount(2))
			must(stream.Release(ctx))
			gw.eventuallyTurn(ctx, stream).Should(expect.FinishWhole())
			gw.eventually(ctx).Should(expect.HaveCount(1))

			gw.step(ctx, "the last reply begins to go out, and its client reads nothing for B: not 0 yet")
			must(stalled.Release(ctx))
			if stalls {
				gw.onTheWay(ctx, stalled)
				gw.holds(ctx, gw.whole(), expect.HaveCount(1))
				must(stalled.Resume(ctx))
			}
			gw.arrivesWhole(ctx, stalled)

			gw.step(ctx, "the last byte is out: 0 is published, and draining holds")
			gw.eventually(ctx).Should(expect.HaveCount(0))
			gw.holds(ctx, gw.B()/4, expect.BeDraining())
			gw.revert(ctx)
		})
}

// trickles streams the first tokens of a held turn and says whether they came out: a
// gateway may keep them back until it has more, and then does so in a drain as well.
func (g gateway) trickles(ctx context.Context, stream *pod.Submitted) bool {
	if !g.streams(g.streamed()) {
		return false
	}
	must(stream.Emit(ctx, 4))
	return within(ctx, g.B(), func() bool { return stream.View().Received > 0 })
}
