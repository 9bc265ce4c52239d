package pod

import (
	"context"
	"time"

	"github.com/drainproof/drainproof/harness/wire"
)

// Load keeps a gateway and its machine busy.
type Load struct {
	Held     int           // turns the spec has the model hold meanwhile: the load is worth as much as they are
	Turn     Turn          // is sent
	Every    time.Duration // again and again
	InFlight int           // of these, at most
}

// Load puts a load in place, on top of the turns that are held: more turns, and a
// thread per processor of the pod's machine that computes at the lowest priority.
// It lasts until Unload, and no longer than ctx may.
func (g *Gateway) Load(ctx context.Context, l Load) error {
	lasting := time.Minute
	if deadline, ok := ctx.Deadline(); ok {
		lasting = time.Until(deadline)
	}
	return g.probe.Load(ctx, wire.LoadParams{
		Submit: g.params(l.Turn), Every: l.Every, MaxHeld: l.InFlight, Turns: l.Held, Lasting: lasting,
	})
}

// Unload ends the load, if there is one.
func (g *Gateway) Unload(ctx context.Context) error { return g.probe.Unload(ctx) }
