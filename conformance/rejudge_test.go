package conformance

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/report"
)

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
