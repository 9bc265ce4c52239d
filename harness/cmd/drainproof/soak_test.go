package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drainproof/drainproof/harness/config"
	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/report"
	"github.com/drainproof/drainproof/harness/runtime"
	"github.com/drainproof/drainproof/harness/soak"
	"github.com/drainproof/drainproof/harness/target"
)

// nowhere is a runtime that can't make a pod.
type nowhere struct{ runtime.Runtime }

func (nowhere) NewPod(context.Context, *target.Target, runtime.Prepared, runtime.PodOptions) (runtime.Pod, error) {
	return nil, errors.New("the engine is gone")
}

// What was seen is kept as a reproducer where it can't be played again, and nothing is said
// of it that was not tried.
func TestAReproducerOfWhatIsNotPlayedAgain(t *testing.T) {
	for shrink, want := range map[bool]string{false: "as it was played first", true: "as it was played first; it could not be played again: the engine is gone"} {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, "histories"), 0o755); err != nil {
			t.Fatal(err)
		}
		kept := filepath.Join("histories", "7.jsonl")
		w, err := history.Create(filepath.Join(dir, kept), history.Header{Spec: "soak: schedule 7", Requirements: []string{}, Bound: 1, Target: "edge"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Append(history.Event{Kind: history.KindOutcome, Call: 5, Return: 5, Outcome: &history.Outcome{Result: "passed"}}); err != nil {
			t.Fatal(err)
		}
		if _, _, err := w.Close(); err != nil {
			t.Fatal(err)
		}
		spec := filepath.Join(dir, "edge.yaml")
		if err := os.WriteFile(spec, []byte("name: edge\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		edge := &target.Target{Name: "edge", Path: spec}
		m := &maker{
			arena:   &arena{launcher: &launcher{cfg: &config.Config{}, dir: dir}, target: edge},
			options: soak.Options{Runtime: nowhere{}, Terrain: soak.Terrain{Target: edge}},
			id:      "GATE-001", breach: &soak.Breach{Requirement: report.Requirement{ID: "GATE-001"}, First: soak.Schedule{Seed: 7}, History: kept},
		}
		m.o.quiet = true
		if shrink {
			m.o.shrink, m.lost = 1e9, maxLost
		}
		shrunk, err := m.make(t.Context(), filepath.Join(dir, "reproducers", "GATE-001"))
		if err != nil || shrunk != nil || m.unshrunk() != want {
			t.Errorf("%v, %v: %q, want %q", shrunk, err, m.unshrunk(), want)
		}
		if found, _ := filepath.Glob(filepath.Join(dir, "reproducers", "GATE-001", "*")); !strings.Contains(strings.Join(found, " "), soak.HistoryName) {
			t.Errorf("kept: %v", found)
		}
	}
}
