package verdict

import (
	"fmt"
	"slices"
	"strings"

	"github.com/drainproof/drainproof/harness/monitor"
)

// ledger is the input, indexed.
type ledger struct {
	in       Input
	byID     map[string]Requirement
	violated map[string]bool            // IDs with a breach in some history
	needs    map[string]map[string]bool // ID -> all it requires, transitively
	bound    map[string][]Spec          // ID -> specs bound to it
	runs     map[string][]History       // spec -> its histories
	said     map[string][]said          // ID -> judgements
	features map[string]bool
}

// said is a judgement with the history it is of.
type said struct {
	of History
	monitor.Judgement
}

func newLedger(in Input) *ledger {
	l := &ledger{
		in: in, byID: map[string]Requirement{}, violated: map[string]bool{}, needs: map[string]map[string]bool{},
		bound: map[string][]Spec{}, runs: map[string][]History{}, said: map[string][]said{}, features: map[string]bool{},
	}
	for _, f := range in.Features {
		l.features[f] = true
	}
	for _, r := range in.Requirements {
		l.byID[r.ID] = r
	}
	for _, s := range in.Specs {
		for _, id := range s.Requirements {
			l.bound[id] = append(l.bound[id], s)
		}
	}
	for _, h := range in.Histories {
		l.runs[h.Spec] = append(l.runs[h.Spec], h)
		for _, j := range h.Judgements {
			l.said[j.Requirement] = append(l.said[j.Requirement], said{of: h, Judgement: j})
			if len(j.Violations) > 0 {
				l.violated[j.Requirement] = true
			}
		}
	}
	for id := range l.byID {
		l.needs[id] = l.closure(id)
	}
	return l
}

func (l *ledger) closure(id string) map[string]bool {
	all := map[string]bool{}
	open := slices.Clone(l.byID[id].Requires)
	for len(open) > 0 {
		next := open[0]
		open = open[1:]
		if all[next] {
			continue
		}
		all[next] = true
		open = append(open, l.byID[next].Requires...)
	}
	return all
}

// charged says whether a breach of the requirement counts at all.
func (l *ledger) charged(id string) bool {
	r, known := l.byID[id]
	return known && l.violated[id] && (l.declared(r) || len(l.bound[id]) > 0) && l.in.Impossible[id] == "" && l.in.Flaky[id] == ""
}

// declared says whether the requirement applies to the target by its features.
func (l *ledger) declared(r Requirement) bool {
	return r.Feature == "" || slices.ContainsFunc(AnyOf(r.Feature), func(f string) bool { return l.features[f] })
}

// failedNeeds are the MUSTs the requirement stands on that were broken. Those
// that stand on it in turn can't excuse it.
func (l *ledger) failedNeeds(id string) []string {
	var out []string
	for need := range l.needs[id] {
		if need != id && l.charged(need) && l.byID[need].Level != Should && !l.needs[need][id] {
			out = append(out, need)
		}
	}
	slices.Sort(out)
	return out
}

// find makes the verdict on one requirement.
func (l *ledger) find(r Requirement) Finding {
	f := Finding{ID: r.ID, Level: r.Level, Point: r.Point}
	for _, s := range l.bound[r.ID] {
		f.Specs = append(f.Specs, s.Text)
	}
	var inconclusive string
	judged := false
	for _, s := range l.said[r.ID] {
		judged = true
		f.Arose += s.Arose
		f.Violations = append(f.Violations, breaches(s.of, s.Violations)...)
		f.Noisy = append(f.Noisy, breaches(s.of, s.Noisy)...)
		f.Advice = append(f.Advice, breaches(s.of, s.Advice)...)
		if s.Inconclusive != "" {
			inconclusive = s.Inconclusive
		}
	}
	f.Verdict, f.Reason, f.BlockedBy = l.decide(r, f, judged, inconclusive)
	return f
}

