package monitor

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/drainproof/drainproof/harness/history"
)

// TestMain has chance repeat itself, so that a build does not fail of something that it
// did not bring about. -rapid.seed tries other chances, -rapid.checks more of them.
func TestMain(m *testing.M) {
	flag.Parse()
	if seed := flag.Lookup("rapid.seed"); seed.Value.String() == seed.DefValue {
		seed.Value.Set("1")
	}
	code := m.Run()
	all := flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.skip").Value.String() == "" && code == 0
	for _, g := range []*golden{ofStories, ofArchive} {
		if err := g.close(all); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// judgedBy has every monitor judge the events.
func judgedBy(t *rapid.T, events []history.Event) judged {
	v, err := NewView(events)
	if err != nil {
		fail(t, "NewView: "+err.Error(), nil, events)
	}
	out := judged{}
	for _, j := range JudgeAll(v) {
		out[j.Requirement] = j
	}
	return out
}

// fail tells what was found, with the history.
func fail(t *rapid.T, why string, got judged, events []history.Event) {
	for id, j := range got {
		for _, breach := range slices.Concat(j.Violations, j.Noisy) {
			t.Logf("%s: expected %s; actual %s; %v", id, breach.Expected, breach.Actual, breach.Evidence)
		}
	}
	for _, e := range inOrder(events) {
		t.Logf("%d %s", e.Seq, history.Line(e, ms(0)))
	}
	t.Fatal(why)
}

// inOrder sorts events as a reader wants them.
func inOrder(events []history.Event) []history.Event {
	out := slices.Clone(events)
	slices.SortStableFunc(out, func(a, b history.Event) int { return cmp.Compare(a.Call, b.Call) })
	return out
}

// Whatever a right gateway does, and however roughly it is seen, nobody accuses it.
func TestRightWorldsAreRight(t *testing.T) {
	arose := map[string]bool{}
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		w.live(60)
		w.pass(1)
		w.looks()
		got := judgedBy(t, w.events)
		for id, j := range got {
			arose[id] = arose[id] || j.Arose > 0
		}
		if len(got.where(violated)) > 0 {
			fail(t, "a right gateway is accused", got, w.events)
		}
		rough := widened(t, w.events, 300*time.Millisecond)
		if got := judgedBy(t, rough); len(got.where(violated)) > 0 {
			fail(t, "a right gateway is accused for what was seen only roughly", got, rough)
		}
	})
	for _, id := range []string{
		"COUNT-001", "COUNT-002", "COUNT-003", "COUNT-004", "COUNT-006", "GATE-001", "GATE-003", "GATE-004", "GATE-005", "GATE-008", "GATE-010", "GATE-011",
		"RESTART-001", "RESTART-002", "RESTART-003", "STATE-005", "STATE-006", "STATE-007", "STATE-009", "STATE-011", "STATE-012",
		"WATCH-001", "WATCH-002", "WATCH-003", "WATCH-005", "WATCH-007", "WATCH-008",
	} {
		if !arose[id] {
			t.Errorf("%s never arose: chance is too tame", id)
		}
	}
}

// widened makes intervals longer, by seconds where more may have been unknown. What one
// observer sees, or one hand does, stays one after the other; and a connection is to one
// process, so that nothing of a turn reaches back beyond a launch. Whoever waits for an
// end does so in one long read, and the end is placed where that returned (see
// judgeInFlight): ends are made longer by so much only.
func widened(t *rapid.T, events []history.Event, ends time.Duration) []history.Event {
	longer := func(most time.Duration) history.Stamp {
		return history.Stamp(rapid.Int64Range(0, int64(most)).Draw(t, "longer"))
	}
	out := slices.Clone(events)
	before := map[string]*history.Event{}
	launched := dawn
	for i := range out {
		e := &out[i]
		by := inTurn(e)
		if by == "" && e.Kind != history.KindTurn && e.Kind != history.KindModel {
			continue
		}
		from := e.Call - longer(3*time.Second)
		switch {
		case by != "":
			if last := before[by]; last != nil {
				last.Return = min(last.Return+longer(3*time.Second), e.Call)
				from = max(from, last.Return)
			}
			if e.Kind == history.KindAction && (e.Action.Name == history.ActionStart || e.Action.Name == history.ActionRespawn) {
				// The file's observer reads between an end and the next launch, which takes its time.
				from = max(from, before["file"].Call+1)
				launched = e.Call
			}
			before[by] = e
		case e.Kind == history.KindTurn || e.Model.Phase == history.ModelGone:
			e.Return += longer(ends)
		default:
			e.Return += longer(3 * time.Second)
		}
		if by == "" {
			from = max(from, min(launched, e.Call))
		}
		e.Call = from
	}
	return out
}

// inTurn says which observer or hand an event is of that does one thing after the
// other; empty: none.
func inTurn(e *history.Event) string {
	switch e.Kind {
	case history.KindMarker:
		if e.Marker.Op == history.OpFound {
			return ""
		}
		return "controller"
	case history.KindAction:
		return "controller"
	case history.KindState:
		return e.State.Publication
	}
	return ""
}
