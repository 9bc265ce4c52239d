package conformance

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/drainproof/drainproof/harness/config"
	"github.com/drainproof/drainproof/harness/report"
	"github.com/drainproof/drainproof/harness/target"
)

func slugs(specs []spec) []string {
	var out []string
	for _, sp := range specs {
		out = append(out, sp.slug())
	}
	return out
}

// everything is a run of all specs there are.
func everything() kind {
	return kind{profile: config.ProfileFull, level: config.LevelCertify, declares: func(string) bool { return true }, tools: true}
}

// Every check is in exactly one part, no part has two more than another, and what
// nothing may run beside is spread like the rest.
func TestPartsMakeAWhole(t *testing.T) {
	all := collect().specs
	whole := slugs(everything().checks(all))
	if len(whole) < 30 {
		t.Fatalf("a run of everything has %d checks", len(whole))
	}
	for _, of := range []int{1, 2, 3, 4, 7, len(whole)} {
		var joined []string
		sizes, alone := []int{}, []int{}
		for i := 1; i <= of; i++ {
			k := everything()
			k.part = config.Shard{Index: i, Of: of}
			part := k.checks(all)
			if again := k.checks(all); !slices.Equal(slugs(part), slugs(again)) {
				t.Fatalf("part %s is not the same twice", k.part)
			}
			joined = append(joined, slugs(part)...)
			sizes = append(sizes, len(part))
			n := 0
			for _, sp := range part {
				if sp.alone {
					n++
				}
			}
			alone = append(alone, n)
		}
		if slices.Max(sizes)-slices.Min(sizes) > 1 || slices.Max(alone)-slices.Min(alone) > 1 {
			t.Errorf("%d parts have %v checks, of them %v alone", of, sizes, alone)
		}
		slices.Sort(joined)
		if want := slices.Sorted(slices.Values(whole)); !slices.Equal(joined, want) {
			t.Errorf("%d parts make\n%v, the whole is\n%v", of, joined, want)
		}
	}
	for _, part := range []config.Shard{{Index: 0, Of: 4}, {Index: 5, Of: 4}, {Index: 1, Of: -1}} {
		k := everything()
		k.part = part
		if got := k.checks(all); len(got) > 0 {
			t.Errorf("part %+v, which is none, has %v", part, slugs(got))
		}
	}
}

// The order in which specs are registered decides nothing: a release that moves one does
// not move the others between parts.
func TestPartsDoNotDependOnTheOrder(t *testing.T) {
	all := collect().specs
	k := everything()
	k.part = config.Shard{Index: 2, Of: 5}
	want := slices.Sorted(slices.Values(slugs(k.checks(all))))
	slices.Reverse(all)
	if got := slices.Sorted(slices.Values(slugs(k.checks(all)))); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestAnEmptyPartIsTold(t *testing.T) {
	s := collect()
	s.target = &target.Target{}
	s.cfg = &config.Config{Profile: config.ProfileGate, Level: config.LevelGate, Shard: config.Shard{Index: 5, Of: 5}}
	if why := s.emptyPart(); why != "" {
		t.Errorf("the fifth of five is empty: %s", why)
	}
	s.cfg.Shard = config.Shard{Index: 6, Of: 6}
	if why := s.emptyPart(); !strings.Contains(why, "part 6/6 of this run is empty: the run has 5 checks; make it at most 5 parts") {
		t.Errorf("%q", why)
	}
}

// A report of a part must list the checks of that part, and no others.
func TestChecksOfAPart(t *testing.T) {
	r := &report.Report{Profile: report.ProfileGate, Level: config.LevelGate, Shard: &report.Shard{Index: 2, Of: 2}}
	for _, sp := range kindOf(r).checks(collect().specs) {
		r.Specs = append(r.Specs, report.Spec{Text: sp.text, Point: sp.point.Letter, Requirements: sp.ids})
	}
	if n := len(r.Specs); n != 2 {
		t.Fatalf("the second half of five checks has %d", n)
	}
	kinds := func() string {
		var out []string
		for _, d := range checksOf(r) {
			out = append(out, d.Kind)
		}
		slices.Sort(out)
		return strings.Join(out, " ")
	}
	if got := kinds(); got != "" {
		t.Errorf("an honest report: %s", got)
	}
	for _, c := range []struct {
		shard *report.Shard
		want  string
	}{
		{nil, "missing-check missing-check missing-check"},
		{&report.Shard{Index: 1, Of: 2}, "extra-check extra-check missing-check missing-check missing-check"},
		{&report.Shard{Index: 3, Of: 2}, "extra-check extra-check shard"},
	} {
		if r.Shard = c.shard; kinds() != c.want {
			t.Errorf("%s: %s, want %s", fmt.Sprint(c.shard), kinds(), c.want)
		}
	}
	r.Profile, r.Shard = report.ProfileFilter, &report.Shard{Index: 2, Of: 2}
	if got := kinds(); got != "shard" {
		t.Errorf("a hand-made selection that is a part: %s", got)
	}
}
