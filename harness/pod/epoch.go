package pod

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/target"
	"github.com/drainproof/drainproof/harness/wire"
)

// Epoch is the stamp of the present instantiation: what the target's own command
// stamped a marker with. Empty before that was done, after a Recreate, and for a
// target that does not declare epochs. Ordinary markers carry it.
func (g *Gateway) Epoch() string { return g.epoch }

// commandTries is how often a target's command is tried that failed: it may have read
// what a gateway was just writing, or a gateway have taken what it wrote before anybody
// saw it, and the command is not what is judged.
const commandTries = 3

// ErrMarkerTaken says that a marker was gone before its stamp could be read. Whoever
// takes markers away has broken MARKER-008, which stands in the history.
var ErrMarkerTaken = errors.New("the marker that the target's epoch command wrote was taken away before its stamp could be read; only a controller takes markers away")

// BeginByCommand has the target's own command request a drain, as a controller
// would that knows no better, and learns from it how markers are stamped in this
// instantiation. It is for targets that declare epochs.
func (g *Gateway) BeginByCommand(ctx context.Context) error {
	program := g.o.Target.Epoch
	if program == nil {
		return errors.New("the target declares no epoch.command")
	}
	var err error
	for range commandTries {
		if err = g.runEpochCommand(ctx, *program); err == nil || ctx.Err() != nil {
			break
		}
	}
	return err
}

// runEpochCommand is one try of it.
func (g *Gateway) runEpochCommand(ctx context.Context, program target.Program) error {
	if err := g.probe.Lend(ctx, wire.LendParams{Hand: wire.HandCommand}); err != nil {
		return err
	}
	// What was begun is carried to its end, or the probe would not have the marker back.
	within, cancel := settled(ctx)
	defer cancel()
	failed := g.pod.Exec(within, program)
	again, cancelAgain := settled(ctx)
	defer cancelAgain()
	r, err := g.probe.Reclaim(again)
	switch {
	case failed != nil:
		return fmt.Errorf("the target's epoch command: %w", failed)
	case err != nil:
		return err
	case !r.Changed || !r.Present:
		return fmt.Errorf("the target's epoch command ended well and wrote no marker at %s; it must write one there, as a controller would", g.pod.Resolved().Marker)
	case r.Epoch == "" && r.Taken:
		return ErrMarkerTaken
	case r.Epoch == "":
		return errors.New("the target's epoch command wrote a marker without an epoch; it must stamp it, or the target must not declare epoch")
	}
	g.epoch = r.Epoch
	return nil
}

// LearnEpoch obtains the stamp of an instantiation whose gateway is ready, by a drain
// that is over when it returns. For a target that does not declare epochs it does
// nothing.
func (g *Gateway) LearnEpoch(ctx context.Context) error {
	if !g.o.Target.Declares("epoch") {
		return nil
	}
	if err := g.Step(ctx, "have the target's own command begin a drain, to learn with what it stamps markers"); err != nil {
		return err
	}
	if err := g.BeginByCommand(ctx); err != nil {
		if g.Awaits(ctx, time.Second, func() bool { return !g.Alive() }) {
			return nil // that the process is gone is a finding, and in the history
		}
		return err
	}
	// Whether it follows is not asked here; only what comes next should find it at rest.
	followed := g.Awaits(ctx, g.B()+g.B()/4, func() bool { return g.Shows(history.Draining) })
	if err := g.CancelDrain(ctx); err != nil {
		return err
	}
	if followed {
		g.Awaits(ctx, g.Grace(), func() bool { return g.Shows(history.Running) })
		return ctx.Err()
	}
	// A begin that comes within B of a drain nobody saw would count as a hurry, and
	// would be judged by how it settles rather than by when it is published.
	return g.Hold(ctx, g.B()+g.B()/4)
}

// Shows says whether every publication shows the state.
func (g *Gateway) Shows(state string) bool {
	p := g.Published()
	for _, r := range p {
		if r.Problem != "" || r.State != state {
			return false
		}
	}
	return len(p) > 0
}

// Awaits waits until ok, at most for d and for as long as the gateway's process is
// there, and says whether it came to that.
func (g *Gateway) Awaits(ctx context.Context, d time.Duration, ok func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	for {
		switch {
		case ok():
			return true
		case !g.Alive():
			return ok() // it may have come to that with its end
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return false
		}
	}
}

// Request is a drain request out of the ordinary: what its marker says, and what
// must become of it. It is written beside the marker's place and renamed: a torn one
// would have neither epoch nor time.
type Request struct {
	Epoch string
	Age   time.Duration // of requested_at; below 0: in the future
	// Suppress is its suppress_notification; nil leaves the field out.
	Suppress *bool
	// Content is the marker in place of an ordinary one with Epoch, Age and Suppress.
	Content []byte
	Expect  history.Expectation
}

// LayRequest lays it: where there is no marker it begins a drain, if it does; over
// another it replaces it.
func (g *Gateway) LayRequest(ctx context.Context, r Request) error {
	r.Expect.Silences = r.Suppress != nil && *r.Suppress
	return g.marker(ctx, wire.MarkerParams{
		Op: history.OpBegin, How: wire.WayRename, Epoch: r.Epoch, Age: r.Age, Suppress: r.Suppress, Content: r.Content, Expectation: r.Expect,
	})
}
