package verdict

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/monitor"
)

// rules are a small contract: B stands on A, C on B, S is a SHOULD, F needs a
// feature, X and Y stand on each other, and N is outside the gate.
func rules() []Requirement {
	return []Requirement{
		{ID: "A", Level: Must, Point: "a"},
		{ID: "B", Level: Must, Point: "b", Requires: []string{"A"}},
		{ID: "C", Level: Must, Point: "b", Requires: []string{"B"}},
		{ID: "S", Level: Should, Point: "b"},
	}
}

// ran is a history of a spec bound to the IDs, in which every rule arose once.
func ran(spec, result string, ids []string, with ...monitor.Judgement) History {
	h := History{Spec: spec, Path: spec + ".jsonl", Requirements: ids, Result: result, Message: "it said so"}
	for _, id := range []string{"A", "B", "C", "S"} {
		if !slices.ContainsFunc(with, func(j monitor.Judgement) bool { return j.Requirement == id }) {
			h.Judgements = append(h.Judgements, monitor.Judgement{Requirement: id, Arose: 1})
		}
	}
	h.Judgements = append(h.Judgements, with...)
	return h
}

func broken(id string) monitor.Judgement {
	return monitor.Judgement{Requirement: id, Monitor: "m", Arose: 1, Violations: []monitor.Violation{{Requirement: id, Monitor: "m", Expected: "good", Actual: "bad", Evidence: []uint64{1}}}}
}

func advised(id string) monitor.Judgement {
	j := broken(id)
	j.Violations, j.Advice = nil, j.Violations
	return j
}

// run is an input with one spec per history, on docker, for the gate.
func run(histories ...History) Input {
	in := Input{Requirements: rules(), Profile: ProfileGate, Runtime: "docker", Histories: histories}
	for _, h := range histories {
		in.Specs = append(in.Specs, Spec{Text: h.Spec, Requirements: h.Requirements})
	}
	return in
}

var all = []string{"A", "B", "C", "S"}

