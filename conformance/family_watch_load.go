package conformance

import (
	"context"
	"time"

	"github.com/drainproof/drainproof/harness/expect"
	"github.com/drainproof/drainproof/harness/pod"
)

// WATCH-006: the bound under load. The load would be noise to every other spec, so
// this one has the machine for itself.
func (s *suite) watchUnderLoad() {
	s.situation("WATCH", "load",
		"follows the marker within B with its capacity in flight, turns coming and the processors busy",
		ids("WATCH-006"),
		func(ctx context.Context, gw gateway) {
			held, room := gw.fullLoad()
			gw.step(ctx, "hold %d turns, send another every %s, and keep every processor busy", held, newTurnEvery)
			gw.fill(ctx, held)
			must(gw.Load(ctx, pod.Load{
				Held: held, Turn: pod.Turn{Ingress: gw.withoutStream(), Purpose: "under load"}, Every: newTurnEvery, InFlight: room,
			}))
			cycle := func(ctx context.Context) {
				gw.drain(ctx)
				must(gw.Hold(ctx, gw.B()/5))
				gw.revert(ctx)
				must(gw.Hold(ctx, gw.B()/5))
			}
			n := max(3, s.repeat.Drains/5)
			gw.step(ctx, "begin and cancel %d drains under this load", n)
			for range n {
				cycle(ctx)
			}
			gw.retakeWhileNoisy(ctx, "WATCH-006", cycle)

			gw.step(ctx, "take the load off, and let all turns finish")
			must(gw.Unload(ctx))
			gw.drained(ctx)
			gw.accepts(ctx, pod.Turn{Purpose: "after the load"})
		}, alone())
}

// newTurnEvery makes 50 new turns a second.
const newTurnEvery = 20 * time.Millisecond

// fullLoad divides the capacity the target declares, or 200 turns, into those that
// are held and the room for those that come and go.
func (g gateway) fullLoad() (held, room int) {
	all := min(200, g.Target().Capacity)
	room = max(1, all/10)
	return all - room, room
}

// fill has the model hold that many turns, streamed and not.
func (g gateway) fill(ctx context.Context, n int) {
	lanes := []string{g.withoutStream(), g.streamed()}
	turns := make([]*pod.Submitted, 0, n)
	for i := range n {
		turns = append(turns, g.submit(ctx, pod.Turn{Ingress: lanes[i%len(lanes)], Hold: true, Purpose: "in flight under the load"}))
	}
	for _, turn := range turns {
		g.eventuallyTurn(ctx, turn).Should(expect.BeHeldByTheModel())
	}
}
