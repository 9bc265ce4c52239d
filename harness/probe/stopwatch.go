package probe

import (
	"sync"
	"time"
)

// defaultGiveUp is how long a client waits that was told nothing else.
const defaultGiveUp = 30 * time.Second

// stopwatch measures how long a gateway keeps a client waiting. It stands still
// while it is not the gateway's turn to act: the model's latch is shut, or the
// client itself does not read.
type stopwatch struct {
	patience time.Duration // what it was set to

	mu      sync.Mutex
	left    time.Duration
	halts   int // reasons to stand still
	started bool
	since   time.Time // when it last began to run
	timer   *time.Timer
	ring    func()
}

func newStopwatch(d time.Duration) *stopwatch {
	if d <= 0 {
		d = defaultGiveUp
	}
	return &stopwatch{patience: d, left: d}
}

// start begins to measure and calls ring, in its own goroutine, when time is up.
func (w *stopwatch) start(ring func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ring, w.started = ring, true
	w.run()
}

// halt makes it stand still until resume was called as often.
func (w *stopwatch) halt() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.halts++
	w.rest()
}

func (w *stopwatch) resume() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.halts--
	w.run()
}

// stop ends it; it will not ring any more, unless it is ringing already.
func (w *stopwatch) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rest()
	w.started = false
}

// again has it measure anew: the gateway has given a sign.
func (w *stopwatch) again() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.started {
		return
	}
	w.rest()
	w.left = w.patience
	w.run()
}

func (w *stopwatch) run() {
	if !w.started || w.halts > 0 || w.timer != nil {
		return
	}
	w.since = time.Now()
	w.timer = time.AfterFunc(w.left, w.rang)
}

// rang makes sure that a timer that fired just as it was halted stays silent.
func (w *stopwatch) rang() {
	w.mu.Lock()
	ring := w.ring
	due := w.timer != nil && time.Since(w.since) >= w.left
	w.mu.Unlock()
	if due {
		ring()
	}
}

func (w *stopwatch) rest() {
	if w.timer == nil {
		return
	}
	w.timer.Stop()
	w.timer = nil
	w.left = max(w.left-time.Since(w.since), 0)
}
