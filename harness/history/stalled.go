package history

import (
	"cmp"
	"slices"
	"time"
)

// Stalled says how long a history is, and for how much of it something stood still that
// the gateway is not to be blamed for. Stalls may overlap, and one that grows is told again.
func Stalled(events []Event) (all, lost time.Duration) {
	var stalls [][2]Stamp
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
			stalls = append(stalls, [2]Stamp{e.Call, e.Return})
		}
	}
	slices.SortFunc(stalls, func(a, b [2]Stamp) int { return cmp.Compare(a[0], b[0]) })
	end := from
	for _, s := range stalls {
		if begin := max(s[0], end); s[1] > begin {
			lost += s[1].Sub(begin)
			end = s[1]
		}
	}
	return to.Sub(from), lost
}
