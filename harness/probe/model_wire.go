package probe

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

// dialect is the protocol of one model call. What is answered when is none of its
// affair: a tool to call, or nil for the reply, comes from the call.
type dialect interface {
	parse(body []byte) (modelRequest, error)
	whole(c *modelCall, tool *wire.ToolCall) any // an answer in one piece
	begin(c *modelCall) error                    // of a stream: what comes before the text
	text(c *modelCall, text string) error        // of a stream: the next piece of the reply
	// end ends a stream; it returns the stamp before its last piece.
	end(c *modelCall, tool *wire.ToolCall) (history.Stamp, error)
}

// modelRequest is what the model needs of a request.
type modelRequest struct {
	model  string
	stream bool
	usage  bool   // a stream is to end with what it used
	token  string // of the turn; "" when there is none
	steps  int    // results of tool calls since the user's last message
	prompt int    // bytes of user text, for a plausible usage
}

// said takes in the last message of the user's, which tells to which turn the request
// belongs: by the last token in it. Earlier ones are the session's history.
func (r *modelRequest) said(text string) {
	r.prompt = len(text)
	if found := tokenPattern.FindAllString(text, -1); len(found) > 0 {
		r.token = found[len(found)-1]
	}
}

// modelMessage is one message of a request, or a call of a tool or its result among them.
type modelMessage struct {
	Type    string          `json:"type"`
	Role    string          `json:"role"`
	Content json.RawMessage `json:"content"`
}

// read takes in the messages, the last first.
func (r *modelRequest) read(messages []modelMessage) {
	for _, m := range slices.Backward(messages) {
		if m.Role == "tool" || m.Type == "function_call_output" {
			r.steps++
		}
		if m.Role == "user" {
			r.said(textOf(m.Content))
			return
		}
	}
}

// textOf is the text of a message's content: a string, or an array of parts.
func textOf(content json.RawMessage) string {
	var s string
	if json.Unmarshal(content, &s) == nil {
		return s
	}
	var parts []struct {
		Text string `json:"text"`
	}
	if json.Unmarshal(content, &parts) != nil {
		return ""
	}
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(p.Text)
		b.WriteByte('\n')
	}
	return b.String()
}

// modelName is what the model calls itself when the gateway names none.
const modelName = "drainproof"

var modelList = map[string]any{
	"object": "list",
	"data":   []any{map[string]any{"id": modelName, "object": "model", "created": 0, "owned_by": "drainproof"}},
}

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
