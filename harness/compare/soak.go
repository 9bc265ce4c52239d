package compare

import (
	"fmt"
	"maps"
	"slices"

	"github.com/drainproof/drainproof/harness/report"
	"github.com/drainproof/drainproof/harness/soak"
)

// ofSoak is the profile of a soak, and the name of the one check that it is here.
const ofSoak = "soak"

// loadSoak reads the report of a soak. Its figures are the samples that it kept; the
// histories are gone. A requirement is passed where its situation arose and it was not
// broken.
func loadSoak(dir string) (*Run, error) {
	s, err := soak.ReadReport(dir)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; use the version that wrote it", dir, err)
	}
	r := &report.Report{
		Dir: dir, Tool: s.Tool, Spec: s.Spec, Started: s.Started, Wall: s.Wall, Profile: ofSoak, Verdict: s.Verdict, Why: s.Why,
		ExitCode: s.ExitCode, Runtime: s.Runtime, Engine: s.Engine, Target: s.Target, Image: s.Image, Environment: s.Environment, Seed: s.Seed,
		Specs: []report.Spec{{Text: ofSoak}},
	}
	run := &Run{Name: dir, Report: r, Noise: s.Noise, checks: map[string][]sample{}}
	if s.Verdict == report.Incomplete {
		run.unfit("its soak is incomplete (%s): soak again", report.Printable(s.Why))
		return run, nil
	}
	verdicts := map[string]report.Verdict{}
	for id, n := range s.Arose {
		if n > 0 {
			verdicts[id] = report.Pass
		}
	}
	for _, f := range s.Failures {
		verdicts[f.Requirement] = report.Fail
	}
	for _, id := range slices.Sorted(maps.Keys(verdicts)) {
		r.Requirements = append(r.Requirements, report.Requirement{ID: id, Verdict: verdicts[id]})
	}
	samples := []sample{}
	for _, f := range s.Figures {
		for _, v := range f.Values {
			samples = append(samples, sample{key{"", f.Name, UnitTime}, int64(v)})
		}
	}
	for _, v := range s.Peaks {
		samples = append(samples, sample{key{"", peakMemory, UnitMemory}, v})
	}
	run.checks[ofSoak] = samples
	return run, nil
}
