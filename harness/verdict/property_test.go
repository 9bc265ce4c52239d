package verdict

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/drainproof/drainproof/harness/monitor"
)

// TestMain has chance repeat itself, so that a build does not fail of something that it
// did not bring about. -rapid.seed tries other chances, -rapid.checks more of them.
func TestMain(m *testing.M) {
	flag.Parse()
	if seed := flag.Lookup("rapid.seed"); seed.Value.String() == seed.DefValue {
		seed.Value.Set("1")
	}
	os.Exit(m.Run())
}

var ids = []string{"P", "Q", "R", "U", "V", "W"}

// subset is some of a list, in its order.
func subset(t *rapid.T, what string, list []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(string) bool { return !rapid.Bool().Draw(t, what) })
}

// anyRun is the input of some run: a contract with whatever prerequisites, specs, and
// histories of them, some of which are missing, doubled, or did not end well.
func anyRun(t *rapid.T) Input {
	in := Input{
		Profile:  rapid.SampledFrom([]string{ProfileGate, ProfileFull, "mine"}).Draw(t, "profile"),
		Runtime:  rapid.SampledFrom([]string{"docker", "process"}).Draw(t, "runtime"),
		Features: subset(t, "declared", []string{"f", "g"}), Impossible: map[string]string{},
		Filtered: rapid.Bool().Draw(t, "filtered"), Relaxed: rapid.Bool().Draw(t, "relaxed"),
	}
	for _, id := range ids {
		r := Requirement{
			ID: id, Level: rapid.SampledFrom([]Level{Must, Must, Should}).Draw(t, "level"),
			Point:    rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "point"),
			Feature:  rapid.SampledFrom([]string{"", "", "", "f", "f or g"}).Draw(t, "feature"),
			Requires: subset(t, "requires", slices.DeleteFunc(slices.Clone(ids), func(o string) bool { return o == id || rapid.Bool().Draw(t, "not") })),
		}
		in.Requirements = append(in.Requirements, r)
		if rapid.IntRange(0, 9).Draw(t, "impossible") == 9 {
			in.Impossible[id] = "it can't be done here"
		}
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "specs") {
		s := Spec{Text: fmt.Sprintf("spec %d", i), Requirements: subset(t, "bound", ids)}
		in.Specs = append(in.Specs, s)
		for n := range rapid.IntRange(0, 2).Draw(t, "runs") {
			in.Histories = append(in.Histories, anyHistory(t, s, n))
		}
	}
	return in
}

func anyHistory(t *rapid.T, s Spec, n int) History {
	h := History{
		Spec: s.Text, Path: fmt.Sprintf("%s-%d.jsonl", s.Text, n), Requirements: s.Requirements, Message: "it said so",
		Result: rapid.SampledFrom([]string{"passed", "passed", "passed", "failed", "timedout", "interrupted", "panicked", ""}).Draw(t, "result"),
	}
	for _, id := range ids {
		j := monitor.Judgement{Requirement: id, Monitor: "m", Arose: rapid.IntRange(0, 2).Draw(t, "arose")}
		switch rapid.IntRange(0, 9).Draw(t, "said") {
		case 9:
			j = broken(id)
		case 8:
			j.Arose, j.Inconclusive = 1, "the machine stood still"
		case 7:
			j = advised(id)
		}
		h.Judgements = append(h.Judgements, j)
	}
	return h
}

// conforming is a run in which everything held, so that little is between it and a
// worse verdict.
func conforming(t *rapid.T) Input {
	in := anyRun(t)
	in.Impossible = nil
	in.Specs = append(in.Specs, Spec{Text: "all", Requirements: ids})
	in.Histories = append(in.Histories, History{Spec: "all", Path: "all.jsonl", Requirements: ids})
	for i := range in.Specs {
		if s := in.Specs[i]; !slices.ContainsFunc(in.Histories, func(h History) bool { return h.Spec == s.Text }) {
			in.Histories = append(in.Histories, History{Spec: s.Text, Path: s.Text, Requirements: s.Requirements})
		}
	}
	for i := range in.Histories {
		in.Histories[i].Result, in.Histories[i].Judgements = "passed", nil
		for _, id := range ids {
			in.Histories[i].Judgements = append(in.Histories[i].Judgements, monitor.Judgement{Requirement: id, Arose: 1})
		}
	}
	return in
}

// either is any run, or one in which everything held.
func either(t *rapid.T) Input {
	if rapid.Bool().Draw(t, "conforming") {
		return conforming(t)
	}
	return anyRun(t)
}

// goodness orders the overall verdicts.
func goodness(o Overall) int {
	return slices.Index([]Overall{NonConformant, Incomplete, NotCertifying, Conformant}, o)
}

func finding(r Result, id string) *Finding {
	for i := range r.Findings {
		if r.Findings[i].ID == id {
			return &r.Findings[i]
		}
	}
	return nil
}

// with returns the input with a copy of its histories that can be changed.
func with(in Input, change func(*History), at int) Input {
	in.Histories = slices.Clone(in.Histories)
	h := &in.Histories[at]
	h.Judgements = slices.Clone(h.Judgements)
	change(h)
	return in
}

