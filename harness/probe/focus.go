package probe

import (
	"sync/atomic"
	"time"

	"github.com/drainproof/drainproof/harness/history"
)

// briefly is how long observers look hard after something was done that may make
// a gateway publish.
const briefly = 5 * time.Millisecond

// focus says when the observers must look as hard as they can: a wrong gateway
// may publish a value for a tenth of a millisecond only, and nothing but reading
// without a break sees it. It costs a processor, so it is kept short.
type focus struct {
	held  atomic.Int32
	until atomic.Int64 // history.Stamp
	kick  chan struct{}
}

func newFocus() *focus {
	return &focus{kick: make(chan struct{}, 8)}
}

// hold keeps the observers looking until the returned function is called.
func (f *focus) hold() (release func()) {
	f.held.Add(1)
	f.wake()
	return func() { f.held.Add(-1) }
}

// look makes the observers look for a moment.
func (f *focus) look() {
	f.extend(now().Add(briefly))
	f.wake()
}

func (f *focus) extend(until history.Stamp) {
	for {
		old := f.until.Load()
		if old >= int64(until) || f.until.CompareAndSwap(old, int64(until)) {
			return
		}
	}
}

func (f *focus) wake() {
	// One token per observer is enough; a full channel means they are awake.
	for range cap(f.kick) {
		select {
		case f.kick <- struct{}{}:
		default:
			return
		}
	}
}

// hard says whether to look hard at this instant.
func (f *focus) hard(at history.Stamp) bool {
	return f.held.Load() > 0 || f.until.Load() > int64(at)
}
