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
	if err != nil || whole != "echo: hello  you " {
		t.Errorf("got %q %v", whole, err)
	}
	var pieces []string
	reply, err := m.Stream(t.Context(), hello, func(piece string) error { pieces = append(pieces, piece); return nil })
	if err != nil || reply != whole || strings.Join(pieces, "") != whole || len(pieces) < 3 {
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

func TestOpenAI(t *testing.T) {
	stream := func(ctx context.Context) func(Model) (string, error) {
		return func(m Model) (string, error) {
			return m.Stream(ctx, hello, func(string) error { return nil })
		}
	}
	complete := func(m Model) (string, error) { return m.Complete(t.Context(), hello) }
	cases := map[string]struct {
		answer func(*modeltest.Call)
		call   func(Model) (string, error)
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
				reply string
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
			if (got.err != nil) != (c.reply == "!") || (got.err == nil && got.reply != c.reply) {
				t.Errorf("got %q, %v", got.reply, got.err)
			}
			if server.Count() != 1 {
				t.Errorf("called %d times", server.Count())
			}
		})
	}
}
