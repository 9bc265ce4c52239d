package admission

import (
	"context"
	"sync"

	"github.com/drainproof/drainproof/reference/lifecycle"
)

// Book is all that the one lock guards. It is only ever touched inside
// Ledger.Update.
type Book struct {
	State    lifecycle.State
	Open     bool // the gate
	InFlight int  // slots claimed and not released
}

// Apply moves the state along the table and sets the gate to match, at once.
func (b *Book) Apply(event lifecycle.Event) {
	b.State = lifecycle.Next(b.State, event)
	b.Open = b.State.Admits()
}

// Check is the gate: nil when turns may start, else why not.
func (b *Book) Check() *Refusal {
	if b.Open {
		return nil
	}
	return refusalIn(b.State)
}

// CheckInternal is the gate for what the gateway owes. A drain does not close it,
// nor does a start that has not come to look at the marker; a shutdown does: what
// is owed then is owed when the gateway starts again.
func (b *Book) CheckInternal() *Refusal {
	if b.State == lifecycle.Stopping || b.State == lifecycle.Stopped {
		return refusalIn(b.State)
	}
	return nil
}

// Claim takes a slot.
func (b *Book) Claim() { b.InFlight++ }

// Release gives a slot back.
func (b *Book) Release() { b.InFlight-- }

// Snapshot is a Book as it was at one instant, numbered: of two snapshots, the
// one with the higher version is the later truth.
type Snapshot struct {
	Version  uint64
	State    lifecycle.State
	InFlight int
}

// Ledger owns the Book.
type Ledger struct {
	mu      sync.Mutex
	book    Book
	version uint64
	changed chan struct{} // closed at the next change; nil when nobody waits
}

// NewLedger returns a ledger in state starting, gate closed, nothing in flight.
func NewLedger() *Ledger {
	return &Ledger{book: Book{State: lifecycle.Starting}, version: 1}
}

// Update runs change on the Book under the lock and returns what came of it.
// The version grows when the state or the count changed.
func (l *Ledger) Update(change func(*Book)) Snapshot {
	l.mu.Lock()
	defer l.mu.Unlock()
	before := l.book
	change(&l.book)
	if l.book.State != before.State || l.book.InFlight != before.InFlight {
		l.version++
		if l.changed != nil {
			close(l.changed)
			l.changed = nil
		}
	}
	return l.snapshot()
}

// Snapshot returns the Book as it is now.
func (l *Ledger) Snapshot() Snapshot {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.snapshot()
}

func (l *Ledger) snapshot() Snapshot {
	return Snapshot{Version: l.version, State: l.book.State, InFlight: l.book.InFlight}
}

// Wait returns nil as soon as a snapshot satisfies until, or the context's error.
func (l *Ledger) Wait(ctx context.Context, until func(Snapshot) bool) error {
	for {
		l.mu.Lock()
		now := l.snapshot()
		if l.changed == nil {
			l.changed = make(chan struct{})
		}
		changed := l.changed
		l.mu.Unlock()
		if until(now) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
