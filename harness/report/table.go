package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// TableOptions fit the table to the terminal.
type TableOptions struct {
	Width int  // columns; 0 means 100
	Color bool // a terminal, and NO_COLOR is not set
	ASCII bool // no line-drawing characters
}

// minWidth is the narrowest table that still has words in it, in columns.
const minWidth = 60

// Table writes what a person at a terminal sees: the verdict, five rows, the
// proof of everything that did not pass, and what the run stood on.
func Table(w io.Writer, r *Report, o TableOptions) {
	if o.Width == 0 {
		o.Width = 100
	}
	o.Width = max(o.Width, minWidth)
	p := printer{width: o.Width}
	p.wrap("drain conformance of "+clean(r.Target.Name), paint(strings.ToUpper(r.Words()), overall(r.Verdict), o.Color))
	for _, line := range wrapped(clean(r.Why), o.Width-2) {
		p.add("  " + line)
	}
	p.add("", rows(r, o), "")
	if len(r.Families) > 0 {
		p.add(families(r, o), "")
	}
	p.remarks(r, o)
	p.footer(r)
	for _, line := range p.lines {
		fmt.Fprintln(w, line)
	}
}

func newTable(o TableOptions) table.Writer {
	t := table.NewWriter()
	style := table.StyleLight
	if o.ASCII {
		style = table.StyleDefault
	}
	// Columns keep the reader's words as they are; go-pretty would shout them.
	style.Format = table.FormatOptions{}
	t.SetStyle(style)
	return t
}

// limit gives the columns their widths.
func limit(t table.Writer, widths ...int) {
	var columns []table.ColumnConfig
	for i, w := range widths {
		columns = append(columns, table.ColumnConfig{
			Number: i + 1, WidthMax: w,
			WidthMaxEnforcer: func(s string, n int) string { return strings.Join(wrapped(s, n), "\n") },
		})
	}
	t.SetColumnConfigs(columns)
}

func rows(r *Report, o TableOptions) string {
	t := newTable(o)
	point, verdict := width("point"), width("verdict")
	for _, p := range r.Points {
		point = max(point, min(16, width(p.Point+". "+clean(p.Title))))
		verdict = max(verdict, width(string(p.Verdict.or())))
	}
	// Four columns cost 13 columns of borders and padding; figures get the larger
	// part of what is left.
	rest := o.Width - 13 - point - verdict
	figure := rest * 6 / 10
	limit(t, point, verdict, figure, rest-figure)
	t.AppendHeader(table.Row{"point", "verdict", "measured", "refused and held"})
	for _, p := range r.Points {
		v := p.Verdict.or()
		t.AppendRow(table.Row{
			p.Point + ". " + clean(p.Title), paint(string(v), colour(v), o.Color),
			firstOf(clean(p.Figure), "-"), firstOf(clean(p.Turns), "-"),
		})
	}
	if len(r.Points) == 0 {
		t.AppendRow(table.Row{"-", paint(string(NotRun), yellow, o.Color), "nothing was judged", "-"})
	}
	return t.Render()
}

// width is how many columns text takes.
func width(s string) int { return text.StringWidthWithoutEscSequences(s) }

// remarks proves what did not pass, point by point, then what belongs to none.
func (p *printer) remarks(r *Report, o TableOptions) {
	group := func(title string, qs []Requirement) {
		told := false
		alike := map[string][]string{} // verdict and reason -> IDs
		for _, q := range qs {
			if r.tells(q) {
				alike[q.fate()] = append(alike[q.fate()], q.ID)
			}
		}
		for _, q := range qs {
			if !r.tells(q) || alike[q.fate()][0] != q.ID {
				continue // told, or told together with the first of its kind
			}
			if !told {
				p.add(paint(title, bold, o.Color))
				told = true
			}
			if ids := alike[q.fate()]; len(ids) > 1 {
				verdict := paint(string(q.Verdict.or()), colour(q.Verdict.or()), o.Color)
				in := printer{width: p.width - 2}
				in.wrap(strings.Join(ids, ", ")+" "+verdict, clean(q.Reason))
				if spec, found := r.specOf(q); found && q.Verdict != Blocked && spec.Message != "" {
					in.message(spec)
				}
				p.indented(in.lines)
				continue
			}
			p.block(r, q, o)
		}
		for _, s := range r.blamed(qs) {
			p.indented(s.aftermath(p.width - 2))
		}
		if told {
			p.add("")
		}
	}
	for _, pt := range r.Points {
		group(fmt.Sprintf("%s. %s: %s", pt.Point, clean(pt.Title), pt.Verdict.or()), r.of(pt))
	}
	group("other requirements", r.elsewhere())
	p.lonely(r, o)
}

