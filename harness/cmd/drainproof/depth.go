package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/drainproof/drainproof/conformance"
	"github.com/drainproof/drainproof/harness/audit"
	"github.com/drainproof/drainproof/harness/config"
)

// depth is which checks the gateways are put through, and by which measure.
type depth struct {
	name  string
	level string
	bound time.Duration // 0: the target's own
	tried bool          // the targets are ours, so whether they can be driven is not asked again
	// runtime is the depth's own, where no flag names one; "": the configuration's.
	runtime string
	// asks returns the profile and the label filter for a gateway.
	asks func(g audit.Gateway, point string, number int) (profile, filter string)
}

// auditBound is the observation bound of an audit: the reference observes in
// milliseconds, so a short one costs nothing but waiting.
const auditBound = 500 * time.Millisecond

// rightID names the reference gateway among the subjects of an audit.
const rightID = "right"

// runtimeMixed runs wrong gateways as processes where they can be wrong like that
// outside a container, and all others in containers. Most of what a short run in
// containers takes is the engine's: three containers for every spec.
const runtimeMixed = "mixed"

func depths() []depth {
	everything := func(audit.Gateway, string, int) (string, string) { return config.ProfileFull, "" }
	return []depth{
		{name: "gate", level: config.LevelGate, asks: func(g audit.Gateway, point string, _ int) (string, string) {
			if g.Right() || point != "" {
				return config.ProfileGate, ""
			}
			return config.ProfileFull, "family:" + conformance.Requirement{ID: g.MustName}.Family()
		}},
		{name: "quick", level: config.LevelGate, bound: auditBound, tried: true, runtime: runtimeMixed, asks: func(g audit.Gateway, _ string, number int) (string, string) {
			own := conformance.Requirement{ID: g.MustName}.Family()
			if g.Right() {
				// Each run takes another family, so that all are judged on it.
				all := conformance.Families()
				own = all[(number-1)%len(all)].Name
			}
			return config.ProfileFull, "family:" + own + " || /^point:/"
		}},
		{name: "full", level: config.LevelAudit, bound: auditBound, asks: everything},
		{name: "certify", level: config.LevelCertify, asks: everything},
	}
}

func findDepth(name string) (depth, error) {
	var names []string
	for _, d := range depths() {
		if d.name == name {
			return d, nil
		}
		names = append(names, d.name)
	}
	return depth{}, fmt.Errorf("--depth %q: use %s", name, strings.Join(names, ", "))
}
