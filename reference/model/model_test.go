package model

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/drainproof/drainproof/reference/model/modeltest"
)

var hello = Request{Messages: []Message{{Role: System, Content: "be"}, {Role: User, Content: "hello  you "}, {Role: Assistant, Content: "x"}}}

func TestEcho(t *testing.T) {
	m, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	whole, err := m.Complete(t.Context(), hello)
	if err != nil || whole.Content != "echo: hello  you " {
		t.Errorf("got %q %v", whole, err)
	}
	var pieces []string
	reply, err := m.Stream(t.Context(), hello, func(piece string) error { pieces = append(pieces, piece); return nil })
	if err != nil || reply.Content != whole.Content || strings.Join(pieces, "") != whole.Content || len(pieces) < 3 {
		t.Errorf("got %q in %q, %v", reply, pieces, err)
	}
	enough := errors.New("enough")
	if _, err := m.Stream(t.Context(), hello, func(string) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("got %v", err)
	}
}

func TestBadBaseURL(t *testing.T) {
	for _, base := range []string{"model", "ftp://x/v1", "http://", "::"} {
		if _, err := New(Config{BaseURL: base}); err == nil || !strings.Contains(err.Error(), "MODEL_BASE_URL") {
			t.Errorf("%s: %v", base, err)
		}
	}
}

// A model may answer with tool calls, whole or in pieces, and is told their results.
func TestToolCalls(t *testing.T) {
	for _, stream := range []bool{false, true} {
		server := modeltest.New(t)
		m, err := New(Config{BaseURL: server.URL})
		if err != nil {
			t.Fatal(err)
		}
		want := ToolCall{ID: "call-1", Name: "clock", Arguments: `{"zone":"UTC"}`}
		request := Request{Tools: []ToolSpec{{Name: "clock"}}, Messages: []Message{
			{Role: User, Content: "x"}, {Role: Assistant, ToolCalls: []ToolCall{want}}, {Role: Tool, ToolCallID: want.ID, Content: "noon"},
		}}
		replies := make(chan Reply, 1)
		go func() {
			ask := m.Complete
			if stream {
				ask = func(ctx context.Context, request Request) (Reply, error) {
					return m.Stream(ctx, request, func(string) error { return nil })
				}
			}
			reply, err := ask(t.Context(), request)
			if err != nil {
				t.Error(err)
			}
			replies <- reply
		}()
		call := server.Next(t)
		if len(call.Tools) != 1 || call.Tools[0] != want.Name {
			t.Errorf("offered %v", call.Tools)
		}
		if len(call.Messages) != 3 || call.Messages[2].ToolCallID != want.ID || call.Messages[2].Content != "noon" {
			t.Errorf("told %+v", call.Messages)
		}
		call.CallTool(want.ID, want.Name, want.Arguments)
		reply := <-replies
		if len(reply.ToolCalls) != 1 || reply.ToolCalls[0] != want || reply.Content != "" {
			t.Errorf("stream=%t: got %+v", stream, reply)
		}
	}
}

func TestOpenAI(t *testing.T) {
	stream := func(ctx context.Context) func(Model) (Reply, error) {
		return func(m Model) (Reply, error) {
			return m.Stream(ctx, hello, func(string) error { return nil })
		}
	}
	complete := func(m Model) (Reply, error) { return m.Complete(t.Context(), hello) }
	cases := map[string]struct {
		answer func(*modeltest.Call)
		call   func(Model) (Reply, error)
		reply  string // "!" = an error
	}{
		"complete":   {func(c *modeltest.Call) { c.Reply("yes") }, complete, "yes"},
		"stream":     {func(c *modeltest.Call) { c.Emit("y"); c.Emit("e"); c.Reply("s") }, stream(t.Context()), "yes"},
		"500":        {func(c *modeltest.Call) { c.Fail(http.StatusInternalServerError) }, complete, "!"},
		"429":        {func(c *modeltest.Call) { c.Fail(http.StatusTooManyRequests) }, complete, "!"},
		"stream 500": {func(c *modeltest.Call) { c.Fail(http.StatusInternalServerError) }, stream(t.Context()), "!"},
		"cut":        {func(c *modeltest.Call) { c.Emit("y"); c.End() }, stream(t.Context()), "!"},
		"nothing":    {func(c *modeltest.Call) { c.End() }, complete, "!"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			server := modeltest.New(t)
			m, err := New(Config{BaseURL: server.URL, Name: "configured", APIKey: "key"})
			if err != nil {
				t.Fatal(err)
			}
			type result struct {
				reply Reply
				err   error
			}
			results := make(chan result, 1)
			go func() {
				reply, err := c.call(m)
				results <- result{reply, err}
			}()
			call := server.Next(t)
			if call.Model != "configured" || len(call.Messages) != 3 || call.Messages[1].Content != hello.Messages[1].Content {
				t.Errorf("the model was asked %+v", call)
			}
			c.answer(call)
			got := <-results
			if (got.err != nil) != (c.reply == "!") || (got.err == nil && got.reply.Content != c.reply) {
				t.Errorf("got %+v, %v", got.reply, got.err)
			}
			if server.Count() != 1 {
				t.Errorf("called %d times", server.Count())
			}
		})
	}
}
