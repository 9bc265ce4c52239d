package detached

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/drainproof/drainproof/reference/admission"
	"github.com/drainproof/drainproof/reference/turn"
)

// retryEvery is how often turns that could not start are tried again, should no
// event have told that they can.
const retryEvery = time.Second

// Load takes up what the journal says is owed: turns that were cut off, to be
// replayed, and turns that were accepted and have not begun.
func (r *Runner) Load() error {
	owed, err := r.Journal.Owed()
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pending = owed
	return nil
}

// Queue accepts a turn that is to start when it may. When it returns, the turn is in
// the journal and can't be lost (GATE-006), and so is what is to be kept with it.
func (r *Runner) Queue(origin turn.Origin, request turn.Request, also ...turn.Also) (turn.Record, error) {
	record, err := r.Journal.Put(turn.Record{Origin: origin, Status: turn.Queued, Request: request}, also...)
	if err != nil {
		return turn.Record{}, fmt.Errorf("%w: %w", turn.ErrStorage, err)
	}
	r.mu.Lock()
	r.pending = append(r.pending, record)
	r.mu.Unlock()
	r.Wake()
	return record, nil
}

// Waiting says whether a turn of the session waits to be started.
func (r *Runner) Waiting(session string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return session != "" && slices.ContainsFunc(r.pending, func(record turn.Record) bool {
		return record.Request.Session == session
	})
}

// Wake has Run try the turns that wait.
func (r *Runner) Wake() {
	select {
	case r.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// Run starts the turns that wait, as soon as they may, until ctx ends.
func (r *Runner) Run(ctx context.Context) {
	following := make(chan struct{})
	go func() {
		defer close(following)
		r.followState(ctx)
	}()
	tick := time.NewTicker(retryEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		r.Dispatch(ctx)
		select {
		case <-r.wake:
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	<-following
}

// followState wakes Run when the state changed. A state that came and went unseen
// is the tick's to make good.
func (r *Runner) followState(ctx context.Context) {
	last := r.Ledger.Snapshot().State
	changed := func(now admission.Snapshot) bool {
		was := last
		last = now.State
		return was != now.State
	}
	for r.Ledger.Wait(ctx, changed) == nil {
		r.Wake()
	}
}

// Dispatch tries to start every turn that waits, once: what the gateway owes first,
// because nothing it waits for may hold it back (GATE-007), then the others, those
// of a session one after the other.
func (r *Runner) Dispatch(ctx context.Context) {
	r.mu.Lock()
	waiting := slices.Clone(r.pending)
	r.mu.Unlock()
	held := map[string]bool{} // sessions whose next turn could not start
	for _, internal := range []bool{true, false} {
		clear(held)
		for _, record := range waiting {
			session := record.Request.Session
			if isInternal(record) != internal || held[session] {
				continue
			}
			if r.try(ctx, record) {
				r.drop(record.ID)
			} else if session != "" {
				held[session] = true
			}
		}
	}
}

// try starts a turn if it may start. It says whether the turn is off the queue.
func (r *Runner) try(ctx context.Context, record turn.Record) bool {
	session := record.Request.Session
	if r.Turns.Busy(session) {
		return false
	}
	slot, err := r.Admitter.Admit(ctx, admission.Request{
		Ingress: ingressOf(record), Session: session, Text: record.Request.LastUser(), Internal: isInternal(record),
	})
	if err != nil {
		return false
	}
	claim, err := r.Turns.Claim(admission.WithSlot(context.Background(), slot), session)
	if err != nil { // another turn was faster
		slot.Release()
		return false
	}
	if record.Status == turn.Queued {
		if err := r.Journal.Begin(record.ID); err != nil {
			claim.End()
			slot.Release()
			r.Log.Error("a turn that waited could not be begun", "turn", record.ID, "session", session, "error", err)
			return errors.Is(err, turn.ErrNoRecord)
		}
		record.Status = turn.InProgress
	}
	r.Start(claim, slot, record)
	return true
}

func (r *Runner) drop(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pending = slices.DeleteFunc(r.pending, func(record turn.Record) bool { return record.ID == id })
}

// IngressRecovery is what the gate is told of a turn that was cut off and is run
// again. Of others it is told their origin.
const IngressRecovery = "recovery"

// isInternal says whether a turn that waits is one the gateway owes: one that was cut
// off, or one that tells the end of what an earlier turn began.
func isInternal(record turn.Record) bool {
	return record.Status == turn.InProgress || record.Origin == turn.OriginBackground
}

func ingressOf(record turn.Record) string {
	if record.Status == turn.InProgress {
		return IngressRecovery // it was begun, and nobody works on it
	}
	return string(record.Origin)
}
