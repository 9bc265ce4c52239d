package conformance

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/onsi/ginkgo/v2"

	"github.com/drainproof/drainproof/harness/config"
	"github.com/drainproof/drainproof/harness/target"
)

// spec is one situation, bound to the requirements it brings about.
type spec struct {
	point  Point  // of the checklist; empty for a spec of a family
	family string // MARKER, STATE, ...; empty for a point
	name   string // one word or two with a hyphen, unique within its point or family
	text   string
	ids    []string
	body   func(context.Context, gateway)

	feature   string                              // without which the spec has nothing to look at; "" for none
	adapt     func(*target.Target) *target.Target // the target as this spec runs it; nil: as it is
	tools     bool                                // the target must say of a tool
	thorough  bool                                // left out at the level gate
	unstarted bool                                // its body starts the gateway
	alone     bool                                // nothing else runs beside it
}

// option changes how a spec is run.
type option func(*spec)

// needs leaves a spec out for targets that do not declare the feature, where there
// is nothing that could be probed the other way round.
func needs(feature string) option { return func(sp *spec) { sp.feature = feature } }

// needsTools leaves a spec out where the target says of no tool, so that no turn of it
// can be made to take another step.
func needsTools() option { return func(sp *spec) { sp.tools = true } }

// thorough leaves a spec out at the level gate.
func thorough() option { return func(sp *spec) { sp.thorough = true } }

// unstarted leaves it to the spec to start the gateway.
func unstarted() option { return func(sp *spec) { sp.unstarted = true } }

// respawning ends a spec before it begins where nothing starts the gateway again once it
// was ended: there is nothing it could look at.
func respawning() option {
	return func(sp *spec) {
		body := sp.body
		sp.body = func(ctx context.Context, gw gateway) {
			if gw.respawns(ctx) {
				body(ctx, gw)
			}
		}
	}
}

// respawns says whether the gateway can be started again; where it can't, the history
// tells why what would follow does not.
func (g gateway) respawns(ctx context.Context) bool {
	if !g.Target().Respawns() {
		g.step(ctx, "nothing is asked here of a second life: %s", noSecondLife)
		return false
	}
	return true
}

// alone keeps every other spec away from one that would be noise to it.
func alone() option { return func(sp *spec) { sp.alone = true } }

// withControlSecret runs a spec against the gateway with another secret for its
// control endpoint.
func withControlSecret(secret string) option {
	return func(sp *spec) {
		sp.adapt = func(t *target.Target) *target.Target {
			return t.WithEnv(map[string]string{t.Control.Token: secret})
		}
	}
}

// withShortDeadline runs a spec against the gateway with its short shutdown
// deadline, so that it can be waited for.
func withShortDeadline() option {
	return func(sp *spec) { sp.adapt = (*target.Target).WithShortDeadline }
}

// slug names the spec where a name must be short and unique: its history's file
// and its label.
func (sp spec) slug() string { return sp.group() + "-" + sp.name }

// group is the point's letter, or the family in lower case.
func (sp spec) group() string {
	if sp.family != "" {
		return strings.ToLower(sp.family)
	}
	return sp.point.Letter
}

// title is the spec's full name in reports and for the runner.
func (sp spec) title() string {
	if sp.family != "" {
		return sp.family + " " + sp.name + ": " + sp.text
	}
	return sp.point.Letter + ". " + sp.name + ": " + sp.text
}

// point registers one point of the checklist as a spec.
func (s *suite) point(letter, name, text string, bound []string, body func(context.Context, gateway)) {
	i := slices.IndexFunc(Points(), func(p Point) bool { return p.Letter == letter && p.Name == name })
	if i < 0 {
		s.problems = append(s.problems, fmt.Sprintf("the checklist has no point %s %s", letter, name))
		return
	}
	s.add(spec{point: Points()[i], name: name, text: text, ids: bound, body: body})
}

