package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drainproof/drainproof/conformance"
)

// Where a suite leaves no report, the end of what it said is shown with the reason: whoever
// has a CI's screen alone has no other.
func TestWhyThereIsNoReport(t *testing.T) {
	lines := func(n int) (text string) {
		for i := range n {
			text += fmt.Sprintf("line %d\n", i+1)
		}
		return text
	}
	cases := map[string]struct {
		files map[string]string
		ended error
		want  []string
		not   string
	}{
		"it says nothing":  {nil, nil, []string{"without a report; its output is in ", "ginkgo.log"}, "ends in"},
		"it says a little": {map[string]string{"ginkgo.log": lines(2)}, errors.New("exit status 1"), []string{"(exit status 1)", "ends in\n  line 1\n  line 2"}, "line 3"},
		"it says much":     {map[string]string{"ginkgo.log": lines(said + 1)}, nil, []string{"\n  line 2\n", fmt.Sprintf("\n  line %d", said+1)}, "line 1\n"},
		"it knows the reason": {map[string]string{"ginkgo.log": lines(2), conformance.SetupFile: `{"what": "the home is full", "exit": 2}`}, nil,
			[]string{"the home is full"}, "line"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, text := range c.files {
				if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			err := (&launcher{out: io.Discard}).noReport(dir, c.ended)
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q lacks %q", err, part)
				}
			}
			if strings.Contains(err.Error(), c.not) {
				t.Errorf("%q has %q", err, c.not)
			}
		})
	}
}
