package main

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/drainproof/drainproof/conformance"
	"github.com/drainproof/drainproof/fixtures/faults"
)

func TestExplain(t *testing.T) {
	cases := map[string]struct {
		args  []string
		wants []string
	}{
		"a requirement": {[]string{"COUNT-003"}, []string{
			"COUNT-003 (MUST)\n", "  text        Draining with", "  because     ", "  applies to  every gateway\n",
			"  gate        point c, finish\n", "  requires    WATCH-001 (", "  checked by  the spec \"", "              the monitor never-drained-while-busy",
		}},
		"in small letters":  {[]string{"count-003"}, []string{"COUNT-003 (MUST)\n"}},
		"its wrong gateway": {[]string{"COUNT-006"}, []string{"  broken by   zero-before-delivery: "}},
		"of another's":      {[]string{"STATE-006"}, []string{"  may also    fall with exit-on-drain"}},
		"of a feature":      {[]string{"GATE-007"}, []string{"gateways that declare recovery or background\n"}},
		"a point":           {[]string{"c"}, []string{"c. finish: ", "COUNT-003"}},
		"a family":          {[]string{"notify"}, []string{"NOTIFY: ", "NOTIFY-002"}},
		"everything":        {nil, []string{"MARKER: ", "NOTIFY-002"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			out := explained(t, c.args...)
			for _, want := range c.wants {
				if !strings.Contains(out, want) {
					t.Errorf("%q is not in\n%s", want, out)
				}
			}
		})
	}
}

func explained(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	cmd := newExplain()
	cmd.SetArgs(slices.Concat([]string{}, args)) // never those of the test
	cmd.SetOut(&out)
	if err := cmd.Execute(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestExplainListsEveryRequirementOnce(t *testing.T) {
	out := explained(t)
	for _, r := range conformance.Requirements() {
		if n := strings.Count(out, "   "+r.ID+" "); n != 1 {
			t.Errorf("%s is listed %d times", r.ID, n)
		}
	}
}

func TestExplainWhatDoesNotExist(t *testing.T) {
	for name, want := range map[string]string{
		"GATE-999":  "GATE-001, GATE-002",
		"GTAE-004":  "GATE-004",
		"count3":    "COUNT-003",
		"nonsense!": "drainproof explain for the list",
	} {
		err := explain(&bytes.Buffer{}, name)
		var exit *exitError
		if !errors.As(err, &exit) || exit.code != 2 || !strings.Contains(exit.Error(), want) || !strings.Contains(exit.Error(), name) {
			t.Errorf("%s: %v, want exit 2 and %q", name, err, want)
		}
	}
}

// A wrong gateway is named by a requirement that nothing else it may break can
// block: else the accusation would be lost whenever both are seen.
func TestNoWrongGatewayHidesBehindAPrerequisite(t *testing.T) {
	for _, f := range faults.All() {
		for _, id := range needs(f.MustName) {
			if slices.Contains(f.AlsoAllowed, id) {
				t.Errorf("%s must be named by %s, which is blocked when %s fails, and that may fail with it", f.ID, f.MustName, id)
			}
		}
	}
}

// needs are all that a requirement stands on.
func needs(id string) []string {
	r, _ := conformance.Find(id)
	all := slices.Clone(r.Requires)
	for _, next := range r.Requires {
		all = append(all, needs(next)...)
	}
	return all
}
