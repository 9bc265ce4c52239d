package monitor

import (
	"cmp"
	"compress/gzip"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/drainproof/drainproof/harness/history"
)

var update = flag.Bool("update", false, "write the golden judgements anew; read the difference before committing it")

// The golden judgements: all that the monitors say of a history, not just whom they
// charge. A monitor that counts, dates or proves differently than it did shows in them.
var (
	ofStories = &golden{path: "testdata/stories.txtar"}
	ofArchive = &golden{path: "testdata/archive.txtar"}
)

// golden is a file of judgements, each under the name of what was judged.
type golden struct {
	path string
	held map[string]string // nil: not read yet
	told map[string]string // in this run
	of   map[*testing.T]int
}

// holds compares what is said of a test's next history, or of the one of that name, with
// what the file has.
func (g *golden) holds(t *testing.T, name, said string) {
	t.Helper()
	if g.held == nil {
		g.held, g.told, g.of = map[string]string{}, map[string]string{}, map[*testing.T]int{}
		a, err := txtar.ParseFile(g.path)
		if err != nil && !(*update && os.IsNotExist(err)) {
			t.Fatal(err)
		}
		if a != nil {
			for _, f := range a.Files {
				g.held[f.Name] = string(f.Data)
			}
		}
	}
	if g.of[t]++; name == "" {
		name = fmt.Sprintf("%s, %d", t.Name(), g.of[t])
	}
	g.told[name] = said
	if want, ok := g.held[name]; !*update && (!ok || want != said) {
		t.Errorf("%s is judged as\n%s\nand not as %s has it:\n%s\nif it is to be, go test ./harness/monitor -update", name, said, g.path, want)
	}
}

// close writes what was told, if it is to, and is an error when the file has what nobody
// tells any more. A run of some tests says nothing of the others.
func (g *golden) close(all bool) error {
	if g.held == nil {
		return nil
	}
	for name := range g.held {
		if _, ok := g.told[name]; !ok && all && !*update {
			return fmt.Errorf("%s has %q, which nothing tells of; go test ./harness/monitor -update", g.path, name)
		} else if !ok && !all {
			g.told[name] = g.held[name]
		}
	}
	if !*update {
		return nil
	}
	var a txtar.Archive
	for name, said := range g.told {
		a.Files = append(a.Files, txtar.File{Name: name, Data: []byte(said)})
	}
	slices.SortFunc(a.Files, func(a, b txtar.File) int { return cmp.Compare(a.Name, b.Name) })
	if err := os.MkdirAll(filepath.Dir(g.path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(g.path, txtar.Format(&a), 0o644)
}

// inFull is all that was said of a history that began at origin, in lines.
func inFull(all []Judgement, origin history.Stamp) string {
	var b strings.Builder
	var arose []string
	for _, j := range all {
		if j.Arose != 0 {
			arose = append(arose, fmt.Sprintf("%s %d", j.Requirement, j.Arose))
		}
	}
	if len(arose) > 0 {
		fmt.Fprintf(&b, "arose: %s\n", strings.Join(arose, ", "))
	}
	for _, j := range all {
		for _, list := range []struct {
			name string
			of   []Violation
		}{{"broken", j.Violations}, {"advice", j.Advice}, {"noisy", j.Noisy}} {
			for _, x := range list.of {
				fmt.Fprintf(&b, "%s %s at %s of %v: %s; %s\n", x.Requirement, list.name, x.At.Sub(origin), x.Evidence, x.Expected, x.Actual)
			}
		}
		if j.Inconclusive != "" {
			fmt.Fprintf(&b, "%s inconclusive: %s\n", j.Requirement, j.Inconclusive)
		}
		if len(j.Samples) > 0 {
			fmt.Fprintf(&b, "%s took %s\n", j.Requirement, samples(j.Samples))
		}
	}
	return b.String()
}

// samples are figures under their names, with their bounds.
func samples(all []Sample) string {
	var names []string
	values := map[string][]string{}
	for _, s := range all {
		name := s.Name
		if s.Bound != 0 {
			name += fmt.Sprintf(" (of %s)", s.Bound)
		}
		if values[name] == nil {
			names = append(names, name)
		}
		values[name] = append(values[name], s.Value.Round(time.Microsecond).String())
	}
	for i, name := range names {
		names[i] = name + " " + strings.Join(values[name], " ")
	}
	return strings.Join(names, "; ")
}

// What was recorded of every wrong gateway, and of the right one, is judged as it was.
func TestTheArchiveIsJudgedInFullAsItWas(t *testing.T) {
	const ext = ".jsonl.gz"
	files, err := filepath.Glob("../../fixtures/histories/*" + ext)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 100 {
		t.Fatalf("only %d archived histories", len(files))
	}
	for _, path := range files {
		id := strings.TrimSuffix(filepath.Base(path), ext)
		events := unpacked(t, path)
		v, err := NewView(events)
		if err != nil {
			t.Fatalf("%s: %v", id, err)
		}
		ofArchive.holds(t, id, inFull(JudgeAll(v), events[0].Call))
	}
}

func unpacked(t *testing.T, path string) []history.Event {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	events, err := history.Decode(z)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return events
}
