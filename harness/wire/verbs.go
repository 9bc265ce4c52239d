package wire

import (
	"context"
	"fmt"

	"github.com/drainproof/drainproof/harness/history"
)

// Hello opens the conversation and makes sure that both ends are of one version.
func (c *Client) Hello(ctx context.Context) (HelloResult, error) {
	var r HelloResult
	if err := c.Call(ctx, VerbHello, HelloParams{Version: Version}, &r); err != nil {
		return r, err
	}
	if r.Version != Version {
		return r, fmt.Errorf("wire: the probe speaks version %d and the suite version %d; build both from one checkout", r.Version, Version)
	}
	return r, nil
}

// Configure tells the probe all it must know of the target, and starts the model
// and the observers.
func (c *Client) Configure(ctx context.Context, p ConfigureParams) error {
	return c.Call(ctx, VerbConfigure, p, nil)
}

// Marker performs, or arms, one operation on the marker.
func (c *Client) Marker(ctx context.Context, p MarkerParams) error {
	return c.Call(ctx, VerbMarker, p, nil)
}

// Control makes one request to the control endpoint.
func (c *Client) Control(ctx context.Context, p ControlParams) (history.Control, error) {
	var r history.Control
	err := c.Call(ctx, VerbControl, p, &r)
	return r, err
}

// Lend has another hand of the controller move the marker until Reclaim.
func (c *Client) Lend(ctx context.Context, p LendParams) error {
	return c.Call(ctx, VerbLend, p, nil)
}

// Reclaim ends a Lend and records what became of the marker meanwhile as one
// operation of the controller, or nothing when it was left as it was.
func (c *Client) Reclaim(ctx context.Context) (ReclaimResult, error) {
	var r ReclaimResult
	err := c.Call(ctx, VerbReclaim, nil, &r)
	return r, err
}

// Submit sends, or arms, one turn and returns its token at once.
func (c *Client) Submit(ctx context.Context, p SubmitParams) (string, error) {
	var r SubmitResult
	err := c.Call(ctx, VerbSubmit, p, &r)
	return r.Turn, err
}

// Expect announces a turn that the gateway starts by itself, and returns the token
// by which its model calls are recognised.
func (c *Client) Expect(ctx context.Context, p ExpectParams) (string, error) {
	var r SubmitResult
	err := c.Call(ctx, VerbExpect, p, &r)
	return r.Turn, err
}

// Arrange makes the request that leads to an expected turn and returns the
// gateway's answer, whatever it is.
func (c *Client) Arrange(ctx context.Context, p ArrangeParams) (ArrangeResult, error) {
	var r ArrangeResult
	err := c.Call(ctx, VerbArrange, p, &r)
	return r, err
}

// Sweep sends a turn every so often and returns when all of them were sent.
func (c *Client) Sweep(ctx context.Context, p SweepParams) (SweepResult, error) {
	var r SweepResult
	err := c.Call(ctx, VerbSweep, p, &r)
	return r, err
}

// Session reads what the gateway keeps of a session into the history.
func (c *Client) Session(ctx context.Context, name string) error {
	return c.Call(ctx, VerbSession, SessionParams{Name: name}, nil)
}

// Load keeps the gateway and its machine busy until Unload.
func (c *Client) Load(ctx context.Context, p LoadParams) error {
	return c.Call(ctx, VerbLoad, p, nil)
}

// Unload ends the load, if there is one.
func (c *Client) Unload(ctx context.Context) error { return c.Call(ctx, VerbUnload, nil, nil) }

// Release opens the model's latch of these turns, or of all that exist.
func (c *Client) Release(ctx context.Context, turns ...string) error {
	return c.Call(ctx, VerbRelease, TurnsParams{Turns: turns}, nil)
}

// Emit streams tokens of a held turn and returns when the gateway was sent them.
func (c *Client) Emit(ctx context.Context, turn string, tokens int) error {
	return c.Call(ctx, VerbEmit, EmitParams{Turn: turn, Tokens: tokens}, nil)
}

// Resume makes these stalled clients read again, or all of them.
func (c *Client) Resume(ctx context.Context, turns ...string) error {
	return c.Call(ctx, VerbResume, TurnsParams{Turns: turns}, nil)
}

// Abort makes the clients of these turns hang up, or of all turns under way.
func (c *Client) Abort(ctx context.Context, turns ...string) error {
	return c.Call(ctx, VerbAbort, TurnsParams{Turns: turns}, nil)
}

// Read reads one publication now.
func (c *Client) Read(ctx context.Context, publication string) (history.State, error) {
	var r history.State
	err := c.Call(ctx, VerbRead, ReadParams{Publication: publication}, &r)
	return r, err
}

// Watch finds the gateway's process and follows it until it is gone.
func (c *Client) Watch(ctx context.Context, p WatchParams) (WatchResult, error) {
	var r WatchResult
	err := c.Call(ctx, VerbWatch, p, &r)
	return r, err
}

// Signal sends a signal, by number, to the process watched last.
func (c *Client) Signal(ctx context.Context, signal int) error {
	return c.Call(ctx, VerbSignal, SignalParams{Signal: signal}, nil)
}

// Note records an event of the suite's own and returns its Return stamp.
func (c *Client) Note(ctx context.Context, p NoteParams) (history.Stamp, error) {
	var r history.Stamp
	err := c.Call(ctx, VerbNote, p, &r)
	return r, err
}

// Stamp reads the probe's clock.
func (c *Client) Stamp(ctx context.Context) (history.Stamp, error) {
	var r history.Stamp
	err := c.Call(ctx, VerbStamp, nil, &r)
	return r, err
}

// Connections opens idle connections to an ingress.
func (c *Client) Connections(ctx context.Context, p ConnectionsParams) error {
	return c.Call(ctx, VerbConnections, p, nil)
}

// Ready polls until the gateway is ready or the time is over, which is no error.
func (c *Client) Ready(ctx context.Context, p ReadyParams) (ReadyResult, error) {
	var r ReadyResult
	err := c.Call(ctx, VerbReady, p, &r)
	return r, err
}

// File handles a file of the home.
func (c *Client) File(ctx context.Context, p FileParams) (FileResult, error) {
	var r FileResult
	err := c.Call(ctx, VerbFile, p, &r)
	return r, err
}
