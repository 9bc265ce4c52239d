package report

import (
	"bytes"
	_ "embed" // the page
	"fmt"
	"html/template"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/drainproof/drainproof/harness/history"
)

//go:embed page.html.tmpl
var pageText string

var page = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("page").Funcs(template.FuncMap{
		"human": Human, "clean": clean, "slug": slug, "tone": tone, "date": func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") },
	}).Parse(pageText))
})

// HTML is the report as one page for people: it needs no network, and works by keyboard,
// on a phone, in the dark and on paper. Histories that can be read are drawn.
func HTML(r *Report) ([]byte, error) {
	data := pageData{Report: r, Words: r.Words(), Counts: r.Counts().String()}
	for _, v := range gravity {
		if n := slices.IndexFunc(r.Requirements, func(q Requirement) bool { return q.Verdict.or() == v }); n >= 0 {
			data.Verdicts = append(data.Verdicts, v)
		}
	}
	slices.Reverse(data.Verdicts)
	marks, broken := map[string][]Mark{}, map[string]bool{} // by history
	for _, q := range r.Requirements {
		row := pageRow{Requirement: q, V: q.Verdict.or()}
		if !slices.Contains(data.Families, q.Family) {
			data.Families = append(data.Families, q.Family)
		}
		row.Shown = q.Violations[:min(maxMarks, len(q.Violations))]
		row.More = len(q.Violations) - len(row.Shown)
		for _, s := range q.Samples {
			row.Figures = append(row.Figures, figure(s))
		}
		for i := range q.Violations {
			v := q.Violations[i]
			broken[v.History] = broken[v.History] || row.V != Warn
			marks[v.History] = append(marks[v.History], Mark{
				At: v.At, Text: fmt.Sprintf("%s: expected %s; actual: %s", v.Requirement, v.Expected, v.Actual), Evidence: v.Evidence,
			})
		}
		for _, s := range r.Specs {
			if slices.Contains(s.Requirements, q.ID) {
				row.Checks = append(row.Checks, s)
			}
		}
		data.Rows = append(data.Rows, row)
	}
	slices.SortStableFunc(data.Rows, func(a, b pageRow) int { return slices.Index(gravity, b.V) - slices.Index(gravity, a.V) })
	for _, s := range r.Specs {
		check := pageCheck{Spec: s, Marks: marks[s.File]}
		check.Bad = s.Result != "passed" || broken[s.File]
		if len(check.Marks) > maxMarks {
			check.Marks = check.Marks[:maxMarks]
		}
		if s.File != "" && r.Dir != "" {
			if events, err := history.Read(filepath.Join(r.Dir, s.File)); err == nil {
				check.Picture = template.HTML(Timeline(events, check.Marks)) // every text in it is escaped there
			}
		}
		data.Checks = append(data.Checks, check)
	}
	slices.SortStableFunc(data.Checks, func(a, b pageCheck) int { return rankOf(a) - rankOf(b) })
	var out bytes.Buffer
	if err := page().Execute(&out, data); err != nil {
		return nil, fmt.Errorf("the page cannot be written: %w", err)
	}
	return out.Bytes(), nil
}

// maxMarks is how many breaches are told of one requirement, and pointed at in one picture.
const maxMarks = 3

func rankOf(c pageCheck) int {
	if c.Bad {
		return 0
	}
	return 1
}

type pageData struct {
	*Report
	Words, Counts string
	Verdicts      []Verdict
	Families      []string
	Rows          []pageRow
	Checks        []pageCheck
}

type pageRow struct {
	Requirement
	V       Verdict
	Figures []pageFigure
	Checks  []Spec
	Shown   []Violation // the first of them
	More    int         // how many there are besides
}

// pageFigure is what was measured, and how much of its bound that takes, in percent.
type pageFigure struct {
	Text  string
	Share int // -1 where there is no bound
}

// Over says whether the bound was missed.
func (f pageFigure) Over() bool { return f.Share > 100 }

func figure(s Summary) pageFigure {
	f := pageFigure{Text: s.Figure(), Share: -1}
	if s.Bound > 0 {
		f.Share = int(100 * s.Max / s.Bound)
	}
	return f
}

type pageCheck struct {
	Spec
	Bad     bool
	Marks   []Mark
	Picture template.HTML
}

// tone is how a verdict over all is shown: good, bad, or neither.
func tone(v Verdict) string {
	switch v {
	case Conformant:
		return "good"
	case NonConformant, AsExpected, NotAsExpected:
		return "bad"
	}
	return "open"
}

// slug makes an anchor of a check's text.
func slug(s string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, s), "-")
}
