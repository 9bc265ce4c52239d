package probe

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"github.com/drainproof/drainproof/harness/history"
)

// callbacks takes the replies of turns whose ingress hands them over by a request of
// the gateway's own. A turn is known by its token, which begins every reply.
type callbacks struct {
	*server
	turns *turns
}

func newCallbacks(log *slog.Logger, address string, ts *turns) (*callbacks, error) {
	c := &callbacks{turns: ts}
	var err error
	if c.server, err = listen(log, address, "replies are no longer taken", http.HandlerFunc(c.take)); err != nil {
		return nil, fmt.Errorf("nobody can listen for replies on %s: %w", address, err)
	}
	return c, nil
}

// delivery is a request that brought a reply, or the news that there is none.
type delivery struct {
	at     history.Stamp // when all of it was here
	answer *answer       // the request's header and body in the shape of an answer
	said   chan struct{}
}

// take reads a request whole and gives it to its turn. One that was broken off brought
// nothing, and one that belongs to no turn is answered as if it did: whom a gateway tells
// of what is its own affair.
func (c *callbacks) take(w http.ResponseWriter, r *http.Request) {
	unread := bufio.NewReaderSize(http.MaxBytesReader(w, r.Body, maxBody), callbackHead)
	head, _ := unread.Peek(callbackHead) // a short body is all there, and an error is told below
	c.hold(r.Context(), c.turns.get(string(tokenPattern.Find(head))))
	body, err := io.ReadAll(unread)
	if err != nil {
		c.log.Warn("a reply did not arrive whole", "method", r.Method, "path", r.URL.Path, "error", err)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	a := &answer{status: http.StatusOK, header: r.Header, text: body}
	a.json, _ = decodeJSON(body) // a body that is no JSON is the text itself
	token := tokenPattern.Find(body)
	t := c.turns.get(string(token))
	if t == nil || t.ingress == nil || t.ingress.Callback == nil {
		c.log.Warn("a reply came that belongs to no turn", "method", r.Method, "path", r.URL.Path, "body", excerpt(body))
		w.WriteHeader(http.StatusNoContent)
		return
	}
	d := delivery{at: now(), answer: a, said: make(chan struct{})}
	select {
	case t.delivered <- d:
		d.heard(t)
	case <-t.over: // it has its reply, or gave up
	}
	w.WriteHeader(http.StatusNoContent)
}

// heard waits until the turn's client has taken it in. Some gateways hand the reply over
// before they answer the request that brought the turn: such a one is not kept waiting, or
// it would never come to that.
func (d delivery) heard(t *turn) {
	select {
	case <-t.listening:
	default:
		return
	}
	select {
	case <-d.said:
	case <-t.over:
	}
}

// callbackHead is how much of a request is read to know whose it is, in bytes.
const callbackHead = 4 << 10

// hold leaves the rest of a request unread for as long as its turn's client is to stall:
// what is longer than the kernel takes over is not handed over meanwhile.
func (c *callbacks) hold(ctx context.Context, t *turn) {
	if t == nil || !t.params.Stall {
		return
	}
	select {
	case t.arriving <- struct{}{}:
	default: // another request of it, before the turn's client has seen the first
	}
	select {
	case <-t.awake:
	case <-t.over:
	case <-ctx.Done():
	}
}

// posted goes on from the answer to a turn whose reply comes as a request, unless it was
// never accepted.
func (c *client) posted(a *answer) {
	t, since := c.t, c.link.reads.ret
	outcome, detail := a.notTaken(t.ingress)
	if !c.detach(a, outcome, detail) {
		return
	}
	close(t.listening)
	for {
		select {
		case d := <-t.delivered:
			ev := c.seen(d.answer)
			ev.Outcome, ev.Detail = d.answer.handedOver(t.ingress, t.want())
			if ev.Outcome == "" {
				close(d.said) // something about it, and not its end
				continue
			}
			ev.Bytes = len(d.answer.reply)
			t.clock.stop()
			// What the kernel took over before it was read here is handed over, too: all that
			// is certain is that the model had not let go of it yet.
			t.mu.Lock()
			since = max(min(since, d.at), t.releasedAt)
			t.mu.Unlock()
			c.end(since, max(d.at, since), ev)
			close(d.said)
			return
		case <-t.ctx.Done():
			at := now()
			c.broken(since, at, nil, context.Cause(t.ctx))
			return
		}
	}
}

// unread goes beside a turn whose client leaves its reply unread, and says when one begins
// to arrive, and when the client reads again.
func (c *client) unread(context.Context) {
	t := c.t
	for {
		select {
		case <-t.arriving:
			at := now()
			c.record(history.TurnArriving, at, at, history.Turn{})
		case <-t.resumed:
			if !t.live() {
				return
			}
			call := now() // nothing is read before
			c.record(history.TurnResumed, call, now(), history.Turn{})
			t.clock.resume()
			close(t.awake)
			return
		case <-t.over:
			return
		}
	}
}

// notTaken says how a turn ended that was not accepted; no outcome: it was.
func (a *answer) notTaken(in *ingress) (history.TurnOutcome, string) {
	switch {
	case matchesAny(in.refused, a):
		return history.Refused, ""
	case matchesAny(in.busy, a):
		return history.Busy, ""
	case a.status/100 != 2:
		return history.Failed, fmt.Sprintf("status %d: %s", a.status, excerpt(a.text))
	}
	return "", ""
}

// handedOver says how a turn ended, by a request that tells of it; no outcome: it goes on.
// A request with another text, such as one that says that somebody is typing, is none.
func (a *answer) handedOver(in *ingress, want string) (history.TurnOutcome, string) {
	if matchesAny(in.lost, a) {
		return history.Failed, "the callback tells of a failure: " + excerpt(a.text)
	}
	a.reply = a.text
	if path := in.Callback.Reply; path != "" {
		if a.reply = textAt(a.json, path); a.reply == nil {
			return "", ""
		}
	}
	if string(a.reply) == want {
		return history.Finished, ""
	}
	return a.notWhole(want)
}
