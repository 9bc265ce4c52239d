package probe

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

// A turn that no client sends is asked for, known to the model by its token, held,
// released, and has no client's side.
func TestAnExpectedTurnIsArrangedAndReachesTheModel(t *testing.T) {
	r := newRig(t)
	before := time.Now()
	var at time.Time
	jobs := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		var job struct {
			At     time.Time `json:"at"`
			Prompt string    `json:"prompt"`
		}
		if err := json.NewDecoder(req.Body).Decode(&job); err != nil || req.Header.Get("X-Key") != "k" || req.Header.Get("Content-Type") != "application/json" {
			writeError(w, http.StatusBadRequest, "bad", "no job")
			return
		}
		at = job.At
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"id":"j"}`)
		go func() {
			body := fmt.Sprintf(`{"messages":[{"role":"user","content":%q}]}`, job.Prompt)
			if resp, err := r.gateway.call(r.ctx, []byte(body)); err == nil {
				resp.Body.Close()
			}
		}()
	}))
	defer jobs.Close()

	id, err := r.Expect(r.ctx, wire.ExpectParams{Origin: history.OriginJob, Purpose: "by the clock", Script: wire.Script{Hold: true}})
	r.must(err)
	answer, err := r.Arrange(r.ctx, wire.ArrangeParams{
		Turn: id, Method: "POST", URL: jobs.URL, Header: map[string]string{"X-Key": "k"},
		Body: `{"at":"{{at}}","prompt":"` + id + ` please"}`, DueIn: time.Second, Late: time.Minute, Within: patience,
	})
	r.must(err)
	if answer.Status != 201 || !strings.Contains(answer.Body, "id") {
		t.Errorf("answered %+v", answer)
	}
	if d := at.Sub(before); d < time.Second || d > time.Second+patience {
		t.Errorf("due %s after the test began", d)
	}
	called := r.await("the model call", modelIs(id, history.ModelCalled))
	r.must(r.Release(r.ctx, id))
	r.await("done", modelIs(id, history.ModelDone))
	expected := r.await("that it is expected", turnIs(id, history.TurnExpected))
	arranged := r.await("that it is arranged", turnIs(id, history.TurnArranged))
	if expected.Turn.Origin != history.OriginJob || expected.Turn.Purpose != "by the clock" || expected.Call > arranged.Call {
		t.Errorf("expected: %+v", expected)
	}
	if a := arranged.Turn; a.Status != 201 || a.Outcome != "" || a.Late != time.Minute || a.Due != arranged.Call.Add(time.Second) {
		t.Errorf("arranged: %+v", a)
	}
	if arranged.Call > called.Call || called.Model.Auxiliary {
		t.Errorf("called: %+v", called)
	}
	r.must(r.Abort(r.ctx)) // nobody is there to hang up
	r.checkHistory()
}

func TestArrangementsThatFail(t *testing.T) {
	r := newRig(t)
	status, body := 0, ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	defer server.Close()
	gone := httptest.NewServer(nil)
	gone.Close()
	for name, c := range map[string]struct {
		status  int
		body    string
		url     string
		outcome history.TurnOutcome
		code    string
		fails   bool
	}{
		"accepted":       {202, `{}`, server.URL, "", "", false},
		"refused":        {503, `{"error":{"code":"draining"}}`, server.URL, history.Refused, "draining", false},
		"unavailable":    {503, `try later`, server.URL, history.Failed, "", false},
		"not found":      {404, `{"code":"unknown"}`, server.URL, history.Failed, "unknown", false},
		"nobody answers": {0, "", gone.URL, history.Failed, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			id, err := r.Expect(r.ctx, wire.ExpectParams{Origin: history.OriginBackground})
			r.must(err)
			status, body = c.status, c.body
			answer, err := r.Arrange(r.ctx, wire.ArrangeParams{Turn: id, Method: "POST", URL: c.url})
			if (err != nil) != c.fails || answer.Status != c.status {
				t.Errorf("got %+v, %v", answer, err)
			}
			if got := r.await("the answer", turnIs(id, history.TurnArranged)).Turn; got.Outcome != c.outcome || got.Code != c.code || got.Due != 0 {
				t.Errorf("recorded %+v", got)
			}
		})
	}
	client := r.send(wire.SubmitParams{})
	r.ended(client, history.Finished)
	for what, p := range map[string]wire.ArrangeParams{
		"is not expected": {Turn: client, Method: "POST", URL: server.URL},
		"no http://":      {Turn: mustExpect(r), Method: "POST", URL: "ftp://x"},
	} {
		if _, err := r.Arrange(r.ctx, p); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%v, want %q", err, what)
		}
	}
	if _, err := r.Expect(r.ctx, wire.ExpectParams{Origin: "whim"}); err == nil || !strings.Contains(err.Error(), "whim") {
		t.Errorf("an unknown origin: %v", err)
	}
}

func mustExpect(r *rig) string {
	id, err := r.Expect(r.ctx, wire.ExpectParams{Origin: history.OriginJob})
	r.must(err)
	return id
}

// The model wants its tools called one after the other, and then gives its reply;
// where it stands is told by the conversation.
func TestTheModelCallsTools(t *testing.T) {
	r := newRig(t)
	id, err := r.Expect(r.ctx, wire.ExpectParams{Origin: history.OriginJob, Script: wire.Script{Tools: []wire.ToolCall{
		{Name: "first", Arguments: `{"n":1}`}, {Name: "second", Arguments: `{}`},
	}}})
	r.must(err)
	said := []any{
		map[string]any{"role": "tool", "content": "of an earlier turn"},
		map[string]any{"role": "user", "content": id},
	}
	for _, stream := range []bool{false, true} {
		for step, want := range []string{`"name":"first","arguments":"{\"n\":1}"`, `"name":"second"`, ReplyText(id, 64)} {
			messages := said
			for range step {
				messages = append(messages, map[string]any{"role": "assistant"}, map[string]any{"role": "tool", "content": "done"})
			}
			body, err := json.Marshal(map[string]any{"stream": stream, "messages": messages})
			r.must(err)
			resp, err := http.Post("http://"+r.config.ModelAddress+"/v1/chat/completions", "application/json", bytes.NewReader(body))
			r.must(err)
			text, err := io.ReadAll(resp.Body)
			r.must(err)
			resp.Body.Close()
			finish := `"finish_reason":"tool_calls"`
			if step == 2 {
				finish = `"finish_reason":"stop"`
			}
			if !strings.Contains(string(text), want) || !strings.Contains(string(text), finish) {
				t.Errorf("stream %v, step %d: %s", stream, step, text)
			}
		}
	}
	var tools []string
	for _, ev := range r.awaitN("what it answered", 6, modelIs(id, history.ModelDone)) {
		tools = append(tools, ev.Model.Tool)
	}
	if got := strings.Join(tools, " "); got != "first second  first second " {
		t.Errorf("tools called: %q", got)
	}
	r.checkHistory()
}
