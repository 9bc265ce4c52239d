package soak

import (
	"time"

	"github.com/drainproof/drainproof/harness/history"
)

// heeding remembers drains that were taken back before anybody saw that the gateway had
// noticed them. It may do so until a bound later: what it publishes then is the answer to
// something of which the next history knows nothing, if this one is cut before.
type heeding struct {
	marked bool      // a marker may lie there
	left   time.Time // when such a drain was taken back last
}

// begun is after a marker was laid.
func (h *heeding) begun() { h.marked = true }

// over is after it was removed; seen says whether every publication showed the drain.
func (h *heeding) over(seen bool, now time.Time) {
	if h.marked && !seen {
		h.left = now
	}
	h.marked = false
}

// hurried is after operations that nobody has the time to follow, the last of which is this.
func (h *heeding) hurried(last history.Op, now time.Time) {
	h.marked, h.left = last == history.OpBegin, now
}

// open is for how much longer the gateway may notice what is over.
func (h *heeding) open(bound time.Duration, now time.Time) time.Duration {
	if h.left.IsZero() {
		return 0
	}
	return max(0, bound-now.Sub(h.left))
}