func TestABreachNeverMakesItBetter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := either(t)
		if len(in.Histories) == 0 {
			return
		}
		id := rapid.SampledFrom(ids).Draw(t, "broken")
		at := rapid.IntRange(0, len(in.Histories)-1).Draw(t, "in")
		before := Roll(in)
		worse := with(in, func(h *History) {
			if rapid.Bool().Draw(t, "it failed as well") {
				h.Result = "failed"
			}
			h.Judgements = append(slices.DeleteFunc(h.Judgements, func(j monitor.Judgement) bool { return j.Requirement == id }), broken(id))
		}, at)
		after := Roll(worse)
		l := newLedger(worse)
		// A SHOULD that had not been judged is now: that may complete a run.
		if l.byID[id].Level == Must && goodness(after.Overall) > goodness(before.Overall) {
			t.Fatalf("%s (%s) became %s (%s) when %s was broken in %s", before.Overall, before.Reason, after.Overall, after.Reason, id, in.Histories[at].Path)
		}
		f := finding(after, id)
		if l.charged(id) && l.byID[id].Level == Must && (f == nil || f.Verdict != Fail && f.Verdict != Blocked || after.Overall != NonConformant) {
			t.Fatalf("a MUST is broken: %+v, %s", f, after.Overall)
		}
	})
}

func TestALostHistoryNeverMakesItConformant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := either(t)
		if len(in.Histories) == 0 {
			return
		}
		before := Roll(in)
		at := rapid.IntRange(0, len(in.Histories)-1).Draw(t, "lost")
		lost := in.Histories[at]
		less := in
		less.Histories = slices.Delete(slices.Clone(in.Histories), at, at+1)
		after := Roll(less)
		// A spec that ran several times is judged by the runs that are left: none was
		// lost that a spec is known to owe.
		again := slices.ContainsFunc(less.Histories, func(h History) bool { return h.Spec == lost.Spec })
		if !again && len(lost.Requirements) > 0 && goodness(after.Overall) >= goodness(NotCertifying) && owed(less, after, lost) {
			t.Fatalf("%s (%s) without %s, and %s (%s) before", after.Overall, after.Reason, lost.Path, before.Overall, before.Reason)
		}
	})
}

// owed says whether the history could have said more of a requirement that its spec is
// bound to: it can be judged here, and is no SHOULD that is known to be broken anyhow.
func owed(in Input, res Result, h History) bool {
	return slices.ContainsFunc(h.Requirements, func(id string) bool {
		return in.Impossible[id] == "" && finding(res, id).Verdict != Warn
	})
}

func TestNoOrderMatters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := either(t)
		one := Roll(in)
		in.Requirements = rapid.Permutation(in.Requirements).Draw(t, "requirements")
		in.Specs = rapid.Permutation(in.Specs).Draw(t, "specs")
		in.Histories = rapid.Permutation(in.Histories).Draw(t, "histories")
		two := Roll(in)
		if one.Overall != two.Overall || one.Exit != two.Exit || one.Words != two.Words || !reflect.DeepEqual(one.Counts, two.Counts) || len(one.Findings) != len(two.Findings) {
			t.Fatalf("%s (%s), or %s (%s)", one.Overall, one.Reason, two.Overall, two.Reason)
		}
		for _, f := range one.Findings {
			o := finding(two, f.ID)
			if o == nil || o.Verdict != f.Verdict || o.Arose != f.Arose || len(o.Violations) != len(f.Violations) {
				t.Fatalf("%+v, or %+v", f, o)
			}
		}
		for i, p := range one.Points {
			if two.Points[i].Point != p.Point || two.Points[i].Verdict != p.Verdict {
				t.Fatalf("%+v, or %+v", p, two.Points[i])
			}
		}
	})
}

// What passes was judged, arose, and was broken nowhere; what is blocked is so by a
// MUST that failed; and whoever conforms has nothing against it.
func TestWhatAVerdictStandsOn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := either(t)
		res := Roll(in)
		for _, f := range res.Findings {
			arose, breaches := 0, 0
			for _, h := range in.Histories {
				for _, j := range h.Judgements {
					if j.Requirement == f.ID {
						arose += j.Arose
						breaches += len(j.Violations)
					}
				}
			}
			switch {
			case f.Verdict == Pass && (arose == 0 || breaches > 0 || len(f.Specs) == 0):
				t.Fatalf("%s passes: arose %d times, broken %d times, bound to %v", f.ID, arose, breaches, f.Specs)
			case f.Verdict == Blocked && len(f.BlockedBy) == 0:
				t.Fatalf("%s is blocked by nothing", f.ID)
			case f.Verdict == Fail && (f.Level != Must || breaches == 0):
				t.Fatalf("%s (%s) fails, broken %d times", f.ID, f.Level, breaches)
			case res.Overall == Conformant && slices.Contains([]Verdict{Fail, Blocked, Inconclusive, HarnessError}, f.Verdict):
				t.Fatalf("conformant, and %s is %s", f.ID, f.Verdict)
			}
			for _, by := range f.BlockedBy {
				b := finding(res, by)
				if b == nil || b.Verdict != Fail && b.Verdict != Blocked && !(b.Verdict == Warn && b.Level == Should && len(f.Violations) == 0) {
					t.Fatalf("%s is blocked by %s, which did not fail: %+v", f.ID, by, b)
				}
			}
		}
		if (res.Exit == ExitClean) != (res.Overall == Conformant || res.Overall == NotCertifying) || res.Overall == Conformant && (in.Filtered || in.Relaxed || in.Runtime != "docker" || res.Counts[Pass] == 0) {
			t.Fatalf("%s, exit %d: %+v", res.Overall, res.Exit, in)
		}
	})
}
