package conformance

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/types"

	"github.com/drainproof/drainproof/harness/artifact"
	"github.com/drainproof/drainproof/harness/config"
	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/report"
	"github.com/drainproof/drainproof/harness/verdict"
)

// maxBound is the highest observation bound with which a run certifies.
const maxBound = 5 * time.Second

// report runs on the first process when all are done: it judges what they left
// and writes it down.
func (s *suite) report(_ ginkgo.SpecContext, g ginkgo.Report) {
	filter := strings.TrimSpace(strings.Join(append([]string{g.SuiteConfig.LabelFilter}, g.SuiteConfig.FocusStrings...), " "))
	specs := s.ran(g)
	if len(specs) == 0 && filter != "" {
		why := fmt.Sprintf("the filter %q matches no spec; labels are point:a to point:e, family:NAME, feature:NAME, level:MUST, level:SHOULD, and %s", filter, strings.Join(s.boundIDs(), ", "))
		failSetup(setupFailure{What: why, Exit: 2})
		ginkgo.Fail(why)
	}
	if s.run.Dir == "" {
		return // nothing was prepared; why is told already
	}
	e := Evidence{
		Dir: s.run.Dir, Profile: s.cfg.Profile, Filtered: filter != "",
		Runtime: s.cfg.Runtime, Relaxed: s.relaxed(), Features: s.target.Features, Expected: s.expected,
	}
	if filter == "" {
		e.Shard = shard(s.cfg.Shard)
	}
	for _, one := range specs {
		e.Specs = append(e.Specs, one.SpecRun)
	}
	j, err := Judge(e)
	if err != nil {
		failSetup(setupFailure{What: "the histories cannot be judged: " + err.Error(), Exit: 3})
		ginkgo.Fail(err.Error())
	}
	r := s.compose(e, j, specs)
	must(report.Write(s.run.Dir, r, ReportSchema))
	ginkgo.AddReportEntry("verdict", r.Words())
	if os.Getenv(ProgressEnv) == "" {
		// Started without drainproof: this is the only place to show the table.
		var table strings.Builder
		report.Table(&table, r, report.TableOptions{})
		_, _ = io.WriteString(os.Stdout, "\n"+table.String()+report.ResultLine(r)+"\n")
	}
	if r.ExitCode != 0 {
		ginkgo.Fail(fmt.Sprintf("%s: %s; report in %s", r.Words(), r.Why, r.Dir))
	}
}

// ran is a spec as the runner saw it.
type ran struct {
	spec spec
	SpecRun
	ginkgo types.SpecReport
}

// ran lists the specs the filter left, whether or not they got to run.
func (s *suite) ran(g ginkgo.Report) []ran {
	var out []ran
	for _, sp := range s.specs {
		i := slices.IndexFunc(g.SpecReports, func(r types.SpecReport) bool {
			return r.LeafNodeType == types.NodeTypeIt && strings.HasSuffix(r.LeafNodeText, sp.text)
		})
		if i < 0 || filteredOut(g, g.SpecReports[i]) {
			continue
		}
		one := ran{spec: sp, SpecRun: SpecRun{Text: sp.text, Point: sp.point.Letter, Requirements: sp.ids}, ginkgo: g.SpecReports[i]}
		file := historyFile(s.run.Dir, sp)
		if s.run.Dir == "" {
			out = append(out, one)
			continue
		}
		// Without an outcome its suite was cut off while it wrote, and nobody knows
		// what of it was the gateway's doing: it is no evidence.
		if events, err := history.Read(file); err == nil && events[len(events)-1].Kind == history.KindOutcome {
			one.File, _ = filepath.Rel(s.run.Dir, file)
		}
		out = append(out, one)
	}
	return out
}

// filteredOut tells a spec that a filter left out from one that was to run and
// did not get there.
func filteredOut(g ginkgo.Report, r types.SpecReport) bool {
	if !r.State.Is(types.SpecStateSkipped) {
		return false
	}
	return !selects(g.SuiteConfig.LabelFilter, r.Labels()) || len(g.SuiteConfig.FocusStrings) > 0
}

// selects says whether a label filter lets a spec with these labels run. Of a filter that
// is none the runner tells.
func selects(filter string, labels []string) bool {
	matches, err := types.ParseLabelFilter(filter)
	return err != nil || matches(labels)
}

