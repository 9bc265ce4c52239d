package probe

import (
	"fmt"
	"net/http"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

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

// tool is what this call is to be answered with, if not with the reply. How far the
// turn has come is told by its conversation and not by a count of calls, so a turn
// that is run again goes the same way again.
func (c *modelCall) tool() *wire.ToolCall {
	if c.turn == nil || c.req.steps >= len(c.turn.params.Script.Tools) {
		return nil
	}
	return &c.turn.params.Script.Tools[c.req.steps]
}

// callTool answers with a call of the tool.
func (c *modelCall) callTool(tool wire.ToolCall) {
	c.called = tool.Name
	wish := &content{Role: "assistant", ToolCalls: []toolCall{{
		ID: fmt.Sprintf("call-%s-%d", c.turn.id, c.number), Type: "function", Function: function{Name: tool.Name, Arguments: tool.Arguments},
	}}}
	var call history.Stamp
	var err error
	if c.streamed {
		call, err = c.streamTool(wish)
	} else {
		u := c.usage()
		call, err = c.writeBody(http.StatusOK, completion{
			ID: c.id(), Object: "chat.completion", Created: time.Now().Unix(), Model: c.req.Model,
			Choices: []choice{{Message: wish, Finish: &finishToolCalls}}, Usage: &u,
		})
	}
	if err != nil {
		c.gone()
		return
	}
	c.record(history.ModelDone, call, now())
}

func (c *modelCall) streamTool(wish *content) (history.Stamp, error) {
	if err := c.beginStream(); err != nil {
		return 0, err
	}
	if err := c.chunk(choice{Delta: wish}, nil); err != nil {
		return 0, err
	}
	return c.endStream(&finishToolCalls)
}
