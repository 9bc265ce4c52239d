package probe

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

// armory holds the actions that wait for a state to be read. They are fired by
// the observer that reads it, so no round trip lies between reading and acting.
type armory struct {
	run func(func(ctx context.Context))

	waiting atomic.Int32 // lets the readers pass without the lock
	mu      sync.Mutex
	armed   []*armed
}

type armed struct {
	when  wire.When
	since history.Stamp
	fire  func(ctx context.Context)
}

// arm makes fire run, once and in a goroutine of its own, at the first read begun
// from now on that shows the state. The returned function disarms it.
func (a *armory) arm(when wire.When, fire func(ctx context.Context)) (disarm func()) {
	return a.armSince(when, now(), fire)
}

// armSince is arm for reads begun after since.
func (a *armory) armSince(when wire.When, since history.Stamp, fire func(ctx context.Context)) (disarm func()) {
	w := &armed{when: when, since: since, fire: fire}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.armed = append(a.armed, w)
	a.waiting.Add(1)
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if i := slices.Index(a.armed, w); i >= 0 {
			a.armed = slices.Delete(a.armed, i, i+1)
			a.waiting.Add(-1)
		}
	}
}

// saw tells of a read, begun at call, of a state.
func (a *armory) saw(publication, state string, call history.Stamp) {
	if a.waiting.Load() == 0 || state == "" {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.armed = slices.DeleteFunc(a.armed, func(w *armed) bool {
		if w.when.State != state || call <= w.since ||
			w.when.Publication != "" && w.when.Publication != publication {
			return false
		}
		a.waiting.Add(-1)
		a.run(func(ctx context.Context) {
			if pause(ctx, w.when.After) {
				w.fire(ctx)
			}
		})
		return true
	})
}
