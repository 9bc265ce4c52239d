package status

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/drainproof/drainproof/reference/home"
	"github.com/drainproof/drainproof/reference/lifecycle"
)

// View is the state of a gateway as somebody outside may rely on it: what was
// published, corrected by whether the gateway lives.
type View struct {
	Alive        bool            `json:"alive"`
	State        lifecycle.State `json:"gateway_state"`
	ActiveAgents int             `json:"active_agents"`
	// Busy: turns are in flight. An act that ends the process would cut them.
	Busy bool `json:"gateway_busy"`
	// Drainable: the gateway runs and would follow a drain request now.
	Drainable bool       `json:"gateway_drainable"`
	PID       int        `json:"pid,omitempty"`
	StartedAt *time.Time `json:"started_at,omitempty"`
	UpdatedAt *time.Time `json:"updated_at,omitempty"`
}

// Drained is the reading on which a controller may act.
func (v View) Drained() bool {
	return v.Alive && v.State == lifecycle.Draining && v.ActiveAgents == 0
}

// Read views the gateway of a home. A home without a live gateway reads as
// stopped, whatever its file says (RESTART-003).
func Read(dir string) (View, error) {
	alive, holder, err := home.Alive(dir)
	if err != nil {
		return View{}, err
	}
	if !alive {
		return View{State: lifecycle.Stopped}, nil
	}
	record, err := Load(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return View{}, fmt.Errorf("a gateway lives in %s, but its state can't be read: %w", dir, err)
	}
	return derive(holder, record), nil
}

// derive views a live gateway. A record that is missing or was left by another
// process says nothing of this one, which therefore is still starting; so is one
// that has not said yet who it is.
func derive(holder home.Holder, record Record) View {
	if holder.PID == 0 || record.State == "" || record.PID != holder.PID || record.StartTime != holder.StartTime {
		return View{Alive: true, State: lifecycle.Starting, PID: holder.PID}
	}
	return View{
		Alive:        true,
		State:        record.State,
		ActiveAgents: record.ActiveAgents,
		Busy:         record.ActiveAgents > 0,
		Drainable:    record.State == lifecycle.Running,
		PID:          record.PID,
		StartedAt:    &record.StartedAt,
		UpdatedAt:    &record.UpdatedAt,
	}
}
