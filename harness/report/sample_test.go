package report_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/monitor"
	"github.com/drainproof/drainproof/harness/report"
)

const ms = time.Millisecond

func schema(t *testing.T) []byte {
	t.Helper()
	raw, err := os.ReadFile("../../conformance/report.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// conformant is a clean run of the gate on docker.
func conformant() *report.Report {
	started := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	hash := strings.Repeat("0123456789abcdef", 4)
	r := &report.Report{
		Schema: report.SchemaVersion, Tool: report.Tool{Name: "drainproof", Version: "1.2.3"}, Spec: "0.1",
		Started: started, Ended: started.Add(7400 * ms), Wall: 7400 * ms, Profile: report.ProfileGate,
		Runtime: "docker", Engine: "20.10.24",
		Target: report.Target{Name: "reference", Path: "fixtures/targets/reference.yaml", SHA256: hash, Features: []string{"sessions"}, Bound: 2 * time.Second},
		Image:  &report.Image{Name: "drainproof/reference:dev", ID: "sha256:" + hash, Digest: "sha256:" + hash, Sidecars: map[string]string{"proxy": "sha256:" + hash}},
		Seed:   4711, Level: "gate", Config: map[string]any{"runtime": "docker"},
		Noise: report.Noise{Stalls: 2, Longest: 14 * ms, StampError: 90 * time.Microsecond},
	}
	add := func(point, title, figure, turns, id, text string, summary report.Summary) {
		r.Points = append(r.Points, report.Point{Point: point, Title: title, Verdict: report.Pass, Figure: figure, Turns: turns, Requirements: []string{id}})
		r.Requirements = append(r.Requirements, report.Requirement{
			ID: id, Level: "MUST", Family: strings.Split(id, "-")[0], Text: text, Verdict: report.Pass, Arose: summary.N, Samples: []report.Summary{summary},
		})
		r.Specs = append(r.Specs, report.Spec{
			Text: point + ". " + title + ": " + strings.ToLower(text), Point: point, Requirements: []string{id}, Result: "passed",
			Duration: 1400 * ms, File: "histories/" + point + "-" + title + ".jsonl", SHA256: hash, Events: 321, Seed: 4711,
			Replay: "drainproof gate --target fixtures/targets/reference.yaml --label-filter point:" + point + " --seed 4711",
		})
	}
	begin := report.Summary{Name: "draining published after", N: 10, P50: 2 * ms, P95: 3 * ms, Max: 3 * ms, Bound: 2 * time.Second}
	add("a", "observe", begin.Figure(), "", "WATCH-001", "Once the marker is there, draining is published within B.", begin)
	refused := report.Summary{Name: "refused after", N: 36, P50: ms, P95: 2 * ms, Max: 2300 * time.Microsecond, Bound: time.Second}
	add("b", "refuse", refused.Figure(), "36 refused, none reached the model", "GATE-001", "Once draining has been read, a turn sent later is not started.", refused)
	zero := report.Summary{Name: "count 0 after the last reply", N: 2, P50: 4 * ms, P95: 5 * ms, Max: 5 * ms, Bound: 2 * time.Second}
	add("c", "finish", zero.Figure(), "4 held in flight, 4 finished whole", "COUNT-003", "Draining with 0 is never published while a turn is in flight.", zero)
	back := report.Summary{Name: "running published after", N: 10, P50: 3 * ms, P95: 4 * ms, Max: 4 * ms, Bound: 2 * time.Second}
	add("d", "revert", back.Figure(), "10 accepted after cancel", "WATCH-002", "Once the marker is gone, running is published within B.", back)
	first := report.Summary{Name: "first draining after start", N: 2, P50: 40 * ms, P95: 51 * ms, Max: 51 * ms}
	add("e", "survive", first.Figure(), "8 refused at start", "STATE-007", "After SIGTERM running is never published again.", first)
	conclude(r, report.Conformant, 0, "all 29 requirements of the profile held")
	return r
}

func conclude(r *report.Report, v report.Verdict, exit int, why string) {
	r.Verdict, r.ExitCode, r.Why, r.Certifies = v, exit, why, v == report.Conformant
}

// nonConformant is a run of a gateway that publishes and gates nothing.
func nonConformant() *report.Report {
	r := conformant()
	v := report.NewViolation(monitor.Violation{
		Requirement: "GATE-001", Monitor: "no-late-admission", At: 1_020_000_000,
		Expected: "a turn sent after draining had been read is refused",
		Actual:   "turn t-17 was sent 4 ms after draining had been read, and reached the model",
		Evidence: []uint64{4, 6, 8},
	}, "histories/b-refuse.jsonl", events())
	r.Points[1].Verdict = report.Fail
	r.Points[1].Turns = "0 refused, 12 reached the model"
	r.Requirements[1].Verdict = report.Fail
	r.Requirements[1].Violations = []report.Violation{v, v, v}
	r.Points[2].Verdict = report.Blocked
	r.Requirements[2].Verdict, r.Requirements[2].Reason = report.Blocked, "GATE-001 failed, without which it cannot be judged"
	r.Requirements[2].Violations = []report.Violation{v} // a breach, but charged to nobody
	r.Requirements = append(r.Requirements, report.Requirement{
		ID: "GATE-012", Level: "SHOULD", Family: "GATE", Text: "A refusal carries Retry-After.", Verdict: report.Warn,
		Reason: "12 of 12 refusals had no Retry-After | header", Arose: 12,
	}, report.Requirement{
		ID: "CONTROL-001", Level: "MUST", Family: "CONTROL", Feature: "control", Text: "The endpoint writes the marker.",
		Verdict: report.NotApplicable, Reason: "the target does not declare control",
	})
	r.Specs[1].Result = "failed"
	r.Specs[1].Message = "expected turn t-17 to be refused\nread last: it is held by the model"
	r.Specs[1].Logs = []string{"first line, not shown", "listening on 127.0.0.1:8080", "\x1b[31mERROR\x1b[0m draining\x07 ]]> | <b>", "3", "4", "5", "6", "7", "last"}
	r.Receipts = []string{"status-only"}
	conclude(r, report.NonConformant, 1, "failed: GATE-001")
	return r
}

func incomplete() *report.Report {
	r := conformant()
	r.Points[3].Verdict, r.Points[3].Figure, r.Points[3].Turns = report.Inconclusive, "", ""
	r.Requirements[3].Verdict, r.Requirements[3].Reason, r.Requirements[3].Samples = report.Inconclusive, "noise: the heartbeat was 900 ms late within the window, three times", nil
	r.Points[4].Verdict, r.Points[4].Figure, r.Points[4].Turns = report.NotRun, "", ""
	r.Requirements[4].Verdict, r.Requirements[4].Arose, r.Requirements[4].Samples = report.NotRun, 0, nil
	r.Specs[4].Result, r.Specs[4].Message = "interrupted", "the deadline of 10 s was reached"
	// A spec that broke off without any requirement saying so.
	r.Specs[0].Result, r.Specs[0].Message, r.Specs[0].Logs = "panicked", "runtime error: index out of range\nin the suite", []string{"listening"}
	conclude(r, report.Incomplete, 3, "no verdict on: WATCH-002, STATE-007")
	return r
}

// full is an incomplete run of the full profile.
func full() *report.Report {
	r := conformant()
	r.Profile, r.Level = report.ProfileFull, "certify"
	r.Requirements = append(r.Requirements,
		report.Requirement{ID: "MARKER-003", Level: "MUST", Family: "MARKER", Text: "Invalid JSON drains.", Verdict: report.Pass, Arose: 3},
		report.Requirement{ID: "MARKER-005", Level: "MUST", Family: "MARKER", Text: "An unreadable marker drains.", Verdict: report.NotApplicable, Reason: "the gateway runs as root"},
		report.Requirement{ID: "EPOCH-001", Level: "MUST", Family: "EPOCH", Feature: "epoch", Text: "A stale marker is ignored.", Verdict: report.Inconclusive, Reason: "its situation never arose"},
	)
	r.Specs = append(r.Specs, report.Spec{
		Text: "drains for every hostile marker", Family: "MARKER", Requirements: []string{"MARKER-003", "MARKER-005"}, Result: "passed", Duration: 3200 * ms, Seed: 4711,
	})
	conclude(r, report.Incomplete, 3, "no verdict on: EPOCH-001")
	r.Families = report.ByFamily(r)
	return r
}

func notCertifying() *report.Report {
	r := conformant()
	r.Runtime, r.Engine, r.Image = "process", "", nil
	r.WhyNot = []string{"the process runtime does not isolate the gateway"}
	conclude(r, report.NotCertifying, 0, "the process runtime does not certify")
	return r
}

// filtered is a hand-made selection: point a only.
func filtered() *report.Report {
	r := conformant()
	r.Profile = report.ProfileFilter
	for i := 1; i < 5; i++ {
		r.Points[i].Verdict, r.Points[i].Figure, r.Points[i].Turns = report.NotRun, "", ""
		r.Requirements[i].Verdict, r.Requirements[i].Arose, r.Requirements[i].Samples = report.NotRun, 0, nil
		r.Specs[i].Result, r.Specs[i].File, r.Specs[i].SHA256, r.Specs[i].Events, r.Specs[i].Duration = "skipped", "", "", 0, 0
	}
	r.WhyNot = []string{"only a part was selected (point:a)"}
	conclude(r, report.NotCertifying, 0, "only a hand-made selection of specs ran")
	return r
}

// events is the slice of history around a late admission.
func events() []history.Event {
	at := func(seq uint64, us int64, e history.Event) history.Event {
		e.Seq, e.Call, e.Return = seq, history.Stamp(1_000_000_000+us*1000-50_000), history.Stamp(1_000_000_000+us*1000)
		return e
	}
	state := func(s string, n int) history.Event {
		return history.Event{Kind: history.KindState, State: &history.State{Publication: "file", State: s, Count: n}}
	}
	turn := func(id string, p history.TurnPhase, o history.TurnOutcome) history.Event {
		return history.Event{Kind: history.KindTurn, Turn: &history.Turn{ID: id, Phase: p, Ingress: "chat", Outcome: o}}
	}
	model := func(id string, p history.ModelPhase) history.Event {
		return history.Event{Kind: history.KindModel, Model: &history.Model{Turn: id, Call: 1, Phase: p}}
	}
	return []history.Event{
		at(1, 0, history.Event{Kind: history.KindStep, Step: &history.Step{Text: "a turn is sent while draining"}}),
		at(2, 5000, state("running", 0)),
		at(3, 10_000, history.Event{Kind: history.KindMarker, Marker: &history.Marker{Op: history.OpBegin, How: "in-place", Present: true}}),
		at(4, 13_100, state("draining", 0)),
		at(5, 14_000, history.Event{Kind: history.KindStall, Stall: &history.Stall{Late: 12 * ms}}),
		at(6, 17_000, turn("t-17", history.TurnSent, "")),
		at(7, 18_000, state("draining", 1)),
		at(8, 20_000, model("t-17", history.ModelCalled)),
		at(9, 21_000, model("t-17", history.ModelReleased)),
		at(10, 22_000, turn("t-17", history.TurnEnded, history.Finished)),
	}
}

// expected is a run whose one failure is known.
func expected() *report.Report {
	r := nonConformant()
	for _, q := range r.Requirements {
		if q.Verdict == report.Fail {
			r.Expected = append(r.Expected, report.Expectation{Requirement: q.ID, Reason: "mended in 2.4", Link: "https://example.org/issues/7"})
		}
	}
	r.Expected[0].Link = ""
	conclude(r, report.AsExpected, 0, "failed, as expected: "+r.Expected[0].Requirement)
	return r
}

// part is one of two halves of a run.
func part() *report.Report {
	r := conformant()
	r.Points, r.Requirements, r.Specs = r.Points[:2], r.Requirements[:2], r.Specs[:2]
	r.Shard = &report.Shard{Index: 1, Of: 2}
	r.WhyNot = []string{r.Shard.Text()}
	conclude(r, report.NotCertifying, 0, r.Shard.Text())
	return r
}

// joined is a run that was put together of its parts.
func joined() *report.Report {
	r := conformant()
	r.Merged = &report.Merged{Of: 4, Longest: 7400 * ms, Sum: 21_300 * ms}
	return r
}

// halved is a run of which a part is missing and another one is there twice.
func halved() *report.Report {
	r := incomplete()
	r.Merged = &report.Merged{Of: 5, Missing: []int{3, 5}, Twice: []int{4}, Longest: 7400 * ms, Sum: 21_300 * ms}
	conclude(r, report.Incomplete, 3, r.Merged.Absent()+"; no verdict on: WATCH-002, STATE-007")
	return r
}
