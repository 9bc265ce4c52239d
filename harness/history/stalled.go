package history

import (
	"cmp"
	"slices"
	"time"
)

// Stalled says how long a history is, and for how much of it something was kept waiting that
// the gateway is not to be blamed for. A gateway that was let run in a part of a stretch lost
// the rest of it only. Stalls may overlap, and one that grows is told again.
func Stalled(events []Event) (all, lost time.Duration) {
	type stall struct {
		from, to Stamp
		late     time.Duration
	}
	var stalls []stall
	var from, to Stamp
	for _, e := range events {
		if e.Kind == KindHeader || e.Kind == KindOutcome || e.Return == 0 {
			continue
		}
		if from == 0 || e.Call < from {
			from = e.Call
		}
		to = max(to, e.Return)
		if e.Kind == KindStall {
			stalls = append(stalls, stall{e.Call, e.Return, e.Stall.Late})
		}
	}
	slices.SortFunc(stalls, func(a, b stall) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(b.to, a.to)) // grown ones first
	})
	end := from
	for _, s := range stalls {
		if begin := max(s.from, end); s.to > begin {
			lost += min(s.to.Sub(begin), s.late)
			end = s.to
		}
	}
	return to.Sub(from), lost
}
