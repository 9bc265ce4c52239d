package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drainproof/drainproof/conformance"
	"github.com/drainproof/drainproof/fixtures/faults"
)

func newExplain() *cobra.Command {
	return &cobra.Command{
		Use:   "explain [ID or point]",
		Short: "Say what a requirement or a point of the checklist asks, why, and which wrong gateways break it",
		Example: `  drainproof explain GATE-001
  drainproof explain c
  drainproof explain            # the checklist with all its requirements`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			out := cmd.OutOrStdout()
			if len(args) == 0 {
				for _, p := range conformance.Points() {
					explainPoint(out, p)
				}
				return nil
			}
			for _, p := range conformance.Points() {
				if strings.EqualFold(args[0], p.Letter) || strings.EqualFold(args[0], p.Name) {
					explainPoint(out, p)
					return nil
				}
			}
			r, ok := conformance.Find(strings.ToUpper(args[0]))
			if !ok {
				return &exitError{2, fmt.Errorf("there is no requirement %q; the IDs are %s", args[0], strings.Join(allIDs(), ", "))}
			}
			explainRequirement(out, r)
			return nil
		},
	}
}

func allIDs() []string {
	var list []string
	for _, r := range conformance.Requirements() {
		list = append(list, r.ID)
	}
	return list
}

func explainPoint(w io.Writer, p conformance.Point) {
	fmt.Fprintf(w, "%s. %s: %s\n", p.Letter, p.Name, p.Text)
	for _, r := range conformance.Requirements() {
		if r.Point == p.Letter {
			fmt.Fprintf(w, "   %-12s %-6s %s\n", r.ID, r.Level, r.Text)
		}
	}
	fmt.Fprintln(w)
}

func explainRequirement(w io.Writer, r conformance.Requirement) {
	fmt.Fprintf(w, "%s (%s)\n  requires   %s\n  because    %s\n", r.ID, r.Level, r.Text, r.Why)
	if r.Point != "" {
		i := slices.IndexFunc(conformance.Points(), func(p conformance.Point) bool { return p.Letter == r.Point })
		p := conformance.Points()[i]
		fmt.Fprintf(w, "  checked by point %s. %s, and by a monitor over every history\n", p.Letter, p.Name)
	} else {
		fmt.Fprintln(w, "  checked by a monitor over every history; no point of the checklist brings its situation about")
	}
	if len(r.Requires) > 0 {
		fmt.Fprintf(w, "  blocked by a failure of %s\n", strings.Join(r.Requires, ", "))
	}
	broken := false
	for _, f := range faults.All() {
		if f.MustName == r.ID {
			fmt.Fprintf(w, "  broken by  %s: %s\n", f.ID, f.Sentence)
			broken = true
		}
	}
	if !broken {
		fmt.Fprintln(w, "  broken by  no wrong gateway yet")
	}
}
