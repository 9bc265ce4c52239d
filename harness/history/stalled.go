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
	var stalls []Event
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
			stalls = append(stalls, e)
		}
	}
	slices.SortFunc(stalls, func(a, b Event) int {
		return cmp.Or(cmp.Compare(a.Call, b.Call), cmp.Compare(b.Return, a.Return)) // grown ones first
	})
	end := from
	for _, s := range stalls {
		if begin := max(s.Call, end); s.Return > begin {
			lost += min(s.Return.Sub(begin), s.Stall.Late)
			end = s.Return
		}
	}
	return to.Sub(from), lost
}
