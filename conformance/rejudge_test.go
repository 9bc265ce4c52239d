package conformance

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/config"
	"github.com/drainproof/drainproof/harness/report"
)

// What keeps a run from certifying is found in its report as well: a level is a claim of
// how hard was looked, and a report that does not say how hard makes none.
func TestWhatIsRelaxed(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(r *report.Report)
		want  bool
	}{
		"as published":            {func(*report.Report) {}, false},
		"more often":              {func(r *report.Report) { repeats(r, "drains", 999) }, false},
		"less often":              {func(r *report.Report) { repeats(r, "drains", 1) }, true},
		"less often at one level": {func(r *report.Report) { r.Level = "gate"; repeats(r, "drains", 1) }, true},
		"not said how often":      {func(r *report.Report) { delete(r.Config, "repetitions") }, true},
		"nothing said":            {func(r *report.Report) { r.Config = nil }, true},
		"another bound":           {func(r *report.Report) { r.Config["observe_ns"] = 1.0 }, true},
		"a bound too high":        {func(r *report.Report) { r.Target.Bound = 6 * time.Second }, true},
		"other markers":           {func(r *report.Report) { r.Config[markersKey] = "another" }, true},
		"markers of no name":      {func(r *report.Report) { delete(r.Config, markersKey) }, true},
		"no markers were laid":    {func(r *report.Report) { r.Profile = report.ProfileGate; delete(r.Config, markersKey) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := &report.Report{Profile: report.ProfileFull, Level: config.LevelCertify, Target: report.Target{Bound: time.Second}, Config: effective(&config.Config{
				Repetitions: map[string]config.Repetitions{config.LevelGate: config.Standard(config.LevelGate), config.LevelCertify: config.Standard(config.LevelCertify)},
			})}
			r.Config[markersKey] = catalogueSHA256
			c.spoil(r)
			if got := relaxed(r); got != c.want {
				t.Errorf("relaxed: %t", got)
			}
		})
	}
}

func repeats(r *report.Report, what string, n float64) {
	r.Config["repetitions"].(map[string]any)[r.Level].(map[string]any)[what] = n
}

// Whatever a report says, it is compared with what it should be, or refused: never a
// panic, and never for long.
func FuzzRejudge(f *testing.F) {
	for _, seed := range []string{
		`{"schema":1}`,
		`{"schema":1,"profile":"gate","level":"gate","runtime":"docker","requirements":[{"id":"GATE-001","verdict":"pass"},{"id":"GATE-001"}],"points":[{"point":"a"}]}`,
		`{"schema":1,"profile":"filter","specs":[{"text":"x","file":"histories/a.jsonl","sha256":"0"}],"config":{"observe_ns":1}}`,
		`{"schema":1,"profile":"full","target":{"features":["epoch","epoch"],"tools":true,"bound_ns":-1}}`,
		`{"schema":1,"specs":[{"file":"` + strings.Repeat("a/", 2000) + `"}]}`,
	} {
		f.Add([]byte(seed), []byte(`{"seq":0,"kind":"header","call":0,"return":0,"header":{"schema":1,"spec":"x","requirements":[]}}`+"\n"))
	}
	f.Fuzz(func(t *testing.T, raw, history []byte) {
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Join(dir, "histories"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "histories", "a.jsonl"), history, 0o644); err != nil {
			t.Fatal(err)
		}
		r, err := report.Parse(dir, raw)
		if err != nil {
			return
		}
		r.Specs = append(r.Specs, report.Spec{Text: "x", File: "histories/a.jsonl", SHA256: "unknown"})
		began := time.Now()
		differs, err := Rejudge(r)
		if err == nil && len(differs) == 0 {
			t.Error("it is what it should be")
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}
