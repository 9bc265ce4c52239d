package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A gateway finds the files that its target file lays, does not find again what it is to be
// rid of at a restart, and may be slow at its first turns.
func TestTheHomeIsFurnished(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(root, "fixtures", "targets", "reference.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	images, err := filepath.Abs(filepath.Join(root, "fixtures", "images"))
	if err != nil {
		t.Fatal(err)
	}
	const files = `
  files:
    - path: conf/seed.txt
      content: "model {{model_url}}"
  clear: [starts]
`
	const start = `command: [/bin/sh, -c, 'test "$(cat {{home}}/conf/seed.txt)" = "model {{model_url}}" || exit 7; test ! -e {{home}}/starts || exit 8; touch {{home}}/starts; exec {{bin}}/gateway run']`
	text := strings.NewReplacer(
		"../images/", images+"/",
		`command: ["{{bin}}/gateway", "run"]`, start,
		"\n  path: /home/gateway/state\n", "\n  path: /home/gateway/state"+files,
		"\ncapacity: 200\n", "\ncapacity: 200\nwarmUp: true\n",
	).Replace(string(raw))
	if !strings.Contains(text, start) || !strings.Contains(text, files) || !strings.Contains(text, "warmUp") {
		t.Fatal("the target file is not what this test thinks")
	}
	target := filepath.Join(t.TempDir(), "target.yaml")
	if err := os.WriteFile(target, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	dir := report(t)
	drainproof(t, "gate", "--target", target, "--runtime", "process", "--label-filter", "point:e", "--report", dir, "--retry-incomplete", "2").
		must(t, 0, `"verdict":"passed, not certifying"`)
	history, err := os.ReadFile(filepath.Join(dir, "histories", "e-survive.jsonl"))
	if err != nil || !strings.Contains(string(history), `"purpose":"to warm up"`) {
		t.Errorf("no turn warmed it up: %v", err)
	}
}
