package probe

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

// How often a run is asked for: quickly at first, since most runs end soon, and ever
// more slowly up to a limit. As long as the model holds a run it can't be over in any
// ordinary way; when its latch opens, all begins anew.
const (
	pollFirst   = 5 * time.Millisecond
	pollHeld    = 250 * time.Millisecond
	pollLimit   = 40 * time.Millisecond
	pollTimeout = 5 * time.Second
)

// pace says when it is time to ask again.
type pace struct {
	latch <-chan struct{} // nil once it was seen open
	next  time.Duration
}

// wait returns when it is time, or says that the context is over.
func (p *pace) wait(ctx context.Context) bool {
	timer := time.NewTimer(p.next)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-p.latch:
		p.latch, p.next = nil, pollFirst
	case <-timer.C:
		limit := pollLimit
		if p.latch != nil {
			limit = pollHeld
		}
		p.next = min(2*p.next, limit)
	}
	return true
}

// created goes on from the answer to the creation of a run: it is followed to its
// end, unless it was never accepted.
func (c *client) created(a *answer) {
	call, ret := c.link.reads.call, c.link.reads.ret
	id, outcome, detail := a.created(c.t.ingress)
	if c.detach(a, outcome, detail) {
		c.follow(id, call, ret)
	}
}

// detach lets go of the connection of a turn whose reply comes otherwise, and says
// whether it comes: with an outcome the turn is over.
func (c *client) detach(a *answer, outcome history.TurnOutcome, detail string) bool {
	t, reads := c.t, c.link.reads
	if outcome != "" {
		ev := c.seen(a)
		ev.Outcome, ev.Detail = outcome, detail
		t.clock.stop()
		c.end(reads.call, reads.ret, ev)
		return false
	}
	if matchesAny(t.ingress.queued, a) {
		t.clock.halt() // for as long as the gateway keeps it, which nothing limits
		c.record(history.TurnQueued, reads.call, reads.ret, c.seen(a))
	}
	_ = c.link.conn.Close() // its answer is whole, and nothing more comes over it
	return true
}

// follow asks for the run until it is over. When it ended lies between the last
// answer that said that it goes on and the first that says otherwise.
func (c *client) follow(id string, since, ret history.Stamp) {
	t := c.t
	p := pace{latch: t.latch, next: pollFirst}
	for p.wait(t.ctx) {
		call := now()
		a, err := c.look(id)
		if err != nil {
			continue // a gateway that restarts may know the run all the same
		}
		ret = now()
		ev := c.seen(a)
		if ev.Outcome, ev.Detail = a.polled(t.ingress.Poll, t.want()); ev.Outcome == "" {
			since = call
			continue
		}
		ev.Bytes = len(a.reply)
		t.clock.stop()
		c.end(since, ret, ev)
		return
	}
	c.broken(since, max(since, ret), nil, context.Cause(t.ctx))
}

// look asks for the run once.
func (c *client) look(id string) (*answer, error) {
	p := c.t.ingress.Poll
	return c.s.ask(c.t.ctx, http.MethodGet, wire.Fill(p.URL, wire.RunPlaceholder, url.PathEscape(id)), p.Header, "")
}

// created reads the answer to the creation of a run: its ID, or how the turn ended
// without one.
func (a *answer) created(in *ingress) (id string, outcome history.TurnOutcome, detail string) {
	if outcome, detail = a.notTaken(in); outcome != "" {
		return "", outcome, detail
	}
	if v, ok := lookup(a.json, in.Poll.ID); ok && v != nil {
		id = asText(v)
	}
	if id == "" {
		return "", history.Failed, fmt.Sprintf("no run's ID at %s in the answer: %s", in.Poll.ID, excerpt(a.text))
	}
	return id, "", ""
}

// polled says how a run ended, by an answer about it; no outcome: it goes on.
func (a *answer) polled(p *wire.Poll, want string) (history.TurnOutcome, string) {
	if a.status == http.StatusNotFound || a.status == http.StatusGone {
		return history.Failed, fmt.Sprintf("its run is not known any more: status %d: %s", a.status, excerpt(a.text))
	}
	v, ok := lookup(a.json, p.Status)
	if a.status/100 != 2 || !ok {
		return "", ""
	}
	status := asText(v)
	if slices.Contains(p.Failed, status) {
		return history.Failed, fmt.Sprintf("its run is %s: %s", status, excerpt(a.text))
	}
	if !slices.Contains(p.Done, status) {
		return "", ""
	}
	if v, ok := lookup(a.json, p.Reply); ok && v != nil {
		a.reply = []byte(asText(v))
	}
	if string(a.reply) == want {
		return history.Finished, ""
	}
	return a.notWhole(want)
}
