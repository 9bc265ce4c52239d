package report

import (
	"maps"
	"slices"
	"time"

	"github.com/drainproof/drainproof/harness/monitor"
)

// SchemaVersion is the version of report.json this package writes and reads.
const SchemaVersion = 1

// Verdict is what was found of a requirement, a point or a spec's subject.
type Verdict string

// The verdicts of a requirement or point.
const (
	Pass          Verdict = "pass"
	Fail          Verdict = "fail"
	Warn          Verdict = "warn"           // a SHOULD that is not met
	NotApplicable Verdict = "not-applicable" // the target does not declare the feature, or it can't be judged on it
	Blocked       Verdict = "blocked"        // a requirement this one needs failed; nobody's accusation
	Inconclusive  Verdict = "inconclusive"   // noise, or the situation never arose
	HarnessError  Verdict = "harness-error"  // the suite failed, not the gateway
	NotRun        Verdict = "not-run"        // not selected, or the run ended before it
)

// The overall verdicts.
const (
	Conformant    Verdict = "conformant"
	NonConformant Verdict = "non-conformant"
	Incomplete    Verdict = "incomplete"
	NotCertifying Verdict = "passed, not certifying"
	AsExpected    Verdict = "non-conformant (expected)" // every failure is on the list of expected ones
	NotAsExpected Verdict = "not as expected"           // something on that list did not fail
)

// The profiles: what was asked for.
const (
	ProfileGate   = "gate"   // the five points
	ProfileFull   = "full"   // everything the target declares
	ProfileFilter = "filter" // a hand-made selection; never conformant
)

// Report is what a run says. Durations are nanoseconds in JSON, named *_ns.
type Report struct {
	Dir string `json:"-"` // folder it was read from or written to, absolute

	Schema  int           `json:"schema"` // SchemaVersion
	Tool    Tool          `json:"tool"`
	Spec    string        `json:"spec"` // version of the requirements
	Started time.Time     `json:"started"`
	Ended   time.Time     `json:"ended"`
	Wall    time.Duration `json:"wall_ns"`

	Profile   string   `json:"profile"` // gate, full or filter
	Verdict   Verdict  `json:"verdict"`
	Why       string   `json:"why"` // one sentence
	Certifies bool     `json:"certifies"`
	WhyNot    []string `json:"why_not,omitempty"` // what keeps this run from certifying
	ExitCode  int      `json:"exit"`

	Runtime string `json:"runtime"`          // docker or process
	Engine  string `json:"engine,omitempty"` // version of the container engine
	Target  Target `json:"target"`
	Image   *Image `json:"image,omitempty"` // docker runtime
	Suite   *Suite `json:"suite,omitempty"` // the programs that judged
	// Environment is the machine it ran on.
	Environment *Environment   `json:"environment,omitempty"`
	Seed        int64          `json:"seed"`
	Level       string         `json:"level"`            // gate, certify or audit
	Config      map[string]any `json:"config,omitempty"` // as in effect, secrets redacted
	Noise       Noise          `json:"noise"`

	// Shard says which part of a run this is; nil: it is no part.
	Shard *Shard `json:"shard,omitempty"`
	// Merged says of which parts it was put together; nil: it was one run.
	Merged *Merged `json:"merged,omitempty"`

	// Expected is the list of expected failures that the run was held against.
	Expected []Expectation `json:"expected,omitempty"`

	Points       []Point       `json:"points"`
	Families     []Family      `json:"families,omitempty"` // full profile only
	Requirements []Requirement `json:"requirements"`
	Specs        []Spec        `json:"specs"`
	// Receipts are the faults a deliberately wrong gateway owned up to, sorted.
	Receipts []string `json:"receipts,omitempty"`
}

// Expectation is a failure that is known, and not to be news.
type Expectation struct {
	Requirement string `json:"requirement"`
	Reason      string `json:"reason"`
	Link        string `json:"link,omitempty"` // where it is followed up
}

// Tool is what made the report.
type Tool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Target is the gateway's description as it was used.
type Target struct {
	Name     string        `json:"name"`
	Path     string        `json:"path"`
	SHA256   string        `json:"sha256"`
	Features []string      `json:"features,omitempty"`
	Bound    time.Duration `json:"bound_ns"` // B as judged with
	// Bounds are all times by which the target is judged or waited for, by name.
	Bounds map[string]time.Duration `json:"bounds_ns,omitempty"`
	Tools  bool                     `json:"tools,omitempty"` // it says of a tool that a turn can be made to call
}

