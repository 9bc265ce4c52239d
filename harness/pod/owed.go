package pod

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/target"
	"github.com/drainproof/drainproof/harness/wire"
)

// What a spec does to have the gateway start turns that no client sends, and turns
// that call the model more than once.

// toolCalls are n calls of the tool that the target declares.
func (g *Gateway) toolCalls(n int) []wire.ToolCall {
	tools := g.o.Target.Tools
	if n == 0 || tools == nil {
		return nil
	}
	calls := make([]wire.ToolCall, n)
	for i := range calls {
		calls[i] = wire.ToolCall{Name: tools.Name, Arguments: g.arguments(tools.Arguments, nil)}
	}
	return calls
}

// arguments writes a tool's arguments as a model does, with names filled in.
func (g *Gateway) arguments(values map[string]any, names map[string]string) string {
	if values == nil {
		return "{}"
	}
	text, err := json.Marshal(values)
	if err != nil {
		return "{}" // they came out of a file as JSON
	}
	return g.pod.Resolved().ExpandWith(string(text), names)
}

// Job is a turn that the gateway is to start by the clock.
type Job struct {
	In      time.Duration // due so long from now; the target's soonest at least
	Hold    bool          // the model holds it until Release
	Purpose string
}

// Schedule has the gateway schedule a job; it does not wait for it.
func (g *Gateway) Schedule(ctx context.Context, j Job) (*Submitted, error) {
	jobs := g.o.Target.Jobs
	if jobs == nil {
		return nil, errors.New("the target says nothing of jobs")
	}
	s, err := g.expect(ctx, history.OriginJob, j.Purpose, j.Hold)
	if err != nil {
		return nil, err
	}
	answer, err := g.arrange(ctx, s, jobs.Create, wire.ArrangeParams{DueIn: max(j.In, jobs.Soonest), Late: jobs.Late})
	if err != nil {
		return nil, err
	}
	if answer.Status/100 != 2 {
		return nil, fmt.Errorf("a job could not be scheduled: status %d: %s; check jobs.create in %s", answer.Status, answer.Body, g.o.Target.Path)
	}
	return s, nil
}

// Background is a background process of the gateway's.
type Background struct {
	Starter    *Submitted // the turn in which the model has it started
	Completion *Submitted // the turn that its completion leads to
}

// StartBackground submits a turn whose model starts a background process. The turn
// that follows from its completion is held by the model, when the turn says so.
func (g *Gateway) StartBackground(ctx context.Context, t Turn) (*Background, error) {
	background := g.o.Target.Background
	if background == nil {
		return nil, errors.New("the target says nothing of background processes")
	}
	completion, err := g.expect(ctx, history.OriginBackground, t.Purpose+": its completion", t.Hold)
	if err != nil {
		return nil, err
	}
	t.Hold = false
	p := g.params(t)
	p.Script.Tools = []wire.ToolCall{{Name: background.Tool.Name, Arguments: g.arguments(background.Tool.Arguments, names(completion))}}
	id, err := g.probe.Submit(ctx, p)
	if err != nil {
		return nil, err
	}
	return &Background{Starter: &Submitted{ID: id, gw: g}, Completion: completion}, nil
}

// Complete ends the background process. What the gateway answers is in the history;
// the status is returned for specs that depend on it.
func (b *Background) Complete(ctx context.Context) (status int, err error) {
	g := b.Completion.gw
	answer, err := g.arrange(ctx, b.Completion, g.o.Target.Background.Complete, wire.ArrangeParams{})
	return answer.Status, err
}

// names are filled in where a target speaks of a turn that no client sends: its
// token is in both, so that its model calls are known whatever a gateway tells of it.
func names(s *Submitted) map[string]string {
	return map[string]string{"job": s.ID, "prompt": s.ID + " please answer", "at": wire.AtPlaceholder}
}

func (g *Gateway) expect(ctx context.Context, origin, purpose string, hold bool) (*Submitted, error) {
	id, err := g.probe.Expect(ctx, wire.ExpectParams{Origin: origin, Purpose: purpose, Script: wire.Script{Hold: hold}})
	if err != nil {
		return nil, err
	}
	return &Submitted{ID: id, gw: g}, nil
}

func (g *Gateway) arrange(ctx context.Context, s *Submitted, r target.Request, p wire.ArrangeParams) (wire.ArrangeResult, error) {
	resolved := g.pod.Resolved()
	p.Turn, p.Method, p.Within = s.ID, r.Method, g.Grace()
	p.URL, p.Body = resolved.ExpandWith(r.URL, names(s)), resolved.ExpandWith(r.Body, names(s))
	p.Header = map[string]string{}
	for name, value := range r.Header {
		p.Header[name] = resolved.ExpandWith(value, names(s))
	}
	return g.probe.Arrange(ctx, p)
}
