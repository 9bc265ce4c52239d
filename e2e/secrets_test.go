package e2e_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What a target declares as a secret is in no file of a run and in nothing it prints, also
// where the gateway itself says it aloud, and the run fails.
func TestSecretsStaySecret(t *testing.T) {
	const canary = "canary-8f1d2c7b-that-nobody-may-see-0123456789-abcdefghij"
	raw, err := os.ReadFile(filepath.Join(root, "fixtures", "targets", "reference.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	images, err := filepath.Abs(filepath.Join(root, "fixtures", "images"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer(
		"../images/", images+"/",
		"not-a-real-key-but-treated-as-one", canary,
		"not-a-real-token-but-long-and-varied-enough-0123456789", canary+"-token",
	).Replace(string(raw))
	before, after, ok := strings.Cut(text, "\nprocess:\n")
	if !ok || strings.Count(text, canary) < 2 {
		t.Fatal("the target file is not what this test thinks")
	}
	_, rest, _ := strings.Cut(after, "\n")
	text = before + "\nprocess:\n  command: [/bin/sh, -c, 'echo the key is $MODEL_API_KEY; echo and the token $GATEWAY_CONTROL_TOKEN >&2; exec {{bin}}/wrong-gateway slow-cancel run']\n" + rest
	target := filepath.Join(t.TempDir(), "target.yaml")
	if err := os.WriteFile(target, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	dir := report(t)
	got := drainproof(t, "certify", "--level", "gate", "--target", target, "--runtime", "process", "--observe", "500ms",
		"--label-filter", "WATCH-002 || CONTROL-001", "--report", dir, "--retry-incomplete", "2")
	got.must(t, 1, "WATCH-002")
	if strings.Contains(got.out, canary) {
		t.Error("a secret was printed")
	}
	files := 0
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		files++
		text, err := os.ReadFile(path)
		if strings.Contains(string(text), canary) {
			t.Errorf("a secret is in %s", path)
		}
		return err
	})
	if err != nil || files < 6 {
		t.Errorf("%d files, %v", files, err)
	}
}

// The example for CI servers says what the gate says.
func TestGateAMerge(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct {
		target string
		code   int
		says   string
	}{
		"merge":      {"fixtures/foreign/relay/target.yaml", 0, "## Drain conformance of relay"},
		"bad-target": {"fixtures/targets/none.yaml", 2, "The drain gate judged nothing (exit 2)"},
	} {
		t.Run(name, func(t *testing.T) {
			summary := filepath.Join(dir, name+".md")
			cmd := command(t)
			cmd.Path, cmd.Args = filepath.Join(root, "docs", "ci", "gate-a-merge.sh"), []string{"gate-a-merge.sh", c.target, filepath.Join(dir, name), summary}
			cmd.Path, _ = filepath.Abs(cmd.Path)
			cmd.Env = append(os.Environ(), "DRAINPROOF=bin/drainproof", "DRAINPROOF_RUNTIME=process")
			finish(t, cmd).must(t, c.code)
			text, err := os.ReadFile(summary)
			if err != nil || !strings.Contains(string(text), c.says) {
				t.Errorf("the summary is %q, %v", text, err)
			}
		})
	}
}
