package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

// politeness is how long a client that has its whole reply waits for the server
// to close the connection, as it was asked to, so that the client does not look
// as if it had hung up.
const politeness = time.Second

// client sends one turn and reads its answer.
type client struct {
	s        *session
	t        *turn
	link     *link
	req      *http.Request
	reused   bool
	kept     bool // its link was left to another turn
	hung     atomic.Bool
	progress *progress
}

func newClient(s *session, t *turn) *client {
	c := &client{s: s, t: t}
	c.progress = &progress{record: func(bytes int, call, ret history.Stamp) {
		c.record(history.TurnProgress, call, ret, history.Turn{Bytes: bytes})
	}}
	return c
}

// submit registers a turn and starts it, now or at its moment.
func (s *session) submit(p wire.SubmitParams) (*turn, error) {
	in := s.ingresses[p.Ingress]
	switch {
	case in == nil:
		return nil, fmt.Errorf("no ingress is called %q", p.Ingress)
	case in.Wire == wire.Driver && (s.driver == nil || p.Connection != ""):
		return nil, fmt.Errorf("ingress %q is driven: it has no connections, and needs a driver", p.Ingress)
	case p.Connection != "" && !s.connections.has(p.Connection):
		return nil, fmt.Errorf("no idle connection is called %q; open it with connections, it is used once", p.Connection)
	case p.KeepAs != "" && (in.detached() || in.Stream || p.Stall || s.connections.has(p.KeepAs)):
		return nil, fmt.Errorf("ingress %q: the connection of this turn can't be kept as %q", p.Ingress, p.KeepAs)
	case p.Halves && (p.When == nil || in.Wire == wire.Driver):
		return nil, fmt.Errorf("ingress %q: what is sent in halves goes over a connection, and needs a moment for the second", p.Ingress)
	case p.Stall && !in.stalls():
		return nil, fmt.Errorf("ingress %q does not hand its replies to those who wait for them; its clients can't stall", p.Ingress)
	case p.Script.ReplyBytes < 0 || p.Script.ReplyBytes > maxBody/2:
		return nil, fmt.Errorf("reply_bytes %d is not within 0 and %d", p.Script.ReplyBytes, maxBody/2)
	}
	if err := s.checkWhen(p.When); err != nil {
		return nil, err
	}
	t := newTurn(s.ctx, p, in)
	if err := s.turns.add(t); err != nil {
		t.cancel()
		return nil, err
	}
	run := func(context.Context) {
		if t.begun.CompareAndSwap(false, true) {
			newClient(s, t).run()
		}
	}
	switch {
	case p.Halves:
		s.armed.arm(*p.When, func(context.Context) { close(t.moment) })
		s.spawn(run)
		select {
		case <-t.half:
		case <-t.over:
		}
	case p.When != nil:
		s.armed.arm(*p.When, run)
	default:
		s.spawn(run)
	}
	return t, nil
}

func (c *client) record(phase history.TurnPhase, call, ret history.Stamp, ev history.Turn) {
	ev.ID, ev.Phase, ev.Ingress = c.t.id, phase, c.t.ingress.Name
	ev.Session, ev.Purpose, ev.Reused = c.t.session, c.t.params.Purpose, c.reused
	c.s.rec.record(history.Event{Kind: history.KindTurn, Call: call, Return: ret, Turn: &ev})
}

// end records the end, once all before it is recorded.
func (c *client) end(call, ret history.Stamp, ev history.Turn) {
	c.progress.flush()
	c.record(history.TurnEnded, call, ret, ev)
	closeOnce(c.t.sent)
	c.s.turns.ended()
	close(c.t.over)
}

// abandon ends a turn that was aborted before its moment came.
func (c *client) abandon() {
	at, _ := c.t.hungUp()
	ret := now()
	c.record(history.TurnAborted, at, ret, history.Turn{})
	c.end(at, ret, history.Turn{Outcome: history.Aborted, Detail: "before it was sent"})
}

func (c *client) run() {
	t := c.t
	defer t.cancel()
	c.s.focus.look()
	if t.ingress.Wire == wire.Driver {
		c.drive()
		return
	}
	call := now()
	if err := c.connect(); err != nil {
		if _, aborted := t.hungUp(); aborted {
			c.abandon()
			return
		}
		c.end(call, now(), history.Turn{Outcome: history.Unsent, Detail: err.Error()})
		return
	}
	// Whoever cancels the turn ends a read that is under way.
	stop := context.AfterFunc(t.ctx, c.link.reset)
	defer func() {
		stop()
		if !c.kept {
			_ = c.link.conn.Close()
		}
	}()
	if !c.send() {
		return
	}
	t.clock.start(func() {
		c.hung.Store(true)
		t.cancel()
	})
	defer t.clock.stop()
	switch {
	case t.params.Stall && t.ingress.Callback != nil:
		t.clock.halt()
		at := now()
		c.record(history.TurnStalled, at, at, history.Turn{})
		c.s.spawn(c.unread)
	case t.params.Stall && !c.stall():
		return
	}
	c.receive()
}

func (c *client) connect() error {
	t := c.t
	if name := t.params.Connection; name != "" {
		if c.link = c.s.connections.take(name); c.link == nil {
			return fmt.Errorf("the connection %q was taken by another turn", name)
		}
		c.reused = true
		if c.link.closed() {
			_ = c.link.conn.Close()
			if t.params.KeepAs != "" { // whoever waits for it finds it as it is
				_ = c.s.connections.put(t.params.KeepAs, c.link)
			}
			return fmt.Errorf("the gateway has closed the connection %q meanwhile", name)
		}
		return nil
	}
	var err error
	c.link, err = dial(t.ctx, t.ingress.address, t.params.RetryFor, t.params.Stall)
	return err
}