// situation registers a spec of a family, which the full profile runs besides the
// five points.
func (s *suite) situation(family, name, text string, bound []string, body func(context.Context, gateway), options ...option) {
	if !slices.ContainsFunc(bound, func(id string) bool { return strings.HasPrefix(id, family+"-") }) {
		s.problems = append(s.problems, fmt.Sprintf("the spec %q of family %s is bound to no requirement of it", text, family))
	}
	sp := spec{family: family, name: name, text: text, ids: bound, body: body}
	for _, o := range options {
		o(&sp)
	}
	s.add(sp)
}

// add refuses a spec that is bound to nothing, or to an ID that does not exist, or
// that could be taken for another.
func (s *suite) add(sp spec) {
	if len(sp.ids) == 0 {
		s.problems = append(s.problems, fmt.Sprintf("the spec %q is bound to no requirement", sp.text))
	}
	for _, id := range sp.ids {
		if _, ok := Find(id); !ok {
			s.problems = append(s.problems, fmt.Sprintf("the spec %q is bound to %s, which requirements.yaml does not have", sp.text, id))
		}
	}
	for _, other := range s.specs {
		if other.slug() == sp.slug() || other.text == sp.text {
			s.problems = append(s.problems, fmt.Sprintf("two specs are called %s, or %q", sp.slug(), sp.text))
		}
	}
	s.specs = append(s.specs, sp)
}

// hand hands a spec to Ginkgo.
func (s *suite) hand(sp spec) {
	// Not SpecTimeout, which would bound the closing of the pod by what the body left of it:
	// a spec that had passed would time out in the end.
	decorators := []any{labels(sp), ginkgo.NodeTimeout(s.timeoutOf(sp))}
	if sp.alone {
		decorators = append(decorators, ginkgo.Serial)
	}
	ginkgo.It(sp.title(), decorators, func(ctx ginkgo.SpecContext) {
		gw := s.start(ctx, sp)
		sp.body(ctx, gw)
	})
}

// applies says whether the spec is part of a run: by what was asked for, how thoroughly,
// and what the target declares.
func (sp spec) applies(profile, level string, declares func(feature string) bool, tools bool) bool {
	return (sp.family == "" || profile == config.ProfileFull) &&
		(sp.feature == "" || declares(sp.feature)) &&
		(!sp.tools || tools) &&
		(!sp.thorough || level != config.LevelGate)
}

// labels are what a filter can select a spec by: spec:NAME, point:LETTER, and of every
// requirement it is bound to family:FAMILY, level:MUST or level:SHOULD, feature:NAME
// where it is of one, and the ID itself.
func labels(sp spec) ginkgo.Labels {
	all := ginkgo.Label("spec:" + sp.slug())
	if sp.family == "" {
		all = append(all, "point:"+sp.point.Letter)
	} else {
		all = append(all, "family:"+sp.family)
	}
	for _, id := range sp.ids {
		text, _ := Find(id) // one that does not exist is told by add
		all = append(all, "family:"+text.Family(), "level:"+text.Level, id)
		if text.Feature != "" {
			all = append(all, "feature:"+text.Feature)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// timeoutOf is how long a spec may take: beyond the usual time, as long as the
// gateway may take to shut down.
func (s *suite) timeoutOf(sp spec) time.Duration {
	if t := s.targetFor(sp); t.Shutdown != nil {
		return s.specTimeout() + t.Shutdown.Deadline
	}
	return s.specTimeout()
}

// specTimeout is the configured one, longer where the target's bound is higher or
// more repetitions are asked for than at the gate: a gateway that takes all the
// time it is allowed must get to the end.
func (s *suite) specTimeout() time.Duration {
	const bound, drains = target.DefaultBound, 10
	factor := max(1, float64(s.target.Bounds.Observe)/float64(bound)) * max(1, float64(s.repeat.Drains)/drains)
	return time.Duration(factor * float64(s.cfg.Runner.SpecTimeout))
}

// targetFor is the target as the spec runs it.
func (s *suite) targetFor(sp spec) *target.Target {
	if sp.adapt == nil {
		return s.target
	}
	return sp.adapt(s.target)
}
