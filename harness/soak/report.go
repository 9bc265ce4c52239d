package soak

import (
	_ "embed" // the schema
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/drainproof/drainproof/harness/report"
)

// Names of the files of a soak.
const (
	FileName     = "soak.json"
	MarkdownName = "soak.md"
	// ReproducersName is the folder with a reproducer for every requirement that was broken.
	ReproducersName = "reproducers"
)

// Schema is the JSON Schema of a soak's report.
//
//go:embed soak.schema.json
var Schema []byte

// SchemaVersion is the version of soak.json this package writes.
const SchemaVersion = 1

// Report is what a soak says. Durations are nanoseconds, named *_ns.
type Report struct {
	Schema    int            `json:"schema"`
	Tool      report.Tool    `json:"tool"`
	Spec      string         `json:"spec"` // version of the requirements
	Started   time.Time      `json:"started"`
	Wall      time.Duration  `json:"wall_ns"`
	Verdict   report.Verdict `json:"verdict"`
	Why       string         `json:"why"`
	ExitCode  int            `json:"exit"`
	Runtime   string         `json:"runtime"`
	Engine    string         `json:"engine,omitempty"`
	Target    report.Target  `json:"target"`
	Image     *report.Image  `json:"image,omitempty"`
	Seed      int64          `json:"seed"` // of the first schedule
	Schedules int            `json:"schedules"`
	Pods      int            `json:"pods"`
	Drains    int            `json:"drains"`
	Turns     int            `json:"turns"`
	// Cycles are the drains of crowds, which wait for nothing, and Cycling what they took.
	Cycles  int           `json:"cycles"`
	Cycling time.Duration `json:"cycling_ns"`
	Judging time.Duration `json:"judging_ns"`
	// Memory is the most this program has had resident, in bytes.
	Memory   int64          `json:"memory_bytes"`
	Goals    []Goal         `json:"goals"`
	Failures []Failure      `json:"failures"`
	Arose    map[string]int `json:"arose"` // how often the situation of each requirement arose
	Receipts []string       `json:"receipts,omitempty"`
	Figures  []Samples      `json:"figures"`
	// Peaks are the most memory that the gateway has had at the end of schedules, in bytes: of
	// up to 2000 of them.
	Peaks []int64  `json:"peaks_bytes,omitempty"`
	Lost  []string `json:"lost,omitempty"` // schedules that could not be played to their end, and why
	// Noise is the part of the time, 0 to 1, in which the machine kept the gateway or the
	// probe waiting although it was not kept busy on purpose.
	Noise       float64             `json:"noise"`
	Environment *report.Environment `json:"environment,omitempty"` // the machine
}

// Failure is a requirement that was broken.
type Failure struct {
	Requirement string  `json:"requirement"`
	Text        string  `json:"text"`
	Reason      string  `json:"reason"`
	Schedules   int     `json:"schedules"` // in which it was
	Seed        int64   `json:"seed"`      // of the first of them
	History     string  `json:"history,omitempty"`
	Reproducer  string  `json:"reproducer,omitempty"` // folder, relative to this report's
	Shrunk      *Shrunk `json:"shrunk,omitempty"`
	Note        string  `json:"note,omitempty"` // why there is none
}

// Verdicts of a soak: those of a run. Certifying is for the checks.
func (r *Report) rule(o *Outcome) {
	missing := []string{}
	for _, g := range o.Goals {
		if g.Reached == 0 {
			missing = append(missing, g.Name)
		}
	}
	r.Verdict, r.ExitCode = report.Incomplete, 3
	switch {
	case len(o.Broken) > 0:
		r.Verdict, r.ExitCode = report.NonConformant, 1
		r.Why = "failed: " + strings.Join(slices.Sorted(maps.Keys(o.Broken)), ", ")
	case o.Interrupted:
		r.Why = fmt.Sprintf("it was interrupted after %d schedules, in which nothing was broken", o.Schedules)
	case o.GivenUp != "":
		r.Why = fmt.Sprintf("it was given up after %d schedules, in which nothing was broken: %s", o.Schedules, o.GivenUp)
	case o.Schedules == 0:
		r.Why = "nothing was played"
	case o.Down > 0:
		r.Why = fmt.Sprintf("a gateway did not come up again, or to rest, in %d of %d schedules, and nothing shows why; see lost in %s", o.Down, o.Schedules, FileName)
	case len(o.Lost) > 0 && len(o.Lost)*100 > o.Schedules:
		r.Why = fmt.Sprintf("%d of %d schedules could not be played to their end; the first: %s", len(o.Lost), o.Schedules, o.Lost[0])
	case len(missing) > 0:
		r.Why = "it never came to: " + strings.Join(missing, ", ") + "; soak for longer"
	default:
		r.Verdict, r.ExitCode = report.Conformant, 0
		r.Why = fmt.Sprintf("%d schedules broke nothing, and reached all %d goals", o.Schedules, len(o.Goals))
		if n := len(o.Lost); n > 0 {
			r.Why += fmt.Sprintf("; %d of them could not be played to their end, the first: %s", n, o.Lost[0])
		}
	}
}

