package pod

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/drainproof/drainproof/harness/history"
)

// AtRest says in what the gateway is not at rest; "": it is. At rest it lives, every
// publication shows running with nothing in flight, every turn has ended for its client,
// none that a crash cut off is still owed, and the model holds none. What is lost is not waited
// for. The marker is the caller's to know of.
func (g *Gateway) AtRest() string {
	if !g.Alive() {
		return "the gateway's process is gone"
	}
	for _, r := range g.Published() {
		if r.Problem != "" || r.State != history.Running || r.Count != 0 {
			return fmt.Sprintf("it publishes %s", Published{r})
		}
	}
	g.live.mu.Lock()
	defer g.live.mu.Unlock()
	for _, t := range g.live.turns {
		if t.open() {
			return t.String()
		}
	}
	return ""
}

// Severable says why the history cannot be cut now, as Cut does; "": it can.
func (g *Gateway) Severable() string {
	if why := g.AtRest(); why != "" {
		return why
	}
	g.live.mu.Lock()
	defer g.live.mu.Unlock()
	for _, t := range g.live.turns {
		if t.Lost {
			return fmt.Sprintf("turn %s was not over when its instantiation was made anew; it may run again, and nobody would know it", t.ID)
		}
	}
	return ""
}

// Cut closes the history, as End does, and begins the next one with the gateway going on
// as it is: a long run is judged in pieces, so that neither memory nor judging grows with
// its length. Between two pieces nothing may be in flight, no marker lie there, and none have
// lain there within B that the gateway was not seen to notice, or nobody could tell whose
// doing is what follows; it is an error where Severable gives a reason. Of header, what
// differs from the last one is taken: Spec and Seed.
func (g *Gateway) Cut(ctx context.Context, o history.Outcome, header history.Header, file string) ([]history.Event, error) {
	if why := g.Severable(); why != "" {
		return nil, errors.New("a history can be cut only while nothing happens: " + why)
	}
	g.over(ctx)
	at := g.lastStamp()
	g.seqMu.Lock()
	defer g.seqMu.Unlock()
	g.seq++
	g.keep(history.Event{Seq: g.seq, Kind: history.KindOutcome, Call: at, Return: at, Outcome: &o})
	next := g.o.Header
	next.Spec, next.Seed, next.Since = header.Spec, header.Seed, at
	events := g.live.cut(next)
	g.past = turnsOf(events)
	var err error
	if g.writer != nil {
		_, _, closed := g.writer.Close()
		w, created := history.Create(file, next)
		g.writer = w
		err = errors.Join(closed, created)
	}
	g.o.Header, g.o.File, g.seq = next, file, 0
	if err = errors.Join(err, g.broken); err != nil {
		return events, fmt.Errorf("the history could not be written: %w", err)
	}
	for _, e := range carried(events) {
		g.seq++
		e.Seq = g.seq
		g.keep(e)
	}
	return events, nil
}

// carried are the events without which the next history would begin with a gateway of
// which nothing is known: its process with its sockets, and what it published last. What
// started it is left out, since that began another piece.
func carried(events []history.Event) []history.Event {
	var process []history.Event
	published := map[string]history.Event{}
	for _, e := range events {
		switch e.Kind {
		case history.KindAction:
			switch e.Action.Name {
			case history.ActionStart, history.ActionRespawn, history.ActionRecreate:
				if e.Action.Error == "" {
					// It is written down when it was done, and the new process may have been seen
					// before that.
					process = slices.DeleteFunc(process, func(p history.Event) bool { return p.Return <= e.Call })
				}
			}
		case history.KindProcess:
			process = append(process, e)
		case history.KindState:
			if e.State.Problem == "" && !e.State.Asked {
				published[e.State.Publication] = e
			}
		}
	}
	// A death that was seen after the next life had begun is the old one's.
	out := slices.DeleteFunc(process, func(e history.Event) bool { return e.Process.Phase == history.ProcessGone })
	for _, name := range slices.Sorted(maps.Keys(published)) {
		out = append(out, published[name])
	}
	slices.SortStableFunc(out, func(a, b history.Event) int { return int(min(1, max(-1, a.Call-b.Call))) })
	return out
}

// turnsOf are the turns of which a history tells: what is heard of them later belongs to
// no other.
func turnsOf(events []history.Event) map[string]bool {
	ids := map[string]bool{}
	for _, e := range events {
		switch e.Kind {
		case history.KindTurn:
			ids[e.Turn.ID] = true
		case history.KindModel:
			ids[e.Model.Turn] = true
		}
	}
	delete(ids, "")
	return ids
}

// isPast says whether an event tells of a turn of the history before.
func (g *Gateway) isPast(e history.Event) bool {
	return e.Kind == history.KindTurn && g.past[e.Turn.ID] || e.Kind == history.KindModel && g.past[e.Model.Turn]
}

// cut hands out what happened so far and begins anew; what is known of the process, of
// what is published, and of receipts goes on.
func (l *live) cut(header history.Header) []history.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	events := l.events
	l.events = []history.Event{{Kind: history.KindHeader, Header: &header}}
	clear(l.turns)
	l.receipts = map[string]bool{}
	l.stalls = nil
	return events
}
