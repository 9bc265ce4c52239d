package probe

import (
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

// What the gateway announces is in the history, and told apart by what the target
// says of it; secrets stay out of it.
func TestNoticesAreRecorded(t *testing.T) {
	r := newProbe(t)
	r.gateway = newFakeGateway(t)
	r.config = r.gateway.config()
	r.config.NotifyAddress = freePort(t)
	r.config.Redact = []string{"hush"}
	r.config.Broadcasts = []wire.Broadcast{
		{Method: http.MethodPost, JSON: map[string]string{"event": "^shutdown$"}},
		{Path: "^/bye$", Header: map[string]string{"X-Kind": "stop"}, Text: "going"},
	}
	r.must(r.Configure(r.ctx, r.config))
	cases := []struct {
		method, path, kind, body string
		broadcast                bool
	}{
		{http.MethodPost, "/hook", "", `{"event":"shutdown","by":"hush"}`, true},
		{http.MethodPost, "/hook", "", `{"event":"shutdown-soon"}`, false},
		{http.MethodPut, "/hook", "", `{"event":"shutdown"}`, false},
		{http.MethodPost, "/hook", "", "shutdown", false},
		{http.MethodGet, "/bye", "stop", "I am going", true},
		{http.MethodGet, "/bye", "start", "I am going", false},
		{http.MethodGet, "/bye/bye", "stop", "I am going", false},
		{http.MethodGet, "/bye", "stop", "", false},
	}
	for i, c := range cases {
		request, err := http.NewRequestWithContext(r.ctx, c.method, "http://"+r.config.NotifyAddress+c.path, strings.NewReader(c.body))
		r.must(err)
		request.Header.Set("X-Kind", c.kind)
		response, err := http.DefaultClient.Do(request)
		r.must(err)
		response.Body.Close()
		if response.StatusCode != http.StatusNoContent {
			t.Errorf("%d: answered %s", i, response.Status)
		}
		got := r.awaitN("the notice", i+1, func(ev history.Event) bool { return ev.Notice != nil })[i].Notice
		if got.Broadcast != c.broadcast || got.Method != c.method || got.Path != c.path || strings.Contains(got.Text, "hush") {
			t.Errorf("%d: recorded %+v", i, got)
		}
	}
	r.checkHistory()
}

func TestBroadcastsThatCannotBe(t *testing.T) {
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	for want, spec := range map[string]wire.Broadcast{
		"every request": {},
		"missing":       {Path: "("},
		"repetition":    {Method: http.MethodPost, Text: "*"},
		"event":         {JSON: map[string]string{"event": "["}},
	} {
		if _, err := newNotices(log, "127.0.0.1:0", []wire.Broadcast{spec}, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", spec, err, want)
		}
	}
	if _, err := newNotices(log, "127.0.0.1:99999", nil, nil); err == nil {
		t.Error("it listens where nobody can")
	}
}
