package verdict

import (
	"fmt"
	"slices"
	"strings"
)

// rank orders verdicts by gravity.
func rank(v Verdict) int {
	return slices.Index([]Verdict{NotApplicable, Pass, Warn, Inconclusive, Blocked, HarnessError, Fail}, v)
}

// Roll makes the verdict of a run.
//
// Over all: any fail is non-conformant; else anything blocked, inconclusive or
// harness-error, or nothing judged at all, or a part of the run absent, is incomplete;
// else the gateway conforms to the profile, or, when the run can't certify (a hand-made
// filter, a part of a run, the process runtime, a relaxed measure), merely passed. A
// warning changes none of it. With a list of expected failures, those are what it is held
// against. Requirements outside the profile are judged when a spec of the run is bound to
// them, and always when they were broken: a breach is never overlooked.
func Roll(in Input) Result {
	l := newLedger(in)
	res := Result{Counts: map[Verdict]int{}, Receipts: receipts(in.Histories)}
	for _, r := range in.Requirements {
		if l.inScope(r) {
			res.Findings = append(res.Findings, l.find(r))
		}
	}
	res.Findings = append(res.Findings, l.strangers()...)
	for _, f := range res.Findings {
		res.Counts[f.Verdict]++
	}
	res.Points = points(res.Findings)
	res.Overall, res.Reason = overall(in, res.Findings)
	res.Words = string(res.Overall)
	if res.Overall == Conformant {
		res.Words += " (" + in.Profile + ")"
	}
	switch res.Overall {
	case NonConformant, NotAsExpected:
		res.Exit = ExitNonConformant
	case Incomplete:
		res.Exit = ExitIncomplete
	default:
		res.Exit = ExitClean
	}
	return res
}

// inScope says whether the run owes a verdict on the requirement.
func (l *ledger) inScope(r Requirement) bool {
	switch {
	case l.charged(r.ID), len(l.bound[r.ID]) > 0:
		return true
	case l.in.Filtered, l.in.Part != "":
		return false
	case l.in.Profile == ProfileGate:
		return r.Point != ""
	}
	return true
}

