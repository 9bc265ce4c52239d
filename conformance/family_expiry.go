package conformance

import (
	"context"
	"encoding/json"
	"time"

	"github.com/drainproof/drainproof/harness/expect"
	"github.com/drainproof/drainproof/harness/monitor"
	"github.com/drainproof/drainproof/harness/pod"
	"github.com/drainproof/drainproof/harness/target"
)

// The EXPIRY family: markers that are too old. Time is moved in the marker, but for
// the little that is left of it when a marker grows too old by itself.
func (s *suite) expiry() {
	s.situation("EXPIRY", "age",
		"ignores a marker that is too old, also in a drain, until it is written again; and drains where the age is in doubt",
		ids("EXPIRY-001", "EXPIRY-002", "EXPIRY-003"),
		func(ctx context.Context, gw gateway) {
			if !gw.Target().Declares("expiry") {
				gw.step(ctx, "lay a marker of two hours ago, of which this gateway knows nothing: it drains")
				gw.layRequest(ctx, pod.Request{Age: 2 * target.DefaultMaxAge, Expect: honoured("two-hours-old", "EXPIRY-001")})
				gw.eventually(ctx).Should(expect.BeDraining())
				gw.revert(ctx)
				return
			}
			maxAge := gw.Target().Expiry.MaxAge
			gw.doubts(ctx, maxAge)

			old := pod.Request{Epoch: gw.Epoch(), Age: 2 * maxAge, Expect: ignored("too-old", "EXPIRY-001")}
			gw.step(ctx, "lay a marker that is twice as old as may be: nothing follows")
			gw.layRequest(ctx, old)
			gw.holds(ctx, gw.B()+gw.B()/4, expect.BeRunning())
			gw.accepts(ctx, pod.Turn{Purpose: "under a marker that is too old"})
			if gw.respawns(ctx) {
				gw.step(ctx, "start it again under that marker: nothing follows")
				must(gw.SIGTERM(ctx))
				gw.exited(ctx)
				must(gw.Respawn(ctx))
				must(gw.AwaitReady(ctx))
				gw.holds(ctx, gw.B()+gw.B()/4, expect.BeRunning())
				s.learns(ctx, gw)
				old.Epoch = gw.Epoch()
				gw.layRequest(ctx, old)
				gw.holds(ctx, gw.B()+gw.B()/4, expect.BeRunning())
			}
			gw.step(ctx, "write it again, as of now: it drains")
			gw.layRequest(ctx, pod.Request{Epoch: gw.Epoch(), Expect: honoured("renewed", "EXPIRY-002")})
			gw.eventually(ctx).Should(expect.BeDraining())
			gw.step(ctx, "have it be too old again, in the drain: the drain ends")
			gw.layRequest(ctx, old)
			gw.eventually(ctx).Should(expect.BeRunning())
			gw.cancelDrain(ctx)

			// Long enough to be noticed before it is over.
			left := gw.B() + gw.B()/4
			gw.step(ctx, "drain with a marker that has %s left, and renew it at once: the drain outlasts that", left)
			gw.layRequest(ctx, pod.Request{Epoch: gw.Epoch(), Age: maxAge - left, Expect: honoured("nearly-too-old", "EXPIRY-001")})
			gw.eventually(ctx).Should(expect.BeDraining())
			gw.layRequest(ctx, pod.Request{Epoch: gw.Epoch(), Age: maxAge - 2*left, Expect: honoured("renewed-in-time", "EXPIRY-002")})
			gw.holds(ctx, 2*left-monitor.Coarseness-gw.B()/10, expect.BeDraining())
			gw.step(ctx, "leave it alone until it is too old: the drain ends by itself")
			gw.eventually(ctx).Should(expect.BeRunning())
			gw.cancelDrain(ctx)
		})
}

// doubts lays markers whose age is unknown, or makes no sense: each of them drains.
func (g gateway) doubts(ctx context.Context, maxAge time.Duration) {
	without := map[string]string{"action": "drain", "principal": "drainproof"}
	if g.Epoch() != "" {
		without["epoch"] = g.Epoch()
	}
	unsaid, err := json.Marshal(without)
	must(err)
	without["requested_at"] = "the day before yesterday"
	garbled, err := json.Marshal(without)
	must(err)
	for _, r := range []pod.Request{
		{Epoch: g.Epoch(), Age: -2 * maxAge, Expect: honoured("in-the-future", "EXPIRY-003")},
		{Content: unsaid, Expect: honoured("without-a-time", "EXPIRY-003")},
		{Content: garbled, Expect: honoured("with-a-garbled-time", "EXPIRY-003")},
	} {
		g.step(ctx, "lay a marker %s: it drains", r.Expect.Case)
		g.layRequest(ctx, r)
		g.eventually(ctx).Should(expect.BeDraining())
		g.revert(ctx)
	}
}
