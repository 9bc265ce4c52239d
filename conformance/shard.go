package conformance

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/drainproof/drainproof/harness/config"
	"github.com/drainproof/drainproof/harness/report"
	"github.com/drainproof/drainproof/harness/target"
)

// kind is what decides of which specs a run consists.
type kind struct {
	profile, level string
	declares       func(feature string) bool
	tools          bool         // the target says of a tool
	part           config.Shard // of the run; the zero value is all of it
}

// kind is that of this run.
func (s *suite) kind() kind {
	return kind{s.cfg.Profile, s.cfg.Level, s.target.Declares, s.target.Tools != nil, s.cfg.Shard}
}

// kindOf is that of the run that a report is of.
func kindOf(r *report.Report) kind {
	k := kind{
		profile: r.Profile, level: r.Level, tools: r.Target.Tools,
		declares: (&target.Target{Features: r.Target.Features}).Declares,
	}
	if r.Shard != nil {
		k.part = config.Shard(*r.Shard)
	}
	return k
}

// checks picks the specs of such a run, in their order. Parts are dealt out like cards:
// first the specs that nothing may run beside, which cost a part the most, then the
// others by name, which keeps those of a family apart. It depends on nothing else, so
// whoever knows the run knows its parts.
func (k kind) checks(all []spec) []spec {
	mine := slices.DeleteFunc(slices.Clone(all), func(sp spec) bool {
		return !sp.applies(k.profile, k.level, k.declares, k.tools)
	})
	if k.part.Whole() {
		return mine
	}
	dealt := slices.Clone(mine)
	slices.SortStableFunc(dealt, func(a, b spec) int {
		if a.alone != b.alone {
			if a.alone {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.slug(), b.slug())
	})
	part := map[string]bool{}
	for i, sp := range dealt {
		if k.part.Valid() && i%k.part.Of == k.part.Index-1 {
			part[sp.slug()] = true
		}
	}
	return slices.DeleteFunc(mine, func(sp spec) bool { return !part[sp.slug()] })
}

// emptyPart says what is wrong with a part that has no checks; "" for one that has some.
func (s *suite) emptyPart() string {
	k := s.kind()
	if k.part.Whole() || len(k.checks(s.specs)) > 0 {
		return ""
	}
	k.part = config.Shard{}
	n := len(k.checks(s.specs))
	return fmt.Sprintf("part %s of this run is empty: the run has %d checks; make it at most %d parts", s.cfg.Shard, n, n)
}

// shard is the part as a report names it, nil for a whole run.
func shard(part config.Shard) *report.Shard {
	if part.Whole() {
		return nil
	}
	named := report.Shard(part)
	return &named
}
