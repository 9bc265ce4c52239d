package compare

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aclements/go-moremath/stats"

	"github.com/drainproof/drainproof/harness/config"
	"github.com/drainproof/drainproof/harness/report"
)

// Finding is what was found of a figure or a verdict.
type Finding string

// The findings.
const (
	FoundSame       Finding = "same"
	FoundWorse      Finding = "worse"
	FoundBetter     Finding = "better"
	FoundNoise      Finding = "noise"        // of a figure: it misses something, see Figure.Misses
	FoundTooFew     Finding = "too few"      // of a figure: with so few values chance can't be told from anything
	FoundUnmeasured Finding = "not measured" // of a figure: one side has no value of it
	FoundAppeared   Finding = "appeared"     // of a verdict: the old side has none
	FoundVanished   Finding = "vanished"     // of a verdict: the new side has none
	FoundChanged    Finding = "changed"      // of a verdict: it can't be said for better or worse
)

// What a difference may miss.
const (
	MissChance = "p"      // chance alone does it more often than alpha
	MissEffect = "effect" // it is not seen in enough of the values
	MissRatio  = "ratio"  // the medians lie apart by too small a factor
	MissShift  = "shift"  // and by too small an amount
)

// Distribution is what a side measured of a figure. Percentiles are nearest rank: values
// that really occurred.
type Distribution struct {
	N      int   `json:"n"`
	Median int64 `json:"median"`
	P95    int64 `json:"p95"`
	Max    int64 `json:"max"`
}

// Figure is a measured figure on both sides. The statistics are there where both sides
// have values.
type Figure struct {
	Requirement string       `json:"requirement,omitempty"`
	Name        string       `json:"name"`
	Unit        string       `json:"unit"` // UnitTime or UnitMemory
	Old         Distribution `json:"old"`
	New         Distribution `json:"new"`
	P           float64      `json:"p"`      // how often chance alone does it, corrected after Holm
	Effect      float64      `json:"effect"` // how often a new value is above an old one; equal ones count half
	Finding     Finding      `json:"finding"`
	Misses      []string     `json:"misses,omitempty"` // with noise
}

// describe takes the percentiles of values, which it sorts.
func describe(values []int64) Distribution {
	if len(values) == 0 {
		return Distribution{}
	}
	slices.Sort(values)
	return Distribution{
		N: len(values), Median: report.Percentile(values, 50), P95: report.Percentile(values, 95), Max: values[len(values)-1],
	}
}

// test compares the values of two sides: how often chance alone sets them apart so far,
// and how often a new one is above an old one.
func test(old, new []int64) (p, effect float64) {
	result, err := stats.MannWhitneyUTest(floats(new), floats(old), stats.LocationDiffers)
	if err != nil {
		return 1, 0.5 // all values are the same, or one side has none
	}
	return result.P, result.U / float64(len(old)*len(new))
}

func floats(values []int64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = float64(v)
	}
	return out
}

// holm corrects the p values of tests that are made together, in their order: with many of
// them, one is below any limit by chance.
func holm(ps []float64) []float64 {
	order := make([]int, len(ps))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case ps[a] < ps[b]:
			return -1
		case ps[a] > ps[b]:
			return 1
		}
		return 0
	})
	out := make([]float64, len(ps))
	worst := 0.0
	for rank, i := range order {
		worst = max(worst, min(1, float64(len(ps)-rank)*ps[i]))
		out[i] = worst
	}
	return out
}

// figures compares all that was measured on either side, in the order in which it first
// appears.
func figures(old, new map[key][]int64, order []key, limits config.Compare) []Figure {
	var out []Figure
	var tested []int
	var ps []float64
	for _, k := range order {
		f := Figure{
			Requirement: k.requirement, Name: k.name, Unit: k.unit,
			Old: describe(old[k]), New: describe(new[k]), P: 1, Effect: 0.5, Finding: FoundUnmeasured,
		}
		if f.Old.N > 0 && f.New.N > 0 {
			var p float64
			p, f.Effect = test(old[k], new[k])
			ps, tested = append(ps, p), append(tested, len(out))
		}
		out = append(out, f)
	}
	for i, p := range holm(ps) {
		f := &out[tested[i]]
		f.P = p
		f.judge(len(ps), limits)
	}
	return out
}

