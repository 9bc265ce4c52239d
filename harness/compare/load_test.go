package compare

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/report"
)

func reportSchema(t *testing.T) []byte {
	t.Helper()
	raw, err := os.ReadFile("../../conformance/report.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// folder is a report's folder with one history, that of a right gateway.
func folder(t *testing.T, dir string) *report.Report {
	t.Helper()
	packed, err := os.Open("../../fixtures/histories/right.jsonl.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	unpacked, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(unpacked)
	if err != nil {
		t.Fatal(err)
	}
	events, err := history.Decode(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	const file = "histories/right.jsonl"
	if err := os.MkdirAll(filepath.Join(dir, "histories"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, file), raw, 0o644); err != nil {
		t.Fatal(err)
	}
	sum, err := history.SHA256(filepath.Join(dir, file))
	if err != nil {
		t.Fatal(err)
	}
	h := events[0].Header
	r := &report.Report{
		Tool: tool, Spec: "0.1", Started: time.Unix(1, 0), Ended: time.Unix(9, 0), Wall: 8 * time.Second,
		Profile: report.ProfileFilter, Verdict: report.NotCertifying, Why: "all that was selected held", Runtime: h.Runtime, Level: "gate", Seed: h.Seed,
		Target: report.Target{Name: h.Target, Path: "t.yaml", SHA256: strings.Repeat("a", 64), Features: h.Features, Bound: h.Bound},
		Specs:  []report.Spec{{Text: h.Spec, Point: h.Point, Requirements: h.Requirements, Result: "passed", File: file, SHA256: sum, Events: uint64(len(events))}},
	}
	rewrite(t, dir, r)
	return r
}

func rewrite(t *testing.T, dir string, r *report.Report) {
	t.Helper()
	if err := report.Write(dir, r, reportSchema(t)); err != nil {
		t.Fatal(err)
	}
}

func TestARunIsMeasured(t *testing.T) {
	dir := t.TempDir()
	r := folder(t, dir)
	run, err := Load(dir, reportSchema(t))
	if err != nil || len(run.Unfit) > 0 {
		t.Fatalf("%v, %v", err, run)
	}
	samples := run.checks[r.Specs[0].Text]
	if !slices.ContainsFunc(samples, func(s sample) bool { return s.name == "draining published after" && s.value > 0 }) {
		t.Errorf("measured %v", samples)
	}
	if run.Noise < 0 || run.Noise > 1 {
		t.Errorf("noise %v", run.Noise)
	}
	again, err := Load(filepath.Join(dir, "..", filepath.Base(dir)), reportSchema(t))
	if err != nil {
		t.Fatal(err)
	}
	if c := Compare(of(run), of(again), limits, tool); c.Result != NoChange {
		t.Errorf("a run beside itself: %s", c.Last)
	}
}

// The memory in a history is a figure; in histories of before there is none.
func TestMemoryIsMeasured(t *testing.T) {
	dir := t.TempDir()
	r := folder(t, dir)
	path := filepath.Join(dir, r.Specs[0].File)
	events, err := history.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	last := events[len(events)-1]
	line, err := json.Marshal(history.Event{
		Seq: last.Seq, Kind: history.KindMemory, Call: last.Call, Return: last.Return, Memory: &history.Memory{PID: 7, Peak: 30 << 20},
	})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimSpace(raw), []byte("\n"))
	last.Seq++
	end, err := json.Marshal(last)
	if err != nil {
		t.Fatal(err)
	}
	lines[len(lines)-1] = line
	raw = append(bytes.Join(append(lines, end), []byte("\n")), '\n')
	if err := os.WriteFile(path, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	if r.Specs[0].SHA256, err = history.SHA256(path); err != nil {
		t.Fatal(err)
	}
	rewrite(t, dir, r)
	run, err := Load(dir, reportSchema(t))
	if err != nil || len(run.Unfit) > 0 {
		t.Fatalf("%v, %+v", err, run)
	}
	if !slices.Contains(run.checks[r.Specs[0].Text], sample{key{"", peakMemory, UnitMemory}, 30 << 20}) {
		t.Errorf("measured %v", run.checks)
	}
}

// What keeps a folder from being read is an error; what keeps a run from being compared
// is told as the reason.
func TestBadFolders(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(t *testing.T, dir string, r *report.Report)
		fails bool
		want  string
	}{
		"no report":  {func(t *testing.T, dir string, _ *report.Report) { remove(t, dir, report.FileName) }, true, "no report can be read"},
		"no JSON":    {func(t *testing.T, dir string, _ *report.Report) { put(t, dir, report.FileName, "{") }, true, "is no report"},
		"other JSON": {func(t *testing.T, dir string, _ *report.Report) { put(t, dir, report.FileName, `{"schema": 1}`) }, true, "does not follow the schema"},
		"of later":   {func(t *testing.T, dir string, _ *report.Report) { put(t, dir, report.FileName, `{"schema": 99}`) }, true, "schema version 99, this program reads 1"},
		"incomplete": {func(t *testing.T, dir string, r *report.Report) { incomplete(r); rewrite(t, dir, r) }, false, "its run is incomplete (noise): run it again"},
		"no history": {func(t *testing.T, dir string, r *report.Report) {
			r.Specs[0].File, r.Specs[0].SHA256 = "", ""
			rewrite(t, dir, r)
		}, false, "it has no history of the check"},
		"nothing run": {func(t *testing.T, dir string, r *report.Report) { r.Specs = nil; rewrite(t, dir, r) }, false, "nothing was checked"},
		"lost history": {func(t *testing.T, dir string, r *report.Report) { remove(t, dir, r.Specs[0].File) }, false,
			"its history histories/right.jsonl is missing: keep the whole folder"},
		"changed history": {func(t *testing.T, dir string, r *report.Report) { put(t, dir, r.Specs[0].File, "{}\n") }, false, "it is not the one that the report was made from"},
		"broken history": {func(t *testing.T, dir string, r *report.Report) {
			put(t, dir, r.Specs[0].File, "{}\n")
			r.Specs[0].SHA256, _ = history.SHA256(filepath.Join(dir, r.Specs[0].File))
			rewrite(t, dir, r)
		}, false, "right.jsonl:1"},
		"another's history": {func(t *testing.T, dir string, r *report.Report) { r.Specs[0].Text = "x"; rewrite(t, dir, r) }, false, "it is that of another check"},
		"a link": {func(t *testing.T, dir string, _ *report.Report) {
			if err := os.Symlink("/dev/zero", filepath.Join(dir, "histories", "b.jsonl")); err != nil {
				t.Fatal(err)
			}
		}, true, "no regular file"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			c.spoil(t, dir, folder(t, dir))
			run, err := Load(dir, reportSchema(t))
			if c.fails {
				if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), dir) {
					t.Errorf("got %v, want %q", err, c.want)
				}
				return
			}
			if err != nil || len(run.Unfit) != 1 || !strings.Contains(run.Unfit[0], c.want) || !strings.HasPrefix(run.Unfit[0], dir) {
				t.Fatalf("got %v, %+v, want %q", err, run, c.want)
			}
			whole := t.TempDir()
			folder(t, whole)
			other, err := Load(whole, reportSchema(t))
			if err != nil {
				t.Fatal(err)
			}
			if got := Compare(of(other), of(run), limits, tool); got.Result != NotComparable {
				t.Errorf("compared: %s", got.Last)
			}
		})
	}
}

