package secondopinion

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/drainproof/drainproof/harness/history"
)

var histories = flag.String("histories", "", "a folder: every history below it is compared")

// limit is ample for a segment of any history that a spec leaves.
const limit = 5 * time.Second

// inFlight is a turn held by the model, and a drain that was acknowledged at 1003.
func inFlight(s *tale) {
	s.hold(500, "t")
	s.read(502, history.Running, 1)
	s.begin(1000)
	s.read(1003, history.Draining, 1)
}

func TestCompare(t *testing.T) {
	for _, c := range []struct {
		name    string
		events  []history.Event
		want    porcupine.CheckResult
		accused []string // among others
	}{
		{"nothing", tell(), porcupine.Ok, nil},
		{"a drain", tell(inFlight, func(s *tale) {
			s.refuse(1010, "r")
			s.finish(1100, "t")
			s.read(1105, history.Draining, 0)
			s.cancel(1200)
			s.read(1203, history.Running, 0)
			s.hold(1210, "next")
		}), porcupine.Ok, nil},
		{"a late admission", tell(inFlight, func(s *tale) { s.hold(1010, "late") }), porcupine.Illegal, []string{"GATE-001"}},
		{"an admission in the drain that ends after it", tell(inFlight, func(s *tale) {
			s.turn(1010, "t2", history.TurnSent)
			s.cancel(1011)
			s.model(1012, "t2", history.ModelCalled)
		}), porcupine.Ok, nil},
		{"an admission before draining was read", tell(inFlight, func(s *tale) {
			s.turn(1002, "t2", history.TurnSent)
			s.model(1009, "t2", history.ModelCalled)
		}), porcupine.Illegal, nil}, // it was in flight at 1003, or is late: 1 was read
		{"an admission before draining was read, and counted", tell(func(s *tale) {
			s.begin(1000)
			s.turn(1002, "t2", history.TurnSent)
			s.read(1003, history.Draining, 1)
			s.model(1009, "t2", history.ModelCalled)
		}), porcupine.Ok, nil},
		{"drained while busy", tell(inFlight, func(s *tale) { s.read(1010, history.Draining, 0) }), porcupine.Illegal, []string{"COUNT-003"}},
		{"released, and not counted any more", tell(inFlight, func(s *tale) {
			s.model(1010, "t", history.ModelReleased)
			s.read(1011, history.Draining, 0)
		}), porcupine.Ok, nil},
		{"released while it is read", tell(inFlight, func(s *tale) {
			s.model(1010, "t", history.ModelReleased)
			s.reads(1009, 1011, history.Draining, 0)
		}), porcupine.Ok, nil},
		{"lost on the way into the drain", tell(func(s *tale) {
			s.hold(500, "a")
			s.hold(510, "b")
			s.read(520, history.Running, 2)
			s.begin(1000)
			s.read(1003, history.Draining, 1)
		}), porcupine.Illegal, []string{"STATE-009"}},
		{"counted for ever", tell(inFlight, func(s *tale) {
			s.finish(1100, "t")
			s.read(1105, history.Draining, 1)
			s.read(12000, history.Draining, 1)
		}), porcupine.Illegal, []string{"COUNT-002"}},
		{"counted for the grace", tell(inFlight, func(s *tale) {
			s.finish(1100, "t")
			s.read(11000, history.Draining, 1)
			s.read(11100, history.Draining, 0)
		}), porcupine.Ok, nil},
		{"counted for ever, by a machine that stood still", tell(inFlight, func(s *tale) {
			s.finish(1100, "t")
			s.span(2000, 11900, history.Event{Kind: history.KindStall, Stall: &history.Stall{Late: 9 * time.Second}})
			s.read(12000, history.Draining, 1)
		}), porcupine.Ok, nil},
		{"counts that lag while running", tell(func(s *tale) {
			s.hold(500, "t")
			s.read(505, history.Running, 0)
		}), porcupine.Ok, nil},

		// What is read after a begin may be left over from the drain before it.
		{"a leftover", tell(inFlight, func(s *tale) {
			s.cancel(1200)
			s.begin(1210)
			s.read(1220, history.Draining, 1)
			s.hold(1230, "not late")
		}), porcupine.Ok, nil},
		{"no leftover, since running was read", tell(inFlight, func(s *tale) {
			s.cancel(1200)
			s.read(1205, history.Running, 1)
			s.begin(1210)
			s.read(1220, history.Draining, 1)
			s.hold(1230, "late")
		}), porcupine.Illegal, []string{"GATE-001"}},
		{"no leftover, for it is too late for one", tell(inFlight, func(s *tale) {
			s.cancel(1200)
			s.begin(1210)
			s.read(3300, history.Draining, 1)
			s.hold(3310, "late")
		}), porcupine.Illegal, []string{"GATE-001"}},
		{"acknowledged while it is written", tell(func(s *tale) {
			s.marker(1000, 1010, history.OpBegin)
			s.read(1003, history.Draining, 0)
			s.hold(1020, "late")
		}), porcupine.Illegal, []string{"GATE-001"}},

		// Lives: what one owes, and what it had, is not the next one's.
		{"killed and respawned in the drain", tell(inFlight, func(s *tale) {
			s.action(1100, history.ActionSIGKILL)
			s.end(1101, "t", history.Cut)
			s.action(1200, history.ActionRespawn)
			s.hold(1205, "too early for the model")
			s.read(1210, history.Draining, 1)
			s.hold(1220, "late")
		}), porcupine.Illegal, []string{"GATE-001", "WATCH-003"}},
		{"replayed in the drain", tell(inFlight, func(s *tale) {
			s.action(1100, history.ActionSIGKILL)
			s.end(1101, "t", history.Cut)
			s.action(1200, history.ActionRespawn)
			s.read(1210, history.Draining, 0)
			s.add(1220, history.Event{Kind: history.KindModel, Model: &history.Model{Turn: "t", Call: 2, Phase: history.ModelCalled}})
			s.read(1230, history.Draining, 1)
		}), porcupine.Ok, nil},
		{"shut down", tell(inFlight, func(s *tale) {
			s.action(1100, history.ActionSIGTERM)
			s.hold(1110, "the shutdown's business")
			s.read(1120, history.Draining, 0)
		}), porcupine.Ok, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Compare(c.events, limit)
			if err != nil {
				t.Fatal(err)
			}
			if got.Result != c.want {
				t.Errorf("%s (%s), want %s", got.Result, got.Why, c.want)
			}
			if got.Result != porcupine.Ok && got.Why == "" {
				t.Error("it does not say why")
			}
			for _, id := range c.accused {
				if !slices.Contains(got.Accused, id) {
					t.Errorf("%s is not charged; accused: %v", id, got.Accused)
				}
			}
			if c.accused == nil && c.want == porcupine.Ok && len(got.Accused) > 0 {
				t.Logf("accused: %v", got.Accused)
			}
			if got.Disagreement != "" && c.accused != nil || got.Disagreement != "" && c.want == porcupine.Ok {
				t.Errorf("a disagreement: %s", got.Disagreement)
			}
		})
	}
}

