package monitor

import (
	"time"

	"github.com/drainproof/drainproof/harness/history"
)

// Monitor judges one history by one rule. It is a pure function: same history,
// same judgement, wherever and whenever.
type Monitor struct {
	Requirement string // the ID it speaks for
	Name        string // short, kebab-case, unique
	Judge       func(h *View) Judgement
}

// Judgement is what one monitor has to say of one history.
type Judgement struct {
	Requirement string      `json:"requirement"`
	Monitor     string      `json:"monitor"`
	Arose       int         `json:"arose"` // how often the rule's situation really happened
	Violations  []Violation `json:"violations,omitempty"`
	// Advice is what was found of the parts of the rule that are a SHOULD.
	Advice []Violation `json:"advice,omitempty"`
	// Noisy are misses of a bound whose window held a stall above a tenth of the
	// margin: not held against the gateway, to be taken again.
	Noisy []Violation `json:"noisy,omitempty"`
	// Clean is false when the last occurrence was noisy and was not retaken
	// successfully: the requirement is then inconclusive, unless violated.
	Inconclusive string   `json:"inconclusive,omitempty"`
	Samples      []Sample `json:"samples,omitempty"`
}

// Violation is one proven breach.
type Violation struct {
	Requirement string        `json:"requirement"`
	Monitor     string        `json:"monitor"`
	At          history.Stamp `json:"at"`
	Expected    string        `json:"expected"`
	Actual      string        `json:"actual"`
	Evidence    []uint64      `json:"evidence"` // Seq of the events that prove it, in order
}

// Sample is one measured figure, with the bound it is held against (0: none).
type Sample struct {
	Name  string        `json:"name"` // what was measured, e.g. "draining published after"
	Value time.Duration `json:"value_ns"`
	Bound time.Duration `json:"bound_ns,omitempty"`
}
