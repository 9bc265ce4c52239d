package probe

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

func TestATurnIsHeldReleasedAndFinishesWhole(t *testing.T) {
	for _, ingress := range []string{"chat", "stream"} {
		t.Run(ingress, func(t *testing.T) {
			r := newRig(t)
			id := r.send(wire.SubmitParams{Ingress: ingress, Purpose: "to be held", Script: wire.Script{Hold: true, ReplyBytes: 1000}})
			called := r.await("the model call", modelIs(id, history.ModelCalled))
			r.await("the count of 1", countIs(history.Running, 1))
			if got := r.all(modelIs(id, history.ModelReleased)); len(got) != 0 {
				t.Fatalf("released before it was told: %+v", got)
			}
			r.must(r.Release(r.ctx, id))
			released := r.all(modelIs(id, history.ModelReleased))
			if len(released) != 1 {
				t.Fatalf("the reply to release came before its event")
			}
			end := r.ended(id, history.Finished)
			if end.Turn.Bytes != 1000 || end.Turn.Purpose != "to be held" || end.Turn.Session != "s-"+id {
				t.Errorf("end: %+v", end.Turn)
			}
			done := r.await("done", modelIs(id, history.ModelDone))
			sent := r.await("sent", turnIs(id, history.TurnSent))
			if sent.Turn.ReplyBytes != 1000 || sent.Turn.Stalls {
				t.Errorf("sent: %+v", sent.Turn)
			}
			if sent.Call > called.Return || called.Return > released[0].Call || released[0].Call > done.Return || done.Call > end.Return {
				t.Errorf("out of order: sent %d.. called ..%d released %d.. done ..%d end ..%d",
					sent.Call, called.Return, released[0].Call, done.Return, end.Return)
			}
			r.await("the count of 0", after(called.Seq, countIs(history.Running, 0)))
			r.checkHistory()
		})
	}
}

func TestADrainRefusesNewTurnsAndTheModelNeverSeesThem(t *testing.T) {
	r := newRig(t)
	held := r.send(wire.SubmitParams{Script: wire.Script{Hold: true}})
	r.await("the model call", modelIs(held, history.ModelCalled))
	r.must(r.Marker(r.ctx, wire.MarkerParams{Op: history.OpBegin}))
	r.await("draining", countIs(history.Draining, 1))
	for _, ingress := range []string{"chat", "stream"} {
		late := r.send(wire.SubmitParams{Ingress: ingress})
		end := r.ended(late, history.Refused)
		if end.Turn.Status != 503 || end.Turn.RetryAfter != "7" || end.Turn.Code != "draining" {
			t.Errorf("the refusal: %+v", end.Turn)
		}
		if got := r.all(modelIs(late, history.ModelCalled)); len(got) > 0 {
			t.Errorf("it reached the model: %+v", got)
		}
	}
	r.must(r.Release(r.ctx))
	r.ended(held, history.Finished)
	drained := r.await("drained", countIs(history.Draining, 0))
	r.must(r.Marker(r.ctx, wire.MarkerParams{Op: history.OpCancel}))
	r.await("running", after(drained.Seq, stateIs(history.Running)))
	r.ended(r.send(wire.SubmitParams{}), history.Finished)
	r.checkHistory()
}

