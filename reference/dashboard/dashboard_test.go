package dashboard

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/drainproof/drainproof/reference/home"
	"github.com/drainproof/drainproof/reference/lifecycle"
	"github.com/drainproof/drainproof/reference/status"
)

func ask(t *testing.T, dir, path string) (int, map[string]any) {
	t.Helper()
	answer := httptest.NewRecorder()
	Handler(Config{Home: dir, Log: slog.New(slog.DiscardHandler)}).ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
	var body map[string]any
	if err := json.Unmarshal(answer.Body.Bytes(), &body); err != nil && answer.Code == http.StatusOK {
		t.Fatalf("%s: %v", answer.Body, err)
	}
	return answer.Code, body
}

func TestStatus(t *testing.T) {
	dir := t.TempDir()
	lock, err := home.Acquire(dir)
	if err != nil {
		t.Fatal(err)
	}
	busy := status.Record{State: lifecycle.Draining, ActiveAgents: 2, PID: lock.Holder.PID, StartTime: lock.Holder.StartTime}
	if err := (status.File{Dir: dir}).Write(busy); err != nil {
		t.Fatal(err)
	}
	expect := func(what string, want map[string]any) {
		t.Helper()
		code, body := ask(t, dir, "/api/status")
		for field, value := range want {
			if code != http.StatusOK || body[field] != value {
				t.Errorf("%s: status %d, %s is %v, want %v", what, code, field, body[field], value)
			}
		}
	}
	expect("alive", map[string]any{"alive": true, "gateway_state": "draining", "active_agents": 2.0, "gateway_busy": true, "gateway_drainable": false})
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	expect("dead", map[string]any{"alive": false, "gateway_state": "stopped", "active_agents": 0.0, "gateway_busy": false, "gateway_drainable": false})
}

// A state that can't be read is an error, and never a guess.
func TestUnreadableState(t *testing.T) {
	dir := t.TempDir()
	lock, err := home.Acquire(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	if err := os.WriteFile(filepath.Join(dir, status.FileName), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if code, _ := ask(t, dir, "/api/status"); code != http.StatusInternalServerError {
		t.Errorf("status %d", code)
	}
	if code, _ := ask(t, dir, "/health"); code != http.StatusOK {
		t.Errorf("health: status %d", code)
	}
	if code, _ := ask(t, dir, "/nowhere"); code != http.StatusNotFound {
		t.Errorf("nowhere: status %d", code)
	}
}
