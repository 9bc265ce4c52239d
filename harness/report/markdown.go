package report

import (
	"fmt"
	"strings"
)

// Markdown is the report for a pull request or a job's summary page.
func Markdown(r *Report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "## Drain conformance of %s: %s\n\n%s\n\n", md(r.Target.Name), md(r.Words()), md(r.Why))
	b.WriteString("| point | verdict | measured | refused and held |\n|---|---|---|---|\n")
	for _, p := range r.Points {
		fmt.Fprintf(&b, "| %s. %s | %s | %s | %s |\n", md(p.Point), md(p.Title), badge(p.Verdict), firstOf(md(p.Figure), "-"), firstOf(md(p.Turns), "-"))
	}
	if len(r.Points) == 0 {
		fmt.Fprintf(&b, "| - | %s | nothing was judged | - |\n", badge(NotRun))
	}
	b.WriteString("\n")
	if len(r.Families) > 0 {
		b.WriteString("| family | verdict | requirements | measured | own specs |\n|---|---|---|---|---|\n")
		for _, f := range r.Families {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", md(f.Family), badge(f.Verdict), f.tally(), firstOf(md(f.Figure), "-"), Human(f.Specs))
		}
		b.WriteString("\n")
	}
	for _, q := range r.Requirements {
		if !r.tells(q) {
			continue
		}
		fmt.Fprintf(&b, "### %s %s\n\n", md(q.ID), md(string(q.Verdict.or())))
		fence(&b, r.proof(q, textWidth))
	}
	for _, s := range r.blamed(r.Requirements) {
		if lines := s.aftermath(textWidth); len(lines) > 0 {
			fmt.Fprintf(&b, "### %s\n\n", md(s.Text))
			fence(&b, lines)
		}
	}
	for _, s := range r.lonely() {
		fmt.Fprintf(&b, "### %s: %s\n\n", md(s.Text), md(s.Result))
		fence(&b, s.account(textWidth))
	}
	if len(r.Requirements) > 0 {
		b.WriteString("<details><summary>All requirements</summary>\n\n| requirement | level | verdict | arose | measured |\n|---|---|---|---|---|\n")
		for _, q := range r.Requirements {
			var figures []string
			for _, s := range q.Samples {
				figures = append(figures, fmt.Sprintf("%s p50 %s, p95 %s, max %s", s.Name, Human(s.P50), Human(s.P95), Human(s.Max)))
			}
			verdict := badge(q.Verdict)
			if q.Verdict == NotApplicable && q.Reason != "" {
				verdict += ": " + md(q.Reason)
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %d | %s |\n", md(q.ID), md(q.Level), verdict, q.Arose, firstOf(md(strings.Join(figures, "; ")), "-"))
		}
		b.WriteString("\n</details>\n\n")
	}
	engine := ""
	if r.Engine != "" {
		engine = ", engine " + md(r.Engine)
	}
	fmt.Fprintf(&b, "- runtime: %s%s\n", md(r.Runtime), engine)
	if r.Image != nil {
		fmt.Fprintf(&b, "- image: %s\n", md(r.imageText()))
	}
	fmt.Fprintf(&b, "- target: %s (sha256 %s), bound %s\n", md(r.Target.Path), md(r.Target.SHA256), Human(r.Target.Bound))
	fmt.Fprintf(&b, "- seed: %d, level: %s, profile: %s\n", r.Seed, md(r.Level), md(r.Profile))
	if r.Shard != nil {
		fmt.Fprintf(&b, "- part: %d of %d\n", r.Shard.Index, r.Shard.Of)
	}
	if r.Merged != nil {
		fmt.Fprintf(&b, "- merged: %s\n", md(r.Merged.String()))
	}
	fmt.Fprintf(&b, "- noise: %s\n", md(r.noiseText()))
	for _, e := range r.Expected {
		fmt.Fprintf(&b, "- expected to fail: %s\n", md(e.text()))
	}
	fmt.Fprintf(&b, "- certifies: %s\n", certifies(r))
	if spent := r.spentText(); spent != "" {
		fmt.Fprintf(&b, "- spent: %s\n", md(spent))
	}
	fmt.Fprintf(&b, "- %s %s, requirements %s, started %s, took %s\n",
		md(r.Tool.Name), md(r.Tool.Version), md(r.Spec), r.Started.UTC().Format("2006-01-02 15:04:05 UTC"), Human(r.Wall))
	return b.String()
}

func certifies(r *Report) string {
	switch {
	case r.Certifies:
		return "yes"
	case len(r.WhyNot) > 0:
		return "no: " + md(strings.Join(r.WhyNot, "; "))
	}
	return "no: the verdict is " + md(string(r.Verdict))
}

func badge(v Verdict) string {
	v = v.or()
	if v == Pass || v == NotApplicable {
		return string(v)
	}
	return "**" + string(v) + "**"
}

// fence writes lines as they are; it is longer than any fence within.
func fence(b *strings.Builder, lines []string) {
	mark := "```"
	for _, l := range lines {
		for strings.Contains(l, mark) {
			mark += "`"
		}
	}
	fmt.Fprintf(b, "%stext\n%s\n%s\n\n", mark, strings.Join(lines, "\n"), mark)
}

var escape = strings.NewReplacer(`\`, `\\`, "|", `\|`, "*", `\*`, "_", `\_`, "`", "\\`", "<", "&lt;", "[", `\[`, "#", `\#`, "@", "&#64;")

// md keeps text from a gateway or a file from being markup.
func md(s string) string { return escape.Replace(clean(s)) }
