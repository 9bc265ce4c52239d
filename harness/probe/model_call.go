package probe

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"

	"github.com/drainproof/drainproof/harness/history"
)

// tokenBytes is how much text one emitted token is.
const tokenBytes = 4

// modelCall is one call of the model, from its handler's start to its end.
type modelCall struct {
	model    *model
	turn     *turn // nil: auxiliary
	number   int   // of the turn's calls, from 1
	req      modelRequest
	dialect  dialect
	streamed bool
	conn     net.Conn
	w        http.ResponseWriter
	flush    *http.ResponseController
	settled  chan struct{} // closed when it is recorded that the latch opened, or the caller has gone
	emits    chan emission
	alive    atomic.Int64 // history.Stamp: last instant at which the caller was certainly there

	text    string        // the reply, made when first needed
	readAt  history.Stamp // when its request was read
	begun   bool          // a stream has been begun: no status can be chosen any more
	written int           // bytes of the reply's text
	called  string        // the tool whose call it was answered with
}

type emission struct {
	tokens int
	done   chan error
}

func (c *modelCall) begin() {
	if t := c.turn; t != nil {
		t.mu.Lock()
		t.calls++
		c.number = t.calls
		t.open[c] = struct{}{}
		t.mu.Unlock()
	} else {
		c.number = 1
	}
	c.model.callers.add(c)
}

func (c *modelCall) end() {
	c.model.callers.remove(c)
	if t := c.turn; t != nil {
		t.mu.Lock()
		delete(t.open, c)
		t.mu.Unlock()
	}
	closeOnce(c.settled)
}

// settle waits until an opened latch has shown in the history.
func (c *modelCall) settle(ctx context.Context) error {
	select {
	case <-c.settled:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (c *modelCall) record(phase history.ModelPhase, call, ret history.Stamp) {
	m := &history.Model{Call: c.number, Phase: phase, Streamed: c.streamed, Auxiliary: c.turn == nil}
	if c.turn != nil {
		m.Turn, m.Fail = c.turn.id, c.turn.params.Script.Fail
	}
	if phase == history.ModelEmitted {
		m.Bytes = c.written
	}
	if phase == history.ModelDone {
		m.Tool = c.called
	}
	c.model.rec.record(history.Event{Kind: history.KindModel, Call: call, Return: ret, Model: m})
}

// gone records that the caller hung up: at some instant after it was last seen.
func (c *modelCall) gone() {
	c.record(history.ModelGone, history.Stamp(c.alive.Load()), now())
}

// wait holds the call until its latch opens, streaming what is emitted meanwhile.
// It says whether the call is to be answered.
func (c *modelCall) wait(ctx context.Context) bool {
	t := c.turn
	t.clock.halt() // the gateway is not what the client waits for
	defer t.clock.resume()
	if c.streamed && t.params.Script.Hold && t.params.Script.Fail == 0 {
		if err := c.beginStream(); err != nil {
			c.gone()
			return false
		}
	}
	for {
		select {
		case <-t.latch:
			ret := now()
			t.mu.Lock()
			call := max(t.releasedAt, c.readAt) // a latch may have been open before the call came
			t.mu.Unlock()
			c.record(history.ModelReleased, call, ret)
			closeOnce(c.settled)
			return true
		case e := <-c.emits:
			e.done <- c.emit(e.tokens)
		case <-ctx.Done():
			c.gone()
			return false
		}
	}
}

// reply is the text the call is answered with.
func (c *modelCall) reply() string {
	if c.text == "" {
		c.text = auxiliaryText
		if c.turn != nil {
			c.text = c.turn.want()
		}
	}
	return c.text
}

// emit streams tokens, each as a chunk of its own. The last token is kept for the
// release, so a held turn is never complete.
func (c *modelCall) emit(tokens int) error {
	if tool := c.tool(); tool != nil {
		return fmt.Errorf("this call will be answered with a call of %s and has no text to stream", tool.Name)
	}
	text := c.reply()
	if left := (len(text) - c.written - 1) / tokenBytes; tokens > left {
		return fmt.Errorf("its reply has %d tokens left to emit, not %d; submit it with a larger reply_bytes", left, tokens)
	}
	var call history.Stamp
	for range tokens {
		call = now()
		if err := c.writeText(text[c.written : c.written+tokenBytes]); err != nil {
			return fmt.Errorf("the gateway takes no more of the stream: %w", err)
		}
	}
	c.record(history.ModelEmitted, call, now())
	return nil
}