// judge finds what is to be said of a figure that was tested together with others, so many
// in all.
func (f *Figure) judge(tests int, limits config.Compare) {
	found, low, high, effect := FoundWorse, f.Old.Median, f.New.Median, f.Effect
	if f.New.Median < f.Old.Median {
		found, low, high, effect = FoundBetter, f.New.Median, f.Old.Median, 1-f.Effect
	}
	floor := int64(limits.Shift)
	if f.Unit == UnitMemory {
		floor = int64(limits.Memory) << 20
	}
	for _, c := range []struct {
		met  bool
		miss string
	}{
		{f.P < limits.Alpha, MissChance},
		{effect >= limits.Effect, MissEffect},
		{high > low && float64(high) >= limits.Ratio*float64(low), MissRatio},
		{high-low >= floor, MissShift},
	} {
		if !c.met {
			f.Misses = append(f.Misses, c.miss)
		}
	}
	switch {
	case len(f.Misses) == 0:
		f.Finding = found
	case len(f.Misses) == 4:
		f.Finding, f.Misses = FoundSame, nil
	case rarest(f.Old.N, f.New.N)*float64(tests) >= limits.Alpha:
		f.Finding, f.Misses = FoundTooFew, nil
	default:
		f.Finding = FoundNoise
	}
}

// rarest is the smallest p value that so many values can have: that of one side being
// above the other as a whole.
func rarest(n, m int) float64 {
	a, _ := math.Lgamma(float64(n + 1))
	b, _ := math.Lgamma(float64(m + 1))
	all, _ := math.Lgamma(float64(n + m + 1))
	return min(1, 2*math.Exp(a+b-all))
}

// label is a figure's name for people.
func (f Figure) label() string {
	if f.Requirement == "" {
		return f.Name
	}
	return f.Name + " (" + f.Requirement + ")"
}

// values is a side's distribution for people.
func (f Figure) values(d Distribution) string {
	if d.N == 0 {
		return "-"
	}
	text := f.amount(d.Median)
	if d.N > 1 {
		text += ", p95 " + f.amount(d.P95)
	}
	return text + fmt.Sprintf(" (%d)", d.N)
}

func (f Figure) amount(v int64) string {
	if f.Unit == UnitMemory {
		return strconv.FormatFloat(float64(v)/(1<<20), 'f', 1, 64) + " MiB"
	}
	return report.Human(time.Duration(v))
}

// told is the finding for people, with what a difference misses.
func (f Figure) told() string {
	switch f.Finding {
	case FoundWorse, FoundBetter:
		sign := "+"
		if f.New.Median < f.Old.Median {
			sign = ""
		}
		return fmt.Sprintf("%s: %s%s", f.Finding, sign, f.amount(f.New.Median-f.Old.Median))
	case FoundTooFew:
		return "too few values to tell it from chance"
	case FoundNoise:
		return "noise, misses " + strings.Join(f.Misses, ", ")
	}
	return string(f.Finding)
}

// chance is a p value for people.
func (f Figure) chance() string {
	switch {
	case f.Finding == FoundUnmeasured:
		return "-"
	case f.P < 0.001:
		return "< 0.001"
	}
	return decimal(math.Round(f.P*1000) / 1000)
}

// share is the effect for people.
func (f Figure) share() string {
	if f.Finding == FoundUnmeasured {
		return "-"
	}
	return percent(f.Effect)
}

func percent(x float64) string { return strconv.FormatFloat(100*x, 'f', 0, 64) + " %" }

func decimal(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }
