package pod

import (
	"slices"
	"testing"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/target"
)

// A gateway is not at rest while it may yet start something: what came of it in the next
// history would be nobody's, and that it never came would be seen in none.
func TestAtRest(t *testing.T) {
	turn := func(phase history.TurnPhase, more history.Turn) history.Event {
		more.ID, more.Phase, more.Ingress = "t", phase, "chat"
		return history.Event{Kind: history.KindTurn, Turn: &more}
	}
	model := func(phase history.ModelPhase) history.Event {
		return history.Event{Kind: history.KindModel, Model: &history.Model{Turn: "t", Call: 1, Phase: phase}}
	}
	sent, durable := turn(history.TurnSent, history.Turn{}), turn(history.TurnSent, history.Turn{Durable: true})
	ended := func(o history.TurnOutcome) history.Event { return turn(history.TurnEnded, history.Turn{Outcome: o}) }
	anew := history.Event{Kind: history.KindAction, Action: &history.Action{Name: history.ActionRecreate}}
	called, done, gone := model(history.ModelCalled), model(history.ModelDone), model(history.ModelGone)
	for name, c := range map[string]struct {
		events []history.Event
		rest   bool
		lost   bool // and may come back to nobody's knowledge
	}{
		"made anew":                     {events: []history.Event{durable, called, anew}, rest: true, lost: true},
		"made anew, and one under way":  {events: []history.Event{anew, sent}},
		"nothing":                       {events: nil, rest: true},
		"a turn that is over":           {events: []history.Event{sent, called, done, ended(history.Finished)}, rest: true},
		"one under way":                 {events: []history.Event{sent}, rest: false},
		"one that the model holds":      {events: []history.Event{sent, called, ended(history.Aborted)}, rest: false},
		"queued":                        {events: []history.Event{sent, turn(history.TurnQueued, history.Turn{}), ended(history.Queued)}, rest: false},
		"cut off, and nobody's":         {events: []history.Event{sent, called, gone, ended(history.Cut)}, rest: true},
		"cut off, and owed":             {events: []history.Event{durable, called, gone, ended(history.Cut)}, rest: false},
		"cut off, and run again":        {events: []history.Event{durable, called, gone, ended(history.Cut), called, done}, rest: true},
		"cut off before it was started": {events: []history.Event{durable, ended(history.Cut)}, rest: true},
		"the client hung up":            {events: []history.Event{durable, called, gone, ended(history.Aborted)}, rest: true},
	} {
		t.Run(name, func(t *testing.T) {
			g := &Gateway{o: Options{Target: &target.Target{Publications: []target.Publication{{Name: "file"}}}}, live: newLive()}
			g.live.add(history.Event{Kind: history.KindProcess, Process: &history.Process{Phase: history.ProcessSeen}})
			g.live.add(history.Event{Kind: history.KindState, State: &history.State{Publication: "file", State: history.Running}})
			for _, e := range c.events {
				g.live.add(e)
			}
			if why := g.AtRest(); (why == "") != c.rest {
				t.Errorf("%q", why)
			}
			if (g.Severable() == "") != (c.rest && !c.lost) {
				t.Errorf("severable: %q", g.Severable())
			}
		})
	}
}

// A launch is written down when it was done: what was seen of the new process meanwhile is
// carried over, or its sockets could close later without anybody's notice.
func TestWhatIsSeenDuringALaunchIsCarried(t *testing.T) {
	seen := func(phase string, pid int, from, to history.Stamp) history.Event {
		return history.Event{Kind: history.KindProcess, Call: from, Return: to, Process: &history.Process{Phase: phase, PID: pid}}
	}
	got := carried([]history.Event{
		{Kind: history.KindHeader, Header: &history.Header{}},
		seen(history.ProcessSeen, 7, 10, 20), seen(history.ProcessListening, 7, 20, 30), seen(history.ProcessClosed, 7, 30, 40), seen(history.ProcessGone, 7, 30, 40),
		seen(history.ProcessListening, 8, 60, 70),
		{Kind: history.KindAction, Call: 50, Return: 80, Action: &history.Action{Name: history.ActionRespawn}},
		seen(history.ProcessSeen, 8, 55, 90),
	})
	var phases []string
	for _, e := range got {
		phases = append(phases, e.Process.Phase)
		if e.Process.PID != 8 {
			t.Errorf("of a process that is gone: %+v", e.Process)
		}
	}
	if want := []string{history.ProcessSeen, history.ProcessListening}; !slices.Equal(phases, want) {
		t.Errorf("carried %v, want %v", phases, want)
	}
}

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
