package gateway

import (
	"context"
	"log/slog"

	"github.com/drainproof/drainproof/reference/admission"
	"github.com/drainproof/drainproof/reference/drain"
	"github.com/drainproof/drainproof/reference/lifecycle"
)

// Follower does what the marker says. It is told what every look found, by one
// goroutine at a time.
type Follower struct {
	Ledger    *admission.Ledger
	Publisher admission.Publisher
	Log       *slog.Logger

	logged string // the marker or the problem that was logged last
}

// Observe moves the state and the gate together, and then publishes. What could
// not be seen changes nothing. A look that changes nothing publishes nothing,
// unless an earlier publication failed: that is made good here.
func (f *Follower) Observe(_ context.Context, seen drain.Observation) {
	f.tell(seen)
	if !seen.Known {
		return
	}
	event := lifecycle.MarkerAbsent
	if seen.Present {
		event = lifecycle.MarkerPresent
	}
	var before lifecycle.State
	now := f.Ledger.Update(func(book *admission.Book) {
		before = book.State
		book.Apply(event)
	})
	if f.Publisher.Publish(now.Version) != nil {
		return // logged by the publisher; the next look comes within a second
	}
	if now.State != before {
		f.Log.Info("the gateway follows the marker", "from", before, "gateway_state", now.State,
			"active_agents", now.InFlight, "principal", seen.Request.Principal)
	}
}

// tell logs what is odd about the marker, once for each marker.
func (f *Follower) tell(seen drain.Observation) {
	if seen.Problem == nil {
		f.logged = ""
		return
	}
	if problem := seen.Identity + seen.Problem.Error(); problem != f.logged {
		f.logged = problem
		f.Log.Warn("the marker is not as it should be", "present", seen.Present, "known", seen.Known, "stale", seen.Stale, "problem", seen.Problem)
	}
}