func TestOutcomes(t *testing.T) {
	say := func(status int, contentType, body string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
			return true
		}
	}
	broken := func(before string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			w.Header().Set("Content-Type", "text/event-stream")
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte(before))
			panic(http.ErrAbortHandler)
		}
	}
	const sse, js = "text/event-stream; charset=utf-8", "application/json"
	for name, c := range map[string]struct {
		ingress   string
		script    wire.Script
		misbehave func(http.ResponseWriter, *http.Request) bool
		want      history.TurnOutcome
		detail    string
		code      string
	}{
		"the model fails":            {script: wire.Script{Fail: 500}, want: history.Failed, detail: "status 500", code: "model_failure"},
		"the model fails, streamed":  {ingress: "stream", script: wire.Script{Fail: 429}, want: history.Busy, code: "model_failure"},
		"busy":                       {misbehave: say(429, js, `{"code":"full"}`), want: history.Busy, code: "full"},
		"a bare 503":                 {misbehave: say(503, "text/plain", "go away"), want: history.Failed, detail: "go away"},
		"another's reply":            {misbehave: say(200, js, `{"choices":[{"message":{"content":"dp-ffffffffffffffff"}}]}`), want: history.Failed, detail: "differs at byte"},
		"another sentence":           {misbehave: say(200, js, `{"choices":[{"message":{"content":"Sorry, I am on hold"}}]}`), want: history.Failed, detail: `begins with "Sorry, I am on hold", and the answer is none that "refused" describes`},
		"no reply":                   {misbehave: say(200, js, `{}`), want: history.Failed, detail: "no reply"},
		"HTML":                       {misbehave: say(200, "text/html", "<p>hello"), want: history.Failed, detail: "no reply"},
		"half a stream":              {ingress: "stream", misbehave: say(200, sse, "data: {\"choices\":[{\"delta\":{\"content\":\"dp-\"}}]}\n\ndata: [DONE]\n\n"), want: history.Cut, detail: "after 3 of 64"},
		"an empty stream":            {ingress: "stream", misbehave: say(200, sse, ""), want: history.Cut, detail: "after 0 of 64"},
		"an error within the stream": {ingress: "stream", misbehave: say(200, sse, "data: {\"error\":{\"code\":\"boom\"}}\n\n"), want: history.Failed, detail: "within the stream", code: "boom"},
		"a broken stream":            {ingress: "stream", misbehave: broken("data: {}\n\n"), want: history.Cut, detail: "closed before"},
		"a broken answer":            {misbehave: broken(""), want: history.Cut, detail: "closed before"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.gateway.misbehave = c.misbehave
			end := r.ended(r.send(wire.SubmitParams{Ingress: c.ingress, Script: c.script}), c.want)
			if !strings.Contains(end.Turn.Detail, c.detail) || end.Turn.Code != c.code {
				t.Errorf("detail %q, code %q; want %q, %q", end.Turn.Detail, end.Turn.Code, c.detail, c.code)
			}
			r.checkHistory()
		})
	}
}

func TestAWholeStreamWithoutItsEndIsCut(t *testing.T) {
	r := newRig(t)
	r.gateway.misbehave = func(w http.ResponseWriter, req *http.Request) bool {
		body := make([]byte, 4096)
		n, _ := req.Body.Read(body)
		text := ReplyText(tokenPattern.FindString(string(body[:n])), defaultReplyBytes)
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = w.Write([]byte(`data: {"choices":[{"delta":{"content":"` + text + `"}}]}` + "\n\n"))
		return true
	}
	end := r.ended(r.send(wire.SubmitParams{Ingress: "stream"}), history.Cut)
	if !strings.Contains(end.Turn.Detail, "that it is whole") {
		t.Errorf("detail %q", end.Turn.Detail)
	}
}

func TestAClientGivesUpOnASilentGateway(t *testing.T) {
	r := newRig(t)
	block := make(chan struct{})
	defer close(block)
	r.gateway.misbehave = func(http.ResponseWriter, *http.Request) bool { <-block; return true }
	id := r.send(wire.SubmitParams{GiveUp: 50 * time.Millisecond})
	end := r.ended(id, history.Hung)
	sent := r.await("sent", turnIs(id, history.TurnSent))
	if waited := end.Return.Sub(sent.Return); waited < 50*time.Millisecond {
		t.Errorf("gave up after %v", waited)
	}
}

