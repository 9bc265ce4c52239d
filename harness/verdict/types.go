package verdict

import (
	"strings"

	"github.com/drainproof/drainproof/harness/monitor"
)

// Verdict is what is said of one requirement, or of one point.
type Verdict string

// The verdicts.
const (
	Pass          Verdict = "pass"
	Fail          Verdict = "fail"
	Warn          Verdict = "warn"           // a SHOULD is not met
	NotApplicable Verdict = "not-applicable" // undeclared feature, or impossible on this target
	Blocked       Verdict = "blocked"        // a prerequisite failed
	Inconclusive  Verdict = "inconclusive"   // noise, or its situation never arose, or nothing ran
	HarnessError  Verdict = "harness-error"  // the suite itself is at fault
)

// Overall is what is said of the gateway.
type Overall string

// The overall verdicts. Conformant is always shown with its profile.
const (
	Conformant    Overall = "conformant"
	NotCertifying Overall = "passed, not certifying"
	NonConformant Overall = "non-conformant"
	Incomplete    Overall = "incomplete"
	// With a list of expected failures.
	AsExpected    Overall = "non-conformant (expected)" // what failed is on the list, and all of the list that was asked for did
	NotAsExpected Overall = "not as expected"           // nothing failed that is not on the list, and something on it did not
)

// Exit codes of a run. (2, usage or configuration, is decided before any run.)
const (
	ExitClean         = 0
	ExitNonConformant = 1
	ExitIncomplete    = 3
)

// Profiles.
const (
	ProfileGate = "gate" // the five points
	ProfileFull = "full" // everything declared
)

// Level of a requirement.
type Level string

// The levels.
const (
	Must   Level = "MUST"
	Should Level = "SHOULD"
)

// Requirement is one rule of the contract, as far as a judge must know it.
type Requirement struct {
	ID       string
	Level    Level
	Requires []string // IDs without which nothing can be said of it
	Point    string   // a to e, or empty
	Feature  string   // only for targets that declare it, or one of "x or y"; empty: for all
}

// AnyOf splits the feature of a requirement into those of which a target must
// declare one.
func AnyOf(feature string) []string {
	if feature == "" {
		return nil
	}
	return strings.Split(feature, " or ")
}

// Spec is a spec that was to run.
type Spec struct {
	Text         string
	Point        string
	Requirements []string // IDs it is bound to
}

// History is one run of one spec, judged.
type History struct {
	Spec         string // full text, as in Spec
	Path         string // of the file, to be named in reasons
	Requirements []string
	Result       string // of the history's outcome; empty: it has none
	Message      string
	Judgements   []monitor.Judgement
	Receipts     []string // fault IDs a wrong gateway confessed to, with repetitions
}

// Input is all that a verdict depends on.
type Input struct {
	Requirements []Requirement
	Specs        []Spec
	Histories    []History
	Profile      string            // ProfileGate or ProfileFull
	Runtime      string            // docker or process; only docker certifies
	Features     []string          // declared by the target
	Impossible   map[string]string // ID -> why it can't be judged on this target
	Flaky        map[string]string // ID -> why its check is not to be relied on, for or against anybody
	Expected     map[string]string // ID -> why it is expected to fail; empty: there is no list
	Filtered     bool              // a hand-made selection of specs ran
	Relaxed      bool              // another bound than the declared, one above the highest allowed, other markers than the contract's, or less often than the level asks
	Part         string            // which part of a run it was, for people; "": it was no part
	Absent       string            // which parts of the run there are no histories of, for people; "": none
}

// Finding is the verdict on one requirement.
type Finding struct {
	ID         string   `json:"id"`
	Level      Level    `json:"level"`
	Point      string   `json:"point,omitempty"`
	Verdict    Verdict  `json:"verdict"`
	Reason     string   `json:"reason"`
	BlockedBy  []string `json:"blocked_by,omitempty"` // IDs
	Arose      int      `json:"arose"`
	Violations []Breach `json:"violations,omitempty"`
	Noisy      []Breach `json:"noisy,omitempty"`
	// Advice is what was found of its parts that are a SHOULD, where it is a MUST.
	Advice []Breach `json:"advice,omitempty"`
	Specs  []string `json:"specs,omitempty"` // bound to it
}

// Breach is a violation with the history it was found in.
type Breach struct {
	Spec    string `json:"spec"`
	History string `json:"history"`
	monitor.Violation
}

// Point is the verdict on one point of the checklist.
type Point struct {
	Point    string   `json:"point"`
	Verdict  Verdict  `json:"verdict"`
	Reason   string   `json:"reason"`
	Findings []string `json:"requirements"` // IDs, those that decide first
}

// Receipt counts what a wrong gateway confessed to.
type Receipt struct {
	Fault string `json:"fault"`
	Count int    `json:"count"`
}

// Result is the whole verdict.
type Result struct {
	Overall  Overall         `json:"overall"`
	Words    string          `json:"words"` // for people: "conformant (gate)"
	Reason   string          `json:"reason"`
	Exit     int             `json:"exit"`
	Counts   map[Verdict]int `json:"counts"`
	Findings []Finding       `json:"findings"` // in the order of the requirements
	Points   []Point         `json:"points"`   // a to e
	Receipts []Receipt       `json:"receipts,omitempty"`
}
