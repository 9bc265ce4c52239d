package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drainproof/drainproof/conformance"
	"github.com/drainproof/drainproof/fixtures/faults"
	"github.com/drainproof/drainproof/harness/monitor"
	"github.com/drainproof/drainproof/harness/yamlfile"
)

func newExplain() *cobra.Command {
	return &cobra.Command{
		Use:   "explain [ID, family or point]",
		Short: "Say what a requirement asks, why, how it is checked, and which wrong gateways break it",
		Example: `  drainproof explain GATE-001
  drainproof explain GATE       # a family
  drainproof explain c          # a point of the checklist
  drainproof explain            # everything, by family`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			out := cmd.OutOrStdout()
			if len(args) == 0 {
				for _, f := range conformance.Families() {
					explainFamily(out, f)
				}
				return nil
			}
			return explain(out, args[0])
		},
	}
}

// explain says what is asked for by a name; one that nothing has ends with exit
// code 2 and the nearest ones that exist.
func explain(w io.Writer, name string) error {
	for _, p := range conformance.Points() {
		if strings.EqualFold(name, p.Letter) || strings.EqualFold(name, p.Name) {
			explainPoint(w, p)
			return nil
		}
	}
	for _, f := range conformance.Families() {
		if strings.EqualFold(name, f.Name) {
			explainFamily(w, f)
			return nil
		}
	}
	if r, ok := conformance.Find(strings.ToUpper(name)); ok {
		explainRequirement(w, r)
		return nil
	}
	next := "run drainproof explain for the list"
	if near := nearest(name); len(near) > 0 {
		next = "did you mean " + strings.Join(near, ", ") + "?"
	}
	return &exitError{2, fmt.Errorf("there is no requirement %q; %s", name, next)}
}

// nearest are the IDs somebody may have meant: those of the family, else those
// that are a few typing mistakes away.
func nearest(name string) []string {
	var ids, near []string
	for _, f := range conformance.Families() {
		for _, r := range f.Requirements() {
			ids = append(ids, r.ID)
			if strings.HasPrefix(strings.ToUpper(name), f.Name+"-") {
				near = append(near, r.ID)
			}
		}
	}
	for len(near) < 3 {
		id := yamlfile.Nearest(name, ids)
		if id == "" {
			break
		}
		near = append(near, id)
		ids = slices.DeleteFunc(ids, func(other string) bool { return other == id })
	}
	return near
}

func explainPoint(w io.Writer, p conformance.Point) {
	fmt.Fprintf(w, "%s. %s: %s\n", p.Letter, p.Name, p.Text)
	list(w, p.Requirements())
}

func explainFamily(w io.Writer, f conformance.Family) {
	fmt.Fprintf(w, "%s: %s\n", f.Name, f.About)
	list(w, f.Requirements())
}

func list(w io.Writer, rs []conformance.Requirement) {
	for _, r := range rs {
		fmt.Fprintf(w, "   %-13s %-6s %s\n", r.ID, r.Level, r.Text)
	}
	fmt.Fprintln(w)
}

func explainRequirement(w io.Writer, r conformance.Requirement) {
	row := func(label, format string, args ...any) {
		fmt.Fprintf(w, "  %-11s %s\n", label, fmt.Sprintf(format, args...))
	}
	rows := func(label string, lines []string, none string) {
		if len(lines) == 0 {
			lines = []string{none}
		}
		for i, line := range lines {
			if i > 0 {
				label = ""
			}
			row(label, "%s", line)
		}
	}
	fmt.Fprintf(w, "%s (%s)\n", r.ID, r.Level)
	row("text", "%s", r.Text)
	row("because", "%s", r.Why)
	if r.Feature == "" {
		row("applies to", "every gateway")
	} else {
		row("applies to", "gateways that declare %s", r.Feature)
	}
	if i := slices.IndexFunc(conformance.Points(), func(p conformance.Point) bool { return p.Letter == r.Point }); i >= 0 {
		row("gate", "point %s, %s", r.Point, conformance.Points()[i].Name)
	}
	if len(r.Requires) > 0 {
		row("requires", "%s (blocked when one of them failed)", strings.Join(r.Requires, ", "))
	}
	rows("checked by", checksOf(r.ID), "nothing yet")
	breaks, fallsWith := brokenBy(r.ID)
	rows("broken by", breaks, "no wrong gateway yet")
	if len(fallsWith) > 0 {
		row("may also", "fall with %s", strings.Join(fallsWith, ", "))
	}
}

// checksOf are the specs that bring the situation about, and the monitors that
// judge it in every history.
func checksOf(id string) []string {
	var lines []string
	for _, spec := range conformance.Checks(id) {
		lines = append(lines, fmt.Sprintf("the spec %q", spec))
	}
	for _, m := range monitor.All() {
		if m.Requirement == id {
			lines = append(lines, "the monitor "+m.Name+", over every history")
		}
	}
	return lines
}

// brokenBy are the wrong gateways for which the requirement must be named, and
// those with which it may rightly fail.
func brokenBy(id string) (breaks, fallsWith []string) {
	for _, f := range faults.All() {
		switch {
		case f.MustName == id:
			breaks = append(breaks, f.ID+": "+f.Sentence)
		case slices.Contains(f.AlsoAllowed, id):
			fallsWith = append(fallsWith, f.ID)
		}
	}
	return breaks, fallsWith
}
