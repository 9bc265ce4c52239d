package conformance

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/report"
)

// Merge puts the parts of a run together: it copies their histories into dir, judges all
// of them together as the whole run would have, and writes the report of that there.
// What a part says of its verdict counts for nothing. An error says, in a line, why these
// are not the parts of one run, or why one cannot be read.
//
// A part that is missing, or there more than once, leaves the run incomplete: of the
// checks in it there is no history, for nobody can say which of two counts.
func Merge(dir string, parts []*report.Report) (*report.Report, error) {
	if len(parts) == 0 {
		return nil, errors.New("there are no parts to merge")
	}
	for _, p := range parts {
		if err := isPart(p); err != nil {
			return nil, err
		}
		if err := sameRun(parts[0], p); err != nil {
			return nil, err
		}
	}
	for _, p := range parts {
		if err := untouched(p); err != nil {
			return nil, err
		}
	}
	r := whole(parts)
	of := evidenceOf(parts, r.Merged)
	if err := os.MkdirAll(filepath.Join(dir, "histories"), 0o755); err != nil {
		return nil, fmt.Errorf("the report folder cannot be made: %w", err)
	}
	k := kindOf(r)
	for _, sp := range k.checks(collect().specs) {
		from, known := of[sp.text]
		if !known {
			r.Specs = append(r.Specs, report.Spec{
				Text: sp.text, Point: sp.point.Letter, Family: sp.family, Requirements: sp.ids, Result: "skipped", Seed: r.Seed,
				Message: "there is no history of it: " + r.Merged.Absent(),
			})
			continue
		}
		one := from.spec
		if one.File != "" {
			file := historyFile(dir, sp)
			if err := copyHistory(filepath.Join(from.dir, one.File), file, one.SHA256); err != nil {
				return nil, err
			}
			one.File, _ = filepath.Rel(dir, file)
		}
		r.Specs = append(r.Specs, one)
	}
	if err := judgeWhole(r, dir); err != nil {
		return nil, err
	}
	return r, report.Write(dir, r, ReportSchema)
}

// isPart says why a report is not that of a part that can be judged here.
func isPart(r *report.Report) error {
	switch {
	case r.Shard == nil:
		return fmt.Errorf("%s is no part of a run: it was made without --shard", r.Dir)
	case r.Spec != SpecVersion:
		return fmt.Errorf("%s is of requirements %s, and this program judges by %s; merge with the release that has those", r.Dir, r.Spec, SpecVersion)
	}
	if d := checksOf(r); len(d) > 0 {
		return fmt.Errorf("%s is not the report of such a part: %s", r.Dir, d[0].What)
	}
	return nil
}

// sameRun says in what two parts differ that the parts of one run have in common.
func sameRun(a, b *report.Report) error {
	image := func(r *report.Report) string {
		if r.Image == nil {
			return "none"
		}
		text := r.Image.ID
		for _, sidecar := range r.Image.OfSidecars() {
			text += ", sidecar " + sidecar
		}
		return text
	}
	suite := func(r *report.Report) string {
		if r.Suite == nil {
			return "none"
		}
		return r.Suite.SHA256
	}
	for _, c := range []struct {
		what string
		a, b any
	}{
		{"number of parts", a.Shard.Of, b.Shard.Of}, {"seed", a.Seed, b.Seed}, {"profile", a.Profile, b.Profile}, {"level", a.Level, b.Level},
		{"runtime", a.Runtime, b.Runtime}, {"target", a.Target.Name, b.Target.Name}, {"target file's hash", a.Target.SHA256, b.Target.SHA256},
		{"image", image(a), image(b)}, {"bound", a.Target.Bound, b.Target.Bound}, {"suite", suite(a), suite(b)},
		{"features", a.Target.Features, b.Target.Features}, {"bounds", a.Target.Bounds, b.Target.Bounds}, {"tools", a.Target.Tools, b.Target.Tools},
		{"list of expected failures", a.Expected, b.Expected},
		{"observe", a.Config["observe_ns"], b.Config["observe_ns"]}, {"repetitions", a.Config["repetitions"], b.Config["repetitions"]},
		{"catalogue of markers", a.Config[markersKey], b.Config[markersKey]},
	} {
		if !reflect.DeepEqual(c.a, c.b) {
			return fmt.Errorf("%s and %s are parts of different runs: the %s is %v in one and %v in the other", a.Dir, b.Dir, c.what, c.a, c.b)
		}
	}
	return nil
}

// untouched says which history of a part is not the one that its report is of.
func untouched(r *report.Report) error {
	for _, s := range r.Specs {
		if s.File == "" {
			continue
		}
		if !filepath.IsLocal(s.File) {
			return fmt.Errorf("%s names a history outside its folder: %q", r.Dir, s.File)
		}
		sum, err := history.SHA256(filepath.Join(r.Dir, s.File))
		if err != nil {
			return fmt.Errorf("%s: %w", r.Dir, err)
		}
		if sum != s.SHA256 {
			return changed(filepath.Join(r.Dir, s.File), s.SHA256, sum)
		}
	}
	return nil
}