func TestRoll(t *testing.T) {
	quiet := func(id string) monitor.Judgement { return monitor.Judgement{Requirement: id} }
	noisy := func(id string) monitor.Judgement {
		return monitor.Judgement{Requirement: id, Arose: 1, Inconclusive: "the machine stood still"}
	}
	for _, c := range []struct {
		name    string
		in      Input
		change  func(*Input)
		want    string // verdicts, in the order of the findings
		overall Overall
		exit    int
		reason  string // part of some finding's reason, or of the overall one
	}{
		{name: "all held", in: run(ran("s", "passed", all)), want: "A:pass B:pass C:pass S:pass", overall: Conformant},
		{name: "a breach", in: run(ran("s", "failed", all, broken("A"))), want: "A:fail B:blocked C:blocked S:blocked", overall: NonConformant, exit: 1, reason: "expected: good; actual: bad"},
		{name: "a breach in a spec that passed", in: run(ran("s", "passed", all, broken("C"))), want: "A:pass B:pass C:fail S:pass", overall: NonConformant, exit: 1},
		{name: "two breaches, one stands on the other", in: run(ran("s", "failed", all, broken("A"), broken("B"))), want: "A:fail B:blocked C:blocked S:blocked", overall: NonConformant, exit: 1, reason: "it requires A"},
		{name: "transitively", in: run(ran("s", "failed", all, broken("A"), broken("C"))), want: "A:fail B:blocked C:blocked S:blocked", overall: NonConformant, exit: 1},
		{name: "the prerequisite failed in another spec of the run", in: run(ran("s", "passed", []string{"A"}, broken("A")), ran("t", "passed", all, broken("C"))), want: "A:fail B:pass C:blocked S:pass", overall: NonConformant, exit: 1},
		{name: "what passed stays passed", in: run(ran("s", "passed", all, broken("A"))), want: "A:fail B:pass C:pass S:pass", overall: NonConformant, exit: 1},
		{name: "a SHOULD", in: run(ran("s", "passed", all, broken("S"))), want: "A:pass B:pass C:pass S:warn", overall: Conformant},
		{name: "a SHOULD within a MUST", in: run(ran("s", "passed", all, advised("B"))), want: "A:pass B:warn C:pass S:pass", overall: Conformant, reason: "only advises: expected: good; actual: bad"},
		{name: "a SHOULD within a MUST that is broken", in: run(ran("s", "passed", all, advised("C"), broken("C"))), want: "A:pass B:pass C:fail S:pass", overall: NonConformant, exit: 1},
		{name: "a SHOULD explains its own spec only", in: run(ran("s", "failed", []string{"A", "B", "C"}, broken("S"))), want: "A:harness-error B:harness-error C:harness-error S:warn", overall: Incomplete, exit: 3},
		{name: "a SHOULD the spec is about", in: run(ran("s", "failed", all, broken("S"))), want: "A:blocked B:blocked C:blocked S:warn", overall: Incomplete, exit: 3},
		{name: "failed, and nothing says why", in: run(ran("s", "failed", all)), want: "A:harness-error B:harness-error C:harness-error S:harness-error", overall: Incomplete, exit: 3, reason: "for a reason no monitor names: it said so"},
		{name: "timed out", in: run(ran("s", "timedout", all)), want: "A:harness-error B:harness-error C:harness-error S:harness-error", overall: Incomplete, exit: 3},
		{name: "panicked", in: run(ran("s", "panicked", all, broken("A"))), want: "A:fail B:harness-error C:harness-error S:harness-error", overall: NonConformant, exit: 1, reason: "panicked"},
		{name: "interrupted", in: run(ran("s", "interrupted", all)), want: "A:inconclusive B:inconclusive C:inconclusive S:inconclusive", overall: Incomplete, exit: 3},
		{name: "no outcome", in: run(ran("s", "", all)), want: "A:inconclusive B:inconclusive C:inconclusive S:inconclusive", overall: Incomplete, exit: 3},
		{name: "an unknown outcome", in: run(ran("s", "sunny", all)), want: "A:harness-error B:harness-error C:harness-error S:harness-error", overall: Incomplete, exit: 3},
		{name: "failed in the noise", in: run(ran("s", "failed", all, noisy("A"))), want: "A:inconclusive B:inconclusive C:inconclusive S:inconclusive", overall: Incomplete, exit: 3, reason: "in the noise"},
		{name: "noise of something the spec is not about explains nothing", in: run(ran("s", "failed", []string{"A"}, noisy("C")), ran("t", "passed", all)), want: "A:harness-error B:pass C:inconclusive S:pass", overall: Incomplete, exit: 3},
		{name: "inconclusive", in: run(ran("s", "passed", all, noisy("B"))), want: "A:pass B:inconclusive C:pass S:pass", overall: Incomplete, exit: 3, reason: "stood still"},
		{name: "never arose", in: run(ran("s", "passed", all, quiet("B"))), want: "A:pass B:inconclusive C:pass S:pass", overall: Incomplete, exit: 3, reason: "never arose"},
		{name: "arose in another spec", in: run(ran("s", "passed", all, quiet("B")), ran("t", "passed", []string{"A"})), want: "A:pass B:pass C:pass S:pass", overall: Conformant},
		{name: "one of two specs failed", in: run(ran("s", "passed", all), ran("t", "failed", []string{"B"}, broken("A"))), want: "A:fail B:blocked C:pass S:pass", overall: NonConformant, exit: 1, reason: "shows A broken"},
		{name: "not run", in: run(ran("s", "passed", []string{"A"})), want: "A:pass B:inconclusive C:inconclusive S:inconclusive", overall: Incomplete, exit: 3, reason: "did not run"},
		{name: "a spec without its history", in: run(ran("s", "passed", all)), change: func(in *Input) { in.Specs = append(in.Specs, Spec{Text: "gone", Requirements: []string{"C"}}) },
			want: "A:pass B:pass C:inconclusive S:pass", overall: Incomplete, exit: 3, reason: `"gone" left no history`},
		{name: "nothing ran", in: run(), want: "A:inconclusive B:inconclusive C:inconclusive S:inconclusive", overall: Incomplete, exit: 3},
		{name: "nothing at all", in: Input{Runtime: "docker", Profile: ProfileFull}, want: "", overall: Incomplete, exit: 3, reason: "nothing was judged"},
		{name: "the process runtime", in: run(ran("s", "passed", all)), change: func(in *Input) { in.Runtime = "process" }, want: "A:pass B:pass C:pass S:pass", overall: NotCertifying},
		{name: "a relaxed bound", in: run(ran("s", "passed", all)), change: func(in *Input) { in.Relaxed = true }, want: "A:pass B:pass C:pass S:pass", overall: NotCertifying},
		{name: "a filter", in: run(ran("s", "passed", []string{"A"})), change: func(in *Input) { in.Filtered = true }, want: "A:pass", overall: NotCertifying},
		{name: "a filter does not hide a breach", in: run(ran("s", "passed", []string{"A"}, broken("C"))), change: func(in *Input) { in.Filtered = true }, want: "A:pass C:fail", overall: NonConformant, exit: 1},
		{name: "a part of a run", in: run(ran("s", "passed", []string{"A"})), change: func(in *Input) { in.Part = "it is part 1 of 2" }, want: "A:pass", overall: NotCertifying, reason: "it is part 1 of 2"},
		{name: "a part does not hide a breach", in: run(ran("s", "passed", []string{"A"}, broken("C"))), change: func(in *Input) { in.Part = "it is part 1 of 2" }, want: "A:pass C:fail", overall: NonConformant, exit: 1},
		{name: "an absent part", in: run(ran("s", "passed", all)), change: func(in *Input) { in.Absent = "part 2 of 2 is missing" }, want: "A:pass B:pass C:pass S:pass", overall: Incomplete, exit: 3, reason: "part 2 of 2 is missing"},
		{name: "an absent part, and what it would have said", in: run(ran("s", "passed", []string{"A"})), change: func(in *Input) { in.Absent = "part 2 of 2 is missing" },
			want: "A:pass B:inconclusive C:inconclusive S:inconclusive", overall: Incomplete, exit: 3, reason: "part 2 of 2 is missing; no verdict on: B, C, S"},
		{name: "an absent part excuses no failure", in: run(ran("s", "passed", all, broken("C"))), change: func(in *Input) { in.Absent = "part 2 of 2 is missing" },
			want: "A:pass B:pass C:fail S:pass", overall: NonConformant, exit: 1, reason: "part 2 of 2 is missing; failed: C"},
		{name: "an absent part may hold what is expected to fail", in: run(ran("s", "passed", all)), change: func(in *Input) {
			in.Absent, in.Expected = "part 2 of 2 is missing", map[string]string{"C": "known"}
		}, want: "A:pass B:pass C:pass S:pass", overall: Incomplete, exit: 3},
		{name: "a SHOULD that is broken in passing, and nothing else is judged", in: run(ran("s", "passed", nil, broken("S"))), change: func(in *Input) { in.Filtered = true }, want: "S:warn", overall: Incomplete, exit: 3, reason: "nothing was judged"},
		{name: "a SHOULD that is broken, and all that a filter left", in: run(ran("s", "failed", []string{"S"}, broken("S"))), change: func(in *Input) { in.Filtered = true }, want: "S:warn", overall: NotCertifying},
		{name: "a contract of which nothing held", in: run(ran("s", "failed", []string{"S"}, broken("S"))), change: func(in *Input) { in.Requirements = in.Requirements[3:] }, want: "S:warn", overall: Incomplete, exit: 3, reason: "only warnings"},
		{name: "a profile nobody knows", in: run(ran("s", "passed", all)), change: func(in *Input) { in.Profile = "mine" }, want: "A:pass B:pass C:pass S:pass", overall: NotCertifying},
		{name: "a failure on the process runtime", in: run(ran("s", "failed", all, broken("C"))), change: func(in *Input) { in.Runtime = "process" }, want: "A:blocked B:blocked C:fail S:blocked", overall: NonConformant, exit: 1},
		{name: "a feature that is not declared", in: run(ran("s", "passed", all)), change: func(in *Input) {
			in.Requirements = append(in.Requirements, Requirement{ID: "F", Level: Must, Point: "c", Feature: "sessions"})
		}, want: "A:pass B:pass C:pass S:pass F:not-applicable", overall: Conformant},
		{name: "a feature that is not declared excuses nobody", in: run(ran("s", "passed", all, broken("F"), broken("X"))), change: func(in *Input) {
			in.Requirements = append(in.Requirements, Requirement{ID: "F", Level: Must, Point: "c", Feature: "sessions"},
				Requirement{ID: "X", Level: Must, Requires: []string{"F"}})
		}, want: "A:pass B:pass C:pass S:pass F:not-applicable X:fail", overall: NonConformant, exit: 1},
		{name: "a feature that is not declared, and its negative probe", in: run(ran("s", "passed", append([]string{"F"}, all...))), change: func(in *Input) {
			in.Requirements = append(in.Requirements, Requirement{ID: "F", Level: Must, Point: "c", Feature: "sessions"})
		}, want: "A:pass B:pass C:pass S:pass F:not-applicable", overall: Conformant, reason: "behaves accordingly"},
		{name: "a negative probe that is broken", in: run(ran("s", "failed", append([]string{"F"}, all...), broken("F"))), change: func(in *Input) {
			in.Requirements = append(in.Requirements, Requirement{ID: "F", Level: Must, Point: "c", Feature: "sessions"})
		}, want: "A:blocked B:blocked C:blocked S:blocked F:fail", overall: NonConformant, exit: 1},
		{name: "neither of two features is declared", in: run(ran("s", "passed", all)), change: func(in *Input) {
			in.Features = []string{"sessions"}
			in.Requirements = append(in.Requirements, Requirement{ID: "F", Level: Must, Point: "c", Feature: "recovery or background"})
		}, want: "A:pass B:pass C:pass S:pass F:not-applicable", overall: Conformant, reason: `does not declare "recovery or background"`},
		{name: "one of two features is declared", in: run(ran("s", "passed", all)), change: func(in *Input) {
			in.Features = []string{"background"}
			in.Requirements = append(in.Requirements, Requirement{ID: "F", Level: Must, Point: "c", Feature: "recovery or background"})
		}, want: "A:pass B:pass C:pass S:pass F:inconclusive", overall: Incomplete, exit: 3},
		{name: "a declared feature that did not run", in: run(ran("s", "passed", all)), change: func(in *Input) {
			in.Features = []string{"sessions"}
			in.Requirements = append(in.Requirements, Requirement{ID: "F", Level: Must, Point: "c", Feature: "sessions"})
		}, want: "A:pass B:pass C:pass S:pass F:inconclusive", overall: Incomplete, exit: 3},
		{name: "impossible here", in: run(ran("s", "passed", all, quiet("B"))), change: func(in *Input) { in.Impossible = map[string]string{"B": "runs as root"} },
			want: "A:pass B:not-applicable C:pass S:pass", overall: Conformant, reason: "runs as root"},
		{name: "held, by a check that is known to be flaky", in: run(ran("s", "passed", all)), change: func(in *Input) { in.Flaky = map[string]string{"B": "1 run of 12"} },
			want: "A:pass B:inconclusive C:pass S:pass", overall: Incomplete, exit: 3, reason: "flake ledger until it is mended: 1 run of 12"},
		{name: "broken, by a check that is known to be flaky", in: run(ran("s", "passed", all, broken("B"))), change: func(in *Input) { in.Flaky = map[string]string{"B": "1 run of 12"} },
			want: "A:pass B:inconclusive C:pass S:pass", overall: Incomplete, exit: 3},
		{name: "no point, and the gate", in: run(ran("s", "passed", all)), change: func(in *Input) { in.Requirements = append(in.Requirements, Requirement{ID: "N", Level: Must}) },
			want: "A:pass B:pass C:pass S:pass", overall: Conformant},
		{name: "no point, and everything", in: run(ran("s", "passed", all)), change: func(in *Input) {
			in.Profile = ProfileFull
			in.Requirements = append(in.Requirements, Requirement{ID: "N", Level: Must})
		}, want: "A:pass B:pass C:pass S:pass N:inconclusive", overall: Incomplete, exit: 3},
		{name: "no point, but broken", in: run(ran("s", "passed", all, broken("N"))), change: func(in *Input) { in.Requirements = append(in.Requirements, Requirement{ID: "N", Level: Must}) },
			want: "A:pass B:pass C:pass S:pass N:fail", overall: NonConformant, exit: 1},
		{name: "each stands on the other", in: run(ran("s", "passed", all, broken("X"), broken("Y"))), change: func(in *Input) {
			in.Requirements = append(in.Requirements, Requirement{ID: "X", Level: Must, Requires: []string{"Y"}}, Requirement{ID: "Y", Level: Must, Requires: []string{"X"}})
		}, want: "A:pass B:pass C:pass S:pass X:fail Y:fail", overall: NonConformant, exit: 1},
		{name: "a failed SHOULD excuses nobody", in: run(ran("s", "passed", all, broken("S"), broken("X"))), change: func(in *Input) {
			in.Requirements = append(in.Requirements, Requirement{ID: "X", Level: Must, Requires: []string{"S"}})
		}, want: "A:pass B:pass C:pass S:warn X:fail", overall: NonConformant, exit: 1},
		{name: "a monitor of a requirement nobody knows", in: run(ran("s", "passed", all, broken("Z"))), want: "A:pass B:pass C:pass S:pass Z:harness-error", overall: Incomplete, exit: 3},
		{name: "a spec bound to a requirement nobody knows", in: run(ran("s", "passed", append([]string{"Z"}, all...))), want: "A:pass B:pass C:pass S:pass Z:harness-error", overall: Incomplete, exit: 3},
		{name: "no monitor speaks for it", in: run(ran("s", "passed", append([]string{"N"}, all...))), change: func(in *Input) { in.Requirements = append(in.Requirements, Requirement{ID: "N", Level: Must}) },
			want: "A:pass B:pass C:pass S:pass N:inconclusive", overall: Incomplete, exit: 3, reason: "no monitor speaks for it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.change != nil {
				c.change(&c.in)
			}
			got := Roll(c.in)
			var words, reasons []string
			counts := map[Verdict]int{}
			for _, f := range got.Findings {
				words = append(words, f.ID+":"+string(f.Verdict))
				reasons = append(reasons, f.ID+": "+f.Reason)
				counts[f.Verdict]++
				if f.Reason == "" {
					t.Errorf("%s has no reason", f.ID)
				}
				if (f.Verdict == Blocked) != (len(f.BlockedBy) > 0) {
					t.Errorf("%s is %s, blocked by %v", f.ID, f.Verdict, f.BlockedBy)
				}
			}
			if s := strings.Join(words, " "); s != c.want {
				t.Errorf("got  %s\nwant %s\n%s", s, c.want, strings.Join(reasons, "\n"))
			}
			if got.Overall != c.overall || got.Exit != c.exit {
				t.Errorf("overall %q, exit %d (%s), want %q, exit %d", got.Overall, got.Exit, got.Reason, c.overall, c.exit)
			}
			if c.reason != "" && !strings.Contains(strings.Join(append(reasons, got.Reason), "\n"), c.reason) {
				t.Errorf("nothing says %q:\n%s", c.reason, strings.Join(reasons, "\n"))
			}
			if fmt.Sprint(counts) != fmt.Sprint(got.Counts) {
				t.Errorf("counted %v, found %v", got.Counts, counts)
			}
			if got.Overall == Conformant && got.Words != "conformant (gate)" {
				t.Errorf("in words: %q", got.Words)
			}
		})
	}
}

