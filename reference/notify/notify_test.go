package notify

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// A broadcast arrives once, as JSON that says what it is.
func TestNotify(t *testing.T) {
	type arrival struct {
		method, kind string
		body         []byte
	}
	arrived := make(chan arrival, 2)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		arrived <- arrival{r.Method, r.Header.Get("Content-Type"), body}
		w.WriteHeader(http.StatusAccepted)
	}))
	defer server.Close()
	notifier, err := New(Config{URL: server.URL + "/hook"})
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	if err := notifier.Notify(t.Context(), Shutdown{ActiveAgents: 2, PID: 7, At: at}); err != nil {
		t.Fatal(err)
	}
	got := <-arrived
	var said struct {
		Event        string    `json:"event"`
		ActiveAgents int       `json:"active_agents"`
		PID          int       `json:"pid"`
		At           time.Time `json:"at"`
	}
	if err := json.Unmarshal(got.body, &said); err != nil {
		t.Fatalf("%s: %v", got.body, err)
	}
	if got.method != http.MethodPost || got.kind != "application/json" || said.Event != "gateway_shutdown" || said.ActiveAgents != 2 || said.PID != 7 || !said.At.Equal(at) {
		t.Errorf("%s %s %s", got.method, got.kind, got.body)
	}
	if len(arrived) != 0 {
		t.Error("it arrived twice")
	}
}

// What goes wrong is said, without the address and the token that may be in it.
func TestFailures(t *testing.T) {
	hang := make(chan struct{})
	answers := map[string]http.HandlerFunc{
		"refused": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) },
		"redirected": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		},
		"hangs": func(_ http.ResponseWriter, _ *http.Request) { <-hang },
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(answer)
			t.Cleanup(server.Close)
			if name == "hangs" {
				t.Cleanup(func() { close(hang) })
			}
			notifier, err := New(Config{URL: server.URL + "/?token=very-secret"})
			if err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithTimeout(t.Context(), 5*time.Second)
			defer stop()
			if name == "hangs" {
				stop()
			}
			err = notifier.Notify(ctx, Shutdown{})
			if err == nil || strings.Contains(err.Error(), "very-secret") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestNew(t *testing.T) {
	for address, ok := range map[string]bool{
		"": true, "http://127.0.0.1:9/x": true, "https://host": true,
		"hook.internal/path": false, "ftp://host": false, "http://": false, "http://token-that-is-secret:bad port": false,
	} {
		notifier, err := New(Config{URL: address})
		if (err == nil) != ok || (notifier != nil) != ok {
			t.Errorf("%q: %v", address, err)
		}
		if err != nil && (address != "" && strings.Contains(err.Error(), address) || !strings.Contains(err.Error(), EnvURL)) {
			t.Errorf("%q: %v", address, err)
		}
	}
	if notifier, _ := New(Config{}); notifier.Notify(t.Context(), Shutdown{}) != nil {
		t.Error("nobody is told, and that fails")
	}
}
