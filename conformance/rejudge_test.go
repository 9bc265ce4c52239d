package conformance

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/config"
	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/report"
)

// What keeps a run from certifying is found in its report as well: a level is a claim of
// how hard was looked, and a report that does not say how hard makes none.
func TestWhatIsRelaxed(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(r *report.Report)
		want  bool
	}{
		"as published":            {func(*report.Report) {}, false},
		"more often":              {func(r *report.Report) { repeats(r, "drains", 999) }, false},
		"less often":              {func(r *report.Report) { repeats(r, "drains", 1) }, true},
		"less often at one level": {func(r *report.Report) { r.Level = "gate"; repeats(r, "drains", 1) }, true},
		"not said how often":      {func(r *report.Report) { delete(r.Config, "repetitions") }, true},
		"nothing said":            {func(r *report.Report) { r.Config = nil }, true},
		"another bound":           {func(r *report.Report) { r.Config["observe_ns"] = 1.0 }, true},
		"a bound too high":        {func(r *report.Report) { r.Target.Bound = 6 * time.Second }, true},
		"other markers":           {func(r *report.Report) { r.Config[markersKey] = "another" }, true},
		"markers of no name":      {func(r *report.Report) { delete(r.Config, markersKey) }, true},
		"no markers were laid":    {func(r *report.Report) { r.Profile = report.ProfileGate; delete(r.Config, markersKey) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := &report.Report{Profile: report.ProfileFull, Level: config.LevelCertify, Target: report.Target{Bound: time.Second}}
			raw, err := json.Marshal(&config.Config{
				Repetitions: map[string]config.Repetitions{config.LevelGate: config.Standard(config.LevelGate), config.LevelCertify: config.Standard(config.LevelCertify)},
			})
			if err == nil {
				err = json.Unmarshal(raw, &r.Config)
			}
			if err != nil {
				t.Fatal(err)
			}
			r.Config[markersKey] = catalogueSHA256
			c.spoil(r)
			if got := relaxed(r); got != c.want {
				t.Errorf("relaxed: %t", got)
			}
		})
	}
}

func repeats(r *report.Report, what string, n float64) {
	r.Config["repetitions"].(map[string]any)[r.Level].(map[string]any)[what] = n
}

// An event that was left out of a history shows, and so does an end that was put in.
func TestIncompleteHistories(t *testing.T) {
	event := func(kind history.Kind, at history.Stamp) history.Event {
		e := history.Event{Kind: kind, Call: at, Return: at}
		switch kind {
		case history.KindHeader:
			e.Header = &history.Header{}
		case history.KindStep:
			e.Step = &history.Step{Text: "on we go"}
		case history.KindAction:
			e.Action = &history.Action{Name: history.ActionEnd}
		case history.KindOutcome:
			e.Outcome = &history.Outcome{Result: "passed"}
		}
		return e
	}
	whole := func() []history.Event {
		events := []history.Event{event(history.KindHeader, 0), event(history.KindStep, 10), event(history.KindStep, 20), event(history.KindAction, 30), event(history.KindOutcome, 40)}
		for i := range events {
			events[i].Seq = uint64(i)
		}
		return events
	}
	for name, c := range map[string]struct {
		spoil  func(events []history.Event) []history.Event
		result string
		want   string // "" is whole
	}{
		"whole":                     {func(e []history.Event) []history.Event { return e }, "passed", ""},
		"an event left out":         {func(e []history.Event) []history.Event { return slices.Delete(e, 2, 3) }, "passed", "up to #4, 1 are missing"},
		"several left out":          {func(e []history.Event) []history.Event { return slices.Delete(e, 1, 3) }, "passed", "2 are missing"},
		"no end":                    {func(e []history.Event) []history.Event { e[3] = e[2]; e[3].Seq = 3; return e }, "passed", "comes to an end"},
		"no outcome":                {func(e []history.Event) []history.Event { return e[:4] }, "passed", "comes to an end"},
		"two outcomes":              {func(e []history.Event) []history.Event { e[2] = event(history.KindOutcome, 20); e[2].Seq = 2; return e }, "passed", "comes to an end"},
		"an earlier end":            {func(e []history.Event) []history.Event { e[1] = event(history.KindAction, 15); e[1].Seq = 1; return e }, "passed", "1 more steps after the end"},
		"one that ran out of time":  {func(e []history.Event) []history.Event { e[1] = event(history.KindAction, 15); e[1].Seq = 1; return e }, "timedout", ""},
		"more after what it became": {func(e []history.Event) []history.Event { e[3], e[4] = e[4], e[3]; e[3].Seq, e[4].Seq = 3, 4; return e }, "passed", "says last"},
	} {
		t.Run(name, func(t *testing.T) {
			var d differences
			d.incomplete(report.Spec{File: "a.jsonl", Result: c.result}, c.spoil(whole()))
			tells(t, d, c.want)
		})
	}
}

