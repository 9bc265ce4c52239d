package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
)

// model holds every call until it is released.
type model struct {
	*httptest.Server
	held    atomic.Int64
	release chan struct{}
}

func newModel(b *testing.B) *model {
	m := &model{release: make(chan struct{})}
	m.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		m.held.Add(1)
		defer m.held.Add(-1)
		select {
		case <-m.release:
		case <-r.Context().Done():
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"id":"1","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"ok"},"finish_reason":"stop"}]}`)
	}))
	b.Cleanup(m.Close)
	return m
}

// gateway is a running `gateway run` with a home of its own.
type gateway struct {
	b    *testing.B
	cmd  *exec.Cmd
	home string
	url  string
}

func start(b *testing.B, modelURL string) *gateway {
	b.Helper()
	bin, err := filepath.Abs("../../bin/gateway")
	if err != nil {
		b.Fatal(err)
	}
	if _, err := os.Stat(bin); err != nil {
		b.Fatalf("%s is missing; run ./scripts/build", bin)
	}
	port, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	address := port.Addr().String()
	port.Close()
	g := &gateway{b: b, home: b.TempDir(), url: "http://" + address}
	g.cmd = exec.Command(bin, "run")
	g.cmd.Env = []string{"GATEWAY_HOME=" + g.home, "GATEWAY_LISTEN=" + address, "MODEL_BASE_URL=" + modelURL + "/v1", "MODEL_API_KEY=k", "MODEL_NAME=m"}
	if err := g.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = g.cmd.Process.Signal(syscall.SIGTERM)
		_ = g.cmd.Process.Signal(syscall.SIGTERM)
		_ = g.cmd.Wait()
	})
	g.await(func() bool { return g.state().State == "running" })
	g.await(func() bool {
		r, err := http.Get(g.url + "/health")
		if err != nil {
			return false
		}
		r.Body.Close()
		return r.StatusCode == http.StatusOK
	})
	return g
}

type state struct {
	State string `json:"gateway_state"`
	Count int    `json:"active_agents"`
}

func (g *gateway) state() state {
	var s state
	if data, err := os.ReadFile(filepath.Join(g.home, "gateway_state.json")); err == nil {
		_ = json.Unmarshal(data, &s)
	}
	return s
}

func (g *gateway) await(ok func() bool) {
	g.b.Helper()
	ctx, cancel := context.WithTimeout(g.b.Context(), 60*time.Second)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			g.b.Fatalf("waited 60 s in vain; last state %+v", g.state())
		case <-tick.C:
		}
	}
}

// turn submits a turn over its own connection and returns its status, or 0.
func (g *gateway) turn() int {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	r, err := client.Post(g.url+"/v1/chat/completions", "application/json",
		bytes.NewBufferString(`{"model":"m","messages":[{"role":"user","content":"hello"}]}`))
	if err != nil {
		return 0
	}
	defer r.Body.Close()
	_, _ = io.Copy(io.Discard, r.Body)
	return r.StatusCode
}

// hold puts n turns in flight and returns what ends them.
func (g *gateway) hold(m *model, n int) func() {
	g.b.Helper()
	var all sync.WaitGroup
	for range n {
		all.Go(func() { g.turn() })
	}
	g.await(func() bool { return m.held.Load() == int64(n) })
	return func() { close(m.release); all.Wait() }
}

func (g *gateway) marker() string { return filepath.Join(g.home, ".drain_request.json") }

// drains measures from the marker's writing to the state's publication, n times.
func (g *gateway) drains(n int) []time.Duration {
	g.b.Helper()
	w, err := fsnotify.NewWatcher()
	if err != nil {
		g.b.Fatal(err)
	}
	defer w.Close()
	if err := w.Add(g.home); err != nil {
		g.b.Fatal(err)
	}
	var took []time.Duration
	for range n {
		begin := time.Now()
		if err := os.WriteFile(g.marker(), []byte(`{"action":"drain"}`), 0o644); err != nil {
			g.b.Fatal(err)
		}
		for g.state().State != "draining" {
			select {
			case <-w.Events:
			case <-time.After(5 * time.Millisecond): // an event may lie between the look and the wait
			}
		}
		took = append(took, time.Since(begin))
		if err := os.Remove(g.marker()); err != nil {
			g.b.Fatal(err)
		}
		g.await(func() bool { return g.state().State == "running" })
	}
	return took
}

func percentiles(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	at := func(p int) float64 {
		return float64(took[min(len(took)-1, len(took)*p/100)].Microseconds()) / 1000
	}
	b.ReportMetric(at(50), "p50-ms")
	b.ReportMetric(at(99), "p99-ms")
	b.ReportMetric(0, "ns/op") // one operation is the whole series; its time says nothing
}

func BenchmarkDrainPublishedIdle(b *testing.B) {
	for b.Loop() {
		percentiles(b, start(b, newModel(b).URL).drains(200))
	}
}

func BenchmarkDrainPublishedWith200InFlight(b *testing.B) {
	for b.Loop() {
		m := newModel(b)
		g := start(b, m.URL)
		end := g.hold(m, 200)
		percentiles(b, g.drains(200))
		end()
	}
}

func BenchmarkRefusal(b *testing.B) {
	for b.Loop() {
		g := start(b, newModel(b).URL)
		if err := os.WriteFile(g.marker(), []byte(`{}`), 0o644); err != nil {
			b.Fatal(err)
		}
		g.await(func() bool { return g.state().State == "draining" })
		var took []time.Duration
		for range 1000 {
			begin := time.Now()
			if code := g.turn(); code != http.StatusServiceUnavailable {
				b.Fatalf("status %d", code)
			}
			took = append(took, time.Since(begin))
		}
		percentiles(b, took)
	}
}

func BenchmarkMemoryOf1000Turns(b *testing.B) {
	for b.Loop() {
		m := newModel(b)
		g := start(b, m.URL)
		end := g.hold(m, 1000)
		if s := g.state(); s.Count != 1000 {
			b.Fatalf("published count %d", s.Count)
		}
		b.ReportMetric(g.rss(), "RSS-MiB")
		b.ReportMetric(0, "ns/op")
		end()
	}
}

// rss is the resident set at its highest so far, in MiB.
func (g *gateway) rss() float64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", g.cmd.Process.Pid))
	if err != nil {
		g.b.Fatal(err)
	}
	for line := range strings.SplitSeq(string(data), "\n") {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB"))
			if err != nil {
				g.b.Fatal(err)
			}
			return float64(kib) / 1024
		}
	}
	g.b.Fatal("no VmHWM in /proc")
	return 0
}
