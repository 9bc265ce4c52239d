package detached

import (
	"errors"
	"log/slog"

	"github.com/drainproof/drainproof/reference/admission"
	"github.com/drainproof/drainproof/reference/turn"
)

// Runner runs turns that no client waits for.
type Runner struct {
	turns *turn.Runner
	log   *slog.Logger
}

// New returns a Runner.
func New(turns *turn.Runner, log *slog.Logger) *Runner {
	return &Runner{turns: turns, log: log}
}

// Start runs a turn that was admitted and whose record says that it is begun. It
// takes over the claim and the slot: the slot is released when what came of the
// turn is stored, and no sooner (COUNT-006).
func (r *Runner) Start(claim *turn.Claim, slot *admission.Slot, record turn.Record) {
	go func() {
		defer slot.Release()
		defer claim.End()
		err := r.turns.Perform(claim, record)
		switch {
		case errors.Is(err, turn.ErrInterrupted):
			r.log.Warn("a turn was interrupted; it is owed at the next start", "turn", record.ID, "session", record.Request.Session)
		case err != nil:
			r.log.Info("a turn failed", "turn", record.ID, "session", record.Request.Session, "error", err)
		}
	}()
}