// tells makes sure that exactly what is wanted is told; "" is nothing.
func tells(t *testing.T, d differences, want string) {
	t.Helper()
	if want == "" && len(d) > 0 || want != "" && (len(d) != 1 || !strings.Contains(d[0].String(), want)) {
		t.Errorf("got %v, want %q", d, want)
	}
}

// What decides what is judged at all is the same in every history of a run.
func TestHistoriesOfOneRun(t *testing.T) {
	r := &report.Report{Target: report.Target{Features: []string{"expiry", "shutdown"}, Bounds: map[string]time.Duration{
		"expiry.maxAge": time.Hour, "shutdown.deadline": 30 * time.Second, "shutdown.short.deadline": time.Second,
	}}}
	s := report.Spec{File: "a.jsonl", Point: "a", Requirements: []string{"WATCH-001"}}
	usual := history.Header{Point: "a", Requirements: []string{"WATCH-001"}, MaxAge: time.Hour, ShutdownDeadline: 30 * time.Second, Lacks: []string{history.LacksHTTP}}
	for name, c := range map[string]struct {
		spoil func(*history.Header)
		want  string
	}{
		"alike":              {func(*history.Header) {}, ""},
		"the short deadline": {func(h *history.Header) { h.ShutdownDeadline = time.Second }, ""},
		"another deadline":   {func(h *history.Header) { h.ShutdownDeadline = time.Minute }, "bound: a.jsonl: a shutdown has 30s in the report, 1m0s"},
		"another age":        {func(h *history.Header) { h.MaxAge = 0 }, "bound: a.jsonl: markers grow stale after 1h0m0s"},
		"root":               {func(h *history.Header) { h.Root = true }, "circumstances: a.jsonl: its root is true"},
		"going on":           {func(h *history.Header) { h.Since = 5 }, "circumstances: a.jsonl: it goes on from another history"},
		"more that it lacks": {func(h *history.Header) { h.Lacks = append(h.Lacks, history.LacksFile) }, "circumstances: a.jsonl: its lacks is http file, that of another history of the run http"},
		"for other rules":    {func(h *history.Header) { h.Requirements = []string{"WATCH-001", "GATE-001"} }, "it was made for WATCH-001 GATE-001"},
		"of another point":   {func(h *history.Header) { h.Point = "b" }, "it was made for"},
		"none where none is": {func(h *history.Header) { h.ShutdownDeadline = 0 }, "a shutdown has 30s in the report, 0s"},
	} {
		t.Run(name, func(t *testing.T) {
			h := usual
			h.Lacks = slices.Clone(usual.Lacks)
			c.spoil(&h)
			var d differences
			d.unlike(r, s, &usual, &h)
			tells(t, d, c.want)
		})
	}
}

