package secondopinion

import (
	"strconv"
	"time"

	"github.com/drainproof/drainproof/harness/history"
)

const bound = 2 * time.Second

// tale is a synthetic history. Times are milliseconds; an event takes 10
// microseconds unless it is told otherwise.
type tale struct{ events []history.Event }

func ms(at float64) history.Stamp { return history.Stamp(1e9 + at*1e6) }

// tell begins with a gateway that runs, launched before.
func tell(parts ...func(*tale)) []history.Event {
	s := &tale{}
	s.span(0, 0, history.Event{Kind: history.KindHeader, Header: &history.Header{
		Schema: history.Schema, Spec: "a tale", Requirements: []string{"GATE-001"}, Bound: bound, Target: "t", Runtime: "process",
	}})
	s.read(10, history.Running, 0)
	for _, part := range parts {
		part(s)
	}
	return s.events
}

func (s *tale) span(from, to float64, e history.Event) {
	e.Call, e.Return, e.Seq = ms(from), ms(to), uint64(len(s.events))
	s.events = append(s.events, e)
}

func (s *tale) add(at float64, e history.Event) { s.span(at, at+0.01, e) }

func (s *tale) reads(from, to float64, state string, count int) {
	s.span(from, to, history.Event{Kind: history.KindState, State: &history.State{
		Publication: "file", State: state, Count: count, Version: strconv.Itoa(len(s.events)),
	}})
}

func (s *tale) read(at float64, state string, count int) { s.reads(at, at+0.01, state, count) }

func (s *tale) marker(from, to float64, op history.Op) {
	s.span(from, to, history.Event{Kind: history.KindMarker, Marker: &history.Marker{
		Op: op, How: "in-place", Existed: op == history.OpCancel, Present: op != history.OpCancel,
	}})
}

func (s *tale) begin(at float64)  { s.marker(at, at+0.01, history.OpBegin) }
func (s *tale) cancel(at float64) { s.marker(at, at+0.01, history.OpCancel) }

func (s *tale) action(at float64, name string) {
	s.add(at, history.Event{Kind: history.KindAction, Action: &history.Action{Name: name}})
}

func (s *tale) turn(at float64, id string, phase history.TurnPhase) {
	s.add(at, history.Event{Kind: history.KindTurn, Turn: &history.Turn{ID: id, Phase: phase, Ingress: "chat"}})
}

func (s *tale) end(at float64, id string, outcome history.TurnOutcome) {
	s.add(at, history.Event{Kind: history.KindTurn, Turn: &history.Turn{ID: id, Phase: history.TurnEnded, Ingress: "chat", Outcome: outcome}})
}

func (s *tale) model(at float64, id string, phase history.ModelPhase) {
	s.add(at, history.Event{Kind: history.KindModel, Model: &history.Model{Turn: id, Call: 1, Phase: phase}})
}

// hold sends a turn that reaches the model a millisecond later and stays there.
func (s *tale) hold(at float64, id string) {
	s.turn(at, id, history.TurnSent)
	s.model(at+1, id, history.ModelCalled)
}

// finish lets a held turn go; its client has the reply two milliseconds later.
func (s *tale) finish(at float64, id string) {
	s.model(at, id, history.ModelReleased)
	s.model(at+1, id, history.ModelDone)
	s.end(at+2, id, history.Finished)
}

func (s *tale) refuse(at float64, id string) {
	s.turn(at, id, history.TurnSent)
	s.end(at+1, id, history.Refused)
}
