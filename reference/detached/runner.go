package detached

import (
	"errors"
	"log/slog"
	"sync"

	"github.com/drainproof/drainproof/reference/admission"
	"github.com/drainproof/drainproof/reference/turn"
)

// Parts is what a Runner works with.
type Parts struct {
	Admitter admission.Admitter
	Turns    *turn.Runner
	Journal  turn.Journal
	Ledger   *admission.Ledger
	Log      *slog.Logger
}

// Runner runs turns that no client waits for.
type Runner struct {
	Parts
	wake chan struct{}

	mu      sync.Mutex
	pending []turn.Record // to be started, oldest first
}

// New returns a Runner with nothing to do.
func New(parts Parts) *Runner {
	r := &Runner{Parts: parts, wake: make(chan struct{}, 1)}
	parts.Turns.Freed = r.Wake
	return r
}

// Start runs a turn that was admitted and whose record says that it is begun. It
// takes over the claim and the slot: the slot is released when what came of the
// turn is stored, and no sooner (COUNT-006).
func (r *Runner) Start(claim *turn.Claim, slot *admission.Slot, record turn.Record) {
	go func() {
		defer slot.Release()
		err := r.Turns.Perform(claim, record)
		switch {
		case errors.Is(err, turn.ErrInterrupted):
			r.Log.Warn("a turn was interrupted; it is owed at the next start", "turn", record.ID, "session", record.Request.Session)
		case err != nil:
			r.Log.Info("a turn failed", "turn", record.ID, "session", record.Request.Session, "error", err)
		}
	}()
}
