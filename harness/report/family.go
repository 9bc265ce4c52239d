package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
)

// gravity orders verdicts, the gravest last.
var gravity = []Verdict{NotApplicable, Pass, Warn, NotRun, Inconclusive, Blocked, HarnessError, Fail}

// ByFamily rolls the requirements of a report up by family, in their order.
func ByFamily(r *Report) []Family {
	var out []Family
	for _, q := range r.Requirements {
		i := slices.IndexFunc(out, func(f Family) bool { return f.Family == q.Family })
		if i < 0 {
			i = len(out)
			out = append(out, Family{Family: q.Family, Verdict: NotApplicable, Verdicts: map[Verdict]int{}})
		}
		f, v := &out[i], q.Verdict.or()
		f.Verdicts[v]++
		if slices.Index(gravity, v) > slices.Index(gravity, f.Verdict) {
			f.Verdict = v
		}
		if f.Figure == "" && len(q.Samples) > 0 {
			f.Figure = q.Samples[0].Figure()
		}
	}
	for _, s := range r.Specs {
		if i := slices.IndexFunc(out, func(f Family) bool { return f.Family == s.Family }); i >= 0 {
			out[i].Specs += s.Duration
		}
	}
	return out
}

// tally says how many requirements got which verdict, the gravest first.
func (f Family) tally() string {
	var parts []string
	for _, v := range slices.Backward(gravity) {
		if n := f.Verdicts[v]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, v))
		}
	}
	return strings.Join(parts, ", ")
}

// families is the table of the full profile, below that of the points.
func families(r *Report, o TableOptions) string {
	t := newTable(o)
	family, verdict := width("family"), width("verdict")
	for _, f := range r.Families {
		family = max(family, width(f.Family))
		verdict = max(verdict, width(string(f.Verdict)))
	}
	const spent = 9
	rest := o.Width - 16 - family - verdict - spent
	limit(t, family, verdict, rest/2, rest-rest/2, spent)
	t.AppendHeader(table.Row{"family", "verdict", "requirements", "measured", "own specs"})
	for _, f := range r.Families {
		cost := "-"
		if f.Specs > 0 {
			cost = Human(f.Specs)
		}
		t.AppendRow(table.Row{f.Family, paint(string(f.Verdict), colour(f.Verdict), o.Color), f.tally(), firstOf(clean(f.Figure), "-"), cost})
	}
	return t.Render()
}
