package conformance

import (
	"fmt"
	"slices"
	"strings"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/report"
)

// figureOf is the measured figure of a point: the timing that the checklist
// bounds, or for a point that bounds none what its situation was.
func (j judged) figureOf(p Point) string {
	switch p.Letter {
	case "a":
		return j.timing("WATCH-001")
	case "b":
		return j.timing("GATE-008")
	case "c":
		return j.timing("COUNT-002")
	case "d":
		return j.timing("WATCH-002")
	default:
		asked, killed := j.arose("RESTART-001"), j.arose("RESTART-002")
		if asked+killed == 0 {
			return ""
		}
		return fmt.Sprintf("started again under the marker %d times, %d of them after SIGKILL", asked+killed, killed)
	}
}

// timing is the first figure a requirement's monitors measured.
func (j judged) timing(id string) string {
	for _, s := range report.Summarise(j.samples(id)) {
		return s.Figure()
	}
	return ""
}

// turnsOf says what became of the turns of a point's own history, as its clients
// saw it, and how many the model held across a flip into draining.
func turnsOf(events []history.Event) string {
	outcomes := map[history.TurnOutcome]int{}
	called := map[string]history.Stamp{}
	released := map[string]history.Stamp{}
	var flips []history.Stamp
	draining := map[string]bool{}
	for _, e := range events {
		switch e.Kind {
		case history.KindTurn:
			if e.Turn.Phase == history.TurnEnded {
				outcomes[e.Turn.Outcome]++
			}
		case history.KindModel:
			switch e.Model.Phase {
			case history.ModelCalled:
				called[e.Model.Turn] = e.Return
			case history.ModelReleased, history.ModelGone:
				released[e.Model.Turn] = e.Call
			}
		case history.KindState:
			is := e.State.State == history.Draining
			if is && !draining[e.State.Publication] {
				flips = append(flips, e.Return)
			}
			draining[e.State.Publication] = is
		}
	}
	held := 0
	for turn, from := range called {
		to, ok := released[turn]
		if slices.ContainsFunc(flips, func(at history.Stamp) bool { return from < at && (!ok || at < to) }) {
			held++
		}
	}
	var parts []string
	add := func(n int, what string) {
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, what))
		}
	}
	add(outcomes[history.Refused], "refused")
	add(held, "held across the flip")
	add(outcomes[history.Finished], "finished whole")
	for _, o := range []history.TurnOutcome{history.Busy, history.Failed, history.Cut, history.Hung, history.Unsent, history.Aborted} {
		add(outcomes[o], string(o))
	}
	return strings.Join(parts, ", ")
}