func changed(file, want, got string) error {
	return fmt.Errorf("%s was changed since its part was run: the report names the hash %s, the file has %s; run that part again", file, want, got)
}

// whole is what is known of a run before its histories are judged: what its parts have in
// common, and when and where they ran.
func whole(parts []*report.Report) *report.Report {
	r := *parts[0]
	r.Tool.Version = Version()
	r.Shard, r.Points, r.Families, r.Requirements, r.Specs, r.Receipts, r.WhyNot = nil, nil, nil, nil, nil, nil, nil
	r.Config = maps.Clone(r.Config)
	delete(r.Config, "shard")
	r.Merged = &report.Merged{Of: parts[0].Shard.Of}
	there := map[int]int{}
	var engines, kernels []string
	for _, p := range parts {
		there[p.Shard.Index]++
		if p.Started.Before(r.Started) {
			r.Started = p.Started
		}
		if p.Ended.After(r.Ended) {
			r.Ended = p.Ended
		}
		if p.Engine != "" && !slices.Contains(engines, p.Engine) {
			engines = append(engines, p.Engine)
		}
		if e := p.Environment; e != nil && !slices.Contains(kernels, e.Kernel) {
			kernels = append(kernels, e.Kernel)
		}
		for _, why := range p.WhyNot {
			if why != p.Shard.Text() && !slices.Contains(r.WhyNot, why) {
				r.WhyNot = append(r.WhyNot, why)
			}
		}
	}
	for i := 1; i <= r.Merged.Of; i++ {
		switch {
		case there[i] == 0:
			r.Merged.Missing = append(r.Merged.Missing, i)
		case there[i] > 1:
			r.Merged.Twice = append(r.Merged.Twice, i)
		}
	}
	for _, p := range parts {
		if there[p.Shard.Index] == 1 {
			r.Merged.Longest, r.Merged.Sum = max(r.Merged.Longest, p.Wall), r.Merged.Sum+p.Wall
		}
	}
	r.Wall, r.Engine = r.Merged.Longest, strings.Join(engines, ", ")
	if r.Environment != nil {
		e := *r.Environment
		for _, p := range parts {
			if p.Environment != nil {
				e.CPUs = min(e.CPUs, p.Environment.CPUs)
			}
		}
		e.Kernel = strings.Join(kernels, ", ")
		r.Environment = &e
	}
	return &r
}

// kept is a check of a part that counts, and the folder it is in.
type kept struct {
	dir  string
	spec report.Spec
}

// evidenceOf finds the checks of the parts that count, by their text.
func evidenceOf(parts []*report.Report, m *report.Merged) map[string]kept {
	out := map[string]kept{}
	for _, p := range parts {
		if slices.Contains(m.Twice, p.Shard.Index) {
			continue
		}
		for _, s := range p.Specs {
			out[s.Text] = kept{p.Dir, s}
		}
	}
	return out
}

// copyHistory copies a history with what lies beside it, and says when it is not the one
// with that hash.
func copyHistory(from, to, sum string) error {
	in, err := os.Open(from)
	if err != nil {
		return fmt.Errorf("a history cannot be read: %w", err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("a history cannot be copied: %w", err)
	}
	hash := sha256.New()
	_, err = io.Copy(io.MultiWriter(out, hash), in)
	if err = errors.Join(err, out.Close()); err != nil {
		return fmt.Errorf("a history cannot be copied: %w", err)
	}
	if got := hex.EncodeToString(hash.Sum(nil)); got != sum {
		return changed(from, sum, got)
	}
	if log, err := os.ReadFile(logFile(from)); err == nil {
		_ = os.WriteFile(logFile(to), log, 0o644) // for people; no verdict depends on it
	}
	return nil
}

// judgeWhole has all histories of a run in dir judged, and writes into its report what
// they say. What a part told of a check must be what is in the check's history.
func judgeWhole(r *report.Report, dir string) error {
	e := Evidence{
		Dir: dir, Profile: r.Profile, Runtime: r.Runtime, Features: r.Target.Features,
		Relaxed: relaxed(r), Expected: r.Expected, Merged: r.Merged,
	}
	for _, s := range r.Specs {
		e.Specs = append(e.Specs, SpecRun{Text: s.Text, Point: s.Point, Requirements: s.Requirements, File: s.File})
	}
	j, err := Judge(e)
	if err != nil {
		return fmt.Errorf("the histories cannot be judged: %w", err)
	}
	var d differences
	for _, s := range r.Specs {
		if events := j.events[s.File]; len(events) > 0 {
			d.contradicts(r, s, events)
		}
	}
	if len(d) > 0 {
		return fmt.Errorf("a part is not what its histories say: %s", d[0].What)
	}
	j.tell(r, e)
	return nil
}
