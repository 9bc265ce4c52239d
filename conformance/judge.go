package conformance

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"github.com/drainproof/drainproof/harness/config"
	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/monitor"
	"github.com/drainproof/drainproof/harness/report"
	"github.com/drainproof/drainproof/harness/verdict"
)

// Evidence is what a verdict is made from: the histories of a run, and what kind
// of run it was. The same evidence gives the same verdict, at any time.
type Evidence struct {
	Dir      string               // report folder
	Specs    []SpecRun            // every spec that was to run
	Profile  string               // report.ProfileGate or report.ProfileFull
	Filtered bool                 // only a hand-made selection was to run
	Shard    *report.Shard        // the part of a run that was to run; nil: all of it
	Merged   *report.Merged       // of which parts it was put together; nil: it was one run
	Runtime  string               // docker or process
	Relaxed  bool                 // judged with another bound than the target declares, one above the highest allowed, other markers than the contract's, or less often than the level asks
	Features []string             // declared by the target
	Expected []report.Expectation // failures that are known
}

// SpecRun is a spec and where its history is.
type SpecRun struct {
	Text         string
	Point        string
	Requirements []string
	File         string // relative to the report folder; "" when it left none
}

// judged is a verdict with what it was made from.
type judged struct {
	verdict.Result
	histories []verdict.History
	events    map[string][]history.Event // by file
}

// impossibleForRoot is why some requirements say nothing of a gateway that is root.
const impossibleForRoot = "the gateway runs as root, from whom no file can be kept"

// Judge reads the histories and has every monitor judge each of them.
func Judge(e Evidence) (judged, error) {
	j := judged{events: map[string][]history.Event{}}
	in := verdict.Input{
		Profile: e.Profile, Runtime: e.Runtime, Features: e.Features, Filtered: e.Filtered, Relaxed: e.Relaxed,
		Part: e.Shard.Text(), Absent: e.Merged.Absent(),
		Expected: map[string]string{},
	}
	for _, x := range e.Expected {
		in.Expected[x.Requirement] = x.Reason
	}
	var as circumstances
	for _, s := range e.Specs {
		in.Specs = append(in.Specs, verdict.Spec{Text: s.Text, Point: s.Point, Requirements: s.Requirements})
		if s.File == "" {
			continue
		}
		events, err := history.Read(filepath.Join(e.Dir, s.File))
		if err != nil {
			return j, err
		}
		h, err := verdict.Judge(s.File, events)
		if err != nil {
			return j, err
		}
		if h.Spec != s.Text {
			return j, fmt.Errorf("%s is the history of %q, not of %q", s.File, h.Spec, s.Text)
		}
		j.events[s.File] = events
		in.Histories = append(in.Histories, h)
		as.add(events[0].Header)
	}
	j.Result, j.histories = roll(in, as), in.Histories
	return j, nil
}

// circumstances are those of a run in which not everything can happen.
type circumstances struct {
	root  bool     // the gateway ran as root
	lacks []string // see history.Header
}

func (c *circumstances) add(h *history.Header) {
	c.root = c.root || h.Root
	c.lacks = append(c.lacks, h.Lacks...)
}

// roll makes the verdict by the contract of this program.
func roll(in verdict.Input, as circumstances) verdict.Result {
	in.Requirements, in.Impossible, in.Flaky = forVerdict(), impossible(in.Features, in.Runtime, as), flakes()
	return verdict.Roll(in)
}

// JudgeAlone is what one history says by itself, as if its spec had been the whole run.
// What the monitors of the requirement without have to say is left out, so that it can
// be shown what they are good for; "" leaves nothing out.
func JudgeAlone(name string, events []history.Event, without string) (verdict.Result, error) {
	h, err := verdict.Judge(name, events)
	if err != nil {
		return verdict.Result{}, err
	}
	h.Judgements = slices.DeleteFunc(h.Judgements, func(j monitor.Judgement) bool { return j.Requirement == without })
	return rollAlone(h, events[0].Header), nil
}

