package verdict

import (
	"slices"
	"strings"

	"github.com/drainproof/drainproof/harness/monitor"
)

// figures sums up samples by name, ordered by name. The bound shown is the
// loosest that any sample was held against, so no figure looks better than it is.
func figures(samples []monitor.Sample) []Figure {
	byName := map[string][]monitor.Sample{}
	for _, s := range samples {
		byName[s.Name] = append(byName[s.Name], s)
	}
	out := make([]Figure, 0, len(byName))
	for name, list := range byName {
		slices.SortFunc(list, func(a, b monitor.Sample) int { return int(min(max(a.Value-b.Value, -1), 1)) })
		f := Figure{Name: name, Count: len(list), P50: list[quantile(len(list), 50)].Value, P99: list[quantile(len(list), 99)].Value, Max: list[len(list)-1].Value}
		for _, s := range list {
			f.Bound = max(f.Bound, s.Bound)
		}
		out = append(out, f)
	}
	slices.SortFunc(out, func(a, b Figure) int { return strings.Compare(a.Name, b.Name) })
	if len(out) == 0 {
		return nil
	}
	return out
}

// quantile is the index of the nearest-rank percentile of n sorted values.
func quantile(n, percent int) int { return max((n*percent+99)/100, 1) - 1 }
