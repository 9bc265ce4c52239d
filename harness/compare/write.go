package compare

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/drainproof/drainproof/harness/report"
)

//go:embed compare.schema.json
var schema []byte

// Schema returns the JSON Schema of a comparison, for publishing.
func Schema() []byte { return append([]byte(nil), schema...) }

// WriteJSON writes the comparison into a file, whose folder is made if missing. What does
// not follow the schema is not written: it would be a mistake of this program.
func (c *Comparison) WriteJSON(path string) error {
	raw, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return fmt.Errorf("the comparison cannot be written as JSON: %w", err)
	}
	raw = append(raw, '\n')
	if err := report.Validate(raw, schema); err != nil {
		return fmt.Errorf("the comparison does not follow its schema, which is a mistake of this program: %w", err)
	}
	return write(path, raw)
}

// WriteMarkdown writes the comparison for a pull request or a job's summary page.
func (c *Comparison) WriteMarkdown(path string) error { return write(path, []byte(c.Markdown())) }

func write(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("the comparison cannot be written: %w", err)
	}
	if err := report.Replace(path, data); err != nil {
		return fmt.Errorf("the comparison cannot be written: %w", err)
	}
	return nil
}

// row is a line of a table, in words.
type row []string

// changes are the rows of the verdicts that are not the same.
func (c *Comparison) changes() []row {
	var out []row
	for _, v := range c.Verdicts {
		out = append(out, row{
			v.What, verdictOf(v.Old, v.OldRuns, len(c.Old.Runs)), verdictOf(v.New, v.NewRuns, len(c.New.Runs)), string(v.Finding),
		})
	}
	return out
}

func verdictOf(v report.Verdict, n, of int) string {
	if n == of {
		return string(v)
	}
	return fmt.Sprintf("%s in %d of %d runs", v, n, of)
}

// measures are the rows of the figures.
func (c *Comparison) measures() []row {
	var out []row
	for _, f := range c.Figures {
		out = append(out, row{f.label(), f.values(f.Old), f.values(f.New), f.chance(), f.share(), f.told()})
	}
	return out
}

// sides are a line for each side: what it is, and how its runs ended.
func (c *Comparison) sides() [][2]string {
	of := func(s Side) string {
		var folders, words []string
		var walls []time.Duration
		for _, r := range s.Runs {
			folders = append(folders, r.Folder)
			if !slices.Contains(words, r.Words) {
				words = append(words, r.Words)
			}
			walls = append(walls, r.Wall)
		}
		slices.Sort(walls)
		took := "took " + report.Human(report.Percentile(walls, 50))
		if len(walls) > 1 {
			took = fmt.Sprintf("%d runs, which took %s each", len(walls), report.Human(report.Percentile(walls, 50)))
		}
		return fmt.Sprintf("%s: %s; %s", strings.Join(folders, ", "), strings.Join(words, ", "), took)
	}
	return [][2]string{{"old", of(c.Old)}, {"new", of(c.New)}}
}

// limits says by which measure something is called worse.
func (c *Comparison) limits() string {
	l := c.Limits
	return fmt.Sprintf("Worse has all of this: p below %s; effect, new above old in %s; ratio, the medians %s times apart; "+
		"shift, and by %s (memory: %d MiB). Better has it the other way round. The time of a run is not judged.",
		decimal(l.Alpha), percent(l.Effect), decimal(l.Ratio), report.Human(l.Shift), l.Memory)
}

var (
	verdictHead = row{"verdict", "old", "new", "found"}
	figureHead  = row{"figure", "old", "new", "p", "new above old", "found"}
)

// Table writes what a person at a terminal sees; its last line is the result.
func (c *Comparison) Table(w io.Writer) {
	for _, s := range c.sides() {
		fmt.Fprintf(w, "%s  %s\n", s[0], report.Printable(s[1]))
	}
	fmt.Fprintln(w)
	for _, reason := range c.Reasons {
		fmt.Fprintln(w, report.Printable(reason))
	}
	show := func(head row, rows []row, widths ...int) {
		t := report.NewTable(report.TableOptions{}, widths...)
		t.AppendHeader(cells(head))
		for _, r := range rows {
			t.AppendRow(cells(r))
		}
		fmt.Fprintln(w, t.Render())
	}
	if len(c.Reasons) == 0 {
		if rows := c.changes(); len(rows) > 0 {
			show(verdictHead, rows, 28, 24, 24, 10)
		}
		fmt.Fprintf(w, "%d verdicts are the same on both sides\n\n", c.Same)
		if rows := c.measures(); len(rows) > 0 {
			show(figureHead, rows, 20, 15, 15, 7, 8, 16)
			for line := range strings.SplitSeq(text.WrapSoft(c.limits(), 100), "\n") {
				fmt.Fprintln(w, strings.TrimRight(line, " "))
			}
		}
	}
	for _, l := range c.LeftOut {
		fmt.Fprintln(w, "left out: "+report.Printable(l))
	}
	for _, n := range c.Notes {
		fmt.Fprintln(w, "note: "+report.Printable(n))
	}
	fmt.Fprintln(w, report.Printable(c.Last))
}

func cells(r row) table.Row {
	var out table.Row
	for _, cell := range r {
		out = append(out, report.Printable(cell))
	}
	return out
}

// Markdown is the comparison for a pull request or a job's summary page.
func (c *Comparison) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "## Drain comparison of %s: %s\n\n%s\n\n", report.InMarkdown(c.Target), c.Result, report.InMarkdown(c.Last))
	for _, s := range c.sides() {
		fmt.Fprintf(&b, "- %s: %s\n", s[0], report.InMarkdown(s[1]))
	}
	b.WriteString("\n")
	for _, reason := range c.Reasons {
		fmt.Fprintf(&b, "- not comparable: %s\n", report.InMarkdown(reason))
	}
	show := func(head row, rows []row) {
		line := func(r row) {
			for _, cell := range r {
				b.WriteString("| " + report.InMarkdown(cell) + " ")
			}
			b.WriteString("|\n")
		}
		line(head)
		b.WriteString(strings.Repeat("|---", len(head)) + "|\n")
		for _, r := range rows {
			line(r)
		}
		b.WriteString("\n")
	}
	if len(c.Reasons) == 0 {
		if rows := c.changes(); len(rows) > 0 {
			show(verdictHead, rows)
		}
		fmt.Fprintf(&b, "%d verdicts are the same on both sides.\n\n", c.Same)
		if rows := c.measures(); len(rows) > 0 {
			show(figureHead, rows)
			fmt.Fprintf(&b, "%s\n\n", report.InMarkdown(c.limits()))
		}
	}
	for _, l := range c.LeftOut {
		fmt.Fprintf(&b, "- left out: %s\n", report.InMarkdown(l))
	}
	for _, n := range c.Notes {
		fmt.Fprintf(&b, "- note: %s\n", report.InMarkdown(n))
	}
	return b.String()
}
