package turn

import (
	"context"
	"fmt"
)

// Claim is the right to run one turn: its session is busy with it, and it can be
// interrupted.
type Claim struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	end    func()
	record string // the ID of the record it works on, where there is one
}

// Claim takes a session for one turn, or returns ErrBusy. The claim must be ended.
// A turn without a session can always have one.
func (r *Runner) Claim(parent context.Context, session string) (*Claim, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if session != "" {
		if r.busy[session] {
			return nil, ErrBusy
		}
		r.busy[session] = true
	}
	id := r.nextID
	r.nextID++
	claim := &Claim{}
	claim.ctx, claim.cancel = context.WithCancelCause(parent)
	claim.end = func() {
		claim.cancel(nil)
		if r.forget(id, session) && session != "" {
			r.Freed()
		}
	}
	r.active[id] = claim
	return claim, nil
}

// forget takes a claim out of the books; it says whether it was still in there.
func (r *Runner) forget(id uint64, session string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.active[id] == nil {
		return false
	}
	delete(r.active, id)
	delete(r.busy, session)
	return true
}

// Busy says whether a session has a turn in flight.
func (r *Runner) Busy(session string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.busy[session]
}

// End gives the session back. It may be called more than once.
func (c *Claim) End() { c.end() }

// InterruptAll ends every turn in flight with ErrInterrupted and returns how many
// there were.
func (r *Runner) InterruptAll() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, claim := range r.active {
		claim.cancel(ErrInterrupted)
	}
	return len(r.active)
}

// Accept puts a turn that is begun into the journal and works on it under the claim.
func (r *Runner) Accept(claim *Claim, origin Origin, request Request) (Record, error) {
	record, err := r.journal.Put(Record{Origin: origin, Status: InProgress, Request: request})
	if err != nil {
		return Record{}, fmt.Errorf("%w: %w", ErrStorage, err)
	}
	r.worksOn(claim, record.ID)
	return record, nil
}

// Find returns a turn by its ID, or ErrNoRecord. A turn that was begun and that
// nobody works on reads as interrupted.
func (r *Runner) Find(id string) (Record, error) {
	// Asked before the journal is: a turn that ends in between has its result there.
	working := r.working(id)
	record, err := r.journal.Find(id)
	if err == nil && record.Status == InProgress && !working {
		record.Status = Interrupted
	}
	return record, err
}

func (r *Runner) worksOn(claim *Claim, id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	claim.record = id
}

func (r *Runner) working(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, claim := range r.active {
		if claim.record == id {
			return true
		}
	}
	return false
}
