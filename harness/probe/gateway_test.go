package probe

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
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

// fakeGateway does the least that a right gateway does: it looks at the marker
// every few milliseconds, gates, counts, publishes, and passes the model's
// answer through. Its fields let a test make it do something else.
type fakeGateway struct {
	t        *testing.T
	home     string
	server   *httptest.Server
	base     string // of the model
	callback string // address to which the hook hands its replies
	client   *http.Client

	mu       sync.Mutex
	draining bool
	count    int
	runs     map[string]*fakeRun

	head      func(r *http.Request)                             // of a turn is there; its body is read next
	misbehave func(w http.ResponseWriter, r *http.Request) bool // true: it answered
}

func newFakeGateway(t *testing.T) *fakeGateway {
	t.Helper()
	g := &fakeGateway{t: t, home: filepath.Join(t.TempDir(), "home"), client: &http.Client{Transport: &http.Transport{}}, runs: map[string]*fakeRun{}, callback: freePort(t)}
	if err := os.MkdirAll(g.home, 0o700); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/chat/completions", g.turn)
	mux.HandleFunc("POST /v1/runs", g.createRun)
	mux.HandleFunc("GET /v1/runs/{id}", g.showRun)
	mux.HandleFunc("GET /v1/sessions/{id}", g.showSession)
	g.shapes(mux)
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /status", g.status)
	g.server = httptest.NewServer(mux)
	g.publish()
	ctx, cancel := context.WithCancel(context.Background())
	var watching sync.WaitGroup
	watching.Go(func() { g.watch(ctx) })
	t.Cleanup(func() {
		cancel()
		watching.Wait()
		g.server.CloseClientConnections()
		g.server.Close()
		g.client.CloseIdleConnections()
	})
	return g
}

func (g *fakeGateway) marker() string { return filepath.Join(g.home, ".drain_request.json") }

func (g *fakeGateway) config() wire.ConfigureParams {
	states := wire.Publication{State: "gateway_state", Count: "active_agents"}
	file, http := states, states
	file.Name, file.File = "file", filepath.Join(g.home, "gateway_state.json")
	http.Name, http.URL, http.EveryMS = "http", g.server.URL+"/status", 10
	refused := []wire.Recognise{{Status: 503, JSON: map[string]string{"error.code": "^draining$"}}}
	busy := []wire.Recognise{{Status: 429}}
	queued := []wire.Recognise{{Status: 202, JSON: map[string]string{"state": "^queued$"}}}
	chat := wire.Ingress{
		Name: "chat", Wire: "openai-chat", URL: g.server.URL + "/v1/chat/completions",
		SessionHeader: "X-Session-Id", Refused: refused, Busy: busy, Queued: queued,
	}
	stream := chat
	stream.Name, stream.Stream = "stream", true
	_, port, _ := net.SplitHostPort(g.server.Listener.Addr().String())
	var number int
	fmt.Sscan(port, &number)
	return wire.ConfigureParams{
		Home: g.home, UID: -1, GID: -1, Marker: g.marker(),
		Publications: []wire.Publication{file, http},
		Ingresses:    append([]wire.Ingress{chat, stream, g.async(chat)}, g.shaped(chat)...),
		Sessions:     &wire.Sessions{URL: g.server.URL + "/v1/sessions/{{session}}", Messages: "said"},
		ModelAddress: freePort(g.t), CallbackAddress: g.callback,
		IngressPorts: []int{number},
	}
}

func (g *fakeGateway) useModel(address string) { g.base = "http://" + address + "/v1" }

// watch follows the marker; the gate closes before draining is published.
func (g *fakeGateway) watch(ctx context.Context) {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		_, err := os.Lstat(g.marker())
		g.mu.Lock()
		if there := err == nil; there != g.draining {
			g.draining = there
			g.publish()
		}
		g.mu.Unlock()
	}
}

func (g *fakeGateway) document() []byte {
	state := history.Running
	if g.draining {
		state = history.Draining
	}
	return fmt.Appendf(nil, `{"gateway_state":%q,"active_agents":%d}`, state, g.count)
}

func (g *fakeGateway) publish() {
	publish(g.t, filepath.Join(g.home, "gateway_state.json"), g.document())
}

// publish writes a state file as a right gateway does.
func publish(t *testing.T, path string, document []byte) {
	temp := path + ".tmp"
	if err := os.WriteFile(temp, document, 0o644); err != nil {
		t.Errorf("publish: %v", err)
	}
	if err := os.Rename(temp, path); err != nil {
		t.Errorf("publish: %v", err)
	}
}

func (g *fakeGateway) status(w http.ResponseWriter, _ *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, _ = w.Write(g.document())
}

func (g *fakeGateway) claim() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.draining {
		return false
	}
	g.count++
	g.publish()
	return true
}

func (g *fakeGateway) release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.count--
	g.publish()
}

func (g *fakeGateway) turn(w http.ResponseWriter, r *http.Request) {
	if g.head != nil {
		g.head(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if g.misbehave != nil && g.misbehave(w, r) {
		return
	}
	if !g.claim() {
		w.Header().Set("Retry-After", "7")
		writeError(w, http.StatusServiceUnavailable, "draining", "draining")
		return
	}
	defer g.release()
	g.pass(w, r, body)
}

// pass hands the turn to the model and its answer back, piece by piece.
func (g *fakeGateway) pass(w http.ResponseWriter, r *http.Request, body []byte) {
	resp, err := g.call(r.Context(), body)
	if err != nil {
		writeError(w, http.StatusBadGateway, "model", err.Error())
		return
	}
	defer resp.Body.Close()
	for _, name := range []string{"Content-Type", "Content-Length"} {
		if v := resp.Header.Get(name); v != "" {
			w.Header().Set(name, v)
		}
	}
	w.WriteHeader(resp.StatusCode)
	buf := make([]byte, 32<<10)
	for {
		n, err := resp.Body.Read(buf)
		if _, werr := w.Write(buf[:n]); werr != nil {
			return
		}
		if http.NewResponseController(w).Flush() != nil || err != nil {
			return
		}
	}
}

func (g *fakeGateway) call(ctx context.Context, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, g.base+"/chat/completions", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	return g.client.Do(req)
}

// ask makes a model call of the gateway's own and returns status and text.
func (g *fakeGateway) ask(content any) (int, string) {
	g.t.Helper()
	body, err := json.Marshal(map[string]any{"messages": []any{
		map[string]any{"role": "user", "content": "dp-0000000000000000 was long ago"},
		map[string]any{"role": "assistant", "content": "and done"},
		map[string]any{"role": "user", "content": content},
	}})
	if err != nil {
		g.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	resp, err := g.call(ctx, body)
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	var text strings.Builder
	if _, err := io.Copy(&text, resp.Body); err != nil {
		g.t.Fatal(err)
	}
	return resp.StatusCode, text.String()
}

// relay listens at an address and copies to another, as a gateway that comes up
// late.
func relay(t *testing.T, at, to string) {
	t.Helper()
	l, err := net.Listen("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", to)
			if err != nil {
				near.Close()
				return
			}
			go func() { _, _ = io.Copy(far, near); far.Close() }()
			go func() { _, _ = io.Copy(near, far); near.Close() }()
		}
	}()
}