// What is said of a requirement, to the word.
func TestReasons(t *testing.T) {
	often := func(id string, n int) monitor.Judgement { return monitor.Judgement{Requirement: id, Arose: n} }
	again := func(n int) monitor.Judgement {
		j := broken("A")
		for range n {
			j.Violations = append(j.Violations, j.Violations[0])
		}
		return j
	}
	for _, c := range []struct {
		name    string
		in      Input
		want    string // of A
		overall string
	}{
		{"held once", run(ran("s", "passed", all, often("A", 1))), "held, its situation arose once", "all 4 requirements of the profile held"},
		{"held twice", run(ran("s", "passed", all, often("A", 2))), "held, its situation arose 2 times", "all 4 requirements of the profile held"},
		{"another one warns", run(ran("s", "passed", all, broken("S"))), "held, its situation arose once",
			"3 of 4 requirements of the profile held; only a warning, which keeps nothing from certifying: S"},
		{"broken once", run(ran("s", "passed", all, broken("A"))), "expected: good; actual: bad", "failed: A"},
		{"broken again and again", run(ran("s", "passed", all, again(2))), "expected: good; actual: bad (and 2 more)", "failed: A"},
		{"of two that are as grave, the first is told", run(ran("s", "interrupted", all), ran("t", "interrupted", all)),
			`did not run to its end: "s" was interrupted`, "no verdict on: A, B, C, S"},
		{"of two, the graver is told", run(ran("s", "interrupted", all), ran("t", "sunny", all)),
			`"t" ended with the unknown result "sunny"`, "no verdict on: A, B, C, S"},
	} {
		got := Roll(c.in)
		if f := got.Findings[0]; f.ID != "A" || f.Reason != c.want || got.Reason != c.overall {
			t.Errorf("%s: %s: %q, over all %q; want %q, %q", c.name, f.ID, f.Reason, got.Reason, c.want, c.overall)
		}
	}
}

