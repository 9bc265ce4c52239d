package pod

import (
	"encoding/json"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/runtime"
	"github.com/drainproof/drainproof/harness/target"
	"github.com/drainproof/drainproof/harness/wire"
)

// resolved is a pod of which only the target is looked at.
type resolved struct {
	runtime.Pod
	as *runtime.Resolved
}

func (r resolved) Resolved() *runtime.Resolved { return r.as }

// asked is a gateway whose probe answers every request with a result, and keeps
// them.
func asked(t *testing.T, tg *target.Target, status int) (*Gateway, chan wire.Request) {
	t.Helper()
	as, err := runtime.Resolve(tg, "/home", map[string]int{"ingress": 81}, runtime.Listeners{Model: 1}, "")
	if err != nil {
		t.Fatal(err)
	}
	near, far := net.Pipe()
	g := &Gateway{o: Options{Target: tg}, pod: resolved{as: as}, probe: wire.NewClient(near, func(history.Event) {}), live: newLive()}
	t.Cleanup(func() { _ = g.probe.Close() })
	requests := make(chan wire.Request, 10)
	go func() {
		lines := wire.NewLineReader(far)
		for {
			line, err := lines.Next()
			if err != nil {
				return
			}
			r, err := wire.DecodeRequest(line)
			if err != nil {
				t.Error(err)
				return
			}
			requests <- r
			var result any = wire.SubmitResult{Turn: "dp-" + string(r.Verb)}
			if r.Verb == wire.VerbArrange {
				result = wire.ArrangeResult{Status: status, Body: "as told"}
			}
			m := wire.Message{ID: r.ID}
			m.Result, _ = json.Marshal(result)
			if line, err := wire.EncodeLine(m); err == nil {
				_, _ = far.Write(line)
			}
		}
	}()
	return g, requests
}

// sent decodes the next request, which must be of the verb.
func sent[T any](t *testing.T, requests chan wire.Request, verb wire.Verb) (params T) {
	t.Helper()
	r := <-requests
	if err := json.Unmarshal(r.Params, &params); err != nil || r.Verb != verb {
		t.Fatalf("%s %s, %v; want %s", r.Verb, r.Params, err, verb)
	}
	return params
}

func example() *target.Target {
	return &target.Target{
		Bounds:    target.Bounds{Observe: time.Second},
		Ingresses: []target.Ingress{{Name: "chat"}},
		Tools:     &target.Tools{Name: "clock", Arguments: map[string]any{"zone": "{{home}}"}},
		Jobs: &target.Jobs{
			Create:  target.Request{Method: "PUT", URL: "http://h:{{port.ingress}}/jobs", Body: `{"p":"{{prompt}}","at":"{{at}}"}`, Header: map[string]string{"X": "{{at}}"}},
			Soonest: time.Second, Late: time.Minute,
		},
		Background: &target.Background{
			Tool:     target.Call{Name: "spawn", Arguments: map[string]any{"as": "{{job}}", "deep": map[string]any{"text": "{{prompt}}"}}},
			Complete: target.Request{Method: "POST", URL: "http://h:{{port.ingress}}/{{job}}/end"},
		},
	}
}

func TestSchedule(t *testing.T) {
	g, requests := asked(t, example(), 201)
	s, err := g.Schedule(t.Context(), Job{In: time.Millisecond, Hold: true, Purpose: "p"})
	if err != nil || s.ID != "dp-expect" {
		t.Fatalf("%+v, %v", s, err)
	}
	if e := sent[wire.ExpectParams](t, requests, wire.VerbExpect); e.Origin != history.OriginJob || !e.Script.Hold || e.Purpose != "p" {
		t.Errorf("expected %+v", e)
	}
	a := sent[wire.ArrangeParams](t, requests, wire.VerbArrange)
	if a.Turn != "dp-expect" || a.Method != "PUT" || a.URL != "http://h:81/jobs" || a.Body != `{"p":"dp-expect please answer","at":"{{at}}"}` || a.Header["X"] != "{{at}}" {
		t.Errorf("arranged %+v", a)
	}
	if a.DueIn != time.Second || a.Late != time.Minute || a.Within != g.Grace() { // no sooner than the target can
		t.Errorf("arranged %+v", a)
	}
	g, _ = asked(t, example(), 400)
	if _, err := g.Schedule(t.Context(), Job{}); err == nil || !strings.Contains(err.Error(), "status 400: as told") {
		t.Errorf("a job that was not taken: %v", err)
	}
}

func TestStartBackground(t *testing.T) {
	g, requests := asked(t, example(), 503)
	b, err := g.StartBackground(t.Context(), Turn{Hold: true, Purpose: "p"})
	if err != nil {
		t.Fatal(err)
	}
	if e := sent[wire.ExpectParams](t, requests, wire.VerbExpect); e.Origin != history.OriginBackground || !e.Script.Hold {
		t.Errorf("expected %+v", e)
	}
	p := sent[wire.SubmitParams](t, requests, wire.VerbSubmit)
	if len(p.Script.Tools) != 1 || p.Script.Hold || p.Script.Tools[0] != (wire.ToolCall{Name: "spawn", Arguments: `{"as":"dp-expect","deep":{"text":"dp-expect please answer"}}`}) {
		t.Errorf("submitted %+v", p)
	}
	status, err := b.Complete(t.Context())
	if status != 503 || err != nil {
		t.Errorf("completed: %d, %v", status, err)
	}
	if a := sent[wire.ArrangeParams](t, requests, wire.VerbArrange); a.URL != "http://h:81/dp-expect/end" || a.DueIn != 0 || a.Turn != "dp-expect" {
		t.Errorf("arranged %+v", a)
	}
	if b.Starter.ID != "dp-submit" || b.Completion.ID != "dp-expect" {
		t.Errorf("%+v", b)
	}
}

func TestToolCalls(t *testing.T) {
	g, requests := asked(t, example(), 0)
	if _, err := g.Submit(t.Context(), Turn{ToolCalls: 2, Hold: true}); err != nil {
		t.Fatal(err)
	}
	p := sent[wire.SubmitParams](t, requests, wire.VerbSubmit)
	if len(p.Script.Tools) != 2 || p.Script.Tools[1] != (wire.ToolCall{Name: "clock", Arguments: `{"zone":"/home"}`}) || !p.Script.Hold {
		t.Errorf("submitted %+v", p.Script)
	}
}

func TestWhatATargetDoesNotSay(t *testing.T) {
	g, _ := asked(t, &target.Target{Bounds: target.Bounds{Observe: time.Second}, Ingresses: []target.Ingress{{Name: "chat"}}}, 0)
	if _, err := g.Schedule(t.Context(), Job{}); err == nil {
		t.Error("a job was scheduled")
	}
	if _, err := g.StartBackground(t.Context(), Turn{}); err == nil {
		t.Error("a background process was started")
	}
	if p := g.params(Turn{ToolCalls: 1}); p.Script.Tools != nil {
		t.Errorf("tools: %+v", p.Script.Tools)
	}
}
