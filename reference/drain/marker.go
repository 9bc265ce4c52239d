package drain

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// MarkerName is the marker's file name in the gateway's home.
const MarkerName = ".drain_request.json"

// MaxContent is how much of a marker is read, in bytes. What lies beyond it is
// not looked at: presence has been decided long before.
const MaxContent = 1 << 20

// ActionDrain is the only action a controller writes into a marker.
const ActionDrain = "drain"

// Request is the marker's content. None of it decides whether a drain is requested,
// except that Epoch and RequestedAt can show the marker to be stale (see Fresh).
type Request struct {
	Action      string    `json:"action"`
	RequestedAt time.Time `json:"requested_at"` // zero: not said
	Principal   string    `json:"principal"`
	// Epoch is the instantiation the request is meant for; empty: any.
	Epoch string `json:"epoch,omitempty"`
	// SuppressNotification asks for a shutdown that nobody is told of (NOTIFY-001).
	SuppressNotification bool `json:"suppress_notification,omitempty"`
}

// Parse reads a marker's content. It takes any bytes: unknown fields are ignored
// (MARKER-007), a field of the wrong type is left empty, and whatever is no JSON
// object is an error that says why. The caller drains in any case (MARKER-003,
// MARKER-004).
func Parse(content []byte) (Request, error) {
	content = bytes.TrimSpace(content)
	if len(content) == 0 {
		return Request{}, errors.New("the marker is empty")
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(content, &fields); err != nil {
		return Request{}, fmt.Errorf("the marker is not a JSON object: %w", err)
	}
	if fields == nil {
		return Request{}, errors.New("the marker is not a JSON object: it is null")
	}
	var request Request
	var problems []error
	read := func(name string, into any) {
		raw, there := fields[name]
		if !there {
			return
		}
		if err := json.Unmarshal(raw, into); err != nil {
			problems = append(problems, fmt.Errorf("field %s of the marker: %w", name, err))
		}
	}
	read("action", &request.Action)
	read("requested_at", &request.RequestedAt)
	read("principal", &request.Principal)
	read("epoch", &request.Epoch)
	read("suppress_notification", &request.SuppressNotification)
	return request, errors.Join(problems...)
}