// A run that looked less hard than it says is found out by what it did.
func TestHistoriesOfALevel(t *testing.T) {
	made := func(drains, rewrites int) (events []history.Event) {
		mark := func(op history.Op, existed bool) {
			events = append(events, history.Event{Kind: history.KindMarker, Marker: &history.Marker{Op: op, Existed: existed, Present: true}})
		}
		for range drains {
			mark(history.OpBegin, false)
		}
		for range rewrites {
			mark(history.OpRewrite, true)
		}
		return events
	}
	want := config.Standard(config.LevelCertify)
	for name, c := range map[string]struct {
		point, result    string
		drains, rewrites int
		want             string
	}{
		"as often":              {"a", "passed", want.Drains, 0, ""},
		"more often":            {"a", "passed", want.Drains + 3, 0, ""},
		"as at the gate":        {"a", "passed", config.Standard(config.LevelGate).Drains, 0, "level: a.jsonl: it has 10 drains"},
		"reverts":               {"d", "passed", want.Reverts, want.Rewrites, ""},
		"fewer reverts":         {"d", "passed", want.Reverts - 1, want.Rewrites, "level: "},
		"fewer requests":        {"d", "passed", want.Reverts, want.Rewrites - 1, "level: "},
		"another point":         {"b", "passed", 0, 0, ""},
		"it did not get so far": {"a", "failed", 1, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var d differences
			d.seldom(report.Spec{File: "a.jsonl", Point: c.point, Result: c.result}, made(c.drains, c.rewrites), want)
			tells(t, d, c.want)
		})
	}
}

// What is said of a family follows from what is said of its requirements.
func TestFamiliesAreCompared(t *testing.T) {
	r := &report.Report{Requirements: []report.Requirement{
		{ID: "GATE-001", Family: "GATE", Verdict: report.Fail}, {ID: "GATE-002", Family: "GATE", Verdict: report.Pass}, {ID: "WATCH-001", Family: "WATCH", Verdict: report.Pass},
	}}
	for name, c := range map[string]struct {
		spoil func(families []report.Family) []report.Family
		want  string
	}{
		"alike":           {func(f []report.Family) []report.Family { return f }, ""},
		"another verdict": {func(f []report.Family) []report.Family { f[0].Verdict = report.Pass; return f }, "family GATE: the report's verdict"},
		"another tally": {func(f []report.Family) []report.Family {
			f[0].Verdicts = map[report.Verdict]int{report.Pass: 2}
			return f
		}, "family GATE: the report's verdicts"},
		"one left out": {func(f []report.Family) []report.Family { return f[:1] }, "leaves out the family WATCH"},
		"one too many": {func(f []report.Family) []report.Family { return append(f, report.Family{Family: "MORE"}) }, "the family MORE once too often"},
	} {
		t.Run(name, func(t *testing.T) {
			var d differences
			d.families(&report.Report{Families: c.spoil(report.ByFamily(r))}, report.ByFamily(r))
			tells(t, d, c.want)
		})
	}
}

// Whatever a report says, it is compared with what it should be, or refused: never a
// panic, and never for long.
func FuzzRejudge(f *testing.F) {
	for _, seed := range []string{
		`{"schema":1}`,
		`{"schema":1,"profile":"gate","level":"gate","runtime":"docker","requirements":[{"id":"GATE-001","verdict":"pass"},{"id":"GATE-001"}],"points":[{"point":"a"}]}`,
		`{"schema":1,"profile":"filter","specs":[{"text":"x","file":"histories/a.jsonl","sha256":"0"}],"config":{"observe_ns":1}}`,
		`{"schema":1,"profile":"full","target":{"features":["epoch","epoch"],"tools":true,"bound_ns":-1}}`,
		`{"schema":1,"specs":[{"file":"` + strings.Repeat("a/", 2000) + `"}]}`,
	} {
		f.Add([]byte(seed), []byte(`{"seq":0,"kind":"header","call":0,"return":0,"header":{"schema":1,"spec":"x","requirements":[]}}`+"\n"))
	}
	f.Fuzz(func(t *testing.T, raw, history []byte) {
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Join(dir, "histories"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "histories", "a.jsonl"), history, 0o644); err != nil {
			t.Fatal(err)
		}
		r, err := report.Parse(dir, raw)
		if err != nil {
			return
		}
		r.Specs = append(r.Specs, report.Spec{Text: "x", File: "histories/a.jsonl", SHA256: "unknown"})
		began := time.Now()
		differs, err := Rejudge(r)
		if err == nil && len(differs) == 0 {
			t.Error("it is what it should be")
		}
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("it took %s", took)
		}
	})
}