func TestTimeInWhichTheModelHoldsATurnDoesNotCount(t *testing.T) {
	r := newRig(t)
	const giveUp = 400 * time.Millisecond // the gateway's own share must fit into it, on a slow machine too
	id := r.send(wire.SubmitParams{GiveUp: giveUp, Script: wire.Script{Hold: true}})
	called := r.await("the model call", modelIs(id, history.ModelCalled))
	r.await("more time than it has", func(ev history.Event) bool { return ev.State != nil && ev.Call.Sub(called.Return) > 2*giveUp })
	r.must(r.Release(r.ctx, id))
	r.ended(id, history.Finished)
}

func TestATurnNobodyAnswersIsUnsent(t *testing.T) {
	r := newRig(t)
	r.gateway.server.Close()
	end := r.ended(r.send(wire.SubmitParams{}), history.Unsent)
	if !strings.Contains(end.Turn.Detail, "refused") {
		t.Errorf("detail %q", end.Turn.Detail)
	}
}

func TestAbortedClients(t *testing.T) {
	r := newRig(t)
	id := r.send(wire.SubmitParams{Script: wire.Script{Hold: true}})
	called := r.await("the model call", modelIs(id, history.ModelCalled))
	waiting := r.send(wire.SubmitParams{When: &wire.When{State: history.Stopped}})
	r.must(r.Abort(r.ctx))
	for _, id := range []string{id, waiting} {
		if got := r.all(turnIs(id, history.TurnEnded)); len(got) != 1 || got[0].Turn.Outcome != history.Aborted {
			t.Fatalf("at the reply to abort: %+v", got)
		}
	}
	aborted := r.await("aborted", turnIs(id, history.TurnAborted))
	// This gateway passes the hang-up on to the model.
	gone := r.await("gone", modelIs(id, history.ModelGone))
	if gone.Call < called.Return || gone.Call > gone.Return || gone.Return < aborted.Call {
		t.Errorf("gone in [%d, %d], aborted from %d", gone.Call, gone.Return, aborted.Call)
	}
	r.await("the count of 0", after(called.Seq, countIs(history.Running, 0)))
	if got := r.all(turnIs(waiting, history.TurnSent)); len(got) != 0 {
		t.Errorf("the waiting turn was sent: %+v", got)
	}
	r.must(r.Abort(r.ctx, id)) // again is no error
	r.checkHistory()
}

func TestAStalledClientKeepsTheReplyFromBeingHandedOver(t *testing.T) {
	const size = 8 << 20 // beyond what the sockets take
	for _, ingress := range []string{"chat", "stream"} {
		t.Run(ingress, func(t *testing.T) {
			r := newRig(t)
			id := r.send(wire.SubmitParams{Ingress: ingress, Stall: true, GiveUp: patience, Script: wire.Script{ReplyBytes: size}})
			stalled := r.await("stalled", turnIs(id, history.TurnStalled))
			r.await("a while", func(ev history.Event) bool {
				return ev.State != nil && ev.Call.Sub(stalled.Return) > 200*time.Millisecond
			})
			if got := r.all(turnIs(id, history.TurnAnswered)); len(got) > 0 {
				t.Fatal("a stalled client read the headers")
			}
			if st, err := r.Read(r.ctx, "file"); err != nil || st.Count != 1 {
				t.Fatalf("the gateway handed 8 MB over to a client that does not read: %+v, %v", st, err)
			}
			r.must(r.Resume(r.ctx, id))
			if got := r.all(turnIs(id, history.TurnResumed)); len(got) != 1 {
				t.Fatalf("resumed %d times at the reply", len(got))
			}
			end := r.ended(id, history.Finished)
			if end.Turn.Bytes != size {
				t.Errorf("%d bytes", end.Turn.Bytes)
			}
			t.Logf("the rest took %v", end.Return.Sub(r.all(turnIs(id, history.TurnResumed))[0].Return))
			r.checkHistory()
		})
	}
}

