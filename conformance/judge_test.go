package conformance

import (
	"maps"
	"slices"
	"testing"

	"github.com/onsi/ginkgo/v2/types"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/verdict"
)

// What goes wrong once a history is whole, such as the removal of a pod, does not make
// another result of what it shows.
func TestTheResultOfASpec(t *testing.T) {
	const file = "histories/a.jsonl"
	in := func(v verdict.Verdict, history string) []verdict.Finding {
		return []verdict.Finding{{Verdict: v, Violations: []verdict.Breach{{History: history}}}}
	}
	cases := map[string]struct {
		outcome  string // "" for none
		state    types.SpecState
		findings []verdict.Finding
		want     string
	}{
		"passed":                          {"passed", types.SpecStatePassed, nil, "passed"},
		"failed":                          {"failed", types.SpecStateFailed, nil, "failed"},
		"its pod is not removed":          {"passed", types.SpecStateFailed, nil, "passed"},
		"its pod is removed late":         {"passed", types.SpecStateTimedout, nil, "passed"},
		"failed for its history":          {"passed", types.SpecStateFailed, in(verdict.Fail, file), "failed"},
		"failed for what is not to blame": {"passed", types.SpecStateFailed, in(verdict.Blocked, file), "failed"},
		"another one broke a rule":        {"passed", types.SpecStateFailed, in(verdict.Fail, "histories/b.jsonl"), "passed"},
		"a rule that is not for it":       {"passed", types.SpecStateFailed, in(verdict.NotApplicable, file), "passed"},
		"no history":                      {"", types.SpecStateTimedout, nil, "timedout"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			j := judged{Result: verdict.Result{Findings: c.findings}}
			if c.outcome != "" {
				j.events = map[string][]history.Event{file: {{Kind: history.KindOutcome, Outcome: &history.Outcome{Result: c.outcome}}}}
			}
			if got := j.result(ran{SpecRun: SpecRun{File: file}, ginkgo: types.SpecReport{State: c.state}}); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestWhatIsImpossibleOnATarget(t *testing.T) {
	cases := map[string]struct {
		features []string
		runtime  string
		as       circumstances
		want     []string
	}{
		"an ordinary one": {nil, "docker", circumstances{}, nil},
		"root":            {nil, "docker", circumstances{root: true}, []string{"CONTROL-008", "MARKER-005"}},
		"no HTTP":         {nil, "docker", circumstances{lacks: []string{"http"}}, []string{"GATE-010", "GATE-012", "WATCH-008"}},
		"nobody waits":    {nil, "docker", circumstances{lacks: []string{"delivery"}}, []string{"COUNT-006"}},
		"no file":         {nil, "docker", circumstances{lacks: []string{"file"}}, []string{"STATE-012"}},
		"nothing starts it again": {nil, "docker", circumstances{lacks: []string{"respawn"}},
			[]string{"COUNT-007", "RESTART-001", "RESTART-002", "WATCH-003", "WATCH-007", "WATCH-008"}},
		"nor what it owes": {[]string{"recovery", "shutdown"}, "docker", circumstances{lacks: []string{"respawn"}},
			[]string{"COUNT-007", "GATE-007", "RESTART-001", "RESTART-002", "RESTART-004", "SHUTDOWN-002", "SHUTDOWN-003", "WATCH-003", "WATCH-007", "WATCH-008"}},
		"nor what it is told": {[]string{"recovery", "background", "control", "epoch"}, "docker", circumstances{lacks: []string{"respawn"}},
			[]string{"CONTROL-007", "COUNT-007", "EPOCH-003", "RESTART-001", "RESTART-002", "RESTART-004", "WATCH-003", "WATCH-007", "WATCH-008"}},
		"nothing is stale":             {[]string{"notify", "shutdown"}, "docker", circumstances{}, []string{"NOTIFY-002"}},
		"markers age":                  {[]string{"notify", "expiry"}, "docker", circumstances{}, nil},
		"markers belong to one":        {[]string{"epoch", "notify"}, "docker", circumstances{}, nil},
		"nothing is told anybody":      {[]string{"shutdown"}, "docker", circumstances{}, nil},
		"no container to be made anew": {[]string{"epoch"}, "process", circumstances{}, []string{"EPOCH-004"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := impossible(c.features, c.runtime, c.as)
			if ids := slices.Sorted(maps.Keys(got)); !slices.Equal(ids, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}
