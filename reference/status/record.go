package status

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/drainproof/drainproof/reference/lifecycle"
)

// FileName is the state file's name in the home.
const FileName = "gateway_state.json"

// Record is one publication.
type Record struct {
	State        lifecycle.State `json:"gateway_state"`
	ActiveAgents int             `json:"active_agents"`
	PID          int             `json:"pid"`
	StartTime    uint64          `json:"start_time"` // clock ticks since boot
	StartedAt    time.Time       `json:"started_at"`
	UpdatedAt    time.Time       `json:"updated_at"`
}

// Parse reads a publication strictly: a state that is not known, or a count below
// zero, is an error (STATE-001).
func Parse(content []byte) (Record, error) {
	var fields struct {
		Record
		State        *lifecycle.State `json:"gateway_state"`
		ActiveAgents *int             `json:"active_agents"`
	}
	if err := json.Unmarshal(content, &fields); err != nil {
		return Record{}, fmt.Errorf("the published state is no JSON object with the right types: %w", err)
	}
	switch {
	case fields.State == nil || !fields.State.Known():
		return Record{}, fmt.Errorf("the published state has no known gateway_state: %.200s", content)
	case fields.ActiveAgents == nil || *fields.ActiveAgents < 0:
		return Record{}, fmt.Errorf("the published state has no sensible active_agents: %.200s", content)
	}
	record := fields.Record
	record.State, record.ActiveAgents = *fields.State, *fields.ActiveAgents
	return record, nil
}

// Load reads the state file of a home as it is, dead or alive.
func Load(dir string) (Record, error) {
	content, err := os.ReadFile(filepath.Join(dir, FileName))
	if err != nil {
		return Record{}, err
	}
	return Parse(content)
}
