// Package modeltest is a model for tests: an OpenAI-compatible server that holds
// every call until the test answers it. It imports nothing of the project.
package modeltest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

// Patience is how long a test waits for what must happen.
const Patience = 20 * time.Second

// Server is the model.
type Server struct {
	URL   string // for MODEL_BASE_URL
	calls chan *Call
	count atomic.Int64
	over  chan struct{}
}

// Call is one call the model holds.
type Call struct {
	Model    string
	Streamed bool
	Messages []Message
	Tools    []string // names of the tools that the model may call

	w       http.ResponseWriter
	gone    <-chan struct{}
	begun   bool
	answers chan func() // run by the handler
	done    chan struct{}
}

// Message is one message of a call.
type Message struct {
	Role       string `json:"role"`
	Content    string `json:"content"`
	ToolCallID string `json:"tool_call_id"`
}

// New starts a model that ends with the test.
func New(t testing.TB) *Server {
	s := &Server{calls: make(chan *Call, 4096), over: make(chan struct{})}
	server := httptest.NewServer(http.HandlerFunc(s.serve))
	s.URL = server.URL + "/v1"
	t.Cleanup(func() {
		close(s.over)
		server.CloseClientConnections()
		server.Close()
	})
	return s
}

// Count is how many calls came so far.
func (s *Server) Count() int { return int(s.count.Load()) }

// Next returns the next call, in the order in which they came.
func (s *Server) Next(t testing.TB) *Call {
	t.Helper()
	select {
	case call := <-s.calls:
		return call
	case <-time.After(Patience):
		t.Fatal("no call reached the model")
		return nil
	}
}

// Calls is where the calls come, in order, for tests that wait for something else
// as well.
func (s *Server) Calls() <-chan *Call { return s.calls }

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Model    string    `json:"model"`
		Stream   bool      `json:"stream"`
		Messages []Message `json:"messages"`
		Tools    []struct {
			Function struct{ Name string }
		} `json:"tools"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil || r.URL.Path != "/v1/chat/completions" {
		http.Error(w, "not a chat completion", http.StatusBadRequest)
		return
	}
	call := &Call{
		Model: body.Model, Streamed: body.Stream, Messages: body.Messages,
		w: w, gone: r.Context().Done(), answers: make(chan func()), done: make(chan struct{}),
	}
	for _, tool := range body.Tools {
		call.Tools = append(call.Tools, tool.Function.Name)
	}
	s.count.Add(1)
	s.calls <- call
	for {
		select {
		case answer := <-call.answers:
			answer()
		case <-call.done:
			return
		case <-call.gone:
			return
		case <-s.over:
			return
		}
	}
}

// Gone is closed when the gateway hung up.
func (c *Call) Gone() <-chan struct{} { return c.gone }

// Reply answers with a whole reply and ends the call.
func (c *Call) Reply(text string) {
	if c.Streamed {
		c.Emit(text)
		c.do(func() {
			c.event(map[string]any{}, "stop")
			fmt.Fprint(c.w, "data: [DONE]\n\n")
		})
	} else {
		c.do(func() { c.whole(map[string]any{"role": "assistant", "content": text}, "stop") })
	}
	c.End()
}

// CallTool answers with the wish to have a tool called, and ends the call. A stream
// brings the arguments in two pieces.
func (c *Call) CallTool(id, name, arguments string) {
	wish := func(id, name, arguments string) map[string]any {
		return map[string]any{"role": "assistant", "content": nil, "tool_calls": []any{map[string]any{
			"index": 0, "id": id, "type": "function", "function": map[string]any{"name": name, "arguments": arguments},
		}}}
	}
	if c.Streamed {
		half := len(arguments) / 2
		c.do(func() {
			c.event(wish(id, name, arguments[:half]), nil)
			c.event(wish("", "", arguments[half:]), nil)
			c.event(map[string]any{}, "tool_calls")
			fmt.Fprint(c.w, "data: [DONE]\n\n")
		})
	} else {
		c.do(func() { c.whole(wish(id, name, arguments), "tool_calls") })
	}
	c.End()
}

// Emit streams a piece of the reply; the call goes on.
func (c *Call) Emit(piece string) {
	c.do(func() { c.event(map[string]any{"role": "assistant", "content": piece}, nil) })
}

// Fail answers with an HTTP status and ends the call.
func (c *Call) Fail(status int) {
	c.do(func() { http.Error(c.w, `{"error":{"message":"as the test wishes"}}`, status) })
	c.End()
}

// End ends the call as it stands: a stream is cut.
func (c *Call) End() {
	select {
	case c.done <- struct{}{}:
	case <-c.gone:
	case <-time.After(Patience):
	}
}

func (c *Call) do(answer func()) {
	finished := make(chan struct{})
	select {
	case c.answers <- func() { answer(); close(finished) }:
		<-finished
	case <-c.gone:
	case <-time.After(Patience):
	}
}

func (c *Call) whole(message map[string]any, finish string) {
	c.w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(c.w).Encode(map[string]any{
		"id": "x", "object": "chat.completion", "created": 1, "model": "test",
		"choices": []any{map[string]any{"index": 0, "finish_reason": finish, "message": message}},
	})
}

func (c *Call) event(delta map[string]any, finish any) {
	if !c.begun {
		c.begun = true
		c.w.Header().Set("Content-Type", "text/event-stream")
	}
	chunk, _ := json.Marshal(map[string]any{
		"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "test",
		"choices": []any{map[string]any{"index": 0, "delta": delta, "finish_reason": finish}},
	})
	fmt.Fprintf(c.w, "data: %s\n\n", chunk)
	_ = http.NewResponseController(c.w).Flush()
}
