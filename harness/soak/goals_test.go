package soak

import (
	"slices"
	"testing"

	"github.com/drainproof/drainproof/harness/history"
)

// clock stamps events one after the other.
type clock struct{ events []history.Event }

func (c *clock) add(e history.Event) *clock {
	e.Seq = uint64(len(c.events))
	e.Call, e.Return = history.Stamp(1000*len(c.events)+1), history.Stamp(1000*len(c.events)+2)
	c.events = append(c.events, e)
	return c
}

func (c *clock) marker(m history.Marker) *clock {
	return c.add(history.Event{Kind: history.KindMarker, Marker: &m})
}

func (c *clock) begin() *clock {
	return c.marker(history.Marker{Op: history.OpBegin, Present: true})
}

func (c *clock) cancel() *clock {
	return c.marker(history.Marker{Op: history.OpCancel, Existed: true})
}

func (c *clock) state(s string, n int) *clock {
	return c.add(history.Event{Kind: history.KindState, State: &history.State{Publication: "file", State: s, Count: n}})
}

func (c *clock) turn(id string, phase history.TurnPhase, o history.TurnOutcome) *clock {
	return c.add(history.Event{Kind: history.KindTurn, Turn: &history.Turn{ID: id, Phase: phase, Ingress: "chat", Session: "s", Outcome: o}})
}

func (c *clock) model(id string, phase history.ModelPhase) *clock {
	return c.add(history.Event{Kind: history.KindModel, Model: &history.Model{Turn: id, Call: 1, Phase: phase}})
}

func (c *clock) action(name string) *clock {
	return c.add(history.Event{Kind: history.KindAction, Action: &history.Action{Name: name}})
}

// Each goal is reached by what its sentence says, and not by what comes close.
func TestGoals(t *testing.T) {
	for name, c := range map[string]struct{ with, without *clock }{
		"flip-in-flight": {
			new(clock).model("a", history.ModelCalled).begin().state("draining", 1),
			new(clock).model("a", history.ModelCalled).begin().model("a", history.ModelReleased).state("draining", 0),
		},
		"refused-then-served": {
			new(clock).turn("a", history.TurnEnded, history.Refused).turn("b", history.TurnEnded, history.Finished),
			new(clock).turn("b", history.TurnEnded, history.Finished).turn("a", history.TurnEnded, history.Refused),
		},
		"two-to-zero": {
			new(clock).begin().state("draining", 2).state("draining", 0),
			new(clock).begin().state("draining", 2).cancel().begin().state("draining", 0),
		},
		"kill-in-drain": {
			new(clock).begin().state("draining", 0).action(history.ActionSIGKILL),
			new(clock).begin().action(history.ActionSIGKILL),
		},
		"term-in-drain": {
			new(clock).begin().state("draining", 0).action(history.ActionSIGTERM),
			new(clock).begin().state("draining", 0).cancel().action(history.ActionSIGTERM),
		},
		"start-under-marker": {
			new(clock).begin().action(history.ActionRespawn).state("draining", 0),
			new(clock).action(history.ActionRespawn).begin().state("draining", 0),
		},
		"rewritten": {
			new(clock).begin().state("draining", 0).begin(),
			new(clock).begin().begin(),
		},
		"hostile": {
			new(clock).marker(history.Marker{Op: history.OpBegin, Present: true, Expectation: history.Expectation{Case: "empty"}}).state("draining", 0),
			new(clock).begin().state("draining", 0),
		},
		"unnoticed": {
			new(clock).begin().cancel(),
			new(clock).begin().state("draining", 0).cancel(),
		},
		"delivering": {
			new(clock).turn("a", history.TurnArriving, "").begin().state("draining", 1),
			new(clock).turn("a", history.TurnArriving, "").turn("a", history.TurnResumed, "").begin().state("draining", 1),
		},
		"aborted-in-drain": {
			new(clock).model("a", history.ModelCalled).begin().state("draining", 1).turn("a", history.TurnAborted, ""),
			new(clock).begin().state("draining", 1).turn("a", history.TurnAborted, ""),
		},
		"followed-up": {
			new(clock).turn("a", history.TurnSent, "").model("a", history.ModelCalled).turn("b", history.TurnSent, ""),
			new(clock).turn("a", history.TurnSent, "").turn("b", history.TurnSent, ""),
		},
		"loaded": {
			new(clock).action(history.ActionLoad).begin(),
			new(clock).action(history.ActionLoad).action(history.ActionUnload).begin(),
		},
		"frozen-in-drain": {
			new(clock).begin().state("draining", 0).action(history.ActionFreeze),
			new(clock).begin().action(history.ActionFreeze),
		},
	} {
		for what, events := range map[string]*clock{"with": c.with, "without": c.without} {
			g := NewGoals(terrain(t))
			g.Add(events.events)
			if got := !slices.Contains(g.Missing(), name); got != (what == "with") {
				t.Errorf("%s, %s: reached %t", name, what, got)
			}
		}
	}
}

// What was done to a home before a history counts where it could be done.
func TestGoalsOfTheHome(t *testing.T) {
	ground := terrain(t)
	g := NewGoals(ground)
	g.endured(Step{Do: Home, How: HomeFull})
	if missing := g.Missing(); slices.Contains(missing, "home-full") || !slices.Contains(missing, "home-read-only") {
		t.Errorf("missing: %v", missing)
	}
	ground.Docker = false
	for _, goal := range NewGoals(ground).All() {
		if goal.Name == "home-full" || goal.Name == "home-read-only" {
			t.Errorf("%s is a goal where no home is mounted", goal.Name)
		}
	}
}

// A goal of all ways in is reached once each was seen, in however many histories.
func TestGoalsOfAllWaysIn(t *testing.T) {
	g := NewGoals(terrain(t))
	for i, name := range []string{"chat", "stream", "async"} {
		if !slices.Contains(g.Missing(), "every-ingress-refused") {
			t.Errorf("reached after %d ways in", i)
		}
		g.Add([]history.Event{{Kind: history.KindTurn, Turn: &history.Turn{ID: name, Phase: history.TurnEnded, Ingress: name, Outcome: history.Refused}}})
	}
	if slices.Contains(g.Missing(), "every-ingress-refused") {
		t.Error("not reached")
	}
}
