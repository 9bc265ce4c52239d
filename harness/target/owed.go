package target

import (
	"encoding/json"
	"time"
)

// What a target says of turns that take several model calls, and of those that no
// client sends.

// Tools is a tool that the gateway runs in a turn when the model asks for it, so
// that the turn calls the model again.
type Tools struct {
	Name         string         `json:"name"`
	Arguments    map[string]any `json:"arguments,omitempty"`    // of a call without side effects
	CallsPerTurn int            `json:"callsPerTurn,omitempty"` // how many calls a turn may make, default 1
}

// Jobs says how a job is scheduled that starts a turn by itself, once.
type Jobs struct {
	// Create makes a job of {{prompt}}, due {{at}}.
	Create Request
	// Soonest is the least distance at which one can be scheduled, default 1s.
	Soonest time.Duration
	// Late is how long after it was due a job may be started, default B.
	Late time.Duration
}

// Background says how a background process comes about, and to its end.
type Background struct {
	// Tool starts one when the model calls it; {{job}} is a name for it, and
	// {{prompt}} a text by which the turn is recognised that its completion leads to.
	Tool Call `json:"tool"`
	// Complete ends it; the same names are filled in.
	Complete Request `json:"complete"`
}

// Call is a call of a tool.
type Call struct {
	Name      string         `json:"name"`
	Arguments map[string]any `json:"arguments,omitempty"` // template values
}

type jobsJSON struct {
	Create  Request `json:"create"`
	Soonest string  `json:"soonest,omitempty"`
	Late    string  `json:"late,omitempty"`
}

// MarshalJSON writes the durations as strings.
func (j Jobs) MarshalJSON() ([]byte, error) {
	return json.Marshal(jobsJSON{j.Create, formatDuration(j.Soonest), formatDuration(j.Late)})
}

// UnmarshalJSON reads what MarshalJSON wrote, and target files.
func (j *Jobs) UnmarshalJSON(raw []byte) error {
	var read jobsJSON
	if err := json.Unmarshal(raw, &read); err != nil {
		return err
	}
	j.Create = read.Create
	var err error
	if j.Soonest, err = parseDuration(read.Soonest); err != nil {
		return err
	}
	j.Late, err = parseDuration(read.Late)
	return err
}