func (s *suite) boundIDs() []string {
	var list []string
	for _, sp := range s.specs {
		list = append(list, sp.ids...)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func (s *suite) relaxed() bool {
	return s.cfg.Observe != 0 || s.target.Bounds.Observe > maxBound || s.otherMarkers() ||
		len(s.repeat.Fewer(config.Standard(s.cfg.Level))) > 0
}

// relaxed is the same question to a report.
func relaxed(r *report.Report) bool {
	_, overridden := r.Config["observe_ns"]
	return overridden || r.Target.Bound > maxBound || otherMarkers(r) || madeLess(r)
}

// madeLess says whether the situations of a run were made less often than its level stands
// for, or whether its report does not say how often.
func madeLess(r *report.Report) bool {
	return len(repetitions(r).Fewer(config.Standard(r.Level))) > 0
}

// repetitions are those with which a report says that its run was made; none where it does
// not say so.
func repetitions(r *report.Report) config.Repetitions {
	var c struct{ Repetitions map[string]config.Repetitions }
	raw, err := json.Marshal(r.Config)
	if err == nil {
		err = json.Unmarshal(raw, &c)
	}
	if err != nil {
		return config.Repetitions{}
	}
	return c.Repetitions[r.Level]
}

// effective is the configuration as it was in effect, for the report.
func effective(c *config.Config) map[string]any {
	out := map[string]any{}
	data, err := json.Marshal(c)
	if err == nil {
		err = json.Unmarshal(data, &out)
	}
	must(err)
	return out
}

// compose writes down what was found, and no more.
func (s *suite) compose(e Evidence, j judged, specs []ran) *report.Report {
	ended := time.Now()
	r := &report.Report{
		Tool: report.Tool{Name: "drainproof", Version: Version()}, Spec: SpecVersion,
		Started: s.run.Started, Ended: ended, Wall: ended.Sub(s.run.Started),
		Profile: e.Profile,
		Runtime: s.cfg.Runtime, Engine: s.run.Prepared.Engine,
		Target: report.Target{
			Name: s.target.Name, Path: s.target.Path, SHA256: s.target.SHA256,
			Features: s.target.Features, Bound: s.target.Bounds.Observe, Bounds: s.target.Limits(),
			Tools: s.target.Tools != nil,
		},
		Suite: s.run.Suite, Environment: report.ThisMachine(),
		Expected: e.Expected, Shard: e.Shard,
		Seed: s.run.Seed, Level: s.cfg.Level, Config: effective(s.cfg), WhyNot: s.whyNotCertifying(),
	}
	if s.markers != nil {
		r.Config[markersKey] = s.markers.SHA256
	}
	if e.Filtered {
		r.Profile = report.ProfileFilter
	}
	r.Image = ImageOf(s.run.Prepared)
	for _, one := range specs {
		r.Specs = append(r.Specs, s.spec(one, j))
	}
	j.tell(r, e)
	return r
}

// tell writes into a report, whose checks are in it, what the evidence says.
func (j judged) tell(r *report.Report, e Evidence) {
	r.Verdict, r.Why, r.ExitCode = report.Verdict(j.Overall), j.Reason, j.Exit
	r.Certifies = j.Overall == verdict.Conformant
	for _, receipt := range j.Receipts {
		r.Receipts = append(r.Receipts, receipt.Fault)
	}
	for _, f := range j.Findings {
		r.Requirements = append(r.Requirements, j.requirement(f))
	}
	r.Points, r.Noise = j.points(e.Specs), j.noise()
	if e.Profile == report.ProfileFull {
		r.Families = report.ByFamily(r)
	}
}

func (j judged) requirement(f verdict.Finding) report.Requirement {
	text, _ := Find(f.ID)
	q := report.Requirement{
		ID: f.ID, Level: string(f.Level), Family: text.Family(), Feature: text.Feature, Text: text.Text,
		Verdict: report.Verdict(f.Verdict), Reason: f.Reason, Arose: f.Arose,
		Samples: report.Summarise(j.samples(f.ID)),
	}
	if text.ID == "" { // a stranger: the suite contradicts itself
		q.Level, q.Family, q.Text = "MUST", "SUITE", "unknown to requirements.yaml"
	}
	for _, b := range f.Violations {
		q.Violations = append(q.Violations, report.NewViolation(b.Violation, b.History, j.events[b.History]))
	}
	return q
}

// points are all five, also those of which nothing ran.
func (j judged) points(specs []SpecRun) []report.Point {
	var out []report.Point
	for _, p := range Points() {
		row := report.Point{Point: p.Letter, Title: p.Name, Verdict: report.NotRun}
		for _, found := range j.Points {
			if found.Point == p.Letter {
				row.Verdict, row.Requirements = report.Verdict(found.Verdict), found.Findings
			}
		}
		i := slices.IndexFunc(specs, func(s SpecRun) bool { return s.Point == p.Letter })
		if i >= 0 && specs[i].File != "" {
			row.Figure, row.Turns = j.figureOf(p), turnsOf(j.events[specs[i].File])
		}
		out = append(out, row)
	}
	return out
}

func (s *suite) spec(one ran, j judged) report.Spec {
	sp := report.Spec{
		Text: one.Text, Point: one.Point, Family: one.spec.family, Requirements: one.Requirements,
		Result: j.result(one), Duration: one.ginkgo.RunTime, Seed: s.run.Seed,
		File: one.File, Message: one.ginkgo.FailureMessage(),
	}
	took := spentOf(one.ginkgo)
	sp.Pod, sp.Waited = took.Pod, took.Waited
	if one.File != "" {
		file := filepath.Join(s.run.Dir, one.File)
		sp.SHA256, _ = history.SHA256(file)
		sp.Events = uint64(len(j.events[one.File]))
		if data, err := os.ReadFile(logFile(file)); err == nil {
			sp.Logs = strings.Split(strings.TrimSpace(string(data)), "\n")
		}
	}
	if sp.Result != "passed" {
		sp.Replay = s.replay(one.spec)
	}
	return sp
}

// result is what became of a spec. What failed after its history was whole, such as the
// removal of its pod, is told in its message and says nothing of the gateway; unless it
// was failed for what its history shows.
func (j judged) result(one ran) string {
	events := j.events[one.File]
	charged := slices.ContainsFunc(j.Findings, func(f verdict.Finding) bool {
		return (f.Verdict == verdict.Fail || f.Verdict == verdict.Blocked) &&
			slices.ContainsFunc(f.Violations, func(b verdict.Breach) bool { return b.History == one.File })
	})
	if charged || len(events) == 0 {
		return one.ginkgo.State.String()
	}
	return events[len(events)-1].Outcome.Result
}

// spentOf is what a spec kept with the runner: as it was, or as JSON makes it when the
// spec ran in another process.
func spentOf(r types.SpecReport) (took spent) {
	for _, e := range r.ReportEntries {
		if e.Name != spentEntry {
			continue
		}
		if data, err := json.Marshal(e.GetRawValue()); err == nil {
			_ = json.Unmarshal(data, &took)
		}
	}
	return took
}

// replay is the command that runs a spec again in the same way.
func (s *suite) replay(sp spec) string {
	command, label := "bin/drainproof gate", "point:"+sp.point.Letter
	if sp.family != "" {
		command, label = "bin/drainproof certify --level "+s.cfg.Level, "spec:"+sp.slug()
	}
	if fault := os.Getenv("DRAINPROOF_FAULT"); fault != "" {
		command += " --fault " + fault
	} else {
		command += " --target " + s.target.Path
	}
	if root, err := artifact.FindRoot(); err != nil || s.cfg.Path != filepath.Join(root, "ginkgo.yaml") {
		command += " --config " + s.cfg.Path
	}
	if s.cfg.Observe != 0 {
		command += " --observe " + s.cfg.Observe.String()
	}
	return fmt.Sprintf("%s --runtime %s --seed %d --label-filter %s", command, s.cfg.Runtime, s.run.Seed, label)
}

// noise sums up how quiet the machine was over all histories.
func (j judged) noise() report.Noise {
	var n report.Noise
	for _, events := range j.events {
		for _, e := range events {
			switch e.Kind {
			case history.KindHeader:
				n.StampError = max(n.StampError, e.Header.StampError)
			case history.KindStall:
				if e.Stall.Of == history.StallGateway {
					n.Starved = max(n.Starved, e.Stall.Late)
					continue
				}
				n.Stalls++
				n.Longest = max(n.Longest, e.Stall.Late)
			}
		}
	}
	return n
}
