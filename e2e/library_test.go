package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// A Go vendor runs the suite from its own go test: a module of its own, with one import
// and one call.
func TestAsALibrary(t *testing.T) {
	checkout, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	sums, err := os.ReadFile(filepath.Join(checkout, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"go.sum": string(sums),
		"go.mod": "module example.com/vendor\n\ngo 1.26.0\n\nrequire github.com/drainproof/drainproof v0.0.0\n\n" +
			"replace github.com/drainproof/drainproof => " + checkout + "\n",
		"ginkgo.yaml": "target: " + filepath.Join(checkout, "fixtures", "targets", "reference.yaml") + "\nruntime: process\n" +
			"markers: " + filepath.Join(checkout, "fixtures", "markers", "catalogue.yaml") + "\n",
		"drain_test.go": `package vendor

import (
	"testing"

	"github.com/drainproof/drainproof/conformance"
)

func TestDrain(t *testing.T) { conformance.Run(t, conformance.Config{}) }
`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "test", "-mod=mod", "-count=1", "-v", "./...", "-args", "-ginkgo.label-filter=point:a")
	cmd.Dir = dir
	finish(t, cmd).must(t, 0, "PASSED, NOT CERTIFYING", "point", "a. observe")
	if found, _ := filepath.Glob(filepath.Join(dir, "reports", "*", "report.html")); len(found) != 1 {
		t.Errorf("reports: %v", found)
	}
}
