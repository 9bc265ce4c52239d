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

// A run that can't certify says why, also where the suite did not.
func TestReasonsAgainstCertifyingAreComplete(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*report.Report)
		want   []string
	}{
		"none":    {func(*report.Report) {}, nil},
		"process": {func(r *report.Report) { r.Runtime = "process" }, []string{"the process runtime does not isolate the gateway"}},
		"filter":  {func(r *report.Report) { r.Profile = report.ProfileFilter }, []string{"only a part was selected"}},
		"part": {func(r *report.Report) { r.Shard = &report.Shard{Index: 2, Of: 4} },
			[]string{"it is part 2 of 4 of a run, which certifies nothing; join all parts with drainproof merge"}},
		"wide bound": {func(r *report.Report) { r.Target.Bound = 6 * time.Second }, []string{"the observation bound of 6 s is above 5 s"}},
		"said already": {func(r *report.Report) {
			r.Profile, r.WhyNot = report.ProfileFilter, []string{"only a part was selected (labelFilter x)"}
		}, []string{"only a part was selected (labelFilter x)"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := conformant()
			tc.change(r)
			if len(tc.want) > 0 {
				conclude(r, report.NotCertifying, 0, "x")
			}
			if err := report.Write(t.TempDir(), r, schema(t)); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(r.WhyNot, tc.want) {
				t.Errorf("%q", r.WhyNot)
			}
		})
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
	if f := got[0].Figure(); f != "a 10 ms, at most 20 ms (21 times), bound 1 s" {
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