// fate is what requirements that were not judged have in common when one event
// kept them all from it; one with a breach to show has a fate of its own.
func (q Requirement) fate() string {
	if len(q.Violations) > 0 && q.Verdict != Blocked {
		return q.ID
	}
	return string(q.Verdict.or()) + ": " + q.Reason
}

func (p *printer) block(r *Report, q Requirement, o TableOptions) {
	for i, line := range r.proof(q, p.width-2) {
		if i == 0 {
			line = strings.Replace(line, string(q.Verdict.or()), paint(string(q.Verdict.or()), colour(q.Verdict.or()), o.Color), 1)
		}
		p.add("  " + line)
	}
}

func (p *printer) indented(lines []string) {
	for _, l := range lines {
		p.add("  " + l)
	}
}

// lonely tells of the specs nothing else on the screen explains.
func (p *printer) lonely(r *Report, o TableOptions) {
	for _, s := range r.lonely() {
		for _, line := range wrapped(clean(s.Text)+": "+s.Result, p.width) {
			p.add(paint(line, bold, o.Color))
		}
		p.indented(s.account(p.width - 2))
		p.add("")
	}
}

func (p *printer) footer(r *Report) {
	runtime := clean(r.Runtime)
	if r.Engine != "" {
		runtime += ", engine " + clean(r.Engine)
	}
	p.field("runtime", runtime)
	if r.Image != nil {
		// Hashes and paths are there to be copied: never wrapped.
		p.add("  image     " + firstOf(clean(r.Image.Name), "(no name)"))
		p.add("  image id  " + clean(r.Image.ID))
		if r.Image.Digest != "" {
			p.add("  digest    " + clean(r.Image.Digest))
		}
		for _, sidecar := range r.Image.OfSidecars() {
			p.add("  sidecar   " + clean(sidecar))
		}
	}
	p.field("target", fmt.Sprintf("%s, bound %s", clean(r.Target.Path), Human(r.Target.Bound)))
	p.field("seed", fmt.Sprint(r.Seed))
	if r.Shard != nil {
		p.field("part", fmt.Sprintf("%d of %d", r.Shard.Index, r.Shard.Of))
	}
	if r.Merged != nil {
		p.field("merged", r.Merged.String())
	}
	p.field("noise", r.noiseText())
	for _, e := range r.Expected {
		p.field("expected", e.text())
	}
	if len(r.WhyNot) > 0 {
		p.field("certifies", "no: "+clean(strings.Join(r.WhyNot, "; ")))
	}
	p.field("judged", r.Counts().String()+", in "+Human(r.Wall))
	if spent := r.spentText(); spent != "" {
		p.field("spent", spent)
	}
	p.add("  report    " + clean(r.Dir))
}

func (r *Report) imageText() string {
	if r.Image == nil {
		return "none"
	}
	s := firstOf(clean(r.Image.Name), "(no name)") + " " + clean(r.Image.ID)
	if r.Image.Digest != "" {
		s += ", digest " + clean(r.Image.Digest)
	}
	for _, sidecar := range r.Image.OfSidecars() {
		s += ", sidecar " + clean(sidecar)
	}
	return s
}

func (r *Report) noiseText() string {
	s := "no late heartbeat"
	if r.Noise.Stalls > 0 {
		s = fmt.Sprintf("%s, the longest %s late", count(r.Noise.Stalls, "stalled heartbeat"), Human(r.Noise.Longest))
	}
	if r.Noise.Starved > 0 {
		s += fmt.Sprintf("; the gateway waited up to %s for a processor or a disk", Human(r.Noise.Starved))
	}
	return s + "; the probe's own stamp error is " + Human(r.Noise.StampError)
}

// spentText says what the time of all specs went into, which run side by side.
func (r *Report) spentText() string {
	var all, pods, waited time.Duration
	for _, sp := range r.Specs {
		all, pods, waited = all+sp.Duration, pods+sp.Pod, waited+sp.Waited
	}
	if pods+waited == 0 {
		return ""
	}
	return fmt.Sprintf("%s in %s, side by side: %s waiting for bounds to pass, %s making and removing pods",
		Human(all), count(len(r.Specs), "spec"), Human(waited), Human(pods))
}

const (
	red    = "31"
	green  = "32"
	yellow = "33"
	bold   = "1"
)

func colour(v Verdict) string {
	switch v {
	case Pass:
		return green
	case Fail:
		return red
	case NotApplicable:
		return ""
	}
	return yellow
}

func overall(v Verdict) string {
	switch v {
	case Conformant:
		return green
	case NonConformant, NotAsExpected:
		return red
	}
	return yellow
}

// paint colours by hand: the library's switch for colours is a global.
func paint(s, code string, on bool) string {
	if !on || code == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}
