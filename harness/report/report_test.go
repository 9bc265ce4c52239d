package report_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/drainproof/drainproof/harness/report"
)

var update = flag.Bool("update", false, "write the golden files anew; read the difference before committing it")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; got:\n%s", path, got)
	}
}

func table(r *report.Report, o report.TableOptions) string {
	r.Dir = "/home/reports/20260304T050607.000Z"
	var b bytes.Buffer
	report.Table(&b, r, o)
	return b.String()
}

func TestRenderings(t *testing.T) {
	for name, r := range map[string]*report.Report{
		"conformant": conformant(), "non-conformant": nonConformant(), "incomplete": incomplete(), "not-certifying": notCertifying(), "filtered": filtered(), "full": full(), "expected": expected(),
		"part": part(), "joined": joined(), "halved": halved(),
	} {
		t.Run(name, func(t *testing.T) {
			golden(t, name+".100.txt", table(r, report.TableOptions{Width: 100}))
			golden(t, name+".80.txt", table(r, report.TableOptions{Width: 80, ASCII: true}))
			golden(t, name+".md", report.Markdown(r))
			var junit bytes.Buffer
			if err := report.WriteJUnit(&junit, r); err != nil {
				t.Fatal(err)
			}
			golden(t, name+".junit.xml", junit.String())
			golden(t, name+".result", report.ResultLine(r)+"\n")
		})
	}
}

// Only what is there to be copied may be wider than the terminal.
func TestTableFitsItsWidth(t *testing.T) {
	for _, r := range []*report.Report{conformant(), nonConformant(), incomplete(), notCertifying(), filtered(), full(), part(), joined(), halved(), {}} {
		for _, width := range []int{60, 80, 100, 140} {
			for _, line := range strings.Split(table(r, report.TableOptions{Width: width, Color: true}), "\n") {
				label := strings.TrimSpace(line)
				if copied := strings.Fields(label); len(copied) > 1 && slices.Contains([]string{"replay", "report", "image", "digest", "sidecar"}, copied[0]) {
					continue
				}
				if n := text.StringWidthWithoutEscSequences(line); n > width {
					t.Errorf("width %d: %d columns: %s", width, n, line)
				}
			}
		}
	}
}

func TestColourOnlyWhenAsked(t *testing.T) {
	r := nonConformant()
	if plain := table(r, report.TableOptions{}); strings.ContainsAny(plain, "\x1b\x07") {
		t.Error("an escape sequence or a bell got out")
	}
	coloured := table(r, report.TableOptions{Color: true})
	if !strings.Contains(coloured, "\x1b[31mfail\x1b[0m") || !strings.Contains(coloured, "\x1b[32mpass\x1b[0m") {
		t.Error("no colours")
	}
	if strings.Contains(table(r, report.TableOptions{ASCII: true}), "─") {
		t.Error("line-drawing characters in ASCII")
	}
}

