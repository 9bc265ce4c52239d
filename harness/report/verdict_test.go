package report_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/monitor"
	"github.com/drainproof/drainproof/harness/report"
)

func TestConclude(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*report.Report)
		want   report.Verdict
		exit   int
		why    string
	}{
		"clean":      {func(*report.Report) {}, report.Conformant, 0, "5 requirements held"},
		"one failed": {func(r *report.Report) { r.Requirements[2].Verdict = report.Fail }, report.NonConformant, 1, "1 requirement failed: COUNT-003"},
		"failed and blocked": {func(r *report.Report) {
			r.Requirements[1].Verdict, r.Requirements[2].Verdict = report.Fail, report.Blocked
		}, report.NonConformant, 1, "GATE-001"},
		"failed on process": {func(r *report.Report) { r.Runtime, r.Requirements[0].Verdict = "process", report.Fail }, report.NonConformant, 1, "WATCH-001"},
		"blocked":           {func(r *report.Report) { r.Requirements[0].Verdict = report.Blocked }, report.Incomplete, 3, "blocked WATCH-001"},
		"inconclusive":      {func(r *report.Report) { r.Requirements[0].Verdict = report.Inconclusive }, report.Incomplete, 3, "inconclusive WATCH-001"},
		"harness error":     {func(r *report.Report) { r.Requirements[0].Verdict = report.HarnessError }, report.Incomplete, 3, "harness-error WATCH-001"},
		"not run":           {func(r *report.Report) { r.Requirements[0].Verdict = report.NotRun }, report.Incomplete, 3, "not-run WATCH-001"},
		"no verdict":        {func(r *report.Report) { r.Requirements[0].Verdict = "" }, report.Incomplete, 3, "not-run WATCH-001"},
		"nothing":           {func(r *report.Report) { r.Requirements = nil }, report.Incomplete, 3, "nothing was judged"},
		"all not applicable": {func(r *report.Report) {
			r.Requirements = []report.Requirement{{ID: "A-001", Verdict: report.NotApplicable}}
		}, report.Incomplete, 3, "nothing was judged"},
		"no specs":             {func(r *report.Report) { r.Specs = nil }, report.Incomplete, 3, "no spec ran"},
		"spec timed out":       {func(r *report.Report) { r.Specs[0].Result = "timedout" }, report.Incomplete, 3, "timedout"},
		"spec skipped":         {func(r *report.Report) { r.Specs[0].Result = "skipped" }, report.Incomplete, 3, "did not run"},
		"warned":               {func(r *report.Report) { r.Requirements[0].Verdict = report.Warn }, report.Conformant, 0, "SHOULD, not met: WATCH-001"},
		"process":              {func(r *report.Report) { r.Runtime = "process" }, report.NotCertifying, 0, "process runtime"},
		"wide bound":           {func(r *report.Report) { r.Target.Bound = 6 * time.Second }, report.NotCertifying, 0, "bound of 6 s is above 5 s"},
		"widest allowed bound": {func(r *report.Report) { r.Target.Bound = 5 * time.Second }, report.Conformant, 0, "held"},
		"filter": {func(r *report.Report) {
			r.Profile, r.Requirements[0].Verdict, r.Specs[0].Result = report.ProfileFilter, report.NotRun, "skipped"
		}, report.NotCertifying, 0, "only a part"},
		"filter found nothing":   {func(r *report.Report) { r.Profile, r.Requirements, r.Specs = report.ProfileFilter, nil, nil }, report.Incomplete, 3, "nothing was judged"},
		"unknown profile":        {func(r *report.Report) { r.Profile = "" }, report.NotCertifying, 0, "only a part"},
		"the suite's own reason": {func(r *report.Report) { r.WhyNot = []string{"bound overridden"} }, report.NotCertifying, 0, "bound overridden"},
	} {
		t.Run(name, func(t *testing.T) {
			r := conformant()
			tc.change(r)
			r.Conclude()
			if r.Verdict != tc.want || r.ExitCode != tc.exit || !strings.Contains(r.Why, tc.why) {
				t.Errorf("%s, exit %d, %s", r.Verdict, r.ExitCode, r.Why)
			}
			if r.Certifies != (tc.want == report.Conformant) {
				t.Errorf("certifies: %v", r.Certifies)
			}
			before := *r
			if r.Conclude(); r.Why != before.Why || !slices.Equal(r.WhyNot, before.WhyNot) {
				t.Errorf("concluding twice changes it: %q, then %q", before.Why, r.Why)
			}
		})
	}
}

