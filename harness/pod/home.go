package pod

import (
	"context"

	"github.com/drainproof/drainproof/harness/wire"
)

// No requirement says what a gateway owes that cannot write into its home. What is done to a
// home here must be over, and the gateway at rest, before a history begins that is judged:
// nothing of it is written down.

// ballast is the file that takes the room of a home.
const ballast = ".drainproof-ballast"

// FillHome leaves no room in a home of Options.HomeBytes, also where some came free since it
// did before; EmptyHome gives all of it back.
func (g *Gateway) FillHome(ctx context.Context) error {
	_, err := g.probe.File(ctx, wire.FileParams{Op: "fill", Path: ballast})
	return err
}

// EmptyHome ends a FillHome.
func (g *Gateway) EmptyHome(ctx context.Context) error {
	_, err := g.probe.File(ctx, wire.FileParams{Op: "remove", Path: ballast})
	return err
}

// Remount has a gateway that has ended find its home read-only when it is started again, or
// one that it can write.
func (g *Gateway) Remount(ctx context.Context, readOnly bool) error {
	within, cancel := settled(ctx)
	defer cancel()
	return g.pod.Remount(within, readOnly)
}

// Recreatable says whether the gateway's instantiation can be ended and its home outlive it.
func (g *Gateway) Recreatable() bool { return g.o.HomeBytes == 0 }
