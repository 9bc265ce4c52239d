package conformance

import (
	_ "embed"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"

	"github.com/drainproof/drainproof/harness/target"
	"github.com/drainproof/drainproof/harness/verdict"
)

//go:embed requirements.yaml
var requirementsYAML []byte

// ReportSchema is the JSON Schema of report.json.
//
//go:embed report.schema.json
var ReportSchema []byte

// SpecVersion is the version of the requirements; it moves with their meaning.
const SpecVersion = "0.1"

// Requirement is one entry of requirements.yaml.
type Requirement struct {
	ID       string   `json:"id" yaml:"id"`
	Level    string   `json:"level" yaml:"level"` // MUST or SHOULD
	Point    string   `json:"point,omitempty" yaml:"point,omitempty"`
	Feature  string   `json:"feature,omitempty" yaml:"feature,omitempty"` // or "x or y"; see Features
	Requires []string `json:"requires,omitempty" yaml:"requires,omitempty"`
	Text     string   `json:"text" yaml:"text"`
	Why      string   `json:"why" yaml:"why"`
}

// Family is the part of the ID before the number.
func (r Requirement) Family() string {
	family, _, _ := strings.Cut(r.ID, "-")
	return family
}

// Features are those of which a target must declare one for the requirement to
// apply to it; none: it applies to every target.
func (r Requirement) Features() []string { return verdict.AnyOf(r.Feature) }

// Point is one point of the five-point live checklist.
type Point struct {
	Letter string
	Name   string
	Text   string
}

// Requirements of the point, in the order of requirements.yaml.
func (p Point) Requirements() []Requirement {
	return slices.DeleteFunc(slices.Clone(Requirements()), func(r Requirement) bool { return r.Point != p.Letter })
}

// Points are the checklist, in its order. The wording is this project's reading
// of the five points.
func Points() []Point {
	return []Point{
		{"a", "observe", "the marker appears: draining is published within B by the same process, which stays"},
		{"b", "refuse", "a new turn is refused as draining, claims no slot and never reaches the model"},
		{"c", "finish", "a turn in flight is untouched; the count falls to 0 when its reply is out, not before"},
		{"d", "revert", "the marker goes: running is published within B and the next turn is accepted; both ways idempotent"},
		{"e", "survive", "a marker that survived a restart is honoured before the first turn; a shutdown wins over a cancel"},
	}
}

// Requirements returns all of them in the order of the file. The file is part of
// the binary, so an error in it is a programming error; a test reads it.
var Requirements = sync.OnceValue(func() []Requirement {
	rs, err := parseRequirements(requirementsYAML)
	if err != nil {
		panic(fmt.Sprintf("conformance/requirements.yaml: %v", err))
	}
	return rs
})

// Find returns the requirement of that ID.
func Find(id string) (Requirement, bool) {
	rs := Requirements()
	i := slices.IndexFunc(rs, func(r Requirement) bool { return r.ID == id })
	if i < 0 {
		return Requirement{}, false
	}
	return rs[i], true
}

var idPattern = regexp.MustCompile(`^[A-Z]+-[0-9]{3}$`)

// parseRequirements reads the file and refuses everything that would make a
// verdict mean something else than it says: an ID twice, a level, point or feature
// that does not exist, a prerequisite that does not exist or leads back to itself.
func parseRequirements(data []byte) ([]Requirement, error) {
	var file struct {
		Schema       int           `yaml:"schema"`
		Requirements []Requirement `yaml:"requirements"`
	}
	if err := yaml.UnmarshalWithOptions(data, &file, yaml.Strict()); err != nil {
		return nil, err
	}
	if file.Schema != 1 {
		return nil, fmt.Errorf("schema is %d, this program reads 1", file.Schema)
	}
	byID := map[string]Requirement{}
	var errs []error
	for _, r := range file.Requirements {
		if !idPattern.MatchString(r.ID) {
			errs = append(errs, fmt.Errorf("%q is no ID; IDs look like GATE-001", r.ID))
		}
		if _, twice := byID[r.ID]; twice {
			errs = append(errs, fmt.Errorf("%s stands twice", r.ID))
		}
		byID[r.ID] = r
		if r.Level != "MUST" && r.Level != "SHOULD" {
			errs = append(errs, fmt.Errorf("%s: level %q is neither MUST nor SHOULD", r.ID, r.Level))
		}
		if r.Point != "" && !slices.ContainsFunc(Points(), func(p Point) bool { return p.Letter == r.Point }) {
			errs = append(errs, fmt.Errorf("%s: the checklist has no point %q", r.ID, r.Point))
		}
		for _, f := range r.Features() {
			if !slices.Contains(target.Features(), f) {
				errs = append(errs, fmt.Errorf("%s: a target cannot declare the feature %q", r.ID, f))
			}
		}
		if r.Text == "" || r.Why == "" {
			errs = append(errs, fmt.Errorf("%s: text and why are needed", r.ID))
		}
	}
	for _, r := range file.Requirements {
		if err := checkPrerequisites(byID, r.ID, nil); err != nil {
			errs = append(errs, err)
		}
	}
	if len(file.Requirements) == 0 {
		errs = append(errs, errors.New("there are no requirements"))
	}
	return file.Requirements, errors.Join(errs...)
}

func checkPrerequisites(byID map[string]Requirement, id string, above []string) error {
	if slices.Contains(above, id) {
		return fmt.Errorf("%s requires itself: %s", id, strings.Join(append(above, id), " -> "))
	}
	for _, next := range byID[id].Requires {
		if _, ok := byID[next]; !ok {
			return fmt.Errorf("%s requires %s, which does not exist", id, next)
		}
		if err := checkPrerequisites(byID, next, append(above, id)); err != nil {
			return err
		}
	}
	return nil
}
