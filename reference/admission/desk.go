package admission

import (
	"context"
	"fmt"

	"github.com/drainproof/drainproof/reference/lifecycle"
)

// Request is what is known of a turn when it asks to start.
type Request struct {
	Ingress  string // the way in: sync, stream, run, or one of the gateway's own
	Session  string // empty for a turn without a session
	Text     string // the last user message, for the log
	Internal bool   // the gateway owes it: a drain does not hold it back (GATE-007)
}

// Admitter lets turns start, or not.
type Admitter interface {
	// Admit returns a slot that the caller must release, or a *Refusal.
	Admit(ctx context.Context, request Request) (*Slot, error)
}

// Publisher makes the Book's state known outside.
type Publisher interface {
	// Publish returns once a snapshot of at least this version can be read by
	// others, or with the reason why it can't.
	Publish(version uint64) error
}

// Desk is the right Admitter.
type Desk struct {
	Ledger    *Ledger
	Publisher Publisher
}

// Admit checks the gate and claims a slot in one critical section, then publishes
// the count, and only then lets the turn go on (GATE-001, GATE-003, COUNT-006). What
// is internal passes the gate, and is counted like everything else.
//
// A count that can't be published refuses the turn: a controller that still reads
// an old "draining, 0" must never be wrong about it (COUNT-003).
func (d *Desk) Admit(_ context.Context, request Request) (*Slot, error) {
	var refusal *Refusal
	now := d.Ledger.Update(func(book *Book) {
		if refusal = book.Check(); request.Internal {
			refusal = book.CheckInternal()
		}
		if refusal == nil {
			book.Claim()
		}
	})
	if refusal != nil {
		return nil, refusal
	}
	slot := d.Slot()
	if err := d.Publisher.Publish(now.Version); err != nil {
		slot.Release()
		return nil, unpublished(err)
	}
	return slot, nil
}

// Slot wraps a slot that was just claimed. Its release is published; until a
// publication that failed is made good, the published count is too high, which is
// the safe side.
func (d *Desk) Slot() *Slot {
	return NewSlot(func() {
		now := d.Ledger.Update((*Book).Release)
		_ = d.Publisher.Publish(now.Version)
	})
}

// Refusal is the answer to a turn that may not start. It is no failure: the turn
// was not begun, and the same request can be sent again elsewhere or later.
type Refusal struct {
	Code    string // machine-readable
	Message string
}

// The codes of refusals.
const (
	CodeDraining    = "gateway_draining"
	CodeStarting    = "gateway_starting"
	CodeUnpublished = "gateway_state_unpublished"
)

// Error implements error.
func (r *Refusal) Error() string { return r.Message }

func refusalIn(state lifecycle.State) *Refusal {
	switch state {
	case lifecycle.Starting:
		return &Refusal{CodeStarting, "the gateway is starting and has not looked for a drain request yet; try again"}
	case lifecycle.Stopping, lifecycle.Stopped:
		return &Refusal{CodeDraining, "the gateway is draining because it shuts down; no new turn is started, send it elsewhere"}
	default:
		return &Refusal{CodeDraining, "the gateway is draining; no new turn is started, try again later"}
	}
}

func unpublished(err error) *Refusal {
	return &Refusal{CodeUnpublished, fmt.Sprintf("the turn was not started because it could not be counted in the gateway's published state: %v", err)}
}
