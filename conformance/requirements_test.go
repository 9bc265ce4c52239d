package conformance

import (
	"slices"
	"strings"
	"testing"

	"github.com/drainproof/drainproof/harness/config"
	"github.com/drainproof/drainproof/harness/monitor"
)

func TestRequirementsFileIsRefusedWhenItContradictsItself(t *testing.T) {
	const good = "  - {id: GATE-001, level: MUST, text: t, why: w}\n"
	cases := map[string]struct{ yaml, wants string }{
		"good":               {good, ""},
		"twice":              {good + good, "GATE-001 stands twice"},
		"no ID":              {"  - {id: gate1, level: MUST, text: t, why: w}\n", `"gate1" is no ID`},
		"no level":           {"  - {id: GATE-001, level: MAY, text: t, why: w}\n", `level "MAY"`},
		"no such point":      {"  - {id: GATE-001, level: MUST, point: f, text: t, why: w}\n", `no point "f"`},
		"no text":            {"  - {id: GATE-001, level: MUST, why: w}\n", "text and why"},
		"requires nothing":   {"  - {id: GATE-001, level: MUST, text: t, why: w, requires: [GATE-002]}\n", "GATE-002, which does not exist"},
		"requires itself":    {"  - {id: GATE-001, level: MUST, text: t, why: w, requires: [GATE-001]}\n", "requires itself"},
		"unknown field":      {"  - {id: GATE-001, level: MUST, text: t, why: w, colour: red}\n", "colour"},
		"nothing to require": {"", "no requirements"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := parseRequirements([]byte("schema: 1\nrequirements:\n" + c.yaml))
			if c.wants == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.wants) {
				t.Fatalf("error %v, want %q", err, c.wants)
			}
		})
	}
}

// Every requirement of the checklist has a monitor that speaks for it, and every
// monitor a requirement.
func TestRequirementsAndMonitorsBelongTogether(t *testing.T) {
	var spoken []string
	for _, m := range monitor.All() {
		spoken = append(spoken, m.Requirement)
		if _, ok := Find(m.Requirement); !ok {
			t.Errorf("the monitor %s speaks for %s, which requirements.yaml does not have", m.Name, m.Requirement)
		}
	}
	for _, r := range Requirements() {
		if !slices.Contains(spoken, r.ID) {
			t.Errorf("no monitor speaks for %s", r.ID)
		}
	}
}

// bound collects the specs without handing them to Ginkgo.
func bound(t *testing.T) *suite {
	t.Helper()
	s := &suite{cfg: &config.Config{}, dry: true}
	s.points()
	return s
}

func TestEveryRequirementOfAPointIsBoundToItsSpec(t *testing.T) {
	s := bound(t)
	if len(s.problems) > 0 {
		t.Fatal(s.problems)
	}
	for _, r := range Requirements() {
		if r.Point == "" {
			continue
		}
		i := slices.IndexFunc(s.specs, func(sp spec) bool { return sp.point.Letter == r.Point })
		if i < 0 || !slices.Contains(s.specs[i].ids, r.ID) {
			t.Errorf("%s belongs to point %s, whose spec is not bound to it", r.ID, r.Point)
		}
	}
}

func TestSpecsThatAreBoundWronglyAreErrors(t *testing.T) {
	cases := map[string]struct {
		ids   []string
		wants string
	}{
		"to nothing":         {nil, "bound to no requirement"},
		"to an unknown ID":   {ids("GATE-999"), "GATE-999, which requirements.yaml does not have"},
		"to a known ID only": {ids("GATE-001"), ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := &suite{cfg: &config.Config{}, dry: true}
			s.point("b", "refuse", "a spec", c.ids, nil)
			got := strings.Join(s.problems, "; ")
			if c.wants == "" && got != "" || !strings.Contains(got, c.wants) {
				t.Errorf("problems %q, want %q", got, c.wants)
			}
		})
	}
}
