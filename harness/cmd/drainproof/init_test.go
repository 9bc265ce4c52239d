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
	for _, w := range append(wire.Wires(), "json,create-then-poll", "openai-chat,sse,post-then-callback") {
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
			if made.Name != "edge" || made.Image.Name != "edge:1.4" || made.Ingresses[0].Wire != strings.Split(w, ",")[0] || made.Ingresses[len(made.Ingresses)-1].Wire != w[strings.LastIndex(w, ",")+1:] {
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

func TestTargetInitUsage(t *testing.T) {
	for _, c := range []struct{ wires, want string }{
		{"json,json", "given twice"}, {"driver,json", "give it alone"}, {"telepathy", "use one of openai-chat, json"},
	} {
		file := filepath.Join(t.TempDir(), "edge.yaml")
		cmd := newTargetInit()
		cmd.SetArgs([]string{file, "--wire", c.wires})
		cmd.SilenceUsage, cmd.SilenceErrors = true, true
		if err := cmd.Execute(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.wires, err, c.want)
		}
		if _, err := os.Stat(file); err == nil {
			t.Errorf("%s: a file was written", c.wires)
		}
	}
}
