package probe

import (
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

// maxQueued bounds what waits to be sent. Beyond it whoever records waits: an
// event is never dropped.
const maxQueued = 1 << 17

// recorder is the one ordered queue for events and replies. Events outlive a
// conversation: what was not sent is kept for the next one. Replies don't.
type recorder struct {
	mu       sync.Mutex
	changed  sync.Cond // queue grew, shrank, or closed
	queue    []queued
	seq      uint64
	redact   *redactor
	closed   bool
	capacity int
}

type queued struct {
	msg          wire.Message
	conversation *conversation // of a reply; nil for an event
}

func newRecorder() *recorder {
	r := &recorder{capacity: maxQueued}
	r.changed.L = &r.mu
	return r
}

// record takes an event into the history and gives it its number. It waits while
// the queue is full.
func (r *recorder) record(ev history.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.queue) >= r.capacity && !r.closed {
		r.changed.Wait()
	}
	if r.closed {
		return
	}
	r.redact.event(&ev)
	r.seq++
	ev.Seq = r.seq
	r.queue = append(r.queue, queued{msg: wire.Message{Event: &ev}})
	r.changed.Broadcast()
}

// reply queues the answer to a request, behind everything recorded before it.
// Replies are bounded by the requests of one conversation, not by the capacity:
// a full queue must not keep the suite from being told.
func (r *recorder) reply(c *conversation, id uint64, result any, err error) {
	msg := wire.Message{ID: id}
	if err == nil && result != nil {
		msg.Result, err = json.Marshal(result)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		msg.Result = nil
		msg.Error = r.redact.text(err.Error())
	}
	if r.closed || c.ended {
		return
	}
	r.queue = append(r.queue, queued{msg: msg, conversation: c})
	r.changed.Broadcast()
}

// setRedact names the strings that must not leave the probe from now on.
func (r *recorder) setRedact(secrets []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.redact = newRedactor(secrets)
}

// redactEvent is for what leaves the probe as a reply.
func (r *recorder) redactEvent(ev *history.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.redact.event(ev)
}

func (r *recorder) redacted(s string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.redact.text(s)
}

// batch waits for messages and returns up to n of them, without removing them;
// nil when the conversation or the recorder is over.
func (r *recorder) batch(c *conversation, n int) []queued {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.queue) == 0 && !r.closed && !c.ended {
		r.changed.Wait()
	}
	if r.closed || c.ended {
		return nil
	}
	return append([]queued(nil), r.queue[:min(n, len(r.queue))]...)
}

// sent removes what a batch returned.
func (r *recorder) sent(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.queue[:n])
	r.queue = r.queue[n:]
	if len(r.queue) == 0 {
		r.queue = nil
	}
	r.changed.Broadcast()
}

// end stops the sender of a conversation; purge, once it has stopped, forgets the
// replies nobody will read.
func (r *recorder) end(c *conversation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c.ended = true
	r.changed.Broadcast()
}

func (r *recorder) purge() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.queue = slices.DeleteFunc(r.queue, func(q queued) bool {
		return q.conversation != nil && q.conversation.ended
	})
	r.changed.Broadcast()
}

// close ends the recorder: whoever waits in it returns, nothing more is taken.
func (r *recorder) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	r.changed.Broadcast()
}

// stampError measures the probe's own error: the longest of n pairs of stamps
// around a no-op that takes the recorder's path up to the queue.
func (r *recorder) stampError(ctx context.Context, n int) time.Duration {
	var worst time.Duration
	for range n {
		if ctx.Err() != nil {
			break
		}
		ev := history.Event{Kind: history.KindStep, Call: now(), Step: &history.Step{}}
		r.mu.Lock()
		r.redact.event(&ev)
		r.mu.Unlock()
		ev.Return = now()
		worst = max(worst, ev.Return.Sub(ev.Call))
	}
	return worst
}