func TestEmittedTokensAreTheBeginningOfTheReply(t *testing.T) {
	r := newRig(t)
	id := r.send(wire.SubmitParams{Ingress: "stream", Script: wire.Script{Hold: true, ReplyBytes: 100}})
	r.await("the model call", modelIs(id, history.ModelCalled))
	for i := range 3 {
		r.must(r.Emit(r.ctx, id, 2))
		r.await("progress", func(ev history.Event) bool {
			return turnIs(id, history.TurnProgress)(ev) && ev.Turn.Bytes == (i+1)*2*tokenBytes
		})
	}
	if err := r.Emit(r.ctx, id, 19); err == nil || !strings.Contains(err.Error(), "18 tokens left") {
		t.Errorf("more than is left: %v", err)
	}
	r.must(r.Emit(r.ctx, id, 18))
	if got := r.all(turnIs(id, history.TurnEnded)); len(got) > 0 {
		t.Fatalf("a held turn ended: %+v", got[0].Turn)
	}
	r.must(r.Release(r.ctx, id))
	r.ended(id, history.Finished)
	if err := r.Emit(r.ctx, id, 1); err == nil {
		t.Error("tokens of a turn that is over")
	}
	sync := r.send(wire.SubmitParams{Script: wire.Script{Hold: true}})
	r.await("the model call", modelIs(sync, history.ModelCalled))
	if err := r.Emit(r.ctx, sync, 1); err == nil || !strings.Contains(err.Error(), "stream") {
		t.Errorf("tokens of a call that is no stream: %v", err)
	}
	r.checkHistory()
}

func TestConnectionsOpenedEarlier(t *testing.T) {
	r := newRig(t)
	health := r.gateway.server.URL + "/health"
	r.must(r.Connections(r.ctx, wire.ConnectionsParams{Ingress: "chat", Names: []string{"a"}}))
	r.must(r.Connections(r.ctx, wire.ConnectionsParams{Ingress: "chat", Names: []string{"b"}, WarmURL: health}))
	for _, name := range []string{"a", "b"} {
		id := r.send(wire.SubmitParams{Connection: name})
		if end := r.ended(id, history.Finished); !end.Turn.Reused {
			t.Errorf("%s: not marked as reused", name)
		}
		if _, err := r.Submit(r.ctx, wire.SubmitParams{Ingress: "chat", Connection: name}); err == nil {
			t.Errorf("%s: used twice", name)
		}
	}
	r.must(r.Connections(r.ctx, wire.ConnectionsParams{Ingress: "chat", Names: []string{"closed"}, WarmURL: health}))
	r.gateway.server.CloseClientConnections()
	id := r.send(wire.SubmitParams{Connection: "closed"})
	if end := r.ended(id, history.Unsent); !end.Turn.Reused || !strings.Contains(end.Turn.Detail, "closed the connection") {
		t.Errorf("on a connection that the gateway has closed: %+v", end.Turn)
	}
	if err := r.Connections(r.ctx, wire.ConnectionsParams{Ingress: "nope", Names: []string{"c"}}); err == nil {
		t.Error("an unknown ingress")
	}
}

// A turn can leave its connection to another one, as often as is asked for; where the
// gateway closes it after the first, the others find it closed.
func TestConnectionsLeftByTurns(t *testing.T) {
	r := newRig(t)
	for _, closes := range []bool{false, true} {
		r.gateway.misbehave = func(w http.ResponseWriter, _ *http.Request) bool {
			if closes {
				w.Header().Set("Connection", "close")
			}
			return false
		}
		first := r.send(wire.SubmitParams{KeepAs: "one"})
		if end := r.ended(first, history.Finished); end.Turn.Reused {
			t.Error("the first turn has a connection of its own")
		}
		want := history.Finished
		if closes {
			want = history.Unsent
		}
		for _, p := range []wire.SubmitParams{{Connection: "one", KeepAs: "two"}, {Connection: "two"}} {
			if end := r.ended(r.send(p), want); !end.Turn.Reused {
				t.Errorf("closes %t: not marked as reused: %+v", closes, end.Turn)
			}
		}
	}
	if _, err := r.Submit(r.ctx, wire.SubmitParams{Ingress: "stream", KeepAs: "s"}); err == nil {
		t.Error("a stream leaves its connection to nobody")
	}
}

