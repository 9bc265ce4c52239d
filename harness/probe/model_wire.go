package probe

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// modelName is what the model calls itself when the gateway names none.
const modelName = "drainproof"

var modelList = map[string]any{
	"object": "list",
	"data":   []any{map[string]any{"id": modelName, "object": "model", "created": 0, "owned_by": "drainproof"}},
}

// chatRequest is what the model needs of a chat completion request.
type chatRequest struct {
	Model         string        `json:"model"`
	Stream        bool          `json:"stream"`
	Messages      []chatMessage `json:"messages"`
	StreamOptions *struct {
		IncludeUsage bool `json:"include_usage"`
	} `json:"stream_options"`

	token  string // of the turn; "" when there is none
	steps  int    // results of tool calls since the user's last message
	prompt int    // bytes of user text, for a plausible usage
}

type chatMessage struct {
	Role    string          `json:"role"`
	Content json.RawMessage `json:"content"`
}

// parseChat reads a request and finds the turn it belongs to: the last token in
// the last message of the user's. Earlier ones are the session's history.
func parseChat(body []byte) (chatRequest, error) {
	var r chatRequest
	if err := json.Unmarshal(body, &r); err != nil {
		return r, fmt.Errorf("the request is no chat completion: %w", err)
	}
	for i := len(r.Messages) - 1; i >= 0; i-- {
		if r.Messages[i].Role == "tool" {
			r.steps++
		}
		if r.Messages[i].Role != "user" {
			continue
		}
		text := r.Messages[i].text()
		r.prompt = len(text)
		if found := tokenPattern.FindAllString(text, -1); len(found) > 0 {
			r.token = found[len(found)-1]
		}
		break
	}
	if r.Model == "" {
		r.Model = modelName
	}
	return r, nil
}

// text is the message's content: a string, or an array of parts.
func (m chatMessage) text() string {
	var s string
	if json.Unmarshal(m.Content, &s) == nil {
		return s
	}
	var parts []struct {
		Text string `json:"text"`
	}
	if json.Unmarshal(m.Content, &parts) != nil {
		return ""
	}
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(p.Text)
		b.WriteByte('\n')
	}
	return b.String()
}

type usage struct {
	PromptTokens     int `json:"prompt_tokens"`
	CompletionTokens int `json:"completion_tokens"`
	TotalTokens      int `json:"total_tokens"`
}

func (c *modelCall) usage() usage {
	u := usage{PromptTokens: c.req.prompt/tokenBytes + 1, CompletionTokens: len(c.reply())/tokenBytes + 1}
	u.TotalTokens = u.PromptTokens + u.CompletionTokens
	return u
}

// id names the completion.
func (c *modelCall) id() string {
	if c.turn == nil {
		return "chatcmpl-auxiliary"
	}
	return fmt.Sprintf("chatcmpl-%s-%d", c.turn.id, c.number)
}

type completion struct {
	ID      string   `json:"id"`
	Object  string   `json:"object"`
	Created int64    `json:"created"`
	Model   string   `json:"model"`
	Choices []choice `json:"choices"`
	Usage   *usage   `json:"usage,omitempty"`
}

type choice struct {
	Index   int      `json:"index"`
	Message *content `json:"message,omitempty"`
	Delta   *content `json:"delta,omitempty"`
	Finish  *string  `json:"finish_reason"`
}

type content struct {
	Role      string     `json:"role,omitempty"`
	Content   string     `json:"content"`
	ToolCalls []toolCall `json:"tool_calls,omitempty"`
}

var finishStop = "stop"

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the caller may have gone; then nobody is to be told
}

// writeError answers in the shape of OpenAI's errors.
func writeError(w http.ResponseWriter, status int, code, message string) {
	writeJSON(w, status, errorBody(code, message))
}

func errorBody(code, message string) map[string]any {
	return map[string]any{"error": map[string]any{
		"message": message, "type": "drainproof_model", "param": nil, "code": code,
	}}
}
