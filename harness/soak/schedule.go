package soak

import (
	"bytes"
	_ "embed" // the schema
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/drainproof/drainproof/harness/report"
)

// ScheduleVersion is the version of the schedules this package writes and reads.
const ScheduleVersion = 1

// ScheduleSchema is the JSON Schema of a schedule.
//
//go:embed schedule.schema.json
var ScheduleSchema []byte

// Schedule is what is done to a gateway, one step after the other.
type Schedule struct {
	Schema int    `json:"schema"` // ScheduleVersion
	Target string `json:"target"` // name of the target it was made for
	Seed   int64  `json:"seed"`   // it was generated from; 0: written by hand
	// Requirement is what was broken when it was played, and How in which words; empty:
	// nothing was.
	Requirement string `json:"requirement,omitempty"`
	How         string `json:"how,omitempty"`
	Steps       []Step `json:"steps"`
}

// Verb is what a step does.
type Verb string

// The verbs, with the fields of a step that each looks at.
const (
	Home     Verb = "home"     // How, MS: before anything else, the home is full or read-only for so long; nothing of that is judged
	Submit   Verb = "submit"   // Turn, Ingress, Session, Hold, Stall, Bytes, Fail, Tools: send a turn
	Crowd    Verb = "crowd"    // N, Ingress: send so many turns at once, which the model holds
	Release  Verb = "release"  // Turn: the model answers it; without one, all
	Emit     Verb = "emit"     // Turn, N: the model streams so many tokens of it, and goes on holding it
	Resume   Verb = "resume"   // Turn: its client reads again
	Abort    Verb = "abort"    // Turn: its client hangs up
	Begin    Verb = "begin"    // How: request a drain, in place, by rename or by link
	Rewrite  Verb = "rewrite"  // How, MS: request it once more; with MS, as if requested so long ago (below 0: in the future)
	Hostile  Verb = "hostile"  // How: lay a marker of the corpus
	Cancel   Verb = "cancel"   // remove the marker
	Hurry    Verb = "hurry"    // How: begins and cancels, right one after the other: "begin cancel begin"
	Control  Verb = "control"  // How: ask the control endpoint to drain or to cancel
	Cycle    Verb = "cycle"    // N: begin, see it drain, cancel, see it run, so many times
	Await    Verb = "await"    // What, Turn: wait until that is seen
	Wait     Verb = "wait"     // MS: let time pass
	SIGTERM  Verb = "sigterm"  // tell the gateway to shut down
	SIGKILL  Verb = "sigkill"  // kill it
	Respawn  Verb = "respawn"  // start it again, where it has ended or was told to
	Recreate Verb = "recreate" // end the instantiation, and start it in a new one
	Freeze   Verb = "freeze"   // MS: stop it in its tracks for so long
	Load     Verb = "load"     // keep the machine busy until unload
	Unload   Verb = "unload"   // take the load off
	Job      Verb = "job"      // Turn, MS: schedule a job, due so much later
	Process  Verb = "process"  // Turn: have a background process started
	Complete Verb = "complete" // Turn: let it end
)

// What a step waits for.
const (
	ForDraining   = "draining"   // every publication shows it
	ForRunning    = "running"    // every publication shows it
	ForZero       = "zero"       // every publication shows that nothing is in flight
	ForHeld       = "held"       // the model holds the turn, or it has ended
	ForEnded      = "ended"      // the turn has ended for its client
	ForDelivering = "delivering" // its reply begins to arrive
)

// Step is one thing that is done.
type Step struct {
	Do      Verb   `json:"do"`
	Turn    string `json:"turn,omitempty"` // a name within the schedule
	Ingress string `json:"ingress,omitempty"`
	Session string `json:"session,omitempty"`
	Hold    bool   `json:"hold,omitempty"`
	Stall   bool   `json:"stall,omitempty"` // its client does not read before resume
	Bytes   int    `json:"bytes,omitempty"` // of the reply; 0: a short one
	Fail    int    `json:"fail,omitempty"`  // the status with which the model answers instead of a reply
	Tools   int    `json:"tools,omitempty"` // how often the model calls a tool first
	N       int    `json:"n,omitempty"`
	How     string `json:"how,omitempty"`
	What    string `json:"what,omitempty"`
	MS      int64  `json:"ms,omitempty"`
}

