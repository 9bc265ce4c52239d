package probe

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

func TestCallsOfNoTurnAreAuxiliary(t *testing.T) {
	r := newRig(t)
	for name, content := range map[string]any{
		"no token":            "Give this conversation a title.",
		"an unknown token":    "dp-ffffffffffffffff please answer",
		"parts without a one": []any{map[string]any{"type": "image_url"}, map[string]any{"type": "text", "text": "hm"}},
	} {
		if status, body := r.gateway.ask(content); status != 200 || !strings.Contains(body, auxiliaryText) {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	auxiliary := r.awaitN("auxiliary calls", 6, func(ev history.Event) bool { return ev.Model != nil })
	for _, ev := range auxiliary {
		if !ev.Model.Auxiliary || ev.Model.Turn != "" {
			t.Errorf("%+v", ev.Model)
		}
	}
}

func TestATurnIsFoundByTheLastTokenOfTheUsersLastMessage(t *testing.T) {
	r := newRig(t)
	id := r.send(wire.SubmitParams{Script: wire.Script{Hold: true}})
	r.await("the turn's own call", modelIs(id, history.ModelCalled))
	r.must(r.Release(r.ctx, id)) // once for all its calls
	for _, content := range []any{
		"earlier: dp-1111111111111111; now: " + id,
		[]any{map[string]any{"type": "text", "text": "dp-1111111111111111"}, map[string]any{"type": "text", "text": id}},
	} {
		if _, body := r.gateway.ask(content); !strings.Contains(body, ReplyText(id, 64)) {
			t.Errorf("%v: answered %s", content, body)
		}
	}
	calls := r.awaitN("its calls", 3, modelIs(id, history.ModelCalled))
	for i, ev := range calls {
		if ev.Model.Call != i+1 {
			t.Errorf("call %d is numbered %d", i+1, ev.Model.Call)
		}
	}
	for _, ev := range r.awaitN("their releases", 3, modelIs(id, history.ModelReleased)) {
		if ev.Call < calls[ev.Model.Call-1].Return {
			t.Errorf("call %d was released before it was there", ev.Model.Call)
		}
	}
	r.checkHistory()
}

func TestTheModelsOtherAnswers(t *testing.T) {
	r := newRig(t)
	base := "http://" + r.config.ModelAddress
	for path, want := range map[string]int{"/v1/models": 200, "/any/base/models": 200, "/v1/embeddings": 404} {
		resp, err := r.gateway.client.Get(base + path)
		r.must(err)
		body, err := io.ReadAll(resp.Body)
		r.must(err)
		resp.Body.Close()
		if resp.StatusCode != want || !json.Valid(body) {
			t.Errorf("GET %s: %d %s", path, resp.StatusCode, body)
		}
	}
	for _, body := range []string{``, `[]`, `{"messages":3}`} {
		resp, err := r.gateway.client.Post(base+"/v1/chat/completions", "application/json", strings.NewReader(body))
		r.must(err)
		resp.Body.Close()
		if resp.StatusCode != http.StatusBadRequest {
			t.Errorf("POST %q: %d", body, resp.StatusCode)
		}
	}
}

func TestAStreamEndsWithItsUsageWhereAsked(t *testing.T) {
	r := newRig(t)
	body := `{"stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"hello"}]}`
	resp, err := r.gateway.client.Post("http://"+r.config.ModelAddress+"/chat/completions", "application/json", strings.NewReader(body))
	r.must(err)
	defer resp.Body.Close()
	events := newEventReader(resp.Body)
	var all []string
	for {
		event, err := events.next()
		if err != nil {
			break
		}
		all = append(all, string(event.data))
	}
	if n := len(all); n < 5 || all[n-1] != "[DONE]" || !strings.Contains(all[n-2], `"total_tokens"`) || !strings.Contains(all[n-3], `"finish_reason":"stop"`) {
		t.Errorf("the stream was %s", strings.Join(all, "\n"))
	}
}

func TestReplyText(t *testing.T) {
	const token = "dp-0123456789abcdef"
	for _, n := range []int{0, 5, len(token), 64, 100_000} {
		text := ReplyText(token, n)
		if len(text) != max(n, len(token)) || !strings.HasPrefix(text, token) {
			t.Errorf("%d bytes: got %d, %.30q", n, len(text), text)
		}
		raw, err := json.Marshal(text)
		if err != nil || len(raw) != len(text)+2 {
			t.Errorf("%d bytes: JSON escapes something in it", n)
		}
		if got := tokenPattern.FindAllString(text, -1); len(got) != 1 {
			t.Errorf("%d bytes: holds tokens %v", n, got)
		}
		if !strings.HasPrefix(ReplyText(token, n+100), text) {
			t.Errorf("%d bytes: is not the beginning of a longer one", n)
		}
	}
	if ReplyText(token, 64)[19:] == ReplyText("dp-fedcba9876543210", 64)[19:] {
		t.Error("two turns have one reply")
	}
}
