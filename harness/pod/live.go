package pod

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/monitor"
)

// Reading is the newest read of one publication.
type Reading = history.State

// Published is the newest reading of every declared publication, in the order of
// the target file; a spec's expectation on it must hold for each.
type Published []Reading

// Over is p with the readings of an earlier one in place of those for which nothing
// answered.
func (p Published) Over(earlier Published) Published {
	out := slices.Clone(p)
	for i, r := range out {
		if r.Problem != history.ProblemUnreachable {
			continue
		}
		for _, e := range earlier {
			if e.Publication == r.Publication {
				out[i] = e
			}
		}
	}
	return out
}

// String renders it for failure messages.
func (p Published) String() string {
	if len(p) == 0 {
		return "nothing published yet"
	}
	parts := make([]string, 0, len(p))
	for _, r := range p {
		s := fmt.Sprintf("%s: %s, active_agents %d", r.Publication, r.State, r.Count)
		if r.Problem != "" {
			s = fmt.Sprintf("%s: %s (%s)", r.Publication, r.Problem, r.Error)
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, "; ")
}

// TurnView is what is known of a turn so far.
type TurnView struct {
	ID          string
	Ingress     string
	Expected    bool // no client sends it
	Arranged    bool // and the gateway was asked for what leads to it
	Lost        bool // it was not over when its probe went with an instantiation: nobody knows it any more
	Sent        bool
	Arriving    bool // the first bytes of an answer wait unread at its client
	Answered    bool
	Queued      bool // acknowledged as queued
	Received    int  // bytes of reply text
	Outcome     history.TurnOutcome
	Detail      string
	Status      int
	ModelCalls  int
	ModelDone   bool
	ModelGone   bool
	InModel     bool // the model holds it now
	Reused      bool // sent, or to be sent, over a connection opened earlier
	Durable     bool // its ingress owes it when a crash cuts it off
	SentReturn  history.Stamp
	EndedReturn history.Stamp
}

// String renders it for failure messages.
func (t TurnView) String() string {
	switch {
	case t.Outcome != "":
		s := fmt.Sprintf("turn %s on %s ended %s", t.ID, t.Ingress, t.Outcome)
		if t.Status != 0 {
			s += fmt.Sprintf(" (status %d)", t.Status)
		}
		if t.Detail != "" {
			s += ": " + t.Detail
		}
		return s
	case t.InModel:
		return fmt.Sprintf("turn %s on %s is held by the model", t.ID, t.Ingress)
	case t.Expected && t.ModelDone:
		return fmt.Sprintf("turn %s, which the gateway started by itself, was answered by the model", t.ID)
	case t.Expected && t.ModelCalls == 0:
		return fmt.Sprintf("turn %s, which the gateway is to start by itself, has not reached the model", t.ID)
	case t.ModelCalls > 0:
		return fmt.Sprintf("turn %s on %s was answered by the model, %d bytes have arrived", t.ID, t.Ingress, t.Received)
	case t.Sent:
		return fmt.Sprintf("turn %s on %s was sent, no answer yet", t.ID, t.Ingress)
	}
	return fmt.Sprintf("turn %s on %s is not sent yet", t.ID, t.Ingress)
}

// open says whether something may yet come of it: its client waits, the gateway is to start it
// or owes it, or the model holds it.
func (t TurnView) open() bool {
	return !t.Lost && (t.Sent && t.Outcome == "" || (t.Queued || t.Arranged) && !t.ModelDone || t.InModel || t.owed())
}

// owed says whether the gateway may yet run it again: it was cut off while the model worked
// on it, and its ingress is one that owes such turns.
func (t TurnView) owed() bool {
	return t.Durable && t.Outcome == history.Cut && t.ModelCalls > 0 && !t.ModelDone
}

// live is the present state derived from the events as they arrive, and the
// events themselves.
type live struct {
	mu        sync.Mutex
	events    []history.Event
	published map[string]Reading
	turns     map[string]*TurnView
	process   *history.Process // newest sighting
	gone      bool
	stalls    []history.Event
	told      int // broadcasts of a shutdown
	receipts  map[string]bool
}

func newLive() *live {
	return &live{published: map[string]Reading{}, turns: map[string]*TurnView{}, receipts: map[string]bool{}}
}

// add takes the next event; the caller has numbered it.
func (l *live) add(e history.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, e)
	switch e.Kind {
	case history.KindState:
		l.published[e.State.Publication] = *e.State
	case history.KindTurn:
		l.turn(e)
	case history.KindModel:
		l.model(*e.Model)
	case history.KindAction:
		if e.Action.Name == history.ActionRecreate {
			for _, t := range l.turns {
				t.Lost = t.Lost || t.open()
			}
		}
	case history.KindProcess:
		switch e.Process.Phase {
		case history.ProcessSeen:
			l.process, l.gone = e.Process, false
		case history.ProcessGone:
			l.gone = true
		}
	case history.KindStall:
		l.stalls = append(l.stalls, e)
	case history.KindNotice:
		if e.Notice.Broadcast {
			l.told++
		}
	case history.KindLog:
		if e.Log.Receipt != "" {
			l.receipts[e.Log.Receipt] = true
		}
	}
}

// Withheld is for how long the machine has held up the gateway, or the probe, so far as
// that is told: what the monitors leave out of the time that they give a gateway.
func (g *Gateway) Withheld() time.Duration {
	g.live.mu.Lock()
	defer g.live.mu.Unlock()
	return monitor.Withheld(g.live.stalls)
}

func (l *live) turn(e history.Event) {
	t := l.get(e.Turn.ID)
	t.Ingress = e.Turn.Ingress
	t.Reused = t.Reused || e.Turn.Reused
	switch e.Turn.Phase {
	case history.TurnExpected:
		t.Expected = true
	case history.TurnArranged:
		t.Arranged = true
	case history.TurnSent:
		t.Sent, t.SentReturn, t.Durable = true, e.Return, e.Turn.Durable
	case history.TurnArriving:
		t.Arriving = true
	case history.TurnAnswered:
		t.Answered, t.Status = true, e.Turn.Status
	case history.TurnQueued:
		t.Queued = true
	case history.TurnProgress:
		t.Received = max(t.Received, e.Turn.Bytes)
	case history.TurnEnded:
		t.Outcome, t.Detail, t.EndedReturn = e.Turn.Outcome, e.Turn.Detail, e.Return
		t.Received = max(t.Received, e.Turn.Bytes)
		if e.Turn.Status != 0 {
			t.Status = e.Turn.Status
		}
	}
}

func (l *live) model(m history.Model) {
	if m.Turn == "" {
		return
	}
	t := l.get(m.Turn)
	switch m.Phase {
	case history.ModelCalled:
		t.ModelCalls++
		t.InModel = true
	case history.ModelReleased:
		t.InModel = false
	case history.ModelDone:
		t.InModel, t.ModelDone = false, m.Tool == ""
	case history.ModelGone:
		t.InModel, t.ModelGone = false, true
	}
}

// underWay is how many turns were sent whose end no client has seen.
func (l *live) underWay() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, t := range l.turns {
		if t.Sent && t.Outcome == "" {
			n++
		}
	}
	return n
}

func (l *live) get(id string) *TurnView {
	t := l.turns[id]
	if t == nil {
		t = &TurnView{ID: id}
		l.turns[id] = t
	}
	return t
}