func incomplete(r *report.Report) {
	r.Verdict, r.Why, r.ExitCode = report.Incomplete, "noise", 3
}

func remove(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.Remove(filepath.Join(dir, name)); err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, dir, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestFoldersAreFound(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"base/2", "base/1", "one", "a,b", "empty/x"} {
		if err := os.MkdirAll(filepath.Join(root, name), 0o755); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(name, "empty") {
			put(t, filepath.Join(root, name), report.FileName, "{}")
		}
	}
	if err := os.Symlink("2", filepath.Join(root, "base", "latest")); err != nil {
		t.Fatal(err)
	}
	put(t, root, "base/notes.txt", "x")
	t.Chdir(root)
	for arg, want := range map[string]string{
		"one":                  "one",
		"one/report.json":      "one",
		"base":                 "base/1 base/2", // latest is one of them
		"base/latest":          "base/latest",
		"a,b":                  "a,b",
		"one,base":             "one base/1 base/2",
		"one,nowhere":          "! nowhere",
		"one,":                 "! without a name",
		"":                     "! without a name",
		"nowhere":              "! no such file",
		"empty":                "! holds no report.json",
		"base/notes.txt":       "! is no folder of a report",
		"one/report.json/deep": "! not a directory",
	} {
		got, err := Find(arg)
		if text, fails := strings.CutPrefix(want, "! "); fails {
			if err == nil || !strings.Contains(err.Error(), text) {
				t.Errorf("%q: got %v, %v, want %q", arg, got, err, text)
			}
		} else if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%q: got %v, %v, want %s", arg, got, err, want)
		}
	}
}
