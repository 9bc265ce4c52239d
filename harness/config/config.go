package config

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// Config is ginkgo.yaml with defaults filled in and the environment applied.
type Config struct {
	Path   string `json:"path"`   // the file, absolute
	SHA256 string `json:"sha256"` // of its bytes, hex

	Target  string `json:"target"`  // path of the target file, absolute
	Markers string `json:"markers"` // path of the catalogue of hostile markers, absolute; only the full profile reads it
	Runtime string `json:"runtime"` // docker or process
	Seed    int64  `json:"seed"`    // 0: taken from the time by ResolveSeed
	Profile string `json:"profile"` // gate or full
	Level   string `json:"level"`   // gate, certify or audit
	// Expected is the path of a list of expected failures, absolute; "": there is none.
	Expected string `json:"expected,omitempty"`
	// Shard is the part of the checks that is run. It comes from the environment only:
	// a file is every part's.
	Shard Shard `json:"shard,omitzero"`
	// Observe overrides the target's bound B; such a run never certifies. 0: none.
	Observe     time.Duration          `json:"observe_ns,omitempty"`
	Repetitions map[string]Repetitions `json:"repetitions"` // by level
	Runner      Runner                 `json:"runner"`
	Report      Report                 `json:"report"`
	Compare     Compare                `json:"compare"`

	// Overrides names the environment variables that were applied, sorted.
	Overrides []string `json:"overrides,omitempty"`
}

// Repetitions say how often a situation is made; more of them find rarer faults.
type Repetitions struct {
	Drains   int `json:"drains"`   // begin/cancel cycles
	Sweeps   int `json:"sweeps"`   // series of turns swept across the flip into draining
	Refusals int `json:"refusals"` // turns sent to each ingress during one drain
	Reverts  int `json:"reverts"`  // cancels, each with a turn on every ingress after it
	Rewrites int `json:"rewrites"` // re-requests during one drain
	Restarts int `json:"restarts"` // restarts with the marker in place
}

// Runner is what is handed to the test runner.
type Runner struct {
	Procs       int           `json:"procs"`           // specs at once
	Timeout     time.Duration `json:"timeout_ns"`      // deadline of the whole suite
	SpecTimeout time.Duration `json:"spec_timeout_ns"` // deadline of one spec, without the removal of its pod
	LabelFilter string        `json:"label_filter,omitempty"`
}

// Report says where reports go.
type Report struct {
	Dir  string `json:"dir"`           // folder of all reports, absolute
	Keep int    `json:"keep"`          // newest run folders to keep; 0 keeps all
	Run  string `json:"run,omitempty"` // exact folder of this run, absolute; set by DRAINPROOF_REPORT only
}

// Compare says what must be true of a difference between two builds that is none of
// chance, and of the runs that are compared.
type Compare struct {
	Alpha  float64       `json:"alpha"`      // chance alone does it more rarely than this, over all figures together
	Effect float64       `json:"effect"`     // how often a value of the worse build is the worse one, 0.5 to 1
	Ratio  float64       `json:"ratio"`      // the worse median is so many times the better one, at least
	Shift  time.Duration `json:"shift_ns"`   // and this much more, for a time
	Memory int           `json:"memory_mib"` // and this much more, for memory, in MiB
	// Noise is the largest part of a run's time in which the machine may have kept the
	// probe or the gateway waiting, 0 to 1.
	Noise float64 `json:"noise"`
}

// Levels of thoroughness, in rising order.
const (
	LevelGate    = "gate"    // seconds: the five points
	LevelCertify = "certify" // minutes: what a published claim stands on
	LevelAudit   = "audit"   // as long as it takes: the wrong gateways, too
)

// Profiles: what is asked of a gateway.
const (
	ProfileGate = "gate" // the five points
	ProfileFull = "full" // every requirement that applies to the target
)

// The runtimes.
const (
	RuntimeDocker  = "docker"
	RuntimeProcess = "process"
)

// Repeat returns the repetitions of the configured level.
func (c *Config) Repeat() Repetitions { return c.Repetitions[c.Level] }

// Standard returns the repetitions that a level stands for. A run of it with fewer never
// certifies: a level is a claim of how hard was looked.
func Standard(level string) Repetitions { return defaults().Repetitions[level] }

// Fewer says of which repetitions there are fewer than in another set, each as "drains 1,
// not 10"; nothing when there are none.
func (r Repetitions) Fewer(than Repetitions) []string {
	var out []string
	for _, c := range []struct {
		name     string
		is, than int
	}{
		{"drains", r.Drains, than.Drains}, {"sweeps", r.Sweeps, than.Sweeps}, {"refusals", r.Refusals, than.Refusals},
		{"reverts", r.Reverts, than.Reverts}, {"rewrites", r.Rewrites, than.Rewrites}, {"restarts", r.Restarts, than.Restarts},
	} {
		if c.is < c.than {
			out = append(out, fmt.Sprintf("%s %d, not %d", c.name, c.is, c.than))
		}
	}
	return out
}

// ResolveSeed fixes a seed that was left to the time. Call it once per run, in
// one process, and print the result: every seed must be replayable.
func (c *Config) ResolveSeed(now time.Time) int64 {
	if c.Seed == 0 {
		// Nine digits: short enough to be typed off a screen.
		c.Seed = now.UnixNano()/int64(time.Microsecond)%1_000_000_000 + 1
	}
	return c.Seed
}

// WhyNotCertifying lists what in this configuration keeps a run from certifying.
// The runtime and a label filter do, as do another bound than the target's and fewer
// repetitions than the level stands for.
func (c *Config) WhyNotCertifying() []string {
	var why []string
	if c.Runtime == RuntimeProcess {
		why = append(why, "the process runtime does not isolate the gateway")
	}
	if c.Observe != 0 {
		why = append(why, "the observation bound is overridden ("+c.Observe.String()+", observe in "+filepath.Base(c.Path)+")")
	}
	if fewer := c.Repeat().Fewer(Standard(c.Level)); len(fewer) > 0 {
		why = append(why, fmt.Sprintf("situations are made less often than the level %s stands for (%s; repetitions.%s in %s)",
			c.Level, strings.Join(fewer, "; "), c.Level, filepath.Base(c.Path)))
	}
	if c.Runner.LabelFilter != "" {
		why = append(why, "only a part was selected (labelFilter "+c.Runner.LabelFilter+")")
	}
	return why
}

func defaults() Config {
	return Config{
		Markers: filepath.FromSlash("fixtures/markers/catalogue.yaml"),
		Runtime: RuntimeDocker,
		Profile: ProfileGate,
		Level:   LevelGate,
		Repetitions: map[string]Repetitions{
			LevelGate:    {Drains: 10, Sweeps: 3, Refusals: 5, Reverts: 5, Rewrites: 5, Restarts: 2},
			LevelCertify: {Drains: 50, Sweeps: 20, Refusals: 20, Reverts: 20, Rewrites: 20, Restarts: 10},
			LevelAudit:   {Drains: 60, Sweeps: 20, Refusals: 60, Reverts: 20, Rewrites: 20, Restarts: 10},
		},
		Runner:  Runner{Procs: 2, Timeout: 10 * time.Minute, SpecTimeout: 2 * time.Minute},
		Report:  Report{Dir: "reports", Keep: 10},
		Compare: Compare{Alpha: 0.01, Effect: 0.71, Ratio: 1.5, Shift: 50 * time.Millisecond, Memory: 16, Noise: 0.5},
	}
}