// decide applies the rules, the gravest first.
func (l *ledger) decide(r Requirement, f Finding, judged bool, inconclusive string) (Verdict, string, []string) {
	if why := l.in.Impossible[r.ID]; why != "" {
		return NotApplicable, why, nil
	}
	if !l.declared(r) && len(l.bound[r.ID]) == 0 {
		return NotApplicable, fmt.Sprintf("the target does not declare %q", r.Feature), nil
	}
	if why := l.in.Flaky[r.ID]; why != "" {
		return Inconclusive, "its check is in the flake ledger until it is mended: " + why, nil
	}
	if n := len(f.Violations); n > 0 {
		if by := l.failedNeeds(r.ID); len(by) > 0 {
			return Blocked, fmt.Sprintf("it was broken, but it requires %s, which failed in the same run", strings.Join(by, ", ")), by
		}
		first := f.Violations[0]
		reason := fmt.Sprintf("expected: %s; actual: %s", first.Expected, first.Actual)
		if n > 1 {
			reason += fmt.Sprintf(" (and %d more)", n-1)
		}
		if r.Level == Should {
			return Warn, reason, nil
		}
		return Fail, reason, nil
	}
	verdict, reason, by := l.specs(r)
	switch {
	case verdict != Pass:
		return verdict, reason, by
	case !l.declared(r):
		return NotApplicable, fmt.Sprintf("the target does not declare %q, and behaves accordingly", r.Feature), nil
	case !judged:
		return Inconclusive, "no monitor speaks for it", nil
	case inconclusive != "":
		return Inconclusive, inconclusive, nil
	case f.Arose == 0:
		return Inconclusive, "its situation never arose", nil
	case len(f.Advice) > 0:
		return Warn, fmt.Sprintf("held, but not what it only advises: expected: %s; actual: %s", f.Advice[0].Expected, f.Advice[0].Actual), nil
	}
	return Pass, arose(f.Arose), nil
}

func arose(n int) string {
	if n == 1 {
		return "held, its situation arose once"
	}
	return fmt.Sprintf("held, its situation arose %d times", n)
}

// specs says whether all specs bound to the requirement completed; when not, it
// returns the gravest of what became of them.
func (l *ledger) specs(r Requirement) (Verdict, string, []string) {
	if len(l.bound[r.ID]) == 0 {
		return Inconclusive, "did not run: no spec of this run is bound to it", nil
	}
	verdict, reason, by := Pass, "", []string(nil)
	worse := func(v Verdict, why string, ids []string) {
		if rank(v) > rank(verdict) {
			verdict, reason, by = v, why, ids
		}
	}
	for _, s := range l.bound[r.ID] {
		runs := l.runs[s.Text]
		if len(runs) == 0 {
			worse(Inconclusive, fmt.Sprintf("did not run: %q left no history", s.Text), nil)
		}
		for _, h := range runs {
			v, why, ids := l.run(h)
			worse(v, why, ids)
		}
	}
	return verdict, reason, by
}

// run says what one history means for the requirements its spec is bound to that
// are not broken in it.
func (l *ledger) run(h History) (Verdict, string, []string) {
	switch h.Result {
	case "passed":
		return Pass, "", nil
	case "", "interrupted", "skipped":
		return Inconclusive, fmt.Sprintf("did not run to its end: %q was interrupted", h.Spec), nil
	case "panicked":
		return HarnessError, fmt.Sprintf("the suite panicked in %q: %s", h.Spec, h.Message), nil
	case "failed", "timedout":
	default:
		return HarnessError, fmt.Sprintf("%q ended with the unknown result %q", h.Spec, h.Result), nil
	}
	if by := l.breachesIn(h); len(by) > 0 {
		return Blocked, fmt.Sprintf("%q failed, and its history shows %s broken", h.Spec, strings.Join(by, ", ")), by
	}
	for _, j := range h.Judgements {
		if j.Inconclusive != "" && slices.Contains(h.Requirements, j.Requirement) {
			return Inconclusive, fmt.Sprintf("%q failed in the noise: %s", h.Spec, j.Inconclusive), nil
		}
	}
	return HarnessError, fmt.Sprintf("%q failed for a reason no monitor names: %s", h.Spec, h.Message), nil
}

// breachesIn are the broken requirements that explain why a spec failed: MUSTs,
// and SHOULDs the spec is about.
func (l *ledger) breachesIn(h History) []string {
	var out []string
	for _, j := range h.Judgements {
		if len(j.Violations) == 0 || !l.charged(j.Requirement) {
			continue
		}
		if l.byID[j.Requirement].Level != Should || slices.Contains(h.Requirements, j.Requirement) {
			out = append(out, j.Requirement)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func breaches(h History, list []monitor.Violation) []Breach {
	out := make([]Breach, len(list))
	for i, v := range list {
		out[i] = Breach{Spec: h.Spec, History: h.Path, Violation: v}
	}
	return out
}
