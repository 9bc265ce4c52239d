package conformance

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLoadExpected(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"a list":       {"schema: 1\nexpected:\n  - {requirement: WATCH-002, reason: slow, link: https://example.org/7}\n  - requirement: STATE-008\n    reason: ends too soon\n", ""},
		"no list":      {"schema: 1\n", "expected"},
		"an empty one": {"schema: 1\nexpected: []\n", "expected"},
		"no reason":    {"schema: 1\nexpected:\n  - requirement: WATCH-002\n", "reason"},
		"unknown":      {"schema: 1\nexpected:\n  - {requirement: WATCH-202, reason: slow}\n", `there is no requirement "WATCH-202"; did you mean WATCH-002?`},
		"nothing like": {"schema: 1\nexpected:\n  - {requirement: speed, reason: slow}\n", "list them with drainproof explain"},
		"twice":        {"schema: 1\nexpected:\n  - {requirement: WATCH-002, reason: a}\n  - {requirement: WATCH-002, reason: b}\n", "is there twice"},
		"a bad link":   {"schema: 1\nexpected:\n  - {requirement: WATCH-002, reason: a, link: here}\n", "link"},
		"other fields": {"schema: 1\nexpected:\n  - {requirement: WATCH-002, reason: a, until: tomorrow}\n", "until"},
		"no YAML":      {"{", "1:1"},
	} {
		file := filepath.Join(t.TempDir(), "expected.yaml")
		if err := os.WriteFile(file, []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		list, err := LoadExpected(file)
		switch {
		case c.want == "" && (err != nil || len(list) != 2 || list[0].Link == "" || list[1].Reason != "ends too soon"):
			t.Errorf("%s: %+v, %v", name, list, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), file)):
			t.Errorf("%s: %v; want %q", name, err, c.want)
		}
	}
	if _, err := LoadExpected(filepath.Join(t.TempDir(), "none.yaml")); err == nil || !strings.Contains(err.Error(), "there is no such file") {
		t.Errorf("no file: %v", err)
	}
}