// send hands the request over, in one write unless it is sent in halves, and says whether
// to go on.
func (c *client) send() bool {
	t := c.t
	req, raw, err := t.ingress.request(t)
	c.req = req
	if err != nil { // the URL was checked, so this is a bug: say it where it is looked for
		at := now()
		c.end(at, at, history.Turn{Outcome: history.Unsent, Detail: err.Error()})
		return false
	}
	call := now()
	if t.params.Halves {
		rest := len(raw) - int(req.ContentLength)/2
		_, err = c.link.conn.Write(raw[:rest])
		raw = raw[rest:]
		close(t.half)
		select {
		case <-t.moment:
		case <-t.ctx.Done():
			err = context.Cause(t.ctx) // the link may not be reset yet
		}
	}
	if err == nil {
		_, err = c.link.conn.Write(raw)
	}
	ret := now()
	c.record(history.TurnSent, call, ret, history.Turn{
		Stalls: t.params.Stall, Streams: t.ingress.Stream, ReplyBytes: t.replyBytes(), Durable: t.ingress.Durable,
		Polled: t.ingress.Poll != nil,
	})
	closeOnce(t.sent)
	if err != nil {
		c.broken(call, ret, nil, err)
		return false
	}
	return true
}

// arrivalPoll is how often a client that reads nothing looks whether something
// has come for it.
const arrivalPoll = 2 * time.Millisecond

// stall does not read, not even the headers, until it is told to.
func (c *client) stall() bool {
	t := c.t
	t.clock.halt()
	defer t.clock.resume()
	at := now()
	c.record(history.TurnStalled, at, at, history.Turn{})
	look := time.NewTicker(arrivalPoll)
	defer look.Stop()
	for waiting := true; waiting; {
		select {
		case <-t.resumed:
			waiting = false
		case <-t.ctx.Done():
			at := now()
			c.broken(at, at, nil, context.Cause(t.ctx))
			return false
		case <-look.C:
			call := now()
			if c.link.pending() > 0 {
				c.record(history.TurnArriving, call, now(), history.Turn{})
				look.Stop()
			}
		}
	}
	call := now()
	c.link.widen()
	c.record(history.TurnResumed, call, now(), history.Turn{})
	close(t.awake)
	return true
}

// receive reads the answer and records it.
func (c *client) receive() {
	t, reads := c.t, c.link.reads
	reads.call = now()
	resp, err := c.link.response(c.req)
	if err != nil {
		c.broken(reads.call, now(), nil, err)
		return
	}
	a := &answer{status: resp.StatusCode, header: resp.Header}
	call, ret := reads.call, reads.ret
	good := a.status/100 == 2
	if good { // a refusal's code is in its body
		c.record(history.TurnAnswered, call, ret, c.seen(a))
	}
	a.readBody(resp, t.ingress.shape, func(total int) {
		t.clock.again()
		c.progress.at(total, reads.call, reads.ret)
	})
	if !good {
		c.record(history.TurnAnswered, call, ret, c.seen(a))
	}
	if a.err != nil {
		c.broken(reads.call, max(reads.ret, reads.call), a, a.err)
		return
	}
	switch {
	case t.ingress.Poll != nil:
		c.created(a)
		return
	case t.ingress.Callback != nil:
		c.posted(a)
		return
	}
	t.clock.stop() // what is late now is the probe
	ev := c.seen(a)
	ev.Outcome, ev.Detail = a.judge(t.ingress, t.want())
	if ev.Outcome == history.Queued {
		c.record(history.TurnQueued, reads.call, reads.ret, c.seen(a))
	}
	if t.params.KeepAs != "" {
		if resp.Close { // the gateway said that it closes it
			_ = c.link.conn.Close()
		}
		c.kept = c.s.connections.put(t.params.KeepAs, c.link) == nil
	}
	c.end(reads.call, reads.ret, ev)
	if c.kept {
		return
	}
	_ = c.link.conn.SetReadDeadline(time.Now().Add(politeness))
	_, _ = io.Copy(io.Discard, io.LimitReader(c.link.r, maxBody))
}

func (c *client) seen(a *answer) history.Turn {
	return history.Turn{
		Status: a.status, RetryAfter: a.header.Get("Retry-After"), Code: a.code(), Bytes: len(a.reply),
	}
}

// broken ends a turn whose answer did not come to its end: the client hung up,
// gave up, or lost the connection.
func (c *client) broken(call, ret history.Stamp, a *answer, err error) {
	var ev history.Turn
	if a != nil {
		ev = c.seen(a)
	}
	at, aborted := c.t.hungUp()
	switch {
	case aborted:
		c.link.reset()
		ret = now()
		c.record(history.TurnAborted, at, ret, history.Turn{})
		call, ev.Outcome = at, history.Aborted
	case c.hung.Load():
		ret = now()
		ev.Outcome = history.Hung
		ev.Detail = fmt.Sprintf("nothing more was seen of it within %v", c.t.clock.patience)
	default:
		ev.Outcome = history.Cut
		ev.Detail = describeBreak(err)
	}
	c.end(call, ret, ev)
}

func describeBreak(err error) string {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was closed before the reply was whole"
	case errors.Is(err, context.Canceled):
		return "the probe's session ended"
	}
	return err.Error()
}
