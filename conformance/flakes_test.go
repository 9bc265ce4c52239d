package conformance

import (
	"strings"
	"testing"
)

func TestFlakes(t *testing.T) {
	if _, err := parseFlakes(flakesYAML); err != nil {
		t.Fatal(err)
	}
	one := "schema: 1\nflakes:\n  - {requirement: GATE-001, found: 1 run of 12, why: nobody knows}\n"
	if list, err := parseFlakes([]byte(one)); err != nil || list["GATE-001"] != "1 run of 12: nobody knows" {
		t.Errorf("%v, %v", list, err)
	}
	for text, want := range map[string]string{
		"schema: 2\nflakes: []\n": "schema is 2",
		"schema: 1\nflakes:\n  - {requirement: GATE-999, found: x, why: y}\n": `no requirement "GATE-999"`,
		"schema: 1\nflakes:\n  - {requirement: GATE-001, found: x}\n":         "found and why are needed",
		one + "  - {requirement: GATE-001, found: x, why: y}\n":               "stands twice",
		"schema: 1\nflakes:\n  - {requirement: GATE-001, reason: y}\n":        "unknown field",
	} {
		if _, err := parseFlakes([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
