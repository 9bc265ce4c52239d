package wire

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"

	"github.com/drainproof/drainproof/harness/history"
)

// ErrClosed is what calls fail with after Close.
var ErrClosed = errors.New("wire: the conversation with the probe was closed")

// Client is the suite's end of a conversation with a probe. It is safe for
// concurrent use; every call is answered on its own, in whatever order the probe
// is done with them.
type Client struct {
	rw      io.ReadWriteCloser
	onEvent func(history.Event)
	ids     atomic.Uint64
	lines   chan []byte   // to the writer
	done    chan struct{} // closed when the conversation is over

	mu      sync.Mutex
	pending map[uint64]chan Message
	err     error // why it is over
}

// NewClient begins a conversation over rw, the probe's standard input and output.
// onEvent is called for every event, in the probe's order, by one goroutine, and
// returns before any later reply is handed to its caller; it must not call the
// client. The client owns rw from here on.
func NewClient(rw io.ReadWriteCloser, onEvent func(history.Event)) *Client {
	c := &Client{
		rw:      rw,
		onEvent: onEvent,
		lines:   make(chan []byte),
		done:    make(chan struct{}),
		pending: map[uint64]chan Message{},
	}
	go c.read()
	go c.write()
	return c
}

// Done is closed when the conversation is over, for whatever reason.
func (c *Client) Done() <-chan struct{} { return c.done }

// Err says why the conversation is over, and nil while it is not.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Close ends the conversation; pending calls fail with ErrClosed. It may be
// called more than once.
func (c *Client) Close() error {
	c.fail(ErrClosed)
	return nil
}

// Call asks for one thing and waits for its reply. Params may be nil; result is
// a pointer, or nil when there is none or it isn't wanted. When ctx ends first
// the probe is not told: what was asked for may still happen.
func (c *Client) Call(ctx context.Context, verb Verb, params, result any) error {
	req := Request{ID: c.ids.Add(1), Verb: verb}
	if params != nil {
		raw, err := json.Marshal(params)
		if err != nil {
			return fmt.Errorf("wire: %s: encode the parameters: %w", verb, err)
		}
		req.Params = raw
	}
	line, err := EncodeLine(req)
	if err != nil {
		return fmt.Errorf("%s: %w", verb, err)
	}
	reply := make(chan Message, 1)
	if err := c.expect(req.ID, reply); err != nil {
		return fmt.Errorf("%s: %w", verb, err)
	}
	defer c.forget(req.ID)

	select {
	case c.lines <- line:
	case <-ctx.Done():
		return fmt.Errorf("%s: not sent to the probe: %w", verb, context.Cause(ctx))
	case <-c.done:
		return fmt.Errorf("%s: %w", verb, c.Err())
	}
	select {
	case m := <-reply:
		return settle(verb, m, result)
	case <-ctx.Done():
		return fmt.Errorf("%s: no reply of the probe yet: %w", verb, context.Cause(ctx))
	case <-c.done:
	}
	select { // a reply that came with the very end still counts
	case m := <-reply:
		return settle(verb, m, result)
	default:
		return fmt.Errorf("%s: %w", verb, c.Err())
	}
}

// ProbeError is a request the probe could not fulfil.
type ProbeError struct {
	Verb    Verb
	Message string
}

func (e *ProbeError) Error() string { return fmt.Sprintf("probe: %s: %s", e.Verb, e.Message) }

func settle(verb Verb, m Message, result any) error {
	if m.Error != "" {
		return &ProbeError{Verb: verb, Message: m.Error}
	}
	if result == nil || len(m.Result) == 0 {
		return nil
	}
	if err := json.Unmarshal(m.Result, result); err != nil {
		return fmt.Errorf("wire: %s: the probe's result is not what was expected (is it of another version?): %w", verb, err)
	}
	return nil
}

func (c *Client) expect(id uint64, reply chan Message) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return c.err
	}
	c.pending[id] = reply
	return nil
}

func (c *Client) forget(id uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.pending, id)
}

// read is the only goroutine that calls onEvent, which is what keeps the order.
func (c *Client) read() {
	lines := NewLineReader(c.rw)
	for {
		line, err := lines.Next()
		if err != nil {
			c.fail(ended(err))
			return
		}
		m, err := DecodeMessage(line)
		if err != nil {
			c.fail(fmt.Errorf("%w; the line begins %q", err, clip(line, 120)))
			return
		}
		switch {
		case m.Event != nil:
			if c.onEvent != nil {
				c.onEvent(*m.Event)
			}
		case m.ID == 0:
			c.fail(fmt.Errorf("wire: the probe ended the conversation: %s", m.Error))
			return
		default:
			c.mu.Lock()
			reply := c.pending[m.ID]
			delete(c.pending, m.ID)
			c.mu.Unlock()
			if reply != nil { // nil: its caller's context ended
				reply <- m
			}
		}
	}
}

func (c *Client) write() {
	for {
		select {
		case line := <-c.lines:
			if _, err := c.rw.Write(line); err != nil {
				c.fail(fmt.Errorf("wire: the probe takes no more requests (its stderr says why): %w", err))
				return
			}
		case <-c.done:
			return
		}
	}
}

func (c *Client) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	c.err = err
	close(c.done)
	// Closing may wait for the other end; nobody waits for it.
	go c.rw.Close()
}

func ended(err error) error {
	switch {
	case errors.Is(err, io.EOF):
		return errors.New("wire: the probe is gone: it closed its output (its stderr says why)")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("wire: the probe is gone: it died in the middle of a message (its stderr says why)")
	default:
		return fmt.Errorf("wire: the probe can't be read: %w", err)
	}
}

func clip(b []byte, n int) []byte {
	if len(b) > n {
		return b[:n]
	}
	return b
}