// What is sent in halves is there in part when Submit returns, and whole at its moment.
func TestSentInHalves(t *testing.T) {
	r := newRig(t)
	half := make(chan struct{}, 1) // is there, and no more
	r.gateway.head = func(req *http.Request) {
		some := make([]byte, req.ContentLength-req.ContentLength/2)
		if _, err := io.ReadFull(req.Body, some); err != nil {
			t.Errorf("the first half: %v", err)
		}
		half <- struct{}{}
		req.Body = io.NopCloser(io.MultiReader(bytes.NewReader(some), req.Body))
	}
	id := r.send(wire.SubmitParams{Halves: true, When: &wire.When{State: history.Draining}})
	<-half
	if sent := r.all(turnIs(id, history.TurnSent)); len(sent) > 0 {
		t.Errorf("sent before its moment: %+v", sent[0])
	}
	r.must(r.Marker(r.ctx, wire.MarkerParams{Op: history.OpBegin}))
	r.ended(id, history.Refused)
	sent := r.await("sent", turnIs(id, history.TurnSent))
	if begin := r.await("begun", func(ev history.Event) bool { return ev.Marker != nil }); sent.Call > begin.Call || sent.Return < begin.Call {
		t.Errorf("sent from %d to %d, the marker came from %d to %d", sent.Call, sent.Return, begin.Call, begin.Return)
	}
	gone := r.send(wire.SubmitParams{Halves: true, When: &wire.When{State: history.Stopped}})
	<-half
	r.must(r.Abort(r.ctx, gone))
	r.ended(gone, history.Aborted)
	if _, err := r.Submit(r.ctx, wire.SubmitParams{Ingress: "chat", Halves: true}); err == nil {
		t.Error("the second half has no moment")
	}
	r.checkHistory()
}

func TestATurnThrownAtAGatewayThatIsStarting(t *testing.T) {
	r := newRig(t)
	config := r.config
	address := freePort(t)
	config.Ingresses[0].URL = "http://" + address + "/v1/chat/completions"
	r.must(r.Configure(r.ctx, config))
	id := r.send(wire.SubmitParams{RetryFor: patience})
	begun := now()
	r.await("a while without a gateway", func(ev history.Event) bool { return ev.State != nil && ev.Call.Sub(begun) > 50*time.Millisecond })
	relay(t, address, r.gateway.server.Listener.Addr().String())
	listening := now()
	r.ended(id, history.Finished)
	sent := r.await("sent", turnIs(id, history.TurnSent))
	if sent.Call < begun.Add(50*time.Millisecond) || sent.Call.Sub(listening) > patience {
		t.Errorf("sent at %d, listening at %d", sent.Call, listening)
	}
}

func TestSubmitRefusesWhatCanNotBe(t *testing.T) {
	r := newRig(t)
	for name, p := range map[string]wire.SubmitParams{
		"unknown ingress":     {Ingress: "nope"},
		"unknown connection":  {Ingress: "chat", Connection: "nope"},
		"unknown state":       {Ingress: "chat", When: &wire.When{State: "resting"}},
		"unknown publication": {Ingress: "chat", When: &wire.When{State: "running", Publication: "nope"}},
		"an endless reply":    {Ingress: "chat", Script: wire.Script{ReplyBytes: maxBody}},
	} {
		if _, err := r.Submit(r.ctx, p); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for name, err := range map[string]error{
		"release": r.Release(r.ctx, "dp-nope"), "abort": r.Abort(r.ctx, "dp-nope"),
		"resume": r.Resume(r.ctx, "dp-nope"), "emit": r.Emit(r.ctx, "dp-nope", 1),
	} {
		if err == nil || !strings.Contains(err.Error(), "dp-nope") {
			t.Errorf("%s of an unknown turn: %v", name, err)
		}
	}
}
