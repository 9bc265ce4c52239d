package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/drainproof/drainproof/harness/yamlfile"
)

// Environment variables that override the file. Paths are relative to the
// working directory; an empty value counts as unset.
const (
	EnvConfig  = "DRAINPROOF_CONFIG"  // path of the configuration file itself
	EnvTarget  = "DRAINPROOF_TARGET"  // path of the target file
	EnvMarkers = "DRAINPROOF_MARKERS" // path of the catalogue of hostile markers
	EnvRuntime = "DRAINPROOF_RUNTIME" // docker or process
	EnvProfile = "DRAINPROOF_PROFILE" // gate or full
	EnvLevel   = "DRAINPROOF_LEVEL"   // gate, certify or audit
	EnvSeed    = "DRAINPROOF_SEED"    // a whole number; 0 takes it from the time
	EnvObserve = "DRAINPROOF_OBSERVE" // observation bound B instead of the target's
	EnvReport  = "DRAINPROOF_REPORT"  // exact folder of this run's report
	// EnvExpected is the path of a list of expected failures.
	EnvExpected = "DRAINPROOF_EXPECTED"
	// EnvShard is the part of the checks that is run, such as 2/4.
	EnvShard = "DRAINPROOF_SHARD"
)

// Environment lists the variables with what they do, for help texts.
func Environment() [][2]string {
	return [][2]string{
		{EnvConfig, "path of the configuration file (default: the nearest ginkgo.yaml upward)"},
		{EnvTarget, "path of the target file"},
		{EnvMarkers, "path of the catalogue of hostile markers"},
		{EnvRuntime, "docker or process"},
		{EnvProfile, "gate or full"},
		{EnvLevel, "gate, certify or audit"},
		{EnvSeed, "seed, a whole number; 0 takes it from the time"},
		{EnvObserve, "observation bound instead of the target's, such as 500ms"},
		{EnvReport, "exact folder of this run's report"},
		{EnvExpected, "path of a list of expected failures; a run with one never certifies"},
		{EnvShard, "part of the checks to run, such as 2/4; it needs a seed, and never certifies by itself"},
	}
}

func (c *Config) applyEnvironment(lookup func(string) (string, bool)) yamlfile.Errors {
	var problems yamlfile.Errors
	apply := func(name string, use func(string) string, next string) {
		value, ok := lookup(name)
		if !ok || value == "" {
			return
		}
		if what := use(value); what != "" {
			problems = append(problems, yamlfile.Problem{File: "environment: " + name, What: what, Next: next})
			return
		}
		c.Overrides = append(c.Overrides, name)
	}
	path := func(into *string) func(string) string {
		return func(v string) string {
			abs, err := filepath.Abs(v)
			if err != nil {
				return fmt.Sprintf("%q can't be made absolute: %v", v, err)
			}
			*into = abs
			return ""
		}
	}
	apply(EnvReport, path(&c.Report.Run), "give an absolute path")
	oneOf := func(name, what string, into *string, known ...string) {
		apply(name, func(v string) string {
			if !slices.Contains(known, v) {
				return fmt.Sprintf("%q is no %s", v, what)
			}
			*into = v
			return ""
		}, "use "+strings.Join(known[:len(known)-1], ", ")+" or "+known[len(known)-1])
	}
	oneOf(EnvProfile, "profile", &c.Profile, ProfileGate, ProfileFull)
	oneOf(EnvLevel, "level", &c.Level, LevelGate, LevelCertify, LevelAudit)
	oneOf(EnvRuntime, "runtime", &c.Runtime, RuntimeDocker, RuntimeProcess)
	apply(EnvSeed, func(v string) string {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n < 0 {
			return fmt.Sprintf("%q is no seed", v)
		}
		c.Seed = n
		return ""
	}, "use a whole number, 0 or more")
	apply(EnvObserve, func(v string) string {
		d, err := time.ParseDuration(v)
		if err != nil || d <= 0 {
			return fmt.Sprintf("%q is no observation bound", v)
		}
		c.Observe = d
		return ""
	}, "use a positive duration such as 500ms")
	apply(EnvTarget, path(&c.Target), "give an absolute path")
	apply(EnvMarkers, path(&c.Markers), "give an absolute path")
	apply(EnvExpected, path(&c.Expected), "give an absolute path")
	apply(EnvShard, func(v string) string {
		part, err := ParseShard(v)
		switch {
		case err != nil:
			return fmt.Sprintf("%q is no part of a run", v)
		case c.Seed == 0:
			return "part " + v + " of a run has no seed"
		}
		c.Shard = part
		return ""
	}, "give all parts the same "+EnvSeed+", not 0, and name each by which of how many, from 1/4 to 4/4")
	slices.Sort(c.Overrides)
	return problems
}