// String is the step as it is told, in a history and to people.
func (s Step) String() string {
	var b strings.Builder
	b.WriteString(string(s.Do))
	if s.What != "" {
		b.WriteString(" " + s.What)
	}
	if s.Turn != "" {
		b.WriteString(" " + s.Turn)
	}
	if s.N != 0 {
		fmt.Fprintf(&b, " %d", s.N)
	}
	if s.Ingress != "" {
		b.WriteString(" on " + s.Ingress)
	}
	if s.Session != "" {
		b.WriteString(" in session " + s.Session)
	}
	if s.How != "" {
		b.WriteString(" (" + s.How + ")")
	}
	for _, more := range []struct {
		is   bool
		text string
	}{{s.Hold, "held"}, {s.Stall, "unread"}, {s.Bytes > 0, fmt.Sprintf("of %d bytes", s.Bytes)},
		{s.Fail != 0, fmt.Sprintf("the model fails with %d", s.Fail)}, {s.Tools > 0, fmt.Sprintf("after %d tool calls", s.Tools)},
		{s.MS != 0, s.lasting().String()}} {
		if more.is {
			b.WriteString(", " + more.text)
		}
	}
	return b.String()
}

// lasting is MS as a duration.
func (s Step) lasting() time.Duration { return time.Duration(s.MS) * time.Millisecond }

// makes says whether the step brings a turn into being.
func (s Step) makes() bool { return s.Do == Submit || s.Do == Job || s.Do == Process }

// WriteFile keeps the schedule in a file.
func (s Schedule) WriteFile(path string) error {
	s.Schema = ScheduleVersion
	if s.Steps == nil {
		s.Steps = []Step{}
	}
	raw, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return report.Replace(path, append(raw, '\n'))
}

// maxSteps bounds a schedule: a longer one is a mistake.
const maxSteps = 10_000

// Read reads a schedule and says what is wrong with it, and where.
func Read(path string) (Schedule, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return Schedule{}, fmt.Errorf("no schedule can be read: %w", err)
	}
	s, err := Parse(raw)
	if err != nil {
		return s, fmt.Errorf("%s is no schedule: %w", path, err)
	}
	return s, nil
}

// Parse reads the bytes of a schedule.
func Parse(raw []byte) (Schedule, error) {
	var s Schedule
	if !json.Valid(raw) {
		return s, errors.New("it is not JSON")
	}
	if err := report.Validate(raw, ScheduleSchema); err != nil {
		return s, err
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&s); err != nil {
		return s, err
	}
	return s, s.check()
}

// check finds what a schema can't say.
func (s Schedule) check() error {
	if len(s.Steps) > maxSteps {
		return fmt.Errorf("it has %d steps, and may have %d", len(s.Steps), maxSteps)
	}
	made := map[string]int{}
	for i, step := range s.Steps {
		if !step.makes() {
			continue
		}
		if step.Turn == "" {
			return fmt.Errorf("step %d (%s) gives its turn no name; add \"turn\"", i+1, step.Do)
		}
		if before, twice := made[step.Turn]; twice {
			return fmt.Errorf("steps %d and %d both make a turn %q; give each its own name", before, i+1, step.Turn)
		}
		made[step.Turn] = i + 1
	}
	for i, step := range s.Steps {
		if step.Do == Home && i > 0 {
			return fmt.Errorf("step %d (%s) is not the first one; what becomes of the home comes before the history that is judged, so put it first", i+1, step)
		}
		if step.Do == Hurry {
			if _, err := operations(step.How); err != nil {
				return fmt.Errorf("step %d: %w", i+1, err)
			}
		}
		needs := step.Do == Emit || step.Do == Complete ||
			step.Do == Await && slices.Contains([]string{ForHeld, ForEnded, ForDelivering}, step.What)
		if needs && step.Turn == "" {
			return fmt.Errorf("step %d (%s) does not say of which turn; add \"turn\"", i+1, step)
		}
	}
	return nil
}

// Join puts schedules one after the other, each with its own turns. What becomes of the home
// comes before all of them, so only the first can begin with that.
func Join(all ...Schedule) Schedule {
	out := all[len(all)-1]
	out.Steps = nil
	for i, s := range all {
		for _, step := range s.Steps {
			if step.Do == Home && i > 0 {
				continue
			}
			if step.Turn != "" && len(all) > 1 {
				step.Turn = fmt.Sprintf("%c-%s", 'a'+i, step.Turn)
			}
			out.Steps = append(out.Steps, step)
		}
	}
	return out
}
