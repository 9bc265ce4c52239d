package audit

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/drainproof/drainproof/harness/report"
)

// Markdown is the scorecard for people: the totals, a row per gateway, and the
// matrix of gateways and requirements, family by family.
func Markdown(c *Scorecard) []byte {
	var b bytes.Buffer
	t := c.Totals
	fmt.Fprintf(&b, "# Scorecard: how well the suite detects\n\n")
	fmt.Fprintf(&b, "<!-- Rendered by `drainproof audit` from audit.json; edit neither. -->\n\n")
	fmt.Fprintf(&b, "**%s**: %s.\n\n", c.Verdict, c.Why)
	fmt.Fprintf(&b, "- wrong gateways: %d, in %d runs\n", t.Gateways, t.Runs)
	fmt.Fprintf(&b, "- detected: %s; named: %s\n", of(t.Detected, t.Runs), of(t.Named, t.Runs))
	fmt.Fprintf(&b, "- falsely accused: %d; inconclusive: %d; not run: %d\n", t.Accused, t.Inconclusive, t.Missing)
	fmt.Fprintf(&b, "- attempts without a verdict, after which the run was done again: %d\n", t.Voided)
	fmt.Fprintf(&b, "- right gateways: %s runs passed\n", of(t.RightPassed, t.Right))
	fmt.Fprintf(&b, "- made with: %s\n", c.Plan)
	fmt.Fprintf(&b, "- %s to %s, %s of runs\n\n", stamp(c.Started), stamp(c.Ended), c.Spent.Round(time.Second))

	fmt.Fprintf(&b, "## Gateways\n\n")
	fmt.Fprintf(&b, "Detected and named are runs of runs. First: the number of the run that detected it first, and the time until then. Run as: processes, or containers of the docker runtime.\n\n")
	rows := newTable("gateway", "what is wrong", "must name", "detected", "named", "first", "run as", "remarks")
	for _, s := range c.Scores {
		if s.Right() {
			continue
		}
		first := "never"
		if s.RunsToDetection > 0 {
			first = fmt.Sprintf("%d, %s", s.RunsToDetection, report.Human(s.TimeToDetection))
		}
		rows.AppendRow(table.Row{s.ID, s.Sentence, s.MustName, of(s.Detected, s.Planned), of(s.Named, s.Planned), first, strings.Join(s.Runtimes, ", "), s.remarks()})
	}
	fmt.Fprintf(&b, "%s\n\n", rows.RenderMarkdown())
	right := newTable("right gateway", "passed", "run as", "remarks")
	for _, s := range c.Scores {
		if s.Right() {
			right.AppendRow(table.Row{s.ID + ": " + s.Sentence, of(s.AsItMust, s.Planned), strings.Join(s.Runtimes, ", "), s.remarks()})
		}
	}
	fmt.Fprintf(&b, "%s\n\n", right.RenderMarkdown())

	fmt.Fprintf(&b, "## Flake ledger\n\n")
	if len(c.Flakes) == 0 {
		fmt.Fprintf(&b, "No check failed a right gateway, and none was without a verdict, in %d runs.\n\n", t.Right)
	} else {
		flakes := newTable("requirement", "judged in runs of right gateways", "failed", "without a verdict")
		for _, f := range c.Flakes {
			flakes.AppendRow(table.Row{f.Requirement, f.Runs, f.Failed, f.Inconclusive})
		}
		fmt.Fprintf(&b, "%s\n\n", flakes.RenderMarkdown())
	}
	matrix(&b, c)
	return b.Bytes()
}

// matrix writes a table per family: a row for every gateway of which one of its
// requirements failed.
func matrix(b *bytes.Buffer, c *Scorecard) {
	fmt.Fprintf(b, "## Matrix\n\n")
	fmt.Fprintf(b, "`N` is the requirement that must be named, `a` one that may fall with it, `X` one that was falsely accused; `b` was blocked. A number says in how many runs, where not in all.\n")
	families := map[string][]string{}
	for _, s := range c.Scores {
		for _, list := range []map[string]int{s.Failed, s.Blocked} {
			for id := range list {
				family, _, _ := strings.Cut(id, "-")
				if !slices.Contains(families[family], id) {
					families[family] = append(families[family], id)
				}
			}
		}
	}
	names := make([]string, 0, len(families))
	for family := range families {
		names = append(names, family)
	}
	slices.Sort(names)
	for _, family := range names {
		ids := families[family]
		slices.Sort(ids)
		head := []any{"gateway"}
		for _, id := range ids {
			head = append(head, strings.TrimPrefix(id, family+"-"))
		}
		rows := newTable(head...)
		for _, s := range c.Scores {
			row, any := table.Row{s.ID}, false
			for _, id := range ids {
				cell := s.cell(id)
				row, any = append(row, cell), any || cell != ""
			}
			if any {
				rows.AppendRow(row)
			}
		}
		fmt.Fprintf(b, "\n### %s\n\n%s\n", family, rows.RenderMarkdown())
	}
}

// cell is what became of a requirement over all runs of a gateway.
func (s Score) cell(id string) string {
	mark, n := "", s.Failed[id]
	switch {
	case s.Accused[id] > 0:
		mark = "X"
	case n > 0 && id == s.MustName:
		mark = "N"
	case n > 0:
		mark = "a"
	case s.Blocked[id] > 0:
		mark, n = "b", s.Blocked[id]
	default:
		return ""
	}
	if n < s.Runs {
		mark += fmt.Sprintf(" %d", n)
	}
	return mark
}

// remarks are the notes, without the folders of one machine, and what was not run.
func (s Score) remarks() string {
	var out []string
	for _, n := range s.Notes {
		n, _, _ = strings.Cut(n, " (")
		out = append(out, n)
	}
	if n := s.Planned - s.Runs; n > 0 {
		out = append(out, fmt.Sprintf("%d not run", n))
	}
	return strings.Join(out, "; ")
}

func newTable(head ...any) table.Writer {
	t := table.NewWriter()
	t.AppendHeader(head)
	return t
}

func of(n, all int) string { return fmt.Sprintf("%d/%d", n, all) }

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