// rollAlone makes the verdict of a run that has one history.
func rollAlone(h verdict.History, header *history.Header) verdict.Result {
	var as circumstances
	as.add(header)
	return roll(verdict.Input{
		Profile: report.ProfileFull, Runtime: header.Runtime, Features: header.Features, Filtered: true,
		Specs:     []verdict.Spec{{Text: h.Spec, Point: header.Point, Requirements: h.Requirements}},
		Histories: []verdict.History{h},
	}, as)
}

// lacking says what can't be judged on a target that has none of something.
func lacking() map[string]map[string]string {
	return map[string]map[string]string{
		history.LacksHTTP: {
			"GATE-010":  "no turn goes over a connection that could be kept",
			"GATE-012":  "no turn goes by HTTP, so no refusal does",
			"WATCH-008": "no socket tells when a way in opens; what is published at a start is judged by RESTART-001",
		},
		history.LacksDelivery: {"COUNT-006": "no client waits for its reply, so nobody can keep one from being handed over"},
		history.LacksFile:     {"STATE-012": "no state is published in a file, and what else publishes it goes with the gateway"},
	}
}

// noSecondLife is why some requirements say nothing of a gateway that cannot be started
// again.
const noSecondLife = "the target names no command that starts its gateway again in the same instantiation (init.respawn)"

// secondLife are the requirements that need one. GATE-007 is another where nothing but a
// replay is internal to the gateway, and SHUTDOWN-002 where what it cut off is owed.
func secondLife(declares func(feature string) bool) []string {
	needs := []string{
		"WATCH-003", "WATCH-007", "WATCH-008", "COUNT-007", "RESTART-001", "RESTART-002", "RESTART-004",
		"CONTROL-007", "EPOCH-003", "SHUTDOWN-003", "NOTIFY-001", "NOTIFY-002",
	}
	if declares("recovery") {
		needs = append(needs, "SHUTDOWN-002")
		if !declares("background") {
			needs = append(needs, "GATE-007")
		}
	}
	return slices.DeleteFunc(needs, func(id string) bool {
		r, _ := Find(id)
		return r.Feature != "" && !slices.ContainsFunc(verdict.AnyOf(r.Feature), declares)
	})
}

// impossible says which requirements can't be judged on a target as it was run, and
// why: what none of its features, its user or the runtime lets happen.
func impossible(features []string, runtime string, as circumstances) map[string]string {
	out := map[string]string{}
	for lack, what := range lacking() {
		if slices.Contains(as.lacks, lack) {
			maps.Copy(out, what)
		}
	}
	if as.root {
		out["MARKER-005"], out["CONTROL-008"] = impossibleForRoot, impossibleForRoot
	}
	if runtime == config.RuntimeProcess {
		out["EPOCH-004"] = "the process runtime has no instantiation that could be made anew"
	}
	declares := func(feature string) bool { return slices.Contains(features, feature) }
	if slices.Contains(as.lacks, history.LacksRespawn) {
		for _, id := range secondLife(declares) {
			out[id] = noSecondLife
		}
	}
	if declares("notify") && !declares("epoch") && !declares("expiry") {
		out["NOTIFY-002"] = "no marker is stale to a gateway that declares neither epoch nor expiry"
	}
	return out
}

func forVerdict() []verdict.Requirement {
	var out []verdict.Requirement
	for _, r := range Requirements() {
		out = append(out, verdict.Requirement{
			ID: r.ID, Level: verdict.Level(r.Level), Requires: r.Requires, Point: r.Point, Feature: r.Feature,
		})
	}
	return out
}

// arose counts how often the situation of a requirement arose, over all histories.
func (j judged) arose(id string) int {
	for _, f := range j.Findings {
		if f.ID == id {
			return f.Arose
		}
	}
	return 0
}

func (j judged) samples(id string) []monitor.Sample {
	var out []monitor.Sample
	for _, h := range j.histories {
		for _, one := range h.Judgements {
			if one.Requirement == id {
				out = append(out, one.Samples...)
			}
		}
	}
	return out
}