func TestPoints(t *testing.T) {
	h := ran("s", "passed", all, broken("C"), monitor.Judgement{Requirement: "A", Arose: 3})
	h.Receipts = []string{"status-only", "leaky-gate", "status-only"}
	got := Roll(run(h))
	if len(got.Points) != 2 || got.Points[0].Verdict != Pass || got.Points[1].Verdict != Fail {
		t.Fatalf("points: %+v", got.Points)
	}
	if p := got.Points[1]; p.Findings[0] != "C" || !strings.HasPrefix(p.Reason, "C: ") {
		t.Errorf("the gravest comes first: %+v", p)
	}
	if fmt.Sprint(got.Receipts) != "[{leaky-gate 1} {status-only 2}]" {
		t.Errorf("receipts: %v", got.Receipts)
	}
}

func TestJudge(t *testing.T) {
	events := []history.Event{
		{Seq: 0, Kind: history.KindHeader, Header: &history.Header{Schema: 1, Spec: "s", Requirements: []string{"A"}, Bound: time.Second}},
		{Seq: 1, Kind: history.KindStall, Call: 1, Return: 2, Stall: &history.Stall{}},
		{Seq: 2, Kind: history.KindLog, Call: 2, Return: 2, Log: &history.Log{Line: "x", Receipt: "status-only"}},
		{Seq: 3, Kind: history.KindOutcome, Call: 3, Return: 3, Outcome: &history.Outcome{Result: "failed", Message: "why"}},
	}
	h, err := Judge("h.jsonl", events)
	if err != nil || h.Spec != "s" || h.Result != "failed" || h.Message != "why" || fmt.Sprint(h.Receipts) != "[status-only]" || len(h.Judgements) != len(monitor.All()) {
		t.Errorf("got %+v, %v", h, err)
	}
	if _, err := Judge("h.jsonl", events[1:]); err == nil || !strings.Contains(err.Error(), "h.jsonl") {
		t.Errorf("no header: %v", err)
	}
}

