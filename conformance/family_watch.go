package conformance

import (
	"context"

	"github.com/drainproof/drainproof/harness/corpus"
	"github.com/drainproof/drainproof/harness/expect"
	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/pod"
)

// The WATCH family: what a gateway notices of the marker, and when.
func (s *suite) watch() {
	s.situation("WATCH", "hurry",
		"settles on what the marker says after begins and cancels in quick succession",
		ids("WATCH-005"),
		func(ctx context.Context, gw gateway) {
			for i := range max(1, s.repeat.Sweeps/3) {
				gw.step(ctx, "hurry %d: begin, cancel and begin at once; it comes to rest in the drain", i+1)
				must(gw.Hurry(ctx, history.OpBegin, history.OpCancel, history.OpBegin))
				gw.rests(ctx)
				gw.eventually(ctx).Should(expect.BeDraining())

				gw.step(ctx, "hurry %d: cancel, begin and cancel at once; it comes to rest outside it", i+1)
				must(gw.Hurry(ctx, history.OpCancel, history.OpBegin, history.OpCancel))
				gw.rests(ctx)
				gw.eventually(ctx).Should(expect.BeRunning())
				gw.accepts(ctx, pod.Turn{Purpose: "after a hurry"})
			}
		})

	s.situation("WATCH", "bad-looks",
		"goes on noticing once a marker that cannot be read, or not be understood, is mended",
		ids("WATCH-004"),
		func(ctx context.Context, gw gateway) {
			for _, m := range s.badLooks(gw.Root()) {
				gw.step(ctx, "lay %s: %s", m.ID, m.Why)
				gw.lay(ctx, m)
				gw.meets(ctx) // whether it drains is MARKER's business
				gw.mend(ctx)
				gw.revert(ctx)

				gw.step(ctx, "a later drain, and its cancel")
				gw.drain(ctx)
				gw.revert(ctx)
			}
		})

	s.situation("WATCH", "restart",
		"starts in step with the marker: running when it was removed meanwhile, draining when it was laid, and never seemingly running before the first look",
		ids("WATCH-003", "WATCH-007", "WATCH-008"),
		func(ctx context.Context, gw gateway) {
			for _, end := range []struct {
				how string
				do  func(context.Context) error
			}{{"a SIGTERM", gw.SIGTERM}, {"a SIGKILL", gw.SIGKILL}} {
				gw.step(ctx, "drain, end the gateway by %s, and start it again under the marker", end.how)
				gw.drain(ctx)
				must(end.do(ctx))
				gw.exited(ctx)
				must(gw.Respawn(ctx))
				must(gw.AwaitReady(ctx))
				gw.eventually(ctx).Should(expect.BeDraining())

				gw.step(ctx, "end it by %s again, and remove the marker while it is down", end.how)
				must(end.do(ctx))
				gw.exited(ctx)
				gw.cancelDrain(ctx)
				must(gw.Respawn(ctx))
				must(gw.AwaitReady(ctx))
				gw.eventually(ctx).Should(expect.BeRunning())
				gw.accepts(ctx, pod.Turn{Purpose: "after a start without a marker"})

				gw.step(ctx, "end it by %s once more, and lay a marker while it is down", end.how)
				must(end.do(ctx))
				gw.exited(ctx)
				gw.beginDrain(ctx)
				gw.respawnUnderFire(ctx)
				gw.revert(ctx)
			}
		}, respawning())
}

// badLooks are one marker of each kind at which a look fails, or that cannot be
// understood; last what is no regular file, after which MARKER-006 is charged.
func (s *suite) badLooks(root bool) []corpus.Marker {
	var out []corpus.Marker
	for _, id := range []string{"MARKER-003", "MARKER-004", "MARKER-005", "MARKER-006"} {
		if all := (lot{tests: id, part: 1, of: 1}).markers(s.markers, root); len(all) > 0 {
			out = append(out, all[0])
		}
	}
	return out
}

// rests lets B pass, and a little more, so that what is read then is what the
// gateway came to rest on.
func (g gateway) rests(ctx context.Context) { must(g.Hold(ctx, g.B()+g.B()/4)) }