// A long history is cut where the gateway is at rest.
func TestSegments(t *testing.T) {
	events := tell(func(s *tale) {
		for i := range 50 {
			at, id := float64(1000+20_000*i), fmt.Sprint("t", i)
			s.hold(at, id)
			s.read(at+10, history.Running, 1)
			s.finish(at+20, id)
			s.read(at+30, history.Running, 0)
			s.begin(at + 40)
			s.read(at+45, history.Draining, 0)
			s.cancel(at + 50)
			s.read(at+60, history.Running, 0)
		}
	})
	got, err := Compare(events, limit)
	if err != nil || got.Result != porcupine.Ok || got.Segments < 50 {
		t.Errorf("%+v, %v", got, err)
	}
}

// What can't be decided in time is neither agreement nor disagreement.
func TestUndecided(t *testing.T) {
	events := tell(func(s *tale) {
		const turns = 40
		for i := range turns {
			s.turn(1000+float64(i)/10, fmt.Sprint("t", i), history.TurnSent)
		}
		s.begin(1010)
		s.read(1020, history.Draining, 2*turns) // no order explains it
		for i := range turns {
			s.model(1100-float64(i)/10, fmt.Sprint("t", i), history.ModelCalled)
		}
	})
	got, err := Compare(events, 50*time.Millisecond)
	if err != nil || got.Result != porcupine.Unknown || got.Disagreement != "" || !strings.Contains(got.Why, "not decided") {
		t.Errorf("%+v, %v", got, err)
	}
}

// Every history of a folder, with -histories: a report's, or many of them.
func TestFolder(t *testing.T) {
	if *histories == "" {
		t.Skip("no -histories DIR")
	}
	sum, err := CompareFolder(*histories, limit)
	if err != nil || sum.Histories == 0 {
		t.Fatalf("%d histories below %s: %v", sum.Histories, *histories, err)
	}
	t.Logf("%d histories, %d operations: %v", sum.Histories, sum.Operations, sum.Results)
	for _, p := range sum.Problems {
		t.Error(p)
	}
	for _, u := range sum.Undecided {
		t.Log("undecided: " + u)
	}
}
