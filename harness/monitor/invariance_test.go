package monitor

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/drainproof/drainproof/harness/history"
)

// anyWorld is a gateway that is right, or wrong once.
func anyWorld(t *rapid.T) []history.Event {
	w := newWorld(t)
	w.live(15)
	if !w.chance(3) {
		w.calm()
		rapid.SampledFrom(slices.Concat(plantedInDrain(), plantedInTime(), plantedInRestart())).Draw(t, "plant").do(w)
		w.live(10)
	}
	w.pass(2)
	w.looks()
	return w.events
}

// When the clock began does not matter.
func TestAShiftOfTheClockChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := anyWorld(t)
		by := history.Stamp(rapid.Int64Range(-1e18, 1e18).Draw(t, "by"))
		shifted := slices.Clone(events)
		for i := range shifted {
			shifted[i].Call += by
			shifted[i].Return += by
		}
		before, after := judgedBy(t, events), judgedBy(t, shifted)
		for id, j := range after {
			for _, list := range [][]Violation{j.Violations, j.Noisy, j.Advice} {
				for i := range list {
					list[i].At -= by
				}
			}
			if !reflect.DeepEqual(before[id], j) {
				t.Errorf("%s: %+v, and %+v when shifted by %d", id, before[id], j, by)
			}
		}
		if t.Failed() {
			fail(t, "a shift changes what is said", before, events)
		}
	})
}

// Who was written down first, of those that came at one instant, does not matter.
func TestTheOrderAtOneInstantChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := coarse(anyWorld(t))
		shuffled := slices.Clone(events)
		for range 2 * len(shuffled) {
			i := rapid.IntRange(1, len(shuffled)-1).Draw(t, "swap")
			if a, b := shuffled[i-1], shuffled[i]; a.Call == b.Call && turnOf(a) != "" && turnOf(b) != "" && turnOf(a) != turnOf(b) {
				shuffled[i-1], shuffled[i] = b, a
			}
		}
		before, after := judgedBy(t, events), judgedBy(t, shuffled)
		for id := range before {
			if len(before[id].Violations) != len(after[id].Violations) || before[id].Arose != after[id].Arose || len(before[id].Noisy) != len(after[id].Noisy) {
				t.Logf("now %+v", after[id])
				fail(t, id+" depends on the order of what came at one instant", before, events)
			}
		}
	})
}

// coarse is what a clock that only ticks every millisecond shows, in the order of it.
func coarse(events []history.Event) []history.Event {
	const tick = 1_000_000
	out := inOrder(events)
	for i := range out {
		out[i].Call -= out[i].Call % tick
		out[i].Return += tick - 1 - (out[i].Return+tick-1)%tick
	}
	slices.SortStableFunc(out, func(a, b history.Event) int { return cmp.Compare(a.Call, b.Call) })
	return out
}

// turnOf is the turn that an event is of; empty: of none.
func turnOf(e history.Event) string {
	switch e.Kind {
	case history.KindTurn:
		return e.Turn.ID
	case history.KindModel:
		return e.Model.Turn
	}
	return ""
}

// families are requirements among which what is known decides who is charged with one
// and the same deed.
var families = [][]string{
	{"WATCH-001", "WATCH-002", "WATCH-005", "MARKER-001", "STATE-003", "STATE-010"},
	{"COUNT-001", "COUNT-003", "COUNT-006", "STATE-009"},
	{"GATE-001", "GATE-005", "GATE-010", "WATCH-003"},
	{"RESTART-001", "RESTART-002", "WATCH-008"},
	{"MARKER-008", "SHUTDOWN-003"},
	{"STATE-006", "STATE-008"},
	{"GATE-004", "SHUTDOWN-001"},
	{"COUNT-002", "COUNT-004", "COUNT-007"},
}

func family(id string) string {
	for _, f := range families {
		if slices.Contains(f, id) {
			return strings.Join(f, " ")
		}
	}
	return id
}

// Who knows less accuses no more, but for who it is in a family.
func TestLessKnownIsNoMoreAccused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := anyWorld(t)
		before := map[string]bool{}
		for _, id := range judgedBy(t, events).where(violated) {
			if id == "STATE-005" || id == "WATCH-007" {
				return // that it drained for nothing, and not for the marker that came then, may not be known any more
			}
			before[family(id)] = true
		}
		rough := widened(t, events, 0)
		after := judgedBy(t, rough)
		for _, id := range after.where(violated) {
			if !before[family(id)] {
				t.Logf("accused before: %v", before)
				fail(t, id+" is accused only when less is known", after, rough)
			}
		}
	})
}
