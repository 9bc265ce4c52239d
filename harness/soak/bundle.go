package soak

import (
	"bytes"
	_ "embed" // the page
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/report"
)

// Names of the files of a reproducer.
const (
	BundleName    = "reproducer.json"
	ScheduleName  = "schedule.json"
	TargetName    = "target.yaml"
	HistoryName   = "history.jsonl"
	PictureName   = "timeline.html"
	BundleReadme  = "README.md"
	bundleVersion = 1
)

// Bundle is all that somebody needs to see a gateway fail: what was done to it, with what,
// and what became of it.
type Bundle struct {
	Schema      int           `json:"schema"`
	Tool        report.Tool   `json:"tool"`
	Spec        string        `json:"spec"`
	Requirement string        `json:"requirement"`
	Text        string        `json:"text"`   // what it demands
	Reason      string        `json:"reason"` // what was seen instead
	Runtime     string        `json:"runtime"`
	Target      string        `json:"target"`   // path of the target file where it was found
	Portable    bool          `json:"portable"` // the copy beside this file can be run from anywhere
	Image       *report.Image `json:"image,omitempty"`
	Observe     time.Duration `json:"observe_ns,omitempty"` // bound, where it is not the target's own
	Fault       string        `json:"fault,omitempty"`      // of the catalogue of wrong gateways
	Shrunk      *Shrunk       `json:"shrunk,omitempty"`
	SHA256      string        `json:"history_sha256"`

	Schedule Schedule           `json:"-"`
	Found    report.Requirement `json:"-"`
}

//go:embed bundle.md.tmpl
var bundleText string

// WriteBundle writes a reproducer into a folder: history is the path of one in which the
// schedule failed, and targetFile that of the target.
func WriteBundle(dir string, b Bundle, historyFile, targetFile string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("the reproducer's folder cannot be made: %w", err)
	}
	raw, err := os.ReadFile(historyFile)
	if err != nil {
		return fmt.Errorf("the reproducer's history: %w", err)
	}
	events, err := history.Decode(bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("the reproducer's history: %w", err)
	}
	spec, err := os.ReadFile(targetFile)
	if err != nil {
		return fmt.Errorf("the reproducer's target: %w", err)
	}
	files := map[string][]byte{HistoryName: raw, TargetName: spec}
	for name, data := range files {
		if err := report.Replace(filepath.Join(dir, name), data); err != nil {
			return err
		}
	}
	b.Schema = bundleVersion
	if b.SHA256, err = history.SHA256(filepath.Join(dir, HistoryName)); err != nil {
		return err
	}
	b.Schedule.Requirement, b.Schedule.How = b.Requirement, b.Reason
	if err := b.Schedule.WriteFile(filepath.Join(dir, ScheduleName)); err != nil {
		return err
	}
	page, err := b.Picture(dir, HistoryName, events, []report.Requirement{b.Found})
	if err != nil {
		return err
	}
	var readme bytes.Buffer
	words, err := template.New("bundle").Parse(bundleText)
	if err != nil {
		return err
	}
	if err := words.Execute(&readme, b); err != nil {
		return err
	}
	data, err := json.MarshalIndent(b, "", "  ")
	if err != nil {
		return err
	}
	return errors.Join(
		report.Replace(filepath.Join(dir, PictureName), page),
		report.Replace(filepath.Join(dir, BundleReadme), readme.Bytes()),
		report.Replace(filepath.Join(dir, BundleName), append(data, '\n')),
	)
}

// Picture draws a history in which these requirements were broken, as a page for people. The
// history is the file of that name in a folder.
func (b Bundle) Picture(dir, file string, events []history.Event, broken []report.Requirement) ([]byte, error) {
	var ids []string
	broken = slices.Clone(broken)
	for i := range broken {
		ids = append(ids, broken[i].ID)
		broken[i].Violations = slices.Clone(broken[i].Violations)
		for j := range broken[i].Violations {
			broken[i].Violations[j].History = file
		}
	}
	first, last := events[0], events[len(events)-1]
	sum, err := history.SHA256(filepath.Join(dir, file))
	if err != nil {
		return nil, err
	}
	return report.HTML(&report.Report{
		Dir: dir, Tool: b.Tool, Spec: b.Spec, Profile: report.ProfileFilter, Verdict: report.NonConformant, Why: "failed: " + strings.Join(ids, ", "), ExitCode: 1,
		Runtime: b.Runtime, Seed: b.Schedule.Seed, Level: "soak", Image: b.Image,
		Target:       report.Target{Name: first.Header.Target, Path: b.Target, Features: first.Header.Features, Bound: first.Header.Bound},
		Requirements: broken,
		Specs: []report.Spec{{
			Text: first.Header.Spec, Requirements: ids, Result: "failed", File: file, SHA256: sum, Events: uint64(len(events)), Seed: b.Schedule.Seed,
			Duration: last.Return.Sub(events[min(1, len(events)-1)].Call),
		}},
	})
}

// ReadBundle reads a reproducer, or a schedule by itself: then all but the schedule is
// empty.
func ReadBundle(path string) (Bundle, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Bundle{}, fmt.Errorf("nothing can be replayed: %w", err)
	}
	var b Bundle
	if !info.IsDir() {
		b.Schedule, err = Read(path)
		return b, err
	}
	file := filepath.Join(path, BundleName)
	raw, err := os.ReadFile(file)
	if err != nil {
		return b, fmt.Errorf("%s is no reproducer: %w", path, err)
	}
	if err := json.Unmarshal(raw, &b); err != nil {
		return b, fmt.Errorf("%s is no reproducer: %w", file, err)
	}
	if b.Schema != bundleVersion {
		return b, fmt.Errorf("%s has schema version %d, this program reads %d", file, b.Schema, bundleVersion)
	}
	b.Schedule, err = Read(filepath.Join(path, ScheduleName))
	return b, err
}