// strangers are IDs that a spec or a monitor's breach names and that no
// requirement has: the suite contradicts itself, and must not pass over it.
func (l *ledger) strangers() []Finding {
	ids := map[string]string{}
	for id := range l.violated {
		if _, known := l.byID[id]; !known {
			ids[id] = "a monitor speaks for it, and there is no such requirement"
		}
	}
	for id := range l.bound {
		if _, known := l.byID[id]; !known {
			ids[id] = "a spec is bound to it, and there is no such requirement"
		}
	}
	var out []Finding
	for id, why := range ids {
		out = append(out, Finding{ID: id, Verdict: HarnessError, Reason: why})
	}
	slices.SortFunc(out, func(a, b Finding) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// points rolls the findings of each point up to the gravest among them.
func points(findings []Finding) []Point {
	byPoint := map[string][]Finding{}
	for _, f := range findings {
		if f.Point != "" {
			byPoint[f.Point] = append(byPoint[f.Point], f)
		}
	}
	out := make([]Point, 0, len(byPoint))
	for name, list := range byPoint {
		slices.SortStableFunc(list, func(a, b Finding) int { return rank(b.Verdict) - rank(a.Verdict) })
		p := Point{Point: name, Verdict: list[0].Verdict, Reason: list[0].ID + ": " + list[0].Reason}
		if p.Verdict == Pass {
			p.Reason = fmt.Sprintf("%d requirements held", count(list, Pass))
		}
		for _, f := range list {
			p.Findings = append(p.Findings, f.ID)
		}
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b Point) int { return strings.Compare(a.Point, b.Point) })
	return out
}

// judged says whether a spec put the requirement to the test. A SHOULD may be found
// broken in passing.
func judged(f Finding) bool {
	return f.Verdict == Pass || f.Verdict == Warn && len(f.Specs) > 0
}

func count(list []Finding, v Verdict) int {
	n := 0
	for _, f := range list {
		if f.Verdict == v {
			n++
		}
	}
	return n
}

// overall is never better than incomplete while a part of the run is absent.
func overall(in Input, findings []Finding) (Overall, string) {
	o, why := present(in, findings)
	switch {
	case in.Absent == "":
		return o, why
	case o == NonConformant, o == Incomplete:
		return o, in.Absent + "; " + why
	}
	return Incomplete, in.Absent
}

// present is what the histories that there are say over all.
func present(in Input, findings []Finding) (Overall, string) {
	which := func(verdicts ...Verdict) string {
		return idsOf(findings, func(f Finding) bool { return slices.Contains(verdicts, f.Verdict) })
	}
	if len(in.Expected) > 0 {
		if o, why := asExpected(in.Expected, findings); o != "" {
			return o, why
		}
	}
	if ids := which(Fail); ids != "" {
		return NonConformant, "failed: " + ids
	}
	if ids := which(Blocked, Inconclusive, HarnessError); ids != "" {
		return Incomplete, "no verdict on: " + ids
	}
	if len(in.Histories) == 0 || !slices.ContainsFunc(findings, judged) {
		return Incomplete, "nothing was judged"
	}
	switch {
	case in.Part != "":
		return NotCertifying, in.Part
	case in.Filtered:
		return NotCertifying, "only a hand-made selection of specs ran"
	case len(in.Expected) > 0:
		return NotCertifying, "failures are expected, and a run that expects failures certifies nothing"
	case in.Runtime != "docker":
		return NotCertifying, fmt.Sprintf("the %s runtime does not certify", in.Runtime)
	case in.Relaxed:
		return NotCertifying, "it was measured by another bound, by other markers or less often than is asked for"
	case in.Profile != ProfileGate && in.Profile != ProfileFull:
		return NotCertifying, fmt.Sprintf("%q is no profile", in.Profile)
	case count(findings, Pass) == 0:
		return Incomplete, "no requirement held: there are only warnings"
	}
	held, warned := count(findings, Pass), []string{}
	for _, f := range findings {
		if f.Verdict == Warn {
			warned = append(warned, f.ID)
		}
	}
	if len(warned) > 0 {
		return Conformant, fmt.Sprintf("%d of %d requirements of the profile held; only a warning, which keeps nothing from certifying: %s", held, held+len(warned), strings.Join(warned, ", "))
	}
	return Conformant, fmt.Sprintf("all %d requirements of the profile held", held)
}

// asExpected holds what was found against a list of expected failures; no verdict: the
// list changes nothing. What is blocked by a failure that is expected goes with it, and
// nothing is as expected of which there is no verdict.
func asExpected(expected map[string]string, findings []Finding) (Overall, string) {
	listed := func(f Finding) bool { _, is := expected[f.ID]; return is }
	if ids := idsOf(findings, func(f Finding) bool { return f.Verdict == Fail && !listed(f) }); ids != "" {
		return NonConformant, "failed, and not expected to: " + ids
	}
	if ids := idsOf(findings, func(f Finding) bool { return f.Verdict == Inconclusive || f.Verdict == HarnessError }); ids != "" {
		return Incomplete, "no verdict on: " + ids
	}
	held := func(f Finding) bool { return listed(f) && f.Verdict != Fail && f.Verdict != Blocked }
	if ids := idsOf(findings, held); ids != "" {
		return NotAsExpected, "expected to fail, and did not: " + ids + "; take it off the list"
	}
	if ids := idsOf(findings, func(f Finding) bool { return f.Verdict == Fail }); ids != "" {
		return AsExpected, "failed, as expected: " + ids
	}
	return "", ""
}

func idsOf(findings []Finding, are func(Finding) bool) string {
	var ids []string
	for _, f := range findings {
		if are(f) {
			ids = append(ids, f.ID)
		}
	}
	return strings.Join(ids, ", ")
}

// receipts counts what wrong gateways confessed to, ordered by fault.
func receipts(histories []History) []Receipt {
	byFault := map[string]int{}
	for _, h := range histories {
		for _, f := range h.Receipts {
			byFault[f]++
		}
	}
	var out []Receipt
	for fault, n := range byFault {
		out = append(out, Receipt{Fault: fault, Count: n})
	}
	slices.SortFunc(out, func(a, b Receipt) int { return strings.Compare(a.Fault, b.Fault) })
	return out
}
