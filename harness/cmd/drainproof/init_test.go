package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drainproof/drainproof/harness/target"
	"github.com/drainproof/drainproof/harness/wire"
)

// What init writes is valid as it is, for every wire.
func TestTargetInit(t *testing.T) {
	for _, w := range wire.Wires() {
		t.Run(w, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "edge.yaml")
			run := func() error {
				cmd := newTargetInit()
				cmd.SetArgs([]string{file, "--wire", w, "--image", "edge:1.4"})
				cmd.SilenceUsage, cmd.SilenceErrors = true, true
				return cmd.Execute()
			}
			if err := run(); err != nil {
				t.Fatal(err)
			}
			made, err := target.Load(file)
			if err != nil {
				t.Fatal(err)
			}
			if made.Name != "edge" || made.Image.Name != "edge:1.4" || made.Ingresses[0].Wire != w {
				t.Errorf("made %+v", made)
			}
			before, _ := os.ReadFile(file)
			if err := run(); err == nil || !strings.Contains(err.Error(), "is there already") {
				t.Errorf("it overwrites: %v", err)
			}
			if after, _ := os.ReadFile(file); string(after) != string(before) {
				t.Error("the file was touched")
			}
		})
	}
}