// TestOrderDoesNotMatter rolls up the same run with its histories reversed.
func TestOrderDoesNotMatter(t *testing.T) {
	in := run(ran("s", "failed", all, broken("A")), ran("t", "passed", []string{"B"}), ran("u", "panicked", []string{"C"}))
	one := Roll(in)
	slices.Reverse(in.Histories)
	slices.Reverse(in.Specs)
	two := Roll(in)
	for i := range one.Findings {
		if one.Findings[i].Verdict != two.Findings[i].Verdict {
			t.Errorf("%s is %s or %s", one.Findings[i].ID, one.Findings[i].Verdict, two.Findings[i].Verdict)
		}
	}
}

// With a list of expected failures: what failed must be on it, and what is on it must
// fail. What has no verdict is as expected as little as it is a pass.
func TestExpected(t *testing.T) {
	noisy := monitor.Judgement{Requirement: "S", Arose: 1, Inconclusive: "the machine stood still"}
	for _, c := range []struct {
		name     string
		in       Input
		expected []string
		overall  Overall
		exit     int
		reason   string
	}{
		{"as expected", run(ran("s", "failed", all, broken("C"))), []string{"C"}, AsExpected, 0, "failed, as expected: C"},
		{"with what it blocks", run(ran("s", "failed", all, broken("A"))), []string{"A", "B"}, AsExpected, 0, "failed, as expected: A"},
		{"another one failed", run(ran("s", "failed", all, broken("A"), broken("S"))), []string{"S"}, NonConformant, 1, "failed, and not expected to: A"},
		{"it held", run(ran("s", "passed", all)), []string{"C"}, NotAsExpected, 1, "expected to fail, and did not: C; take it off the list"},
		{"one of two held", run(ran("s", "passed", all, broken("C"))), []string{"A", "C"}, NotAsExpected, 1, "did not: A"},
		{"a SHOULD fails no run", run(ran("s", "passed", all, broken("S"))), []string{"S"}, NotAsExpected, 1, "did not: S"},
		{"another one has no verdict", run(ran("s", "passed", all, broken("C"), noisy)), []string{"C"}, Incomplete, 3, "no verdict on: S"},
		{"the listed one has no verdict", run(ran("s", "passed", all, noisy)), []string{"S"}, Incomplete, 3, "no verdict on: S"},
		{"it was not asked for", run(ran("s", "passed", all)), []string{"Z"}, NotCertifying, 0, "certifies nothing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.in.Expected = map[string]string{}
			for _, id := range c.expected {
				c.in.Expected[id] = "it is known"
			}
			got := Roll(c.in)
			if got.Overall != c.overall || got.Exit != c.exit || !strings.Contains(got.Reason, c.reason) {
				t.Errorf("got %s, exit %d: %s; want %s, exit %d: %s", got.Overall, got.Exit, got.Reason, c.overall, c.exit, c.reason)
			}
		})
	}
}