func TestWriteAndRead(t *testing.T) {
	for _, r := range []*report.Report{conformant(), nonConformant(), incomplete(), notCertifying(), filtered(), full(), part(), joined(), halved()} {
		dir := filepath.Join(t.TempDir(), "run")
		if err := report.Write(dir, r, schema(t)); err != nil {
			t.Fatal(err)
		}
		got, err := report.Read(dir)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(r, got) {
			t.Errorf("%s: not the same after reading:\nwrote %+v\nread  %+v", r.Verdict, r, got)
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, e := range entries {
			names = append(names, e.Name())
		}
		if got := strings.Join(names, " "); got != "junit.xml report.html report.json summary.md" {
			t.Errorf("folder holds %s", got)
		}
		raw, err := os.ReadFile(filepath.Join(dir, "junit.xml"))
		if err != nil {
			t.Fatal(err)
		}
		if err := xml.Unmarshal(raw, new(struct{})); err != nil {
			t.Errorf("junit.xml is no XML: %v", err)
		}
	}
}

// The schema must refuse every way of saying more than was observed.
func TestSchemaRefusesLies(t *testing.T) {
	s := schema(t)
	for name, lie := range map[string]func(*report.Report){
		"certifies although incomplete":     func(r *report.Report) { r.Verdict, r.ExitCode, r.Certifies = report.Incomplete, 3, true },
		"conformant on process":             func(r *report.Report) { r.Runtime = "process" },
		"conformant with a wide bound":      func(r *report.Report) { r.Target.Bound = 6e9 },
		"conformant by a filter":            func(r *report.Report) { r.Profile = report.ProfileFilter },
		"conformant by a part":              func(r *report.Report) { r.Shard = &report.Shard{Index: 1, Of: 2} },
		"conformant without a part":         func(r *report.Report) { r.Merged = &report.Merged{Of: 2, Missing: []int{2}} },
		"conformant with a part twice":      func(r *report.Report) { r.Merged = &report.Merged{Of: 2, Twice: []int{2}} },
		"no such part":                      func(r *report.Report) { *r = *part(); r.Shard.Index = 0 },
		"conformant with a failure":         func(r *report.Report) { r.Requirements[0].Verdict, r.Requirements[0].Reason = report.Fail, "x" },
		"conformant with something not run": func(r *report.Report) { r.Requirements[0].Verdict = report.NotRun },
		"conformant with nothing":           func(r *report.Report) { r.Requirements = nil },
		"conformant without specs":          func(r *report.Report) { r.Specs = nil },
		"conformant with a broken spec":     func(r *report.Report) { r.Specs[0].Result = "timedout" },
		"conformant, exit 3":                func(r *report.Report) { r.ExitCode = 3 },
		"non-conformant without a failure":  func(r *report.Report) { r.Verdict, r.Certifies, r.ExitCode = report.NonConformant, false, 1 },
		"not certifying without a reason":   func(r *report.Report) { r.Verdict, r.Certifies = report.NotCertifying, false },
		"pass with a violation":             func(r *report.Report) { r.Requirements[1].Violations = nonConformant().Requirements[1].Violations },
		"not applicable without a reason":   func(r *report.Report) { r.Requirements[0].Verdict = report.NotApplicable },
		"history without a hash":            func(r *report.Report) { r.Specs[0].SHA256 = "" },
		"history outside the report":        func(r *report.Report) { r.Specs[0].File = "../elsewhere.jsonl" },
		"no reason":                         func(r *report.Report) { r.Why = "" },
		"a verdict nobody knows":            func(r *report.Report) { r.Points[0].Verdict = "fine" },
	} {
		t.Run(name, func(t *testing.T) {
			r := conformant()
			lie(r)
			dir := t.TempDir()
			if err := report.Write(dir, r, s); err == nil {
				t.Fatal("accepted")
			}
			if _, err := report.Read(dir); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the false report stands: %v", err)
			}
			if _, err := os.Stat(filepath.Join(dir, "report.invalid.json")); err != nil {
				t.Errorf("the evidence is lost: %v", err)
			}
		})
	}
}

func TestReadRefusesWhatIsNoReport(t *testing.T) {
	for text, want := range map[string]string{
		"{":             "is no report",
		`{"schema": 2}`: "has schema version 2, this program reads 1",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, report.FileName), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := report.Read(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestResultLineIsOneJSONObject(t *testing.T) {
	r := nonConformant()
	r.Dir = "/tmp/a \"b\"\n"
	name, object, _ := strings.Cut(report.ResultLine(r), " ")
	var got map[string]any
	if err := json.Unmarshal([]byte(object), &got); err != nil || name != "DRAINPROOF_RESULT" || strings.Contains(object, "\n") {
		t.Fatalf("%s %s: %v", name, object, err)
	}
	for key, want := range map[string]any{
		"verdict": "non-conformant", "exit": 1., "passed": 3., "failed": 1., "blocked": 1., "inconclusive": 0.,
		"harness_errors": 0., "not_run": 0., "report": filepath.Join(r.Dir, "report.json"),
	} {
		if got[key] != want {
			t.Errorf("%s is %v, want %v", key, got[key], want)
		}
	}
	// Without a report there is no path to one.
	if line := report.ResultLine(&report.Report{Verdict: report.Incomplete, ExitCode: 2, Dir: "/r"}); !strings.Contains(line, `"report":"","folder":"/r"`) {
		t.Error(line)
	}
}