// Compose writes down what a soak found; the caller adds what it ran with.
func Compose(o *Outcome) *Report {
	r := &Report{
		Schema: SchemaVersion, Wall: o.Wall, Seed: o.Seed, Schedules: o.Schedules, Pods: o.Pods, Drains: o.Drains, Turns: o.Turns,
		Cycles: o.Cycles, Cycling: o.Cycling, Judging: o.Judging, Goals: o.Goals, Failures: []Failure{},
		Arose: o.Arose, Receipts: o.Receipts, Figures: o.Samples, Peaks: o.Peaks, Lost: o.Lost,
	}
	if o.Watched > 0 {
		r.Noise = float64(o.Stalled) / float64(o.Watched)
	}
	slices.Sort(r.Receipts)
	r.rule(o)
	for _, id := range slices.Sorted(maps.Keys(o.Broken)) {
		b := o.Broken[id]
		r.Failures = append(r.Failures, Failure{
			Requirement: id, Text: b.Requirement.Text, Reason: b.Requirement.Reason, Schedules: b.Schedules, Seed: b.First.Seed, History: b.History,
		})
	}
	return r
}

// Write checks the report against its schema and writes it, and for people in Markdown.
func (r *Report) Write(dir string) error {
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	raw = append(raw, '\n')
	if err := report.Validate(raw, Schema); err != nil {
		return fmt.Errorf("the soak's report does not follow its schema, which is a mistake of this program: %w", err)
	}
	if err := report.Replace(filepath.Join(dir, MarkdownName), []byte(r.Markdown())); err != nil {
		return err
	}
	return report.Replace(filepath.Join(dir, FileName), raw)
}

// ReadReport reads the report of a soak in a folder.
func ReadReport(dir string) (*Report, error) {
	path := filepath.Join(dir, FileName)
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("no soak's report can be read: %w", err)
	}
	if err := report.Validate(raw, Schema); err != nil {
		return nil, fmt.Errorf("%s is no soak's report: %w", path, err)
	}
	r := &Report{}
	return r, json.Unmarshal(raw, r)
}

// PerMinute is how many drain cycles a minute there were in the phases that wait for
// nothing; 0 where there were none.
func (r *Report) PerMinute() float64 {
	if r.Cycling <= 0 {
		return 0
	}
	return float64(r.Cycles) / r.Cycling.Minutes()
}

// JudgingShare is the part of the time that judging took, from 0 to 1.
func (r *Report) JudgingShare() float64 {
	if r.Wall <= 0 {
		return 0
	}
	return float64(r.Judging) / float64(r.Wall)
}

// Markdown is the report for people.
func (r *Report) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Soak of %s: %s\n\n%s.\n\n", r.Target.Name, r.Verdict, r.Why)
	for _, line := range r.Facts() {
		fmt.Fprintf(&b, "- %s\n", line)
	}
	if len(r.Failures) > 0 {
		b.WriteString("\n## What was broken\n\n| requirement | schedules | first seed | how | reproducer |\n| --- | --- | --- | --- | --- |\n")
		for _, f := range r.Failures {
			fmt.Fprintf(&b, "| %s | %d | %d | %s | %s |\n", f.Requirement, f.Schedules, f.Seed, cell(f.Reason), cell(f.Told()))
		}
	}
	b.WriteString("\n## Goals\n\n| goal | sometime in the soak | schedules |\n| --- | --- | --- |\n")
	for _, g := range r.Goals {
		fmt.Fprintf(&b, "| %s | %s | %d |\n", g.Name, g.Sentence, g.Reached)
	}
	if len(r.Figures) > 0 {
		b.WriteString("\n## Figures\n\n")
		for _, s := range r.Figures {
			fmt.Fprintf(&b, "- %s\n", s.Figure())
		}
	}
	return b.String()
}

func cell(s string) string {
	return strings.NewReplacer("|", "\\|", "\n", " ").Replace(s)
}

// Told says what there is to reproduce a failure by.
func (f Failure) Told() string {
	if f.Reproducer == "" {
		return f.Note
	}
	told := f.Reproducer
	if s := f.Shrunk; s != nil {
		told += fmt.Sprintf(" (%d steps of %d; failed %d of %d times)", s.To, s.From, s.Failed, s.Played)
		if !s.Minimal {
			told += ", maybe not the smallest"
		}
	}
	return told
}

// Facts are the figures of the soak itself, a line each.
func (r *Report) Facts() []string {
	facts := []string{
		fmt.Sprintf("%d schedules in %s (seed %d), %d pods, %d drains, %d turns", r.Schedules, r.Wall.Round(time.Second), r.Seed, r.Pods, r.Drains, r.Turns),
	}
	if r.Cycles > 0 {
		facts = append(facts, fmt.Sprintf("%.0f drain cycles a minute in phases that wait for nothing (%d of them)", r.PerMinute(), r.Cycles))
	}
	return append(facts,
		fmt.Sprintf("judging took %.1f %% of the time; this program had %d MiB resident at the most", 100*r.JudgingShare(), r.Memory>>20),
		fmt.Sprintf("%s runtime, observation bound %s, requirements %s", r.Runtime, r.Target.Bound, r.Spec),
	)
}