// Image is what the gateway ran from.
type Image struct {
	Name   string `json:"name,omitempty"`
	ID     string `json:"id"`               // sha256:..., pinned for the whole run
	Digest string `json:"digest,omitempty"` // of the manifest, where it has one
	// Sidecars are the IDs of the images of the sidecars that have one of their own, by the
	// sidecar's name.
	Sidecars map[string]string `json:"sidecars,omitempty"`
}

// OfSidecars lists the images of the sidecars, each with the sidecar's name before its ID.
func (i *Image) OfSidecars() []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(i.Sidecars)) {
		out = append(out, name+" "+i.Sidecars[name])
	}
	return out
}

// Suite says which programs observed and judged.
type Suite struct {
	SHA256 string `json:"sha256"` // over the two below, see SuiteOf
	Suite  string `json:"suite"`  // SHA-256 of the program with the checks and the monitors
	Probe  string `json:"probe"`  // SHA-256 of the probe's
}

// Environment is the machine a run ran on; of a run in parts, all kernels and the fewest
// processors.
type Environment struct {
	OS     string `json:"os"`
	Arch   string `json:"arch"`
	Kernel string `json:"kernel"`
	CPUs   int    `json:"cpus"`
}

// Noise is how quiet the machine was.
type Noise struct {
	Starved    time.Duration `json:"starved_ns"`     // the longest that a gateway waited for a processor or a disk at a stretch
	Stalls     int           `json:"stalls"`         // late heartbeats
	Longest    time.Duration `json:"longest_ns"`     // the latest of them came so late
	StampError time.Duration `json:"stamp_error_ns"` // the probe's own time-stamping error
}

// Point is one of the five of the checklist.
type Point struct {
	Point        string   `json:"point"` // a to e
	Title        string   `json:"title"`
	Verdict      Verdict  `json:"verdict"`
	Figure       string   `json:"figure,omitempty"` // "draining published after 3 ms, at most 9 ms (10 times), bound 2 s"
	Turns        string   `json:"turns,omitempty"`  // what was refused and held: "12 refused, 3 held in flight"
	Requirements []string `json:"requirements"`     // IDs
}

// Family is what became of all requirements of a family, and what it cost.
type Family struct {
	Family   string          `json:"family"`
	Verdict  Verdict         `json:"verdict"` // the gravest among its requirements
	Verdicts map[Verdict]int `json:"verdicts"`
	Figure   string          `json:"figure,omitempty"` // its first measured figure
	Specs    time.Duration   `json:"specs_ns"`         // spent in its own specs, which may run side by side
}

// Requirement is the verdict on one requirement.
type Requirement struct {
	ID         string      `json:"id"`
	Level      string      `json:"level"` // MUST or SHOULD
	Family     string      `json:"family"`
	Feature    string      `json:"feature,omitempty"`
	Text       string      `json:"text"`
	Verdict    Verdict     `json:"verdict"`
	Reason     string      `json:"reason,omitempty"` // why, where the verdict is not pass
	Arose      int         `json:"arose"`            // how often its situation really happened
	Samples    []Summary   `json:"samples,omitempty"`
	Violations []Violation `json:"violations,omitempty"`
}

// Violation is a proven breach and where its proof lies.
type Violation struct {
	monitor.Violation
	History string `json:"history"` // path of the history, relative to the report
	// Excerpt is the part of that history that shows the breach.
	Excerpt []Line `json:"excerpt,omitempty"`
}

// Line is an event of an excerpt.
type Line struct {
	Seq    uint64        `json:"seq"`       // 0 for a line that says what was left out
	Offset time.Duration `json:"offset_ns"` // from the breach; negative is before
	Text   string        `json:"text"`
	Proof  bool          `json:"proof"` // one of the events that prove it, not a neighbour
}

// Spec is one situation as it was run.
type Spec struct {
	Text         string        `json:"text"`
	Point        string        `json:"point,omitempty"`
	Family       string        `json:"family,omitempty"` // of a spec that belongs to no point
	Requirements []string      `json:"requirements"`
	Result       string        `json:"result"` // passed, failed, timedout, interrupted, panicked, aborted, skipped
	Duration     time.Duration `json:"duration_ns"`
	Pod          time.Duration `json:"pod_ns,omitempty"`    // of it, making and removing its pod
	Waited       time.Duration `json:"waited_ns,omitempty"` // of it, letting a bound pass
	File         string        `json:"file,omitempty"`      // history, relative to the report
	SHA256       string        `json:"sha256,omitempty"`
	Events       uint64        `json:"events"`
	Seed         int64         `json:"seed"`
	Message      string        `json:"message,omitempty"` // of a spec that did not pass
	Logs         []string      `json:"logs,omitempty"`    // the gateway's last lines, then
	Replay       string        `json:"replay,omitempty"`  // command that runs it again, same seed
}
