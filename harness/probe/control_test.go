package probe

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

const goodMarker = `{"action":"drain","requested_at":"2026-01-02T03:04:05Z","principal":"ann"}`

// endpoint is a control endpoint that does what it is told to: answer has the path
// of the marker and returns status and body.
func endpoint(t *testing.T, r *rig, answer func(path, body string) (int, string)) wire.ControlParams {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		status, text := answer(r.config.Marker, string(body))
		w.WriteHeader(status)
		_, _ = io.WriteString(w, text)
	}))
	t.Cleanup(server.Close)
	return wire.ControlParams{
		Credential: history.RightToken, Principal: "ann", Method: http.MethodPost, URL: server.URL, GiveUp: patience,
		Cancelled: []wire.Recognise{{JSON: map[string]string{"existed": "^true$"}}},
		Idle:      []wire.Recognise{{JSON: map[string]string{"existed": "^false$"}}},
	}
}

// whole writes the marker as an endpoint should.
func whole(t *testing.T, path, content string) {
	if err := os.WriteFile(path+".tmp", []byte(content), 0o644); err != nil {
		t.Error(err)
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		t.Error(err)
	}
}

func noError(t *testing.T, err error) {
	if err != nil {
		t.Error(err)
	}
}

func TestWhatTheEndpointDoesIsTheControllersDoing(t *testing.T) {
	r, _ := newObserver(t)
	p := endpoint(t, r, func(path, body string) (int, string) {
		if body != "cancel" {
			whole(t, path, goodMarker)
			return 200, `{"existed":false,"secret":"hush"}`
		}
		if os.Remove(path) != nil {
			return 200, `{"existed":false}`
		}
		return 200, `{"existed":true}`
	})
	drain, cancel := p, p
	drain.Action, drain.Hide = history.AskDrain, []string{"hush"}
	cancel.Action, cancel.Body = history.AskCancel, "cancel"
	want := history.Control{Action: history.AskDrain, Credential: history.RightToken, Principal: "ann", Status: 200}
	for i, step := range []struct {
		ask  wire.ControlParams
		want func(*history.Control)
	}{
		{drain, func(c *history.Control) { c.Present, c.Changed, c.Appeared, c.By = true, true, true, "ann" }},
		{drain, func(c *history.Control) {
			c.Existed, c.Present, c.Changed, c.Appeared, c.By = true, true, true, true, "ann"
		}},
		{cancel, func(c *history.Control) {
			c.Action, c.Existed, c.Changed, c.Said = history.AskCancel, true, true, "true"
		}},
		{cancel, func(c *history.Control) { c.Action, c.Said = history.AskCancel, "false" }},
	} {
		got, err := r.Control(r.ctx, step.ask)
		r.must(err)
		if strings.Contains(got.Answer, "hush") {
			t.Errorf("step %d: the answer tells a secret: %s", i, got.Answer)
		}
		expected := want
		step.want(&expected)
		got.Answer = ""
		if got != expected {
			t.Errorf("step %d: %+v, want %+v", i, got, expected)
		}
	}
	var ops []history.Op
	for _, ev := range r.all(func(ev history.Event) bool { return ev.Marker != nil }) {
		ops = append(ops, ev.Marker.Op)
		if ev.Marker.How != history.HowControl || ev.Marker.Present && ev.Marker.SHA256 != sum([]byte(goodMarker)) {
			t.Errorf("%+v", *ev.Marker)
		}
	}
	if len(ops) != 4 || ops[0] != history.OpBegin || ops[1] != history.OpRewrite || ops[2] != history.OpCancel || ops[3] != history.OpCancel {
		t.Errorf("operations: %v", ops)
	}
	if n := len(r.all(func(ev history.Event) bool { return ev.Kind == history.KindControl })); n != 4 {
		t.Errorf("%d requests in the history", n)
	}
	r.checkHistory()
}

func TestHowAnEndpointCanGoWrong(t *testing.T) {
	slowly := func() { time.Sleep(20 * time.Millisecond) }
	cases := map[string]struct {
		marked bool
		do     func(path string)
		check  func(history.Control) bool
		ops    []history.Op
	}{
		"in two writes": {do: func(path string) {
			f, err := os.Create(path)
			noError(t, err)
			_, err = io.WriteString(f, goodMarker[:20])
			noError(t, err)
			slowly()
			_, err = io.WriteString(f, goodMarker[20:])
			noError(t, err)
			noError(t, f.Close())
		}, check: func(c history.Control) bool { return c.Torn != "" && c.Flaw == "" && c.By == "ann" }, ops: []history.Op{history.OpBegin}},
		"removed and made anew": {marked: true, do: func(path string) {
			noError(t, os.Remove(path))
			slowly()
			whole(t, path, goodMarker)
		}, check: func(c history.Control) bool { return c.Torn == "it was absent" && c.Flaw == "" }, ops: []history.Op{history.OpCancel, history.OpBegin}},
		"taken by another": {do: func(path string) {
			whole(t, path, goodMarker)
			slowly()
			noError(t, os.Remove(path))
		}, check: func(c history.Control) bool { return c.Torn == "" && c.Appeared && !c.Present }, ops: []history.Op{history.OpBegin, history.OpFound}},
		"no time":      {do: func(path string) { whole(t, path, `{"action":"drain","requested_at":"now","principal":"ann"}`) }, check: func(c history.Control) bool { return strings.Contains(c.Flaw, "requested_at") }, ops: []history.Op{history.OpBegin}},
		"no principal": {do: func(path string) { whole(t, path, `{"action":"drain","requested_at":"2026-01-02T03:04:05Z"}`) }, check: func(c history.Control) bool { return strings.Contains(c.Flaw, "principal") }, ops: []history.Op{history.OpBegin}},
		"no action":    {do: func(path string) { whole(t, path, `{}`) }, check: func(c history.Control) bool { return strings.Contains(c.Flaw, "action") }, ops: []history.Op{history.OpBegin}},
		"a list":       {do: func(path string) { whole(t, path, `[]`) }, check: func(c history.Control) bool { return c.Flaw != "" && c.Torn != "" }, ops: []history.Op{history.OpBegin}},
		"nothing":      {do: func(string) {}, check: func(c history.Control) bool { return !c.Changed && c.Status == 200 }},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r, _ := newObserver(t)
			p := endpoint(t, r, func(path, _ string) (int, string) { c.do(path); return 200, "" })
			p.Action = history.AskDrain
			if c.marked {
				r.must(r.Marker(r.ctx, wire.MarkerParams{Op: history.OpBegin}))
			}
			got, err := r.Control(r.ctx, p)
			r.must(err)
			if !c.check(got) || got.Existed != c.marked {
				t.Errorf("%+v", got)
			}
			var ops []history.Op
			for _, ev := range r.all(func(ev history.Event) bool { return ev.Marker != nil }) {
				if ev.Marker.How == history.HowControl || ev.Marker.Op == history.OpFound {
					ops = append(ops, ev.Marker.Op)
				}
			}
			if len(ops) != len(c.ops) {
				t.Fatalf("operations %v, want %v", ops, c.ops)
			}
			for i := range ops {
				if ops[i] != c.ops[i] {
					t.Errorf("operations %v, want %v", ops, c.ops)
				}
			}
		})
	}
}

