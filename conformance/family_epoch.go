package conformance

import (
	"context"

	"github.com/drainproof/drainproof/harness/config"
	"github.com/drainproof/drainproof/harness/expect"
	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/pod"
)

// The EPOCH family: markers of another instantiation. Ordinary markers are stamped
// where a target declares epochs, so it is these specs alone that find out what
// becomes of one that is not.
func (s *suite) epoch() {
	s.situation("EPOCH", "foreign",
		"ignores a marker that is stamped with another instantiation, and honours one without a stamp",
		ids("EPOCH-001", "EPOCH-002"),
		func(ctx context.Context, gw gateway) {
			if !gw.Target().Declares("epoch") {
				gw.step(ctx, "lay a marker with a stamp, of which this gateway knows nothing: it drains")
				gw.layRequest(ctx, pod.Request{Epoch: inventedEpoch, Expect: honoured("stamped", "EPOCH-001")})
				gw.eventually(ctx).Should(expect.BeDraining())
				gw.revert(ctx)
				return
			}
			gw.step(ctx, "lay a marker without a stamp: it drains")
			gw.layRequest(ctx, pod.Request{Expect: honoured("without-a-stamp", "EPOCH-002")})
			gw.eventually(ctx).Should(expect.BeDraining())
			gw.revert(ctx)

			foreign := pod.Request{Epoch: inventedEpoch, Expect: ignored("stamped-elsewhere", "EPOCH-001")}
			if s.recreates() {
				gw.step(ctx, "make the container anew, and lay a marker with the stamp of the one before: nothing follows")
				foreign.Epoch = gw.Epoch()
				must(gw.Recreate(ctx))
				gw.eventually(ctx).Should(expect.BeRunning())
			} else {
				gw.step(ctx, "lay a marker with another stamp: nothing follows")
			}
			gw.layRequest(ctx, foreign)
			gw.holds(ctx, gw.B()+gw.B()/4, expect.BeRunning())
			gw.accepts(ctx, pod.Turn{Purpose: "under the marker of another instantiation"})

			gw.step(ctx, "have the target's own command begin a drain, and lay that marker over its own: the drain ends")
			must(gw.BeginByCommand(ctx))
			gw.eventually(ctx).Should(expect.BeDraining())
			gw.layRequest(ctx, foreign)
			gw.eventually(ctx).Should(expect.BeRunning())
			gw.cancelDrain(ctx)
		})

	s.situation("EPOCH", "instantiation",
		"keeps a stamped drain through a respawn, and ends it by itself when its container is made anew",
		ids("EPOCH-003", "EPOCH-004"),
		func(ctx context.Context, gw gateway) {
			declared := gw.Target().Declares("epoch")
			if declared && !gw.respawns(ctx) {
				gw.drain(ctx)
			} else if declared {
				gw.step(ctx, "drain with a stamped marker, kill the gateway and start it again: it drains")
				gw.drain(ctx)
				must(gw.SIGKILL(ctx))
				must(gw.Respawn(ctx))
				must(gw.AwaitReady(ctx))
			} else {
				gw.step(ctx, "drain with a marker with a stamp, of which this gateway knows nothing")
				gw.layRequest(ctx, pod.Request{Epoch: inventedEpoch, Expect: honoured("stamped", "EPOCH-004")})
			}
			gw.eventually(ctx).Should(expect.BeDraining())
			if !s.recreates() {
				return // there is nothing here that could be made anew
			}

			if declared {
				gw.step(ctx, "make the container anew under the marker: it runs, and goes on doing so")
				must(gw.Recreate(ctx))
				gw.eventually(ctx).Should(expect.BeRunning())
				gw.holds(ctx, gw.B()+gw.B()/4, expect.BeRunning())
				gw.accepts(ctx, pod.Turn{Purpose: "under the marker of the instantiation before"})
				return
			}
			gw.step(ctx, "make the container anew under the marker: it drains")
			must(gw.Recreate(ctx))
			gw.eventually(ctx).Should(expect.BeDraining())
		})
}

// inventedEpoch is the stamp of an instantiation that never was, for gateways that
// have none of their own to take.
const inventedEpoch = "7b1e6c0a9d3f4c52a8e0f1b2c3d4e5f6"

// recreates says whether the runtime has instantiations, which can be made anew.
func (s *suite) recreates() bool { return s.cfg.Runtime == config.RuntimeDocker }

// layRequest lays a marker out of the ordinary.
func (g gateway) layRequest(ctx context.Context, r pod.Request) { must(g.LayRequest(ctx, r)) }

// honoured is a marker that drains, and keeps a drain in effect.
func honoured(name, tests string) history.Expectation {
	return history.Expectation{Case: name, Tests: tests, Drains: history.Must, Keeps: history.Must}
}

// ignored is a stale marker: as if there were none.
func ignored(name, tests string) history.Expectation {
	return history.Expectation{Case: name, Tests: tests, Drains: history.MustNot, Keeps: history.MustNot}
}
