package conformance

import (
	"context"

	"github.com/drainproof/drainproof/harness/expect"
	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/pod"
)

// What a status endpoint says of a gateway that lives, and of one that is gone. It
// is a publication as well, and judged as one in every spec.
func (s *suite) status() {
	s.situation("CONTROL", "status",
		"answers with figures that agree with each other, with turns in flight, in a drain and without",
		ids("CONTROL-009"),
		func(ctx context.Context, gw gateway) {
			gw.eventually(ctx).Should(expect.BeRunning())
			gw.step(ctx, "put two turns in flight")
			gw.held(ctx, pod.Turn{Purpose: "to be counted"})
			gw.held(ctx, pod.Turn{Purpose: "to be counted"})
			gw.eventually(ctx).Should(expect.HaveCount(2))
			gw.step(ctx, "drain, and let them finish")
			gw.drain(ctx)
			gw.drained(ctx)
			gw.step(ctx, "revert")
			gw.revert(ctx)
		}, needs("status-http"))

	s.situation("RESTART", "dead",
		"never reads as running or busy over HTTP while its process is gone, whatever file it left",
		ids("RESTART-003"),
		func(ctx context.Context, gw gateway) {
			gw.eventually(ctx).Should(expect.BeRunning())
			gw.step(ctx, "kill the gateway with a turn in flight")
			gw.held(ctx, pod.Turn{Purpose: "cut off by the kill"})
			gw.eventually(ctx).Should(expect.HaveCount(1))
			must(gw.SIGKILL(ctx))
			within(ctx, gw.B()/2, gw.readsAsGone)
			must(gw.Release(ctx))
			if !gw.respawns(ctx) {
				return
			}
			gw.step(ctx, "start it again, and shut it down")
			must(gw.Respawn(ctx))
			must(gw.AwaitReady(ctx))
			gw.eventually(ctx).Should(expect.BeRunning())
			gw.drained(ctx)
			must(gw.SIGTERM(ctx))
			gw.exited(ctx)
			within(ctx, gw.B()/2, gw.readsAsGone)
		}, needs("status-http"))
}

// readsAsGone says whether no status over HTTP shows a gateway at work. The files it
// left are nobody's answer.
func (g gateway) readsAsGone() bool {
	for _, p := range g.Target().Publications {
		for _, r := range g.Published() {
			if p.URL != "" && r.Publication == p.Name && (r.State == history.Running || r.Count > 0) {
				return false
			}
		}
	}
	return true
}
