package conformance

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/config"
	"github.com/drainproof/drainproof/harness/monitor"
	"github.com/drainproof/drainproof/harness/target"
)

func TestRequirementsFileIsRefusedWhenItContradictsItself(t *testing.T) {
	const good = "  - {id: GATE-001, level: MUST, text: t, why: w}\n"
	cases := map[string]struct{ yaml, wants string }{
		"good":               {good, ""},
		"twice":              {good + good, "GATE-001 stands twice"},
		"no ID":              {"  - {id: gate1, level: MUST, text: t, why: w}\n", `"gate1" is no ID`},
		"no level":           {"  - {id: GATE-001, level: MAY, text: t, why: w}\n", `level "MAY"`},
		"no such point":      {"  - {id: GATE-001, level: MUST, point: f, text: t, why: w}\n", `no point "f"`},
		"no such feature":    {"  - {id: GATE-001, level: MUST, feature: control or magic, text: t, why: w}\n", `feature "magic"`},
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

// A requirement whose situation nothing brings about is checked by nobody.
func TestEveryRequirementHasASpec(t *testing.T) {
	for _, r := range Requirements() {
		if len(Checks(r.ID)) == 0 {
			t.Errorf("no spec is bound to %s: bind one that brings its situation about", r.ID)
		}
	}
}

// Every monitor speaks for a requirement, and a monitor for every requirement: a
// spec alone does not judge.
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

// The gate is the five points, whatever else is required: certificates say so.
func TestGateProfile(t *testing.T) {
	want := map[string]string{
		"a": "WATCH-001 STATE-001 STATE-006 STATE-008",
		"b": "GATE-001 GATE-002 GATE-003 GATE-005 GATE-008 GATE-009 GATE-010 GATE-012",
		"c": "GATE-004 COUNT-001 COUNT-002 COUNT-003 COUNT-006 STATE-009 STATE-010",
		"d": "WATCH-002 STATE-003 STATE-005 GATE-011 MARKER-008",
		"e": "WATCH-003 RESTART-001 RESTART-002 STATE-007 STATE-011 STATE-012",
	}
	got := map[string][]string{}
	for _, r := range Requirements() {
		got[r.Point] = append(got[r.Point], r.ID)
	}
	for point, ids := range want {
		if s := strings.Join(got[point], " "); s != ids {
			t.Errorf("point %s asks for\n%s\nand should ask for\n%s", point, s, ids)
		}
	}
}

func TestEveryRequirementOfAPointIsBoundToItsSpec(t *testing.T) {
	s := collect()
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

func TestSpecsOfFamilies(t *testing.T) {
	cases := map[string]struct {
		register func(*suite)
		wants    string
	}{
		"of its family":   {func(s *suite) { s.situation("GATE", "one", "a spec", ids("GATE-001", "WATCH-001"), nil) }, ""},
		"of another only": {func(s *suite) { s.situation("GATE", "one", "a spec", ids("WATCH-001"), nil) }, "no requirement of it"},
		"twice": {func(s *suite) {
			s.situation("GATE", "one", "a spec", ids("GATE-001"), nil)
			s.situation("GATE", "one", "another", ids("GATE-001"), nil)
		}, "two specs are called gate-one"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := &suite{cfg: &config.Config{}}
			c.register(s)
			got := strings.Join(s.problems, "; ")
			if c.wants == "" && got != "" || !strings.Contains(got, c.wants) {
				t.Errorf("problems %q, want %q", got, c.wants)
			}
		})
	}
}

// A spec about what happens past the shutdown deadline runs with the short one; every
// spec has its time beyond that.
func TestSpecsRunTheTargetTheyAskFor(t *testing.T) {
	s := &suite{cfg: &config.Config{}, target: &target.Target{Shutdown: &target.Shutdown{
		Deadline: 20 * time.Second, Short: &target.ShortDeadline{Deadline: 3 * time.Second, Env: map[string]string{"LIMIT": "3s"}},
	}}}
	s.cfg.Runner.SpecTimeout = time.Minute
	s.situation("SHUTDOWN", "usual", "as usual", ids("SHUTDOWN-001"), nil)
	s.situation("SHUTDOWN", "short", "in short", ids("SHUTDOWN-002"), nil, withShortDeadline())
	for i, want := range []time.Duration{20 * time.Second, 3 * time.Second} {
		sp := s.specs[i]
		got := s.targetFor(sp)
		if got.Shutdown.Deadline != want || (got.Env["LIMIT"] == "3s") != (i == 1) || s.timeoutOf(sp) != time.Minute+want {
			t.Errorf("%s: deadline %s, env %v, timeout %s", sp.name, got.Shutdown.Deadline, got.Env, s.timeoutOf(sp))
		}
	}
	s.target = &target.Target{}
	if got := s.timeoutOf(s.specs[1]); got != time.Minute || s.targetFor(s.specs[1]) != s.target {
		t.Errorf("without a deadline: timeout %s", got)
	}
}

func TestLabelsSelectByPointFamilyLevelFeatureAndID(t *testing.T) {
	got := labels(spec{family: "MARKER", name: "hostile", ids: ids("MARKER-003", "GATE-012", "EPOCH-001")})
	want := []string{"EPOCH-001", "GATE-012", "MARKER-003", "family:EPOCH", "family:GATE", "family:MARKER", "feature:epoch", "level:MUST", "level:SHOULD", "spec:marker-hostile"}
	if !slices.Equal(got, want) {
		t.Errorf("labels %v, want %v", got, want)
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
			s := &suite{cfg: &config.Config{}}
			s.point("b", "refuse", "a spec", c.ids, nil)
			got := strings.Join(s.problems, "; ")
			if c.wants == "" && got != "" || !strings.Contains(got, c.wants) {
				t.Errorf("problems %q, want %q", got, c.wants)
			}
		})
	}
}
