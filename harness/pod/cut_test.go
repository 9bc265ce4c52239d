package pod

import (
	"slices"
	"testing"

	"github.com/drainproof/drainproof/harness/history"
)

// What the next history begins with is what is still true: the process that lives, its
// sockets, and what each publication showed last.
func TestWhatIsCarriedOverACut(t *testing.T) {
	at := history.Stamp(0)
	event := func(e history.Event) history.Event {
		at += 10
		e.Call, e.Return = at, at+5
		return e
	}
	process := func(phase string, pid int) history.Event {
		return event(history.Event{Kind: history.KindProcess, Process: &history.Process{Phase: phase, PID: pid}})
	}
	state := func(name, s, problem string, asked bool) history.Event {
		return event(history.Event{Kind: history.KindState, State: &history.State{Publication: name, State: s, Problem: problem, Asked: asked}})
	}
	events := []history.Event{
		{Kind: history.KindHeader, Header: &history.Header{}},
		event(history.Event{Kind: history.KindAction, Action: &history.Action{Name: history.ActionStart}}),
		process(history.ProcessSeen, 7),
		process(history.ProcessListening, 7),
		state("file", history.Running, "", false),
		event(history.Event{Kind: history.KindAction, Action: &history.Action{Name: history.ActionRespawn}}),
		process(history.ProcessGone, 7), // noticed late
		process(history.ProcessSeen, 8),
		process(history.ProcessListening, 8),
		state("http", history.Running, "", false),
		state("file", history.Draining, "", false),
		state("file", history.Running, "", false),
		state("file", "", history.ProblemUnparseable, false),
		state("file", history.Stopped, "", true),
		event(history.Event{Kind: history.KindTurn, Turn: &history.Turn{ID: "t", Phase: history.TurnEnded}}),
		event(history.Event{Kind: history.KindModel, Model: &history.Model{Turn: "u"}}),
		event(history.Event{Kind: history.KindModel, Model: &history.Model{Auxiliary: true}}),
	}
	var got []string
	for _, e := range carried(events) {
		switch e.Kind {
		case history.KindProcess:
			got = append(got, e.Process.Phase)
			if e.Process.PID != 8 {
				t.Errorf("of a process that is gone: %+v", e.Process)
			}
		case history.KindState:
			got = append(got, e.State.Publication+" "+e.State.State)
		default:
			t.Errorf("carried: %s", e.Kind)
		}
	}
	if want := []string{"seen", "listening", "http running", "file running"}; !slices.Equal(got, want) {
		t.Errorf("carried %v, want %v", got, want)
	}
	if ids := turnsOf(events); len(ids) != 2 || !ids["t"] || !ids["u"] {
		t.Errorf("%v", ids)
	}
}
