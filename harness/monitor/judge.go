package monitor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drainproof/drainproof/harness/history"
)

// MaxViolations is how many breaches one monitor tells of one history: what is
// always wrong would otherwise fill the report a thousand times over.
const MaxViolations = 25

// All returns every monitor, ordered by requirement.
func All() []Monitor {
	all := slices.Concat(
		watchMonitors(), loadMonitors(), startMonitors(), admissionMonitors(), refusalMonitors(), flightMonitors(), followUpMonitors(),
		countMonitors(), flapMonitors(), processMonitors(), shutdownMonitors(), restartMonitors(), markerMonitors(), hostileMonitors(),
		controlMonitors(), statusMonitors(), staleMonitors(), owedMonitors(),
		terminationMonitors(), notifyMonitors(),
	)
	slices.SortStableFunc(all, func(a, b Monitor) int { return strings.Compare(a.Requirement, b.Requirement) })
	return all
}

// JudgeAll has every monitor judge the history.
func JudgeAll(v *View) []Judgement {
	all := All()
	out := make([]Judgement, len(all))
	for i, m := range all {
		out[i] = m.Judge(v)
	}
	return out
}

// rule makes a monitor of a function that writes down what it finds.
func rule(requirement, name string, judge func(v *View, r *ruling)) Monitor {
	return Monitor{Requirement: requirement, Name: name, Judge: func(v *View) Judgement {
		r := &ruling{Judgement: Judgement{Requirement: requirement, Monitor: name}}
		judge(v, r)
		r.Inconclusive = r.pending
		return r.Judgement
	}}
}

// ruling is a judgement in the making.
type ruling struct {
	Judgement
	pending string // why the last occurrence does not count, until it is retaken
}

// arises notes that the situation arose.
func (r *ruling) arises() { r.Arose++ }

// clean notes an occurrence that could be judged; it makes good for a noisy one.
func (r *ruling) clean() { r.pending = "" }

// violation notes a breach.
func (r *ruling) violation(at history.Stamp, expected, actual string, evidence ...*history.Event) {
	r.clean()
	if len(r.Violations) < MaxViolations {
		r.Violations = append(r.Violations, r.breach(at, expected, actual, evidence))
	}
}

// breaks notes what breaks a rule of that level: a breach, advice, or nothing.
func (r *ruling) breaks(level string, at history.Stamp, expected, actual string, evidence ...*history.Event) {
	switch level {
	case history.Must:
		r.violation(at, expected, actual, evidence...)
	case history.Should:
		if len(r.Advice) < MaxViolations {
			r.Advice = append(r.Advice, r.breach(at, expected, actual, evidence))
		}
	}
}

// miss notes a missed bound, proven by margin in [from, to]: a breach, or noise.
func (r *ruling) miss(v *View, from, to history.Stamp, margin time.Duration, expected, actual string, evidence ...*history.Event) {
	if !v.noisy(from, to, margin) {
		r.violation(to, expected, actual, evidence...)
		return
	}
	r.noise(v, from, to, fmt.Sprintf("a bound was missed by %s", round(margin)), expected, actual, evidence...)
}

// noise notes what may be the machine's fault, for it stood still in [from, to].
func (r *ruling) noise(v *View, from, to history.Stamp, what, expected, actual string, evidence ...*history.Event) {
	worst, stall := v.noisiest(from, to)
	if len(r.Noisy) < MaxViolations {
		r.Noisy = append(r.Noisy, r.breach(to, expected, actual, append(evidence, stall)))
	}
	r.pending = fmt.Sprintf("%s, but the machine itself stood still for %s meanwhile", what, round(worst))
}

// overdue notes that what a cause should have brought about within a time had not come by an
// instant, as the event tells. What is late by more than the grace, less all that the machine
// withheld, no noise explains.
func (r *ruling) overdue(v *View, cause, tells *history.Event, by history.Stamp, within time.Duration, expected, actual string, evidence ...*history.Event) {
	if v.waited(cause.Return, by)-within > v.Grace {
		r.violation(tells.Return, expected, actual, evidence...)
		return
	}
	r.miss(v, cause.Call, tells.Return, v.ran(cause.Return, by)-within, expected, actual, evidence...)
}

// badEnd notes a turn that ended as it should not. Where its client gave up waiting, all
// there is against the gateway is that time, which noise makes worthless.
func (r *ruling) badEnd(v *View, end *history.Event, expected, actual string, evidence ...*history.Event) {
	if end.Turn != nil && end.Turn.Outcome == history.Hung {
		from := min(v.byID[end.Turn.ID].waitsSince(), end.Return)
		r.miss(v, from, end.Return, end.Return.Sub(from), expected, actual, evidence...)
		return
	}
	r.violation(end.Return, expected, actual, evidence...)
}

// endedAfter notes a bad end that is put down to something of an instant. An end is seen in
// one long read: it may have come before the instant and been noticed late, unless it is
// certain that it did not.
func (r *ruling) endedAfter(v *View, at history.Stamp, end *history.Event, certain bool, expected, actual string, evidence ...*history.Event) {
	if certain || end.Call >= at {
		r.badEnd(v, end, expected, actual, evidence...)
		return
	}
	r.miss(v, at, end.Return, end.Return.Sub(at), expected, actual, evidence...)
}

func (r *ruling) breach(at history.Stamp, expected, actual string, evidence []*history.Event) Violation {
	seqs := make([]uint64, 0, len(evidence))
	for _, e := range evidence {
		if e != nil {
			seqs = append(seqs, e.Seq)
		}
	}
	slices.Sort(seqs)
	return Violation{Requirement: r.Requirement, Monitor: r.Monitor, At: at, Expected: expected, Actual: actual, Evidence: slices.Compact(seqs)}
}

// sample notes a measured figure; less than nothing is nothing, for what was
// there before it was asked for took no time.
func (r *ruling) sample(name string, value, bound time.Duration) {
	r.Samples = append(r.Samples, Sample{Name: name, Value: max(value, 0), Bound: bound})
}

// round makes a duration readable.
func round(d time.Duration) time.Duration {
	switch {
	case d >= 10*time.Second:
		return d.Round(100 * time.Millisecond)
	case d >= 100*time.Millisecond:
		return d.Round(time.Millisecond)
	default:
		return d.Round(time.Microsecond)
	}
}
