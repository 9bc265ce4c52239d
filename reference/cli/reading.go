package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/drainproof/drainproof/reference/drain"
	"github.com/drainproof/drainproof/reference/epoch"
	"github.com/drainproof/drainproof/reference/status"
)

// reading is what an operator is shown.
type reading struct {
	status.View
	Requested *bool `json:"drain_requested"` // null: the marker's place could not be looked at
	// Stale is why a marker that is there requests nothing.
	Stale drain.Staleness `json:"drain_request_stale,omitempty"`
}

// marker is the marker of a home as its gateway sees it.
func marker(dir string) (drain.Source, error) {
	age, err := drain.MaxAgeFromEnv()
	if err != nil {
		return nil, err
	}
	own := epoch.Stamp{Home: dir, Own: epoch.Instantiation{}}
	return drain.Fresh{Source: drain.Home{Dir: dir}, Epoch: own, Now: time.Now, MaxAge: age}, nil
}

// read reads the gateway first and the marker after it: a drain that still is
// requested after the gateway said that it is drained was not taken back.
func read(ctx context.Context, dir string) (reading, error) {
	source, err := marker(dir)
	if err != nil {
		return reading{}, err
	}
	view, err := status.Read(dir)
	if err != nil {
		return reading{}, err
	}
	now := reading{View: view}
	if seen := source.Look(ctx); seen.Known {
		now.Requested, now.Stale = &seen.Present, seen.Stale
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
	case r.Stale != "":
		line += fmt.Sprintf("; no drain is requested (the marker is stale, by its %s)", r.Stale)
	default:
		line += "; no drain is requested"
	}
	return line
}