func TestAnEndpointThatIsNotThereOrDoesNotAnswer(t *testing.T) {
	r, _ := newObserver(t)
	p := endpoint(t, r, func(string, string) (int, string) { return 200, "" })
	p.URL, p.RetryFor = "http://"+freePort(t), 20*time.Millisecond
	if got, err := r.Control(r.ctx, p); err != nil || got.Status != 0 || !strings.Contains(got.Error, "refused") {
		t.Errorf("%+v, %v", got, err)
	}
	held := make(chan struct{})
	p = endpoint(t, r, func(string, string) (int, string) { <-held; return 200, "" })
	p.GiveUp = 30 * time.Millisecond
	if got, err := r.Control(r.ctx, p); err != nil || got.Status != 0 || got.Error == "" {
		t.Errorf("%+v, %v", got, err)
	}
	close(held)
	p.URL = "ftp://nowhere"
	if _, err := r.Control(r.ctx, p); err == nil {
		t.Error("asked at ftp://nowhere")
	}
}

func TestALockedHome(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root writes everywhere")
	}
	r, _ := newObserver(t)
	p := endpoint(t, r, func(path, _ string) (int, string) {
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			return 500, "no"
		}
		return 200, ""
	})
	p.Action, p.Lock = history.AskDrain, true
	before, err := os.Stat(r.config.Home)
	r.must(err)
	if got, err := r.Control(r.ctx, p); err != nil || got.Status != 500 || got.Changed || !got.Locked {
		t.Errorf("%+v, %v", got, err)
	}
	if after, err := os.Stat(filepath.Dir(r.config.Marker)); err != nil || after.Mode() != before.Mode() {
		t.Errorf("left behind: %v, %v", after.Mode(), err)
	}
}

func TestWhatAStatusDerives(t *testing.T) {
	spec := &wire.Publication{Name: "http", State: "gateway_state", Count: "active_agents", Busy: "gateway_busy", Drainable: "is.drainable"}
	for content, want := range map[string][2]string{
		`{"gateway_state":"running","active_agents":0,"gateway_busy":false,"is":{"drainable":true}}`: {"false", "true"},
		`{"gateway_state":"running","active_agents":0,"gateway_busy":"true"}`:                        {`"true"`, "missing"},
		`{"gateway_state":"running","active_agents":0,"gateway_busy":null,"is":1}`:                   {`"null"`, "missing"},
	} {
		if s := parsePublished(spec, []byte(content)); s.Problem != "" || s.Busy != want[0] || s.Drainable != want[1] {
			t.Errorf("%s: %+v", content, s)
		}
	}
	spec.Busy, spec.Drainable = "", ""
	if s := parsePublished(spec, []byte(`{"gateway_state":"running","active_agents":0}`)); s.Busy != "" || s.Drainable != "" {
		t.Errorf("nobody looked: %+v", s)
	}
}

// A file on its way out is not one that was written again: nobody else is charged
// for what the endpoint removes.
func TestNobodyIsChargedForTheEndpointsCancels(t *testing.T) {
	r, _ := newObserver(t)
	p := endpoint(t, r, func(path, body string) (int, string) {
		if body == "" {
			whole(t, path, goodMarker)
		} else {
			noError(t, os.Remove(path))
		}
		return 200, ""
	})
	for range 100 {
		p.Action, p.Body = history.AskDrain, ""
		if got, err := r.Control(r.ctx, p); err != nil || !got.Appeared || got.Torn != "" {
			t.Fatalf("%+v, %v", got, err)
		}
		p.Action, p.Body = history.AskCancel, "cancel"
		if got, err := r.Control(r.ctx, p); err != nil || got.Appeared || !got.Changed {
			t.Fatalf("%+v, %v", got, err)
		}
	}
	for i, ev := range r.all(func(ev history.Event) bool { return ev.Marker != nil }) {
		if want := []history.Op{history.OpBegin, history.OpCancel}[i%2]; ev.Marker.Op != want {
			t.Fatalf("operation %d is %+v, want %s", i, *ev.Marker, want)
		}
	}
}
