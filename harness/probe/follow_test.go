package probe

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

// fakeRun is a run of the fake gateway.
type fakeRun struct {
	State  string         `json:"state"`
	Number int            `json:"number"`
	Result map[string]any `json:"result,omitempty"`
}

// async is the way in by which runs are created, with a shape of its own.
func (g *fakeGateway) async(like wire.Ingress) wire.Ingress {
	like.Name, like.Wire, like.URL = "async", wire.CreateThenPoll, g.server.URL+"/v1/runs"
	like.Body = `{"input":"{{prompt}}","to":"{{session}}","model":"{{model}}"}`
	like.Poll = &wire.Poll{
		URL: g.server.URL + "/v1/runs/{{run}}", Header: map[string]string{"X-Poll": "yes"},
		ID: "number", Status: "state", Reply: "result.text", Done: []string{"done"}, Failed: []string{"failed"},
	}
	return like
}

func (g *fakeGateway) createRun(w http.ResponseWriter, r *http.Request) {
	if g.misbehave != nil && g.misbehave(w, r) {
		return
	}
	var said struct{ Input, To, Model string }
	if json.NewDecoder(r.Body).Decode(&said) != nil || said.To != r.Header.Get("X-Session-Id") || said.Model != modelName {
		writeError(w, http.StatusBadRequest, "bad", "no run")
		return
	}
	if !g.claim() {
		writeError(w, http.StatusServiceUnavailable, "draining", "draining")
		return
	}
	g.mu.Lock()
	run := &fakeRun{State: "going", Number: len(g.runs) + 1}
	g.runs[fmt.Sprint(run.Number)] = run
	shown := *run
	g.mu.Unlock()
	go g.perform(run, said.Input)
	writeJSON(w, http.StatusAccepted, shown)
}

