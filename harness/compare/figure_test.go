package compare

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/config"
)

const ms = int64(time.Millisecond)

// limits are those of the published configuration.
var limits = config.Compare{Alpha: 0.01, Effect: 0.71, Ratio: 1.5, Shift: 50 * time.Millisecond, Memory: 16, Noise: 0.5}

// spread are n values from low on, each a step above the one before.
func spread(n int, low, step int64) []int64 {
	var out []int64
	for i := range n {
		out = append(out, low+int64(i)*step)
	}
	return out
}

func one(old, new []int64, unit string) Figure {
	k := key{"WATCH-001", "draining published after", unit}
	return figures(map[key][]int64{k: old}, map[key][]int64{k: new}, []key{k}, limits)[0]
}

func TestFiguresAreJudged(t *testing.T) {
	usual := spread(25, 10*ms, ms)
	for name, c := range map[string]struct {
		old, new []int64
		unit     string
		want     Finding
		misses   []string
	}{
		"no shift":                        {usual, spread(25, 10*ms+ms/2, ms), UnitTime, FoundSame, nil},
		"the same values":                 {usual, usual, UnitTime, FoundSame, nil},
		"tiny, and no chance":             {spread(200, 10*ms, 1000), spread(200, 11*ms, 1000), UnitTime, FoundNoise, []string{MissRatio, MissShift}},
		"many times, of very little":      {spread(50, ms, 1000), spread(50, 9*ms, 1000), UnitTime, FoundNoise, []string{MissShift}},
		"much, of very much":              {spread(50, 1000*ms, 1000), spread(50, 1100*ms, 1000), UnitTime, FoundNoise, []string{MissRatio}},
		"big":                             {usual, spread(25, 110*ms, ms), UnitTime, FoundWorse, nil},
		"big, the other way":              {spread(25, 110*ms, ms), usual, UnitTime, FoundBetter, nil},
		"tiny, the other way":             {spread(200, 11*ms, 1000), spread(200, 10*ms, 1000), UnitTime, FoundNoise, []string{MissRatio, MissShift}},
		"exactly the shift":               {spread(25, 100*ms, 0), spread(25, 150*ms, 0), UnitTime, FoundWorse, nil},
		"just below the shift":            {spread(25, 90*ms, 0), spread(25, 140*ms-1, 0), UnitTime, FoundNoise, []string{MissShift}},
		"just below the ratio":            {spread(25, 200*ms, 0), spread(25, 300*ms-1, 0), UnitTime, FoundNoise, []string{MissRatio}},
		"big, in a half of the values":    {spread(25, 10*ms, ms), append(spread(12, 10*ms, ms), spread(13, 210*ms, ms)...), UnitTime, FoundNoise, []string{MissChance, MissEffect}},
		"two values":                      {spread(2, 10*ms, ms), spread(2, 500*ms, ms), UnitTime, FoundTooFew, nil},
		"one value each":                  {spread(1, 10*ms, ms), spread(1, 500*ms, ms), UnitTime, FoundTooFew, nil},
		"one old value":                   {spread(1, 10*ms, ms), spread(25, 500*ms, ms), UnitTime, FoundTooFew, nil},
		"enough of them":                  {spread(6, 10*ms, ms), spread(6, 500*ms, ms), UnitTime, FoundWorse, nil},
		"all values are one":              {spread(30, 5*ms, 0), spread(40, 5*ms, 0), UnitTime, FoundSame, nil},
		"nearly all are none":             {append(spread(30, 0, 0), 9*ms), append(spread(30, 0, 0), 80*ms), UnitTime, FoundSame, nil},
		"from none to much, with ties":    {spread(30, 0, 0), spread(30, 100*ms, 0), UnitTime, FoundWorse, nil},
		"no old value":                    {nil, usual, UnitTime, FoundUnmeasured, nil},
		"no new value":                    {usual, nil, UnitTime, FoundUnmeasured, nil},
		"more memory":                     {spread(10, 20<<20, 1<<10), spread(10, 40<<20, 1<<10), UnitMemory, FoundWorse, nil},
		"more memory, of a large process": {spread(10, 900<<20, 1<<10), spread(10, 940<<20, 1<<10), UnitMemory, FoundNoise, []string{MissRatio}},
		"more memory, of a small process": {spread(10, 5<<20, 1<<10), spread(10, 15<<20, 1<<10), UnitMemory, FoundNoise, []string{MissShift}},
	} {
		t.Run(name, func(t *testing.T) {
			f := one(slices.Clone(c.old), slices.Clone(c.new), c.unit)
			if f.Finding != c.want || !slices.Equal(f.Misses, c.misses) {
				t.Errorf("found %q (misses %v), want %q (%v): %+v", f.Finding, f.Misses, c.want, c.misses, f)
			}
			if f.P < 0 || f.P > 1 || f.Effect < 0 || f.Effect > 1 {
				t.Errorf("p %v, effect %v", f.P, f.Effect)
			}
		})
	}
}

// With many figures, chance finds something in one of them: what suffices for one alone
// does not suffice for one of many.
func TestManyFiguresAskForMore(t *testing.T) {
	old, new := map[key][]int64{}, map[key][]int64{}
	var order []key
	for i := range 20 {
		k := key{"WATCH-001", string(rune('a' + i)), UnitTime}
		order = append(order, k)
		old[k], new[k] = spread(5, 10*ms, ms), spread(5, 10*ms+ms/2, ms)
	}
	new[order[0]] = spread(5, 500*ms, ms)
	alone := figures(old, new, order[:1], limits)[0]
	among := figures(old, new, order, limits)[0]
	if alone.Finding != FoundWorse || among.Finding != FoundTooFew {
		t.Errorf("alone %q with p %v, among 20 %q with p %v", alone.Finding, alone.P, among.Finding, among.P)
	}
}

func TestHolm(t *testing.T) {
	got := holm([]float64{0.01, 0.04, 0.03, 0.005})
	for i, want := range []float64{0.03, 0.06, 0.06, 0.02} {
		if math.Abs(got[i]-want) > 1e-12 {
			t.Errorf("got %v", got)
			break
		}
	}
	if got := holm([]float64{0.6, 0.7}); got[0] != 1 || got[1] != 1 {
		t.Errorf("got %v, above 1 is no chance", got)
	}
	if got := holm(nil); len(got) != 0 {
		t.Errorf("got %v of nothing", got)
	}
}

func TestRarest(t *testing.T) {
	for _, c := range []struct {
		n, m int
		want float64
	}{{1, 1, 1}, {2, 2, 2.0 / 6}, {5, 5, 2.0 / 252}, {1, 25, 2.0 / 26}} {
		if got := rarest(c.n, c.m); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%d and %d: %v, want %v", c.n, c.m, got, c.want)
		}
	}
}

func TestPercentilesOccurred(t *testing.T) {
	d := describe([]int64{5, 1, 4, 2, 3})
	if d != (Distribution{N: 5, Median: 3, P95: 5, Max: 5}) {
		t.Errorf("%+v", d)
	}
	if d := describe(nil); d != (Distribution{}) {
		t.Errorf("of nothing: %+v", d)
	}
}
