package admission

import (
	"context"
	"sync"
)

// Slot is a turn's place among those in flight, from admission until the last
// byte of its reply was handed to the operating system.
type Slot struct {
	once    sync.Once
	release func()
}

// NewSlot returns a slot that runs release at its first Release.
func NewSlot(release func()) *Slot { return &Slot{release: release} }

// Release gives the slot back. It may be called any number of times, by any
// goroutine; only the first counts (COUNT-004).
func (s *Slot) Release() { s.once.Do(s.release) }

type contextKey struct{}

// WithSlot returns a context that carries a turn's slot.
func WithSlot(ctx context.Context, slot *Slot) context.Context {
	return context.WithValue(ctx, contextKey{}, slot)
}

// FromContext returns the slot of the turn that ctx belongs to, or nil.
func FromContext(ctx context.Context) *Slot {
	slot, _ := ctx.Value(contextKey{}).(*Slot)
	return slot
}
