package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drainproof/drainproof/conformance"
	"github.com/drainproof/drainproof/fixtures/faults"
)

func newIncidents() *cobra.Command {
	return document(&cobra.Command{
		Use:   "incidents",
		Short: "Print the public incidents, with the requirement that forbids each and the check that catches it",
		Long: `incidents prints the table of drains that went wrong in public, as Markdown. The
same text is docs/incidents.md, which go generate ./conformance renders with it.`,
	}, incidentsText)
}

const incidentsHead = "<!-- Rendered from fixtures/faults by `go generate ./conformance`; change those. -->" + `

# Incidents

Drains have gone wrong in public. Each row tells one such case in our words, and names
the requirement that forbids it now, the wrong gateway that errs in the same way, and the
check by which the suite catches that one. What is said to be unread is told as the
catalogue of wrong gateways has it.

| incident | what happened | forbidden by | wrong gateway | caught by |
|---|---|---|---|---|
`

// incidentsText renders docs/incidents.md: a row for every incident and every wrong
// gateway that reproduces it. An error means that the two have drifted apart.
func incidentsText() ([]byte, error) {
	out := bytes.NewBufferString(incidentsHead)
	for _, incident := range faults.Incidents() {
		told := false
		for _, f := range faults.All() {
			if !slices.Contains(f.Incidents, incident.Ref) {
				continue
			}
			what := whatHappened(incident)
			if told {
				what = "as above"
			}
			told = true
			forbidden, err := forbiddenBy(f)
			if err != nil {
				return nil, err
			}
			caught, err := caughtBy(f)
			if err != nil {
				return nil, err
			}
			writeRow(out, incidentLink(incident), what, forbidden, fmt.Sprintf("[%s](../fixtures/faults/%s)", f.ID, f.File()), caught)
		}
		if !told {
			return nil, fmt.Errorf("no wrong gateway reproduces %s", incident.Ref)
		}
	}
	return out.Bytes(), nil
}

func writeRow(out *bytes.Buffer, cells ...string) {
	for _, cell := range cells {
		fmt.Fprintf(out, "| %s ", strings.ReplaceAll(cell, "|", `\|`))
	}
	out.WriteString("|\n")
}

func incidentLink(incident faults.Incident) string {
	link := fmt.Sprintf("[%s](%s)", incident.Ref, incident.URL)
	if repo, number, ok := strings.Cut(incident.CitedIn, "#"); ok {
		// The number of a pull request is found under issues as well.
		link += fmt.Sprintf(" (as cited in [#%s](https://github.com/%s/issues/%[1]s))", number, repo)
	}
	return link
}

func whatHappened(incident faults.Incident) string {
	if incident.Unread {
		return incident.Text + " (Unread.)"
	}
	return incident.Text
}

func forbiddenBy(f faults.Fault) (string, error) {
	r, ok := conformance.Find(f.MustName)
	if !ok {
		return "", fmt.Errorf("%s must be named by %s, which requirements.yaml does not have", f.ID, f.MustName)
	}
	return fmt.Sprintf("[%s](../conformance/SPEC.md#%s): %s", r.ID, strings.ToLower(r.ID), r.Text), nil
}

// caughtBy is the first check that the requirement has, and how many more there are:
// drainproof explain lists them all.
func caughtBy(f faults.Fault) (string, error) {
	checks := conformance.Checks(f.MustName)
	switch len(checks) {
	case 0:
		return "", fmt.Errorf("%s must be named by %s, which no spec brings about", f.ID, f.MustName)
	case 1:
		return checks[0], nil
	default:
		return fmt.Sprintf("%s; and %d more", checks[0], len(checks)-1), nil
	}
}
