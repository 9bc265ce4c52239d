package compare

import (
	"flag"
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// fixed has rapid draw the same every time: a test of chance must not fail by chance.
// -rapid.seed tries others.
func fixed(t *testing.T) {
	t.Helper()
	if seed := flag.Lookup("rapid.seed"); seed.Value.String() == seed.DefValue {
		if err := seed.Value.Set("1"); err != nil {
			t.Fatal(err)
		}
	}
}

// shapes are distributions as gateways have them, of values in nanoseconds.
func shapes() map[string]func(*rand.Rand) int64 {
	return map[string]func(*rand.Rand) int64{
		"notified":  func(r *rand.Rand) int64 { return int64(8e6 * math.Exp(0.9*r.NormFloat64())) },
		"polling":   func(r *rand.Rand) int64 { return int64(1e9 * r.Float64()) },
		"slow":      func(r *rand.Rand) int64 { return int64(4e8 + 5e7*r.NormFloat64()) },
		"two paths": func(r *rand.Rand) int64 { return int64(3e6*r.ExpFloat64()) + int64(r.IntN(4)/3)*3e8 },
		"coarse":    func(r *rand.Rand) int64 { return int64(r.IntN(4)) * 1e8 },
	}
}

// Two builds that do the same are hardly ever told apart, whatever they do; and never by
// more than chance is given.
func TestOneDistributionIsHardlyEverTwo(t *testing.T) {
	fixed(t)
	called, all := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		shape := rapid.SampledFrom([]string{"notified", "polling", "slow", "two paths", "coarse"}).Draw(t, "shape")
		n, m := rapid.IntRange(1, 30).Draw(t, "old values"), rapid.IntRange(1, 30).Draw(t, "new values")
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		draw := shapes()[shape]
		here := 0
		const times = 20
		for range times {
			old, new := make([]int64, n), make([]int64, m)
			for i := range old {
				old[i] = draw(r)
			}
			for i := range new {
				new[i] = draw(r)
			}
			if f := one(old, new, UnitTime); f.Finding == FoundWorse || f.Finding == FoundBetter {
				here++
			}
		}
		if here > 3 { // a chance of 0.01 each: four of them come up once in 20000 times
			t.Fatalf("%d of %d comparisons of one distribution with itself", here, times)
		}
		called, all = called+here, all+times
	})
	if share := float64(called) / float64(all); share > limits.Alpha {
		t.Errorf("%d of %d comparisons of one distribution with itself are told apart, more than %v", called, all, limits.Alpha)
	}
}

// A build that does the same a tenth of a second later is found, at the size of one gate.
func TestATenthOfASecondIsFound(t *testing.T) {
	fixed(t)
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 2))
		draw := shapes()["notified"]
		old, new := make([]int64, 25), make([]int64, 25)
		for i := range old {
			old[i], new[i] = draw(r), draw(r)+100*ms
		}
		if f := one(old, new, UnitTime); f.Finding != FoundWorse {
			t.Fatalf("found %q: %+v", f.Finding, f)
		}
	})
}