// modelSays has the model answer; it does not hang on its client.
func (g *fakeGateway) modelSays(input string) (text string, ok bool) {
	body, _ := json.Marshal(map[string]any{"messages": []any{map[string]any{"role": "user", "content": input}}})
	resp, err := g.call(context.Background(), body)
	if err != nil {
		return "", false
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(resp.Body)
	v, _ := decodeJSON(answer)
	found := textAt(v, chatShape.reply)
	return string(found), found != nil
}

func (g *fakeGateway) perform(run *fakeRun, input string) {
	defer g.release()
	state, text := "failed", any(nil)
	if found, ok := g.modelSays(input); ok {
		state, text = "done", found
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	run.State, run.Result = state, map[string]any{"text": text}
}

func (g *fakeGateway) showRun(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	run := g.runs[r.PathValue("id")]
	var shown fakeRun
	if run != nil {
		shown = *run
	}
	g.mu.Unlock()
	if run == nil || r.Header.Get("X-Poll") != "yes" {
		writeError(w, http.StatusNotFound, "unknown", "no such run")
		return
	}
	writeJSON(w, http.StatusOK, shown)
}

func (g *fakeGateway) showSession(w http.ResponseWriter, r *http.Request) {
	switch name := r.PathValue("id"); name {
	case "nobody":
		writeError(w, http.StatusNotFound, "unknown", "no such session")
	case "odd":
		writeJSON(w, http.StatusOK, map[string]any{"messages": "elsewhere"})
	default:
		writeJSON(w, http.StatusOK, map[string]any{"said": []any{
			map[string]any{"role": "user", "content": name + " dp-0000000000000001"},
			map[string]any{"role": "assistant", "content": "dp-0000000000000001 is done, dp-0000000000000002 too"},
		}})
	}
}

func TestARunIsFollowedToItsEnd(t *testing.T) {
	r := newRig(t)
	id := r.send(wire.SubmitParams{Ingress: "async", Script: wire.Script{Hold: true, ReplyBytes: 5000}})
	called := r.await("the model call", modelIs(id, history.ModelCalled))
	answered := r.await("that it was accepted", turnIs(id, history.TurnAnswered))
	r.await("the count of 1", countIs(history.Running, 1))
	if answered.Turn.Status != 202 || len(r.all(turnIs(id, history.TurnEnded))) > 0 {
		t.Fatalf("accepted: %+v", answered.Turn)
	}
	r.await("a while", func(ev history.Event) bool {
		return ev.State != nil && ev.Call.Sub(called.Return) > 100*time.Millisecond
	})
	r.must(r.Release(r.ctx, id))
	end := r.ended(id, history.Finished)
	released := r.await("released", modelIs(id, history.ModelReleased))
	if end.Turn.Bytes != 5000 || end.Return < released.Call || end.Return.Sub(released.Return) > patience/2 {
		t.Errorf("ended %+v in [%d, %d], released at %d", end.Turn, end.Call, end.Return, released.Return)
	}
	r.checkHistory()
}

func TestRunsThatAreRefusedFailOrGetLost(t *testing.T) {
	r := newRig(t)
	failed := r.ended(r.send(wire.SubmitParams{Ingress: "async", Script: wire.Script{Fail: 500}}), history.Failed)
	if !strings.Contains(failed.Turn.Detail, "its run is failed") {
		t.Errorf("detail %q", failed.Turn.Detail)
	}
	r.gateway.misbehave = func(w http.ResponseWriter, _ *http.Request) bool {
		writeJSON(w, http.StatusAccepted, map[string]any{"number": 99, "state": "going"})
		return true
	}
	lost := r.ended(r.send(wire.SubmitParams{Ingress: "async"}), history.Failed)
	if !strings.Contains(lost.Turn.Detail, "not known any more") {
		t.Errorf("detail %q", lost.Turn.Detail)
	}
	r.gateway.misbehave = func(w http.ResponseWriter, _ *http.Request) bool {
		writeJSON(w, http.StatusAccepted, map[string]any{"state": "going"})
		return true
	}
	if nameless := r.ended(r.send(wire.SubmitParams{Ingress: "async"}), history.Failed); !strings.Contains(nameless.Turn.Detail, "no run's ID at number") {
		t.Errorf("detail %q", nameless.Turn.Detail)
	}
	r.gateway.misbehave = nil
	r.must(r.Marker(r.ctx, wire.MarkerParams{Op: history.OpBegin}))
	r.await("draining", stateIs(history.Draining))
	if refused := r.ended(r.send(wire.SubmitParams{Ingress: "async"}), history.Refused); refused.Turn.Status != 503 || refused.Turn.Code != "draining" {
		t.Errorf("refused: %+v", refused.Turn)
	}
	r.checkHistory()
}

func TestAClientThatGivesUpOnItsRun(t *testing.T) {
	r := newRig(t)
	held := r.send(wire.SubmitParams{Ingress: "async", Script: wire.Script{Hold: true}})
	r.await("the model call", modelIs(held, history.ModelCalled))
	r.must(r.Abort(r.ctx, held))
	if got := r.all(turnIs(held, history.TurnEnded)); len(got) != 1 || got[0].Turn.Outcome != history.Aborted {
		t.Fatalf("at the reply to abort: %+v", got)
	}
	if st, err := r.Read(r.ctx, "file"); err != nil || st.Count != 1 {
		t.Errorf("the run lives on, and %+v is published, %v", st, err)
	}
	r.must(r.Release(r.ctx, held))
	r.await("the model's end", modelIs(held, history.ModelDone))
	r.gateway.misbehave = func(w http.ResponseWriter, _ *http.Request) bool {
		writeJSON(w, http.StatusAccepted, fakeRun{State: "going", Number: 1000})
		r.gateway.mu.Lock()
		defer r.gateway.mu.Unlock()
		r.gateway.runs["1000"] = &fakeRun{State: "going"}
		return true
	}
	r.ended(r.send(wire.SubmitParams{Ingress: "async", GiveUp: 50 * time.Millisecond}), history.Hung)
	if _, err := r.Submit(r.ctx, wire.SubmitParams{Ingress: "async", Stall: true}); err == nil || !strings.Contains(err.Error(), "can't stall") {
		t.Errorf("a stalled client of a run: %v", err)
	}
	r.checkHistory()
}

func TestQueuedTurns(t *testing.T) {
	r := newRig(t)
	r.gateway.misbehave = func(w http.ResponseWriter, _ *http.Request) bool {
		r.gateway.mu.Lock()
		defer r.gateway.mu.Unlock()
		r.gateway.runs["7"] = &fakeRun{State: "queued", Number: 7}
		writeJSON(w, http.StatusAccepted, r.gateway.runs["7"])
		return true
	}
	for _, ingress := range []string{"chat", "stream"} {
		id := r.send(wire.SubmitParams{Ingress: ingress})
		r.ended(id, history.Queued)
		r.await("that it was queued", turnIs(id, history.TurnQueued))
	}
	id := r.send(wire.SubmitParams{Ingress: "async", GiveUp: 20 * time.Millisecond})
	queued := r.await("that it was queued", turnIs(id, history.TurnQueued))
	r.await("more time than it has", func(ev history.Event) bool {
		return ev.State != nil && ev.Call.Sub(queued.Return) > 100*time.Millisecond
	})
	r.gateway.mu.Lock()
	r.gateway.runs["7"] = &fakeRun{State: "done", Number: 7, Result: map[string]any{"text": ReplyText(id, defaultReplyBytes)}}
	r.gateway.mu.Unlock()
	r.ended(id, history.Finished)
	r.checkHistory()
}

func TestTheHistoryOfASession(t *testing.T) {
	r := newRig(t)
	for name, want := range map[string][]string{"a b": {"dp-0000000000000001", "dp-0000000000000002"}, "nobody": nil} {
		r.must(r.Session(r.ctx, name))
		got := r.all(func(ev history.Event) bool { return ev.Session != nil && ev.Session.Name == name })
		if len(got) != 1 || !slices.Equal(got[0].Session.Turns, want) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if err := r.Session(r.ctx, "odd"); err == nil || !strings.Contains(err.Error(), "no messages at said") {
		t.Errorf("messages elsewhere: %v", err)
	}
	config := r.config
	config.Sessions = nil
	r.must(r.Configure(r.ctx, config))
	if err := r.Session(r.ctx, "a"); err == nil || !strings.Contains(err.Error(), "does not say") {
		t.Errorf("nothing is known of sessions: %v", err)
	}
}

func TestIngressesThatCanNotBe(t *testing.T) {
	r := newRig(t)
	for want, change := range map[string]func(*wire.Ingress){
		"does not speak":  func(in *wire.Ingress) { in.Wire = "smoke" },
		"needs poll":      func(in *wire.Ingress) { in.Poll = nil },
		"is no stream":    func(in *wire.Ingress) { in.Stream = true },
		"does not hold":   func(in *wire.Ingress) { in.Poll.URL = r.gateway.server.URL },
		"is no http://":   func(in *wire.Ingress) { in.Poll.URL = "https://runs/{{run}}" },
		"nothing is set":  func(in *wire.Ingress) { in.Queued = []wire.Recognise{{}} },
		"no other has it": func(in *wire.Ingress) { in.Wire = wire.OpenAIChat },
		"needs callback":  func(in *wire.Ingress) { in.Wire, in.Poll = wire.PostThenCallback, nil },
		"need reply":      func(in *wire.Ingress) { in.Wire, in.Poll = wire.JSON, nil },
		"needs done":      func(in *wire.Ingress) { in.Wire, in.Poll, in.Reply = wire.SSE, nil, "text" },
		"done: pattern 1": func(in *wire.Ingress) {
			in.Wire, in.Poll, in.Reply, in.Done = wire.SSE, nil, "text", []wire.StreamEvent{{}}
		},
	} {
		config := r.config
		in := config.Ingresses[2]
		poll := *in.Poll
		in.Poll = &poll
		change(&in)
		config.Ingresses = []wire.Ingress{in}
		config.ModelAddress = freePort(t)
		if err := r.Configure(r.ctx, config); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

// What the model streams while it holds a turn is in the history.
func TestEmissionsAreWrittenDown(t *testing.T) {
	r := newRig(t)
	id := r.send(wire.SubmitParams{Ingress: "stream", Script: wire.Script{Hold: true, ReplyBytes: 100}})
	sent := r.await("sent", turnIs(id, history.TurnSent))
	r.await("the model call", modelIs(id, history.ModelCalled))
	r.must(r.Emit(r.ctx, id, 2))
	if got := r.all(modelIs(id, history.ModelEmitted)); len(got) != 1 || got[0].Model.Bytes != 2*tokenBytes || !sent.Turn.Streams {
		t.Errorf("emitted %+v, sent %+v", got, sent.Turn)
	}
	r.must(r.Release(r.ctx, id))
	r.ended(id, history.Finished)
	failing := r.send(wire.SubmitParams{Script: wire.Script{Fail: 500}})
	if ev := r.await("the failing call", modelIs(failing, history.ModelCalled)); ev.Model.Fail != 500 {
		t.Errorf("%+v", ev.Model)
	}
}
