package report

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
)

// Limits of what is shown of one requirement; report.json holds all of it.
const (
	shownViolations = 1
	shownLogs       = 8
)

// proof tells what there is to know of a requirement that needs words, one line
// each, none wider than width: its text, what was expected and what happened,
// and the slice of history that shows it. A blocked one accuses nobody, so no
// breach is held against it here; report.json has them.
func (r *Report) proof(q Requirement, width int) []string {
	p := printer{width: width}
	p.wrap(fmt.Sprintf("%s (%s) %s", q.ID, q.Level, q.Verdict.or()), clean(q.Text))
	if q.Reason != "" && (len(q.Violations) == 0 || q.Verdict == Blocked) {
		p.field("because", clean(q.Reason)) // else the breach is told in full below
	}
	if q.Verdict == Blocked {
		return p.lines
	}
	for i, v := range q.Violations {
		if i == shownViolations {
			p.field("", fmt.Sprintf("... and %d more, in %s", len(q.Violations)-i, FileName))
			break
		}
		p.field("expected", clean(v.Expected))
		p.field("actual", clean(v.Actual))
		p.excerpt(v)
	}
	if spec, found := r.specOf(q); found && len(q.Violations) == 0 && spec.Message != "" {
		p.message(spec)
	}
	return p.lines
}

// aftermath tells of the spec in which it happened: the gateway's last lines, and
// how to see it again.
func (s Spec) aftermath(width int) []string {
	p := printer{width: width}
	if logs := s.Logs; len(logs) > 0 {
		p.add("  gateway's last lines")
		for _, l := range logs[max(0, len(logs)-shownLogs):] {
			p.add(cut("    | "+clean(l), width))
		}
	}
	if s.Replay != "" {
		// Never wrapped: it is there to be copied.
		p.add("  replay    " + clean(s.Replay))
	}
	return p.lines
}

// account is all a spec itself has to say.
func (s Spec) account(width int) []string {
	p := printer{width: width}
	p.message(s)
	return append(p.lines, s.aftermath(width)...)
}

// blamed returns the specs in which the requirements went wrong, each once.
func (r *Report) blamed(qs []Requirement) []Spec {
	var out []Spec
	for _, q := range qs {
		spec, found := r.specOf(q)
		if found && r.tells(q) && q.Verdict != Blocked && !slices.ContainsFunc(out, func(s Spec) bool { return s.Text == spec.Text }) {
			out = append(out, spec)
		}
	}
	return out
}

// printer collects lines of at most width columns.
type printer struct {
	width int
	lines []string
}

func (p *printer) add(lines ...string) { p.lines = append(p.lines, lines...) }

// wrap writes text after a head, further lines indented by two.
func (p *printer) wrap(head, body string) {
	for i, line := range wrapped(head+": "+body, p.width-2) {
		if i > 0 {
			line = "  " + line
		}
		p.add(line)
	}
}

// field writes "  name      text", wrapped under itself.
func (p *printer) field(name, body string) {
	const indent = 12
	for i, line := range wrapped(body, p.width-indent) {
		if i > 0 {
			name = ""
		}
		p.add(strings.TrimRight(fmt.Sprintf("  %-9s %s", name, line), " "))
	}
}

// message writes what the spec itself said, which may have several lines.
func (p *printer) message(s Spec) {
	name := "message"
	for _, line := range cleanLines(s.Message) {
		p.field(name, line)
		name = ""
	}
}

func (p *printer) excerpt(v Violation) {
	if v.History != "" {
		p.field("history", clean(v.History)+", in ms from the breach; > is the proof")
	}
	for _, l := range v.Excerpt {
		mark := " "
		if l.Proof {
			mark = ">"
		}
		if l.Seq == 0 {
			p.add(cut("      "+clean(l.Text), p.width))
			continue
		}
		p.add(cut(fmt.Sprintf("    %s %+10.1f  #%-5d %s", mark, float64(l.Offset.Microseconds())/1000, l.Seq, clean(l.Text)), p.width))
	}
}

// wrapped breaks text at spaces, but not between a number and its unit; a word
// longer than a line is broken hard.
func wrapped(s string, width int) []string {
	if s == "" {
		return nil
	}
	s = quantity.ReplaceAllString(s, "$1"+glue+"$2")
	lines := strings.Split(text.WrapSoft(s, max(8, width)), "\n")
	return each(lines, func(l string) string { return strings.TrimSpace(strings.ReplaceAll(l, glue, " ")) })
}

// glue stands for a space that must not be broken at; clean lets no such
// character through from elsewhere.
const glue = "\uE000"

var quantity = regexp.MustCompile(`(\d) ((?:µs|ms|s|min)\b)`)

// cut shortens a line that is evidence: wrapping would tear its columns apart.
func cut(s string, columns int) string {
	if text.StringWidthWithoutEscSequences(s) <= columns {
		return s
	}
	return text.Trim(s, max(1, columns-3)) + "..."
}
