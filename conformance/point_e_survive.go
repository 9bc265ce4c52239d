package conformance

import (
	"context"
	"fmt"
	"time"

	"github.com/onsi/gomega"

	"github.com/drainproof/drainproof/harness/expect"
	"github.com/drainproof/drainproof/harness/pod"
)

// Point e, survive: a marker that survived a restart of the gateway is honoured
// before the first turn can get in; and a real shutdown wins over a cancel.
func (s *suite) survive() {
	s.point("e", "survive",
		"honours a marker that survived its restart before the first turn, and lets a shutdown win over a cancel",
		ids("WATCH-003", "RESTART-001", "RESTART-002", "STATE-007", "STATE-011", "STATE-012"),
		func(ctx context.Context, gw gateway) {
			restarts := s.repeat.Restarts
			if !gw.respawns(ctx) {
				restarts = 0
			}
			for i := range restarts {
				gw.step(ctx, "restart %d of %d under the marker, after a SIGTERM", i+1, restarts)
				gw.drain(ctx)
				must(gw.SIGTERM(ctx))
				gw.exited(ctx)
				gw.respawnUnderFire(ctx)

				gw.step(ctx, "and after a SIGKILL in the middle of the drain")
				must(gw.SIGKILL(ctx))
				gw.respawnUnderFire(ctx)
				gw.revert(ctx)
				gw.accepts(ctx, pod.Turn{Purpose: "after the drain that survived"})
			}

			gw.step(ctx, "shut down with a turn in flight in a drain, and cancel the drain meanwhile")
			turn := gw.held(ctx, pod.Turn{Purpose: "in flight at the shutdown"})
			gw.drain(ctx)
			must(gw.SIGTERM(ctx))
			gw.heard(ctx)
			gw.cancelDrain(ctx)
			must(gw.Hold(ctx, gw.whole()))
			gw.answeredOnAll(ctx, "after a cancel in a shutdown")
			gomega.Expect(gw.Published()).NotTo(expect.BeRunning())
			must(turn.Release(ctx))
			gw.exited(ctx)
			gomega.Eventually(ctx, gw.Published).WithTimeout(gw.B()).WithPolling(poll).Should(expect.BeStopped())
		})
}

// heard waits until a gateway that was told to go shows it, or for B where it has
// nothing to show: a cancel that overtakes the signal would prove nothing.
func (g gateway) heard(ctx context.Context) {
	within(ctx, g.B(), func() bool {
		draining, _ := expect.BeDraining().Match(g.Published())
		return !draining || !g.Alive()
	})
}

// exited waits for the end of a gateway that was told to go, for as long as it
// declared to need for what is in flight. The probe sees that end. How it ended the
// runtime tells at its own pace: of an engine that is slow no gateway is to blame.
func (g gateway) exited(ctx context.Context) {
	limit := g.Grace()
	if t := g.Target(); t.Shutdown != nil && g.UnderWay() > 0 {
		limit += t.Shutdown.Deadline
	}
	gomega.Eventually(ctx, patiently(g.Withheld, limit, func() (bool, error) { return g.Alive(), nil })).WithPolling(poll).
		Should(gomega.BeFalse(), "the gateway did not end within %s of its SIGTERM", limit)
	_, err := g.AwaitExit(ctx)
	must(err)
}

// respawnUnderFire starts the gateway again with turns already knocking: the
// probe tries to connect every millisecond, and goes on after it got in.
func (g gateway) respawnUnderFire(ctx context.Context) {
	var early []*pod.Submitted
	for i := range 4 {
		early = append(early, g.submit(ctx, pod.Turn{
			Ingress: g.ingresses()[i%len(g.ingresses())], Hold: true, RetryFor: g.Target().Ready.Within,
			Purpose: fmt.Sprintf("knocking while the gateway starts (%d)", i+1),
		}))
	}
	must(g.Respawn(ctx))
	_, err := g.Sweep(ctx, pod.Sweep{
		Turn:  pod.Turn{Ingress: g.ingresses()[0], Hold: true, RetryFor: g.Target().Ready.Within, Purpose: "sent while the gateway starts"},
		Every: 20 * time.Millisecond, Past: 400 * time.Millisecond, MaxInFlight: g.sweepInFlight(),
	})
	must(err)
	must(g.AwaitReady(ctx))
	g.eventually(ctx).Should(expect.BeDraining())
	for _, turn := range early {
		g.eventuallyTurn(ctx, turn).Should(g.beTurnedAway())
	}
	g.drained(ctx)
}
