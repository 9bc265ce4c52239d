package conformance

import (
	"context"

	"github.com/drainproof/drainproof/harness/expect"
)

// Point a, observe: the marker appears; within B the gateway publishes draining;
// the process is the same process, and stays.
func (s *suite) observe() {
	s.point("a", "observe",
		"publishes draining within B of the marker, in the same process, which stays",
		ids("WATCH-001", "STATE-001", "STATE-006", "STATE-008"),
		func(ctx context.Context, gw gateway) {
			cycle := func(ctx context.Context) {
				gw.drain(ctx)
				gw.revert(ctx)
			}
			n := s.repeat.Drains
			gw.step(ctx, "begin and cancel %d drains with nothing in flight", n)
			for range n {
				cycle(ctx)
			}
			gw.retakeWhileNoisy(ctx, "WATCH-001", cycle)

			gw.step(ctx, "drain once more and hold it for B with nothing in flight: the process stays")
			gw.drain(ctx)
			gw.holds(ctx, gw.whole(), expect.BeDraining())
			gw.revert(ctx)
		})
}
