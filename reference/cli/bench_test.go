package cli

import (
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drainproof/drainproof/reference/drain"
	"github.com/drainproof/drainproof/reference/lifecycle"
	"github.com/drainproof/drainproof/reference/model/modeltest"
	"github.com/drainproof/drainproof/reference/status"
)

// BenchmarkDrain measures how long after the marker was written draining can be
// read. Its promise is 50 ms at p99, idle and with 200 turns in flight:
//
//	go test -run - -bench Drain -benchtime 200x ./reference/cli
func BenchmarkDrain(b *testing.B) {
	for name, turns := range map[string]int{"idle": 0, "200 turns": 200} {
		b.Run(name, func(b *testing.B) {
			m := modeltest.New(b)
			p := start(b, b.TempDir(), []string{"MODEL_BASE_URL=" + m.URL})
			for range turns {
				p.chat("held")
				m.Next(b)
			}
			marker := filepath.Join(p.home, drain.MarkerName)
			var took []time.Duration
			for b.Loop() {
				began := time.Now()
				if err := os.WriteFile(marker, []byte(`{"action":"drain"}`), 0o644); err != nil {
					b.Fatal(err)
				}
				spinUntil(b, p.home, lifecycle.Draining)
				took = append(took, time.Since(began))
				if err := os.Remove(marker); err != nil {
					b.Fatal(err)
				}
				spinUntil(b, p.home, lifecycle.Running)
			}
			report(b, took)
		})
	}
}

func spinUntil(b *testing.B, home string, state lifecycle.State) {
	b.Helper()
	over := time.Now().Add(modeltest.Patience)
	for {
		record, err := status.Load(home)
		if err != nil {
			b.Fatal(err)
		}
		if record.State == state {
			return
		}
		if time.Now().After(over) {
			b.Fatalf("%s is never published", state)
		}
		runtime.Gosched()
	}
}

// BenchmarkRefusal measures a refused turn on a kept connection. Its promise is
// 5 ms at p99.
func BenchmarkRefusal(b *testing.B) {
	dir := b.TempDir()
	if _, err := drain.Write(dir, drain.Request{Action: drain.ActionDrain}); err != nil {
		b.Fatal(err)
	}
	p := start(b, dir, nil)
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		response, err := http.Post(p.url+"/v1/chat/completions", "application/json", strings.NewReader(`{"messages":[{"role":"user","content":"x"}]}`))
		if err != nil {
			b.Fatal(err)
		}
		response.Body.Close()
		took = append(took, time.Since(began))
		if response.StatusCode != http.StatusServiceUnavailable {
			b.Fatalf("status %d", response.StatusCode)
		}
	}
	report(b, took)
}

func report(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	at := func(share float64) float64 {
		return float64(took[int(share*float64(len(took)-1))].Microseconds()) / 1000
	}
	b.ReportMetric(at(0.5), "p50-ms")
	b.ReportMetric(at(0.99), "p99-ms")
	b.ReportMetric(at(1), "max-ms")
}
