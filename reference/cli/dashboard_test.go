package cli

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"

	"github.com/drainproof/drainproof/reference/dashboard"
	"github.com/drainproof/drainproof/reference/drain"
	"github.com/drainproof/drainproof/reference/lifecycle"
	"github.com/drainproof/drainproof/reference/status"
)

const controlToken = "Xq3vT9bLk0ZcR7yWm2HdNf8sGj5uPa1oEi4xVtQwYzA"

// A drain that was asked for over HTTP while the gateway was down is honoured at its
// start, before anything is served; it is stamped like that of "drain begin"
// (CONTROL-007, EPOCH-003).
func TestDashboardDrainsAGatewayThatIsDown(t *testing.T) {
	p := start(t, t.TempDir(), nil)
	serve := dashboard.Handler(dashboard.Config{
		Home: p.home, Log: slog.New(slog.DiscardHandler), Stamp: stampsBy(nil)(p.home),
		Token: dashboard.Token{Secret: controlToken, Principal: "ann"},
	})
	ask := func(body, says string) {
		t.Helper()
		request := httptest.NewRequest(http.MethodPost, "/api/gateway/drain", strings.NewReader(body))
		request.Header.Set("Authorization", "Bearer "+controlToken)
		answer := httptest.NewRecorder()
		serve.ServeHTTP(answer, request)
		if answer.Code != http.StatusOK || !strings.Contains(answer.Body.String(), says) {
			t.Errorf("status %d: %s", answer.Code, answer.Body)
		}
	}
	ask("", `"existed":false`)
	p.awaitState("draining", 0)
	ask(`{"action":"cancel"}`, `"existed":true`)
	p.awaitState("running", 0)
	p.signal(syscall.SIGKILL)
	p.exit()

	ask(`{"action":"drain"}`, `"existed":false`)
	_, own, _ := execute(t, p.home, "drain", "epoch")
	if seen := (drain.Home{Dir: p.home}).Look(t.Context()); seen.Request.Epoch != strings.TrimSpace(own) || seen.Request.Principal != "ann" {
		t.Errorf("the marker is %+v, want the epoch %s", seen.Request, own)
	}
	start(t, p.home, nil)
	if record, err := status.Load(p.home); err != nil || record.State != lifecycle.Draining {
		t.Errorf("served with %+v %v", record, err)
	}
}
