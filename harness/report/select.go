package report

import "slices"

// What several renderings pick out of a report.

func (r *Report) requirement(id string) (Requirement, bool) {
	i := slices.IndexFunc(r.Requirements, func(q Requirement) bool { return q.ID == id })
	if i < 0 {
		return Requirement{}, false
	}
	return r.Requirements[i], true
}

// of returns the requirements of a point, in its order.
func (r *Report) of(p Point) []Requirement {
	var out []Requirement
	for _, id := range p.Requirements {
		if q, ok := r.requirement(id); ok {
			out = append(out, q)
		}
	}
	return out
}

// elsewhere returns the requirements of no point.
func (r *Report) elsewhere() []Requirement {
	var out []Requirement
	for _, q := range r.Requirements {
		if !slices.ContainsFunc(r.Points, func(p Point) bool { return slices.Contains(p.Requirements, q.ID) }) {
			out = append(out, q)
		}
	}
	return out
}

// specsOf returns the specs of a point.
func (r *Report) specsOf(point string) []Spec {
	var out []Spec
	for _, s := range r.Specs {
		if s.Point == point {
			out = append(out, s)
		}
	}
	return out
}

// specOf finds the spec a violation's history belongs to, or one bound to the
// requirement that did not pass.
func (r *Report) specOf(q Requirement) (Spec, bool) {
	for _, v := range q.Violations {
		if i := slices.IndexFunc(r.Specs, func(s Spec) bool { return s.File == v.History && v.History != "" }); i >= 0 {
			return r.Specs[i], true
		}
	}
	i := slices.IndexFunc(r.Specs, func(s Spec) bool { return s.Result != "passed" && slices.Contains(s.Requirements, q.ID) })
	if i < 0 {
		return Spec{}, false
	}
	return r.Specs[i], true
}

// tells says whether a requirement needs words: it neither passed nor is out of
// the question, and was asked for.
func (r *Report) tells(q Requirement) bool {
	switch q.Verdict.or() {
	case Pass, NotApplicable:
		return false
	case NotRun:
		return r.Profile != ProfileFilter
	}
	return true
}

// lonely returns the specs that broke off though none of their requirements needs
// words: without them nothing would explain an incomplete run.
func (r *Report) lonely() []Spec {
	explained := r.blamed(r.Requirements)
	var out []Spec
	for _, s := range r.Specs {
		switch s.Result {
		case "passed", "skipped", "pending":
			continue
		}
		if !slices.ContainsFunc(explained, func(e Spec) bool { return e.Text == s.Text }) {
			out = append(out, s)
		}
	}
	return out
}

// or is the verdict, or not-run where none was set.
func (v Verdict) or() Verdict {
	if v == "" {
		return NotRun
	}
	return v
}
