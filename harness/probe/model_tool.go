package probe

import (
	"fmt"
	"net/http"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

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
	var call history.Stamp
	var err error
	if !c.streamed {
		call, err = c.writeBody(http.StatusOK, c.dialect.whole(c, &tool))
	} else if err = c.beginStream(); err == nil {
		call, err = c.dialect.end(c, &tool)
	}
	if err != nil {
		c.gone()
		return
	}
	c.record(history.ModelDone, call, now())
}

// toolCallID names a call of a tool; its result is told with it.
func (c *modelCall) toolCallID() string { return fmt.Sprintf("call-%s-%d", c.turn.id, c.number) }