func TestWorst(t *testing.T) {
	for _, tc := range []struct {
		in   []report.Verdict
		want report.Verdict
	}{
		{nil, report.NotRun},
		{[]report.Verdict{report.Pass, report.NotApplicable}, report.Pass},
		{[]report.Verdict{report.NotApplicable}, report.NotApplicable},
		{[]report.Verdict{report.Pass, report.NotRun}, report.NotRun},
		{[]report.Verdict{report.Warn, report.Pass}, report.Warn},
		{[]report.Verdict{report.Blocked, report.Fail, report.HarnessError}, report.Fail},
		{[]report.Verdict{report.Inconclusive, report.Blocked}, report.Blocked},
		{[]report.Verdict{report.Pass, "no such verdict"}, report.HarnessError},
		{[]report.Verdict{report.Pass, ""}, report.HarnessError},
	} {
		if got := report.Worst(tc.in...); got != tc.want {
			t.Errorf("%v: got %s, want %s", tc.in, got, tc.want)
		}
	}
}

func TestSummarise(t *testing.T) {
	var samples []monitor.Sample
	for i := range 20 {
		samples = append(samples, monitor.Sample{Name: "a", Value: time.Duration(20-i) * ms, Bound: 2 * time.Second})
	}
	samples = append(samples, monitor.Sample{Name: "b", Value: 7 * ms}, monitor.Sample{Name: "a", Value: 0, Bound: time.Second})
	got := report.Summarise(samples)
	want := []report.Summary{
		{Name: "a", N: 21, P50: 10 * ms, P95: 19 * ms, Max: 20 * ms, Bound: time.Second},
		{Name: "b", N: 1, P50: 7 * ms, P95: 7 * ms, Max: 7 * ms},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if f := got[0].Figure(); f != "a 20 ms (max of 21), bound 1 s" {
		t.Error(f)
	}
	if f := got[1].Figure(); f != "b 7 ms" {
		t.Error(f)
	}
	if report.Summarise(nil) != nil {
		t.Error("something from nothing")
	}
}

func TestHumanNeverFlatters(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                      "0 ms",
		1:                      "1 µs",
		250 * time.Microsecond: "250 µs",
		999_001:                "1 ms",
		ms:                     "1 ms",
		3 * ms:                 "3 ms",
		3_040_000:              "3.1 ms",
		9_950_000:              "10 ms",
		42_000_001:             "43 ms",
		999 * ms:               "999 ms",
		999_000_001:            "1 s",
		1250 * ms:              "1.25 s",
		2 * time.Second:        "2 s",
		2*time.Second + 1:      "2.01 s",
		59_999 * ms:            "1 min",
		time.Minute:            "1 min",
		125 * time.Second:      "2 min 5 s",
		-3 * ms:                "-3 ms",
	} {
		if got := report.Human(d); got != want {
			t.Errorf("%d: got %q, want %q", d, got, want)
		}
	}
}

func TestExcerpt(t *testing.T) {
	got := report.Excerpt(events(), []uint64{4, 6, 8}, 1_020_000_000)
	var lines []string
	for _, l := range got {
		mark := " "
		if l.Proof {
			mark = ">"
		}
		lines = append(lines, mark+l.Offset.String()+" "+l.Text)
	}
	want := []string{
		" -10ms controller: begin, in-place",
		">-6.9ms read file: draining, 0 in flight",
		" -6ms noise: the heartbeat came 12ms late",
		">-3ms turn t-17 sent to chat",
		" -2ms read file: draining, 1 in flight",
		">0s turn t-17 reached the model",
		" 1ms turn t-17 is released by the model",
	}
	if !slices.Equal(lines, want) {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
}

func TestLongProofSaysWhatItLeavesOut(t *testing.T) {
	var long []history.Event
	var seqs []uint64
	for i := range uint64(20) {
		e := events()[1]
		e.Seq = i + 1
		long, seqs = append(long, e), append(seqs, i+1)
	}
	got := report.Excerpt(long, seqs, 0)
	if len(got) != 8 || got[4].Seq != 0 || !strings.Contains(got[4].Text, "13 more events") || got[7].Seq != 20 || got[3].Seq != 4 {
		t.Errorf("%+v", got)
	}
	if got := report.Excerpt(nil, []uint64{1}, 0); len(got) != 0 {
		t.Errorf("an excerpt of nothing: %+v", got)
	}
}
