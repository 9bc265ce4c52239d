package probe

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

// shaped are ways in whose answers look like nobody else's.
func (g *fakeGateway) shaped(like wire.Ingress) []wire.Ingress {
	like.Body = "{{prompt}}"
	// Refusals with 200 and a sentence.
	like.Refused = []wire.Recognise{{Status: 200, Text: "we are draining"}}
	whole, events, hook := like, like, like
	whole.Name, whole.Wire, whole.URL, whole.Reply = "json", wire.JSON, g.server.URL+"/ask", "answer.text"
	events.Name, events.Wire, events.URL, events.Reply, events.Stream = "sse", wire.SSE, g.server.URL+"/tail", "piece", true
	events.Done = []wire.StreamEvent{{Event: "^end$"}}
	events.Failed = []wire.StreamEvent{{JSON: map[string]string{"trouble": "."}}}
	hook.Name, hook.Wire, hook.URL = "hook", wire.PostThenCallback, g.server.URL+"/hook"
	hook.Callback = &wire.Callback{Reply: "say", Failed: []wire.Recognise{{JSON: map[string]string{"trouble": "."}}}}
	first := hook
	first.Name, first.URL = "hook-first", g.server.URL+"/hook-first"
	return []wire.Ingress{whole, events, hook, first}
}

func (g *fakeGateway) shapes(mux *http.ServeMux) {
	turn := func(path string, answer func(w http.ResponseWriter, input string)) {
		mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
			input, _ := io.ReadAll(r.Body)
			if g.misbehave != nil && g.misbehave(w, r) {
				return
			}
			if !g.claim() {
				fmt.Fprint(w, "Sorry, we are draining.")
				return
			}
			answer(w, string(input))
		})
	}
	turn("/ask", func(w http.ResponseWriter, input string) {
		defer g.release()
		text, ok := g.modelSays(input)
		if !ok {
			http.Error(w, "no model", http.StatusBadGateway)
			return
		}
		writeJSON(w, http.StatusOK, map[string]any{"answer": map[string]any{"text": text}})
	})
	turn("/tail", func(w http.ResponseWriter, input string) {
		defer g.release()
		w.Header().Set("Content-Type", "text/event-stream")
		text, ok := g.modelSays(input)
		if !ok {
			fmt.Fprint(w, "data: {\"trouble\": \"no model\"}\n\n")
			return
		}
		for i := 0; i < len(text); i += 10 {
			fmt.Fprintf(w, "event: piece\ndata: {\"piece\": %q}\n\n", text[i:min(i+10, len(text))])
		}
		fmt.Fprint(w, "event: end\n\n")
	})
	turn("/hook-first", g.handsOverFirst)
	turn("/hook", func(w http.ResponseWriter, input string) {
		w.WriteHeader(http.StatusAccepted)
		go func() {
			defer g.release()
			text, ok := g.modelSays(input)
			if !ok {
				g.tell(fmt.Sprintf("{\"about\": %q, \"trouble\": \"no model\"}", input))
				return
			}
			g.tell(fmt.Sprintf("{\"about\": %q, \"typing\": true}", input))
			g.tell(fmt.Sprintf("{\"say\": %q}", text))
		}()
	})
}

// handsOverFirst hands the reply over before it answers the request that brought the turn, as
// a bot does that works through what it is told.
func (g *fakeGateway) handsOverFirst(w http.ResponseWriter, input string) {
	defer g.release()
	text, ok := g.modelSays(input)
	if !ok {
		http.Error(w, "no model", http.StatusBadGateway)
		return
	}
	g.tell(fmt.Sprintf("{\"about\": %q, \"typing\": true}", input))
	g.tell(fmt.Sprintf("{\"say\": %q}", text))
	w.WriteHeader(http.StatusAccepted)
}

// tell hands something to the callback.
func (g *fakeGateway) tell(body string) {
	resp, err := g.client.Post("http://"+g.callback+"/replies", "application/json", strings.NewReader(body))
	if err != nil {
		g.t.Errorf("the callback: %v", err)
		return
	}
	_ = resp.Body.Close()
}

// Answers of any shape are read: accepted, failed and refused turns, and the ends of
// those that were held.
func TestShapes(t *testing.T) {
	for _, ingress := range []string{"json", "sse", "hook", "hook-first"} {
		t.Run(ingress, func(t *testing.T) {
			r := newRig(t)
			id := r.send(wire.SubmitParams{Ingress: ingress, Script: wire.Script{Hold: true, ReplyBytes: 5000}})
			r.await("the model call", modelIs(id, history.ModelCalled))
			r.await("the count of 1", countIs(history.Running, 1))
			if got := r.all(turnIs(id, history.TurnEnded)); len(got) > 0 {
				t.Fatalf("ended while the model holds it: %+v", got[0].Turn)
			}
			r.must(r.Release(r.ctx, id))
			end := r.ended(id, history.Finished)
			released := r.await("released", modelIs(id, history.ModelReleased))
			if end.Turn.Bytes != 5000 || end.Return < released.Call {
				t.Errorf("ended %+v in [%d, %d], released at %d", end.Turn, end.Call, end.Return, released.Return)
			}
			r.await("the count of 0", countIs(history.Running, 0))

			r.ended(r.send(wire.SubmitParams{Ingress: ingress, Script: wire.Script{Fail: 500}}), history.Failed)

			r.must(r.Marker(r.ctx, wire.MarkerParams{Op: history.OpBegin}))
			r.await("draining", stateIs(history.Draining))
			refused := r.ended(r.send(wire.SubmitParams{Ingress: ingress}), history.Refused)
			if refused.Turn.Status != http.StatusOK {
				t.Errorf("refused: %+v", refused.Turn)
			}
			r.checkHistory()
		})
	}
}

// A stream that ends without the event that says that it is whole was cut, and a
// reply that never comes is a client's that gave up.
func TestShapesThatEndTooSoon(t *testing.T) {
	r := newRig(t)
	r.gateway.misbehave = func(w http.ResponseWriter, req *http.Request) bool {
		if req.URL.Path == "/tail" {
			w.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprint(w, "data: {\"piece\": \"dp-\"}\n\n")
		} else {
			w.WriteHeader(http.StatusAccepted)
		}
		return true
	}
	r.ended(r.send(wire.SubmitParams{Ingress: "sse"}), history.Cut)
	r.ended(r.send(wire.SubmitParams{Ingress: "hook", GiveUp: 50 * time.Millisecond}), history.Hung)
	held := r.send(wire.SubmitParams{Ingress: "hook"})
	r.await("that it was accepted", turnIs(held, history.TurnAnswered))
	r.must(r.Abort(r.ctx, held))
	r.ended(held, history.Aborted)
	r.gateway.tell("nothing that belongs to a turn")
	r.gateway.tell(held + " comes when nobody waits for it")
	r.checkHistory()
}

// A reply that comes as a request can be left unread: its gateway goes on handing it over.
func TestAReplyLeftUnread(t *testing.T) {
	for _, ingress := range []string{"hook", "hook-first"} {
		t.Run(ingress, func(t *testing.T) {
			r := newRig(t)
			id := r.send(wire.SubmitParams{Ingress: ingress, Stall: true, Script: wire.Script{ReplyBytes: 8 << 20}})
			r.await("that it arrives", turnIs(id, history.TurnArriving))
			r.must(r.Resume(r.ctx, id))
			resumed := r.await("that it was resumed", turnIs(id, history.TurnResumed))
			r.ended(id, history.Finished)
			r.await("that the gateway is done with it", after(resumed.Seq, countIs(history.Running, 0)))
			r.checkHistory()
		})
	}
}
