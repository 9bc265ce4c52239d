package conformance

import (
	"context"

	"github.com/onsi/gomega"

	"github.com/drainproof/drainproof/harness/expect"
	"github.com/drainproof/drainproof/harness/pod"
)

// The NOTIFY family: who is told of a shutdown.
func (s *suite) notify() {
	s.situation("NOTIFY", "broadcast",
		"announces its shutdown, unless an active drain request asks it not to",
		ids("NOTIFY-001", "NOTIFY-002"),
		func(ctx context.Context, gw gateway) {
			yes, no := true, false
			gw.step(ctx, "shut down in a drain that asks for silence: it is not announced")
			gw.layRequest(ctx, pod.Request{Epoch: gw.Epoch(), Suppress: &yes})
			gw.eventually(ctx).Should(expect.BeDraining())
			must(gw.SIGTERM(ctx))
			gw.exited(ctx)

			gw.step(ctx, "it silences nothing else: started again it drains, and refuses, until the cancel")
			must(gw.Respawn(ctx))
			must(gw.AwaitReady(ctx))
			gw.eventually(ctx).Should(expect.BeDraining())
			turn := gw.submit(ctx, pod.Turn{Purpose: "in a drain that asks for a silent shutdown"})
			gw.eventuallyTurn(ctx, turn).Should(gw.beTurnedAway())
			gw.revert(ctx)

			gw.step(ctx, "shut down outside a drain: it is announced")
			gw.announces(ctx)
			for _, drain := range []struct {
				what     string
				suppress *bool
			}{{"says that it does not ask for silence", &no}, {"says nothing of it", nil}} {
				gw.comesBack(ctx)
				gw.step(ctx, "shut down in a drain that %s: it is announced", drain.what)
				gw.layRequest(ctx, pod.Request{Epoch: gw.Epoch(), Suppress: drain.suppress})
				gw.eventually(ctx).Should(expect.BeDraining())
				gw.announces(ctx)
			}

			for _, stale := range gw.staleRequests() {
				gw.comesBack(ctx)
				gw.step(ctx, "shut down under a stale request for silence, %s, B after it was laid: it is announced", stale.Expect.Case)
				stale.Suppress = &yes
				gw.layRequest(ctx, stale)
				must(gw.Hold(ctx, gw.whole()))
				gw.announces(ctx)
			}
		}, needs("notify"), respawning())
}

// staleRequests are the drain requests that are stale to this gateway. One that heeds
// them all the same is charged for that by EPOCH and EXPIRY.
func (g gateway) staleRequests() []pod.Request {
	var out []pod.Request
	if g.Target().Declares("expiry") {
		out = append(out, pod.Request{Epoch: g.Epoch(), Age: 2 * g.Target().Expiry.MaxAge, Expect: ignored("too-old", "EXPIRY-001")})
	}
	if g.Target().Declares("epoch") {
		out = append(out, pod.Request{Epoch: inventedEpoch, Expect: ignored("stamped-elsewhere", "EPOCH-001")})
	}
	return out
}

// comesBack starts a gateway that was shut down once more, with no marker there.
func (g gateway) comesBack(ctx context.Context) {
	g.cancelDrain(ctx)
	must(g.Respawn(ctx))
	must(g.AwaitReady(ctx))
	g.eventually(ctx).Should(expect.BeRunning())
}

// announces shuts the gateway down and waits until it is gone and its shutdown was
// announced, before or after.
func (g gateway) announces(ctx context.Context) {
	before := g.Broadcasts()
	must(g.SIGTERM(ctx))
	g.exited(ctx)
	gomega.Eventually(ctx, g.Broadcasts).WithTimeout(g.Grace()).WithPolling(poll).
		Should(gomega.BeNumerically(">", before), "the shutdown was not announced within %s of its end", g.Grace())
}
