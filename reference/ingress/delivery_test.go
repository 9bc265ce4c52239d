package ingress

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"

	"github.com/drainproof/drainproof/reference/admission"
)

// TestConnection has two requests come over one connection, and a third over another.
func TestConnection(t *testing.T) {
	var seen []any
	server := New(Parts{Ledger: admission.NewLedger(), Log: slog.New(slog.DiscardHandler), Around: []func(http.Handler) http.Handler{
		func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				seen = append(seen, Connection(r.Context()))
				next.ServeHTTP(w, r)
			})
		},
	}})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	client := &http.Client{Transport: &http.Transport{}}
	ask := func() {
		t.Helper()
		response, err := client.Get("http://" + listener.Addr().String() + "/health")
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			t.Fatal(err)
		}
	}
	ask()
	ask()
	client.CloseIdleConnections()
	ask()
	client.CloseIdleConnections()
	if err := server.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-served; err != nil {
		t.Fatal(err)
	}
	if seen[0] == nil || seen[0] != seen[1] {
		t.Errorf("two requests over one connection: %p and %p", seen[0], seen[1])
	}
	if seen[2] == nil || seen[2] == seen[0] {
		t.Errorf("a request over another connection: %p after %p", seen[2], seen[0])
	}
	if got := Connection(t.Context()); got != nil {
		t.Errorf("no request: %v", got)
	}
}
