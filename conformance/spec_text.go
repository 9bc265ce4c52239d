package conformance

import (
	"bytes"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"text/template"

	"github.com/drainproof/drainproof/harness/monitor"
	"github.com/drainproof/drainproof/harness/target"
	"github.com/drainproof/drainproof/harness/verdict"
)

//go:generate go run ../harness/cmd/drainproof spec -o SPEC.md
//go:generate go run ../harness/cmd/drainproof incidents -o ../docs/incidents.md

//go:embed SPEC.md.tmpl
var specTemplate string

// featureTexts say what a target declares with a feature.
func featureTexts() map[string]string {
	return map[string]string{
		"control":     "an HTTP endpoint moves the marker",
		"status-http": "a status endpoint tells state and count, and whether the gateway is busy and drainable (a URL with state and count alone needs no feature)",
		"epoch":       "markers carry the instantiation they were made for",
		"expiry":      "markers age",
		"recovery":    "turns that a crash cut off are run again",
		"background":  "background processes report their completion to a session",
		"async":       "a turn can be submitted now and asked for later; one more way in to gate and to count",
		"scheduled":   "jobs start turns at a time of their own",
		"shutdown":    "a SIGTERM lets turns in flight finish until a deadline",
		"notify":      "users are told of a shutdown",
		"sessions":    "turns belong to sessions, which keep a history and are busy with one turn at a time",
		"queue":       "a turn may be acknowledged and held back while draining, instead of refused",
	}
}

// SpecText renders SPEC.md: the narrative of SPEC.md.tmpl with every requirement
// of requirements.yaml. An error means that the two have drifted apart.
func SpecText() ([]byte, error) {
	t, err := template.New("SPEC.md").Option("missingkey=error").Funcs(template.FuncMap{
		"lower": strings.ToLower,
		"need": func(id string) (string, error) { // a link that cannot dangle
			if _, ok := Find(id); !ok {
				return "", fmt.Errorf("SPEC.md.tmpl speaks of %s, which requirements.yaml does not have", id)
			}
			return fmt.Sprintf("[%s](#%s)", id, strings.ToLower(id)), nil
		},
	}).Parse(specTemplate)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = t.Execute(&out, map[string]any{
		"Version":       SpecVersion,
		"Points":        Points(),
		"Families":      Families(),
		"Features":      featureRows(),
		"Profile":       map[string]int{"Gate": len(ofPoints()), "Full": len(Requirements())},
		"Bound":         target.DefaultBound,
		"MaxBound":      target.MaxBound,
		"Grace":         monitor.Grace,
		"NonConformant": verdict.ExitNonConformant,
		"Incomplete":    verdict.ExitIncomplete,
	})
	return out.Bytes(), err
}

// featureRow is a line of the table of features.
type featureRow struct {
	Name, Text   string
	Requirements []string // IDs that only apply where it is declared
}

func featureRows() []featureRow {
	var rows []featureRow
	for _, f := range target.Features() {
		row := featureRow{Name: f, Text: featureTexts()[f]}
		for _, family := range Families() {
			for _, r := range family.Requirements() {
				if slices.Contains(r.Features(), f) {
					row.Requirements = append(row.Requirements, r.ID)
				}
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// ofPoints are the requirements of the gate profile.
func ofPoints() []Requirement {
	return slices.DeleteFunc(slices.Clone(Requirements()), func(r Requirement) bool { return r.Point == "" })
}

func byID(a, b Requirement) int { return strings.Compare(a.ID, b.ID) }
