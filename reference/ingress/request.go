package ingress

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/drainproof/drainproof/reference/model"
	"github.com/drainproof/drainproof/reference/turn"
)

const (
	// maxBody is the longest request taken, in bytes.
	maxBody = 32 << 20
	// maxSession is the longest session name taken, in bytes.
	maxSession = 256
	// SessionHeader names the session a turn belongs to.
	SessionHeader = "X-Session-Id"
)

// chatRequest is what is used of a chat completion request; the rest is ignored.
type chatRequest struct {
	Model    string        `json:"model"`
	Stream   bool          `json:"stream"`
	Messages []chatMessage `json:"messages"`
}

type chatMessage struct {
	Role       string  `json:"role"`
	Content    content `json:"content"`
	ToolCallID string  `json:"tool_call_id"`
}

// content is a message's text: a string, null, or a list of parts of which those
// of type text count.
type content string

// UnmarshalJSON implements json.Unmarshaler.
func (c *content) UnmarshalJSON(raw []byte) error {
	var text *string
	if json.Unmarshal(raw, &text) == nil {
		if text != nil {
			*c = content(*text)
		}
		return nil
	}
	var parts []struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}
	if err := json.Unmarshal(raw, &parts); err != nil {
		return errors.New("content is neither a string nor a list of parts")
	}
	var all strings.Builder
	for _, part := range parts {
		if part.Type != "text" {
			return fmt.Errorf("content has a part of type %q; this gateway takes text only", part.Type)
		}
		all.WriteString(part.Text)
	}
	*c = content(all.String())
	return nil
}

var roles = map[string]bool{
	model.System: true, model.Developer: true, model.User: true, model.Assistant: true, model.Tool: true,
}

// parseRequest reads a turn out of an HTTP request.
func parseRequest(w http.ResponseWriter, r *http.Request) (request turn.Request, stream bool, err error) {
	request.Session = r.Header.Get(SessionHeader)
	if err := checkSession(request.Session); err != nil {
		return request, false, err
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return request, false, fmt.Errorf("the request's body could not be read: %w", err)
	}
	chat, err := parseChat(body)
	if err != nil {
		return request, false, err
	}
	request.Model = chat.Model
	for _, message := range chat.Messages {
		request.Messages = append(request.Messages, model.Message{
			Role: message.Role, Content: string(message.Content), ToolCallID: message.ToolCallID,
		})
	}
	return request, chat.Stream, nil
}

// parseChat reads the body of a chat completion request.
func parseChat(body []byte) (chatRequest, error) {
	var chat chatRequest
	if err := json.Unmarshal(body, &chat); err != nil {
		return chat, fmt.Errorf("the request's body is no chat completion request: %w", err)
	}
	if len(chat.Messages) == 0 {
		return chat, errors.New("the request has no messages; a turn needs at least one")
	}
	for i, message := range chat.Messages {
		if !roles[message.Role] {
			return chat, fmt.Errorf("messages[%d] has the role %q; known are system, developer, user, assistant and tool", i, message.Role)
		}
	}
	return chat, nil
}

func checkSession(session string) error {
	if len(session) > maxSession {
		return fmt.Errorf("the %s header is longer than %d bytes", SessionHeader, maxSession)
	}
	for _, char := range []byte(session) {
		if char < 0x20 || char == 0x7f {
			return fmt.Errorf("the %s header holds control characters", SessionHeader)
		}
	}
	return nil
}
