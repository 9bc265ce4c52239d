package e2e_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// lateBuild is the target file of a build of the reference gateway that notices the marker
// a tenth of a second later. Nothing but the program is another one.
func lateBuild(t *testing.T) string {
	t.Helper()
	return variant(t,
		"recipe: ../images/reference.yaml", "recipe: ../images/wrong-gateway.yaml\ncommand: [/wrong-gateway, late-watcher, run]",
		`command: ["{{bin}}/gateway", "run"]`, `command: ["{{bin}}/wrong-gateway", late-watcher, run]`,
		`command: ["/gateway", "dashboard"]`, "command: [/wrong-gateway, late-watcher, dashboard]",
		`process: ["{{bin}}/gateway", "dashboard"]`, `process: ["{{bin}}/wrong-gateway", late-watcher, dashboard]`,
		"command: [/gateway, drain, begin]", "command: [/wrong-gateway, late-watcher, drain, begin]",
		`process: ["{{bin}}/gateway", drain, begin]`, `process: ["{{bin}}/wrong-gateway", late-watcher, drain, begin]`,
	)
}

// A build is no worse than itself, and one that is a tenth of a second late is, though
// it passes every check.
func TestABuildIsComparedWithItselfAndWithALaterOne(t *testing.T) {
	made := t.TempDir()
	run := func(name string, args ...string) string {
		dir := filepath.Join(made, name)
		// What the noise of the machine leaves without a verdict is tried again.
		r := gate(t, append(args, "--report", dir, "--retry-incomplete", "3")...)
		r.must(t, 0)
		if t.Failed() {
			t.FailNow()
		}
		return r.last(t)["folder"].(string)
	}
	first, second := run("first"), run("second")
	slow := run("slow", "--target", lateBuild(t))

	same := drainproof(t, "compare", first, second)
	same.must(t, 0, "draining published", "peak memory", "verdicts are the same on both sides")
	if last := lastLine(same); last != "no change" {
		t.Errorf("a build beside itself: %q", last)
	}

	markdown, file := filepath.Join(made, "out", "summary.md"), filepath.Join(made, "out", "comparison.json")
	worse := drainproof(t, "compare", first+","+second, slow, "--markdown", markdown, "--json", file)
	worse.must(t, 1)
	last := lastLine(worse)
	for _, part := range []string{"worse: ", "draining published after (WATCH-001)", "running published after (WATCH-002)"} {
		if !strings.Contains(last, part) {
			t.Errorf("the last line lacks %q: %s", part, last)
		}
	}
	for _, path := range []string{markdown, file} {
		if data, err := os.ReadFile(path); err != nil || !strings.Contains(string(data), "draining published after") {
			t.Errorf("%s: %v:\n%s", path, err, data)
		}
	}
	better := drainproof(t, "compare", slow, first)
	better.must(t, 0, "better: ")

	// What a user may get wrong, with what really is a report.
	for name, c := range map[string]struct {
		old, new string
		code     int
		wants    []string
	}{
		"a run beside itself": {first, first, 2, []string{"are one run"}},
		"no such folder":      {first, filepath.Join(made, "nowhere"), 2, []string{"nowhere", "name the folder of a run's report"}},
		"no report":           {"scripts", first, 2, []string{"scripts", "report.json"}},
		"another bound":       {first, changed(t, first, func(r map[string]any) { r["target"].(map[string]any)["bound_ns"] = 1e9 }), 3, []string{"not comparable: ", "observation bound"}},
		"no histories":        {first, stripped(t, first), 3, []string{"not comparable: ", "keep the whole folder"}},
		"another version": {first, changed(t, second, func(r map[string]any) {
			r["spec"] = "0.2"
			for _, q := range r["requirements"].([]any) {
				if q := q.(map[string]any); q["id"] == "WATCH-001" {
					q["text"] = "It means something else."
				}
			}
		}), 0, []string{"left out: WATCH-001", "version"}},
	} {
		t.Run(name, func(t *testing.T) { drainproof(t, "compare", c.old, c.new).must(t, c.code, c.wants...) })
	}
}

func lastLine(r result) string {
	lines := strings.Split(strings.TrimSpace(r.out), "\n")
	return lines[len(lines)-1]
}

// changed is a copy of a report's folder in which the report says something else.
func changed(t *testing.T, dir string, change func(map[string]any)) string {
	t.Helper()
	made := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(made, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(made, "report.json")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var r map[string]any
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	change(r)
	if data, err = json.Marshal(r); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return made
}

// stripped is a copy of a report without its histories.
func stripped(t *testing.T, dir string) string {
	t.Helper()
	made := changed(t, dir, func(map[string]any) {})
	if err := os.RemoveAll(filepath.Join(made, "histories")); err != nil {
		t.Fatal(err)
	}
	return made
}
