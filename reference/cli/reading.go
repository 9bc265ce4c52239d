package cli

import (
	"context"
	"fmt"

	"github.com/drainproof/drainproof/reference/drain"
	"github.com/drainproof/drainproof/reference/status"
)

// reading is what an operator is shown.
type reading struct {
	status.View
	Requested *bool `json:"drain_requested"` // null: the marker's place could not be looked at
}

// read reads the gateway first and the marker after it: a drain that still is
// requested after the gateway said that it is drained was not taken back.
func read(ctx context.Context, dir string) (reading, error) {
	view, err := status.Read(dir)
	if err != nil {
		return reading{}, err
	}
	now := reading{View: view}
	if seen := (drain.Home{Dir: dir}).Look(ctx); seen.Known {
		now.Requested = &seen.Present
	}
	return now, nil
}

// String is one line for a person.
func (r reading) String() string {
	line := "not running"
	if r.Alive {
		line = fmt.Sprintf("%s, turns in flight: %d", r.State, r.ActiveAgents)
		if r.Drained() {
			line += " (drained)"
		}
	}
	switch {
	case r.Requested == nil:
		line += "; whether a drain is requested can't be told"
	case *r.Requested:
		line += "; a drain is requested"
	default:
		line += "; no drain is requested"
	}
	return line
}
