package probe

import (
	"cmp"
	"encoding/json"
	"fmt"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

// chatDialect is that of POST .../chat/completions.
type chatDialect struct{}

var _ dialect = chatDialect{}

func (chatDialect) parse(body []byte) (modelRequest, error) {
	var read struct {
		Model         string         `json:"model"`
		Stream        bool           `json:"stream"`
		Messages      []modelMessage `json:"messages"`
		StreamOptions struct {
			IncludeUsage bool `json:"include_usage"`
		} `json:"stream_options"`
	}
	if err := json.Unmarshal(body, &read); err != nil {
		return modelRequest{}, fmt.Errorf("the request is no chat completion: %w", err)
	}
	r := modelRequest{model: cmp.Or(read.Model, modelName), stream: read.Stream, usage: read.StreamOptions.IncludeUsage}
	r.read(read.Messages)
	return r, nil
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

// toolCall is a call of a tool in the model's answer, whole or as a chunk of one.
type toolCall struct {
	Index    int      `json:"index"`
	ID       string   `json:"id"`
	Type     string   `json:"type"`
	Function function `json:"function"`
}

type function struct {
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

var finishToolCalls = "tool_calls"

// says is the model's message, and why it ends.
func (chatDialect) says(c *modelCall, tool *wire.ToolCall) (*content, *string) {
	if tool == nil {
		return &content{Role: "assistant", Content: c.reply()}, &finishStop
	}
	return &content{Role: "assistant", ToolCalls: []toolCall{{
		ID: c.toolCallID(), Type: "function", Function: function{Name: tool.Name, Arguments: tool.Arguments},
	}}}, &finishToolCalls
}

func (d chatDialect) whole(c *modelCall, tool *wire.ToolCall) any {
	message, finish := d.says(c, tool)
	u := c.usage()
	return completion{
		ID: c.id(), Object: "chat.completion", Created: time.Now().Unix(), Model: c.req.model,
		Choices: []choice{{Message: message, Finish: finish}}, Usage: &u,
	}
}

// chunk sends one event of the stream; one with a usage has no choice.
func (chatDialect) chunk(c *modelCall, ch choice, u *usage) error {
	msg := completion{
		ID: c.id(), Object: "chat.completion.chunk", Created: time.Now().Unix(), Model: c.req.model,
		Choices: []choice{ch}, Usage: u,
	}
	if u != nil {
		msg.Choices = []choice{}
	}
	return c.event("", msg)
}

// begin sends the chunk that says who speaks.
func (d chatDialect) begin(c *modelCall) error {
	return d.chunk(c, choice{Delta: &content{Role: "assistant"}}, nil)
}

func (d chatDialect) text(c *modelCall, text string) error {
	return d.chunk(c, choice{Delta: &content{Content: text}}, nil)
}

// end says why the answer ends here, and ends it.
func (d chatDialect) end(c *modelCall, tool *wire.ToolCall) (history.Stamp, error) {
	message, finish := d.says(c, tool)
	if tool != nil {
		if err := d.chunk(c, choice{Delta: message}, nil); err != nil {
			return 0, err
		}
	}
	if err := d.chunk(c, choice{Delta: &content{}, Finish: finish}, nil); err != nil {
		return 0, err
	}
	if c.req.usage {
		u := c.usage()
		if err := d.chunk(c, choice{}, &u); err != nil {
			return 0, err
		}
	}
	call := now()
	if _, err := fmt.Fprint(c.w, "data: [DONE]\n\n"); err != nil {
		return call, err
	}
	return call, c.flush.Flush()
}
