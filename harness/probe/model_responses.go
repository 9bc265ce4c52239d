package probe

import (
	"cmp"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

// responsesDialect is that of POST .../responses.
type responsesDialect struct {
	events int // sent so far
}

var _ dialect = &responsesDialect{}

func (*responsesDialect) parse(body []byte) (modelRequest, error) {
	var read struct {
		Model  string          `json:"model"`
		Stream bool            `json:"stream"`
		Input  json.RawMessage `json:"input"`
	}
	if err := json.Unmarshal(body, &read); err != nil {
		return modelRequest{}, fmt.Errorf("the request is none for a response: %w", err)
	}
	r := modelRequest{model: cmp.Or(read.Model, modelName), stream: read.Stream}
	var text string
	if json.Unmarshal(read.Input, &text) == nil {
		r.said(text)
		return r, nil
	}
	var items []modelMessage
	if err := json.Unmarshal(read.Input, &items); err != nil {
		return r, fmt.Errorf("the request's input is neither a text nor a list of items: %w", err)
	}
	r.read(items)
	return r, nil
}

type object = map[string]any

func responseID(c *modelCall) string { return strings.Replace(c.id(), "chatcmpl", "resp", 1) }

// item is the one item of the output: the message, or a call of the tool.
func (*responsesDialect) item(c *modelCall, tool *wire.ToolCall, status, text string) object {
	if tool != nil {
		return object{
			"type": "function_call", "id": "fc-" + c.toolCallID(), "call_id": c.toolCallID(),
			"name": tool.Name, "arguments": text, "status": status,
		}
	}
	parts := []any{}
	if text != "" {
		parts = append(parts, part(text))
	}
	return object{"type": "message", "id": "msg-" + c.id(), "status": status, "role": "assistant", "content": parts}
}

func part(text string) object {
	return object{"type": "output_text", "text": text, "annotations": []any{}}
}

func (*responsesDialect) response(c *modelCall, status string, output ...any) object {
	out := object{
		"id": responseID(c), "object": "response", "created_at": time.Now().Unix(), "status": status,
		"model": c.req.model, "output": append([]any{}, output...), "error": nil, "incomplete_details": nil,
		"parallel_tool_calls": false, "tool_choice": "auto", "tools": []any{}, "metadata": object{},
	}
	if status == "completed" {
		u := c.usage()
		out["usage"] = object{
			"input_tokens": u.PromptTokens, "input_tokens_details": object{"cached_tokens": 0},
			"output_tokens": u.CompletionTokens, "output_tokens_details": object{"reasoning_tokens": 0},
			"total_tokens": u.TotalTokens,
		}
	}
	return out
}

func (d *responsesDialect) whole(c *modelCall, tool *wire.ToolCall) any {
	return d.response(c, "completed", d.item(c, tool, "completed", full(c, tool)))
}

// full is all the text of the item: the reply, or the tool's arguments.
func full(c *modelCall, tool *wire.ToolCall) string {
	if tool != nil {
		return tool.Arguments
	}
	return c.reply()
}

// send sends one event of the stream.
func (d *responsesDialect) send(c *modelCall, name string, fields object) error {
	fields["type"], fields["sequence_number"] = name, d.events
	d.events++
	return c.event(name, fields)
}

// at adds where in the output an event belongs.
func at(itemID any, more object) object {
	more["item_id"], more["output_index"] = itemID, 0
	return more
}

func (d *responsesDialect) begin(c *modelCall) error {
	for _, name := range []string{"response.created", "response.in_progress"} {
		if err := d.send(c, name, object{"response": d.response(c, "in_progress")}); err != nil {
			return err
		}
	}
	return nil
}

// open begins the message.
func (d *responsesDialect) open(c *modelCall) error {
	item := d.item(c, nil, "in_progress", "")
	if err := d.send(c, "response.output_item.added", object{"output_index": 0, "item": item}); err != nil {
		return err
	}
	return d.send(c, "response.content_part.added", at(item["id"], object{"content_index": 0, "part": part("")}))
}

func (d *responsesDialect) text(c *modelCall, text string) error {
	if c.written == 0 {
		if err := d.open(c); err != nil {
			return err
		}
	}
	return d.send(c, "response.output_text.delta", at("msg-"+c.id(), object{"content_index": 0, "delta": text, "logprobs": []any{}}))
}

func (d *responsesDialect) end(c *modelCall, tool *wire.ToolCall) (history.Stamp, error) {
	text := full(c, tool)
	item := d.item(c, tool, "completed", text)
	type event struct {
		name   string
		fields object
	}
	var last []event
	if tool != nil {
		last = append(last,
			event{"response.output_item.added", object{"output_index": 0, "item": d.item(c, tool, "in_progress", "")}},
			event{"response.function_call_arguments.delta", at(item["id"], object{"delta": text})},
			event{"response.function_call_arguments.done", at(item["id"], object{"arguments": text, "name": tool.Name})})
	} else {
		last = append(last,
			event{"response.output_text.done", at(item["id"], object{"content_index": 0, "text": text, "logprobs": []any{}})},
			event{"response.content_part.done", at(item["id"], object{"content_index": 0, "part": part(text)})})
	}
	last = append(last,
		event{"response.output_item.done", object{"output_index": 0, "item": item}},
		event{"response.completed", object{"response": d.response(c, "completed", item)}})
	var call history.Stamp
	for _, e := range last {
		call = now()
		if err := d.send(c, e.name, e.fields); err != nil {
			return call, err
		}
	}
	return call, nil
}
