package conformance

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/drainproof/drainproof/harness/config"
	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/report"
	"github.com/drainproof/drainproof/harness/verdict"
)

// Rejudge judges the histories of a report again and says in what the report differs from
// them, and from what a run of its kind consists of; nothing when it is all the same.
func Rejudge(r *report.Report) ([]report.Difference, error) {
	e := Evidence{
		Dir: r.Dir, Profile: r.Profile, Runtime: r.Runtime, Features: r.Target.Features,
		Filtered: r.Profile == report.ProfileFilter, Relaxed: relaxed(r), Expected: r.Expected,
		Shard: r.Shard, Merged: r.Merged,
	}
	d := differences(checksOf(r))
	for _, s := range r.Specs {
		e.Specs = append(e.Specs, SpecRun{Text: s.Text, Point: s.Point, Requirements: s.Requirements, File: s.File})
		if s.File == "" {
			continue
		}
		if !filepath.IsLocal(s.File) {
			return nil, fmt.Errorf("the report names a history outside its folder: %q", s.File)
		}
		sum, err := history.SHA256(filepath.Join(r.Dir, s.File))
		if err != nil {
			return nil, err
		}
		if sum != s.SHA256 {
			d.tell("hash", "%s: the report names the hash %s, the file has %s", s.File, s.SHA256, sum)
		}
	}
	if len(d) > 0 {
		return d, nil // what was changed is not worth judging
	}
	j, err := Judge(e)
	if err != nil {
		return nil, err
	}
	var first *history.Header
	for _, s := range r.Specs {
		events := j.events[s.File]
		if len(events) == 0 {
			continue
		}
		if first == nil {
			first = events[0].Header
		}
		d.contradicts(r, s, events)
		d.unlike(r, s, first, events[0].Header)
		d.incomplete(s, events)
		d.seldom(s, events, repetitions(r))
	}
	if s := r.Suite; s != nil && *report.SuiteOf(s.Suite, s.Probe) != *s {
		d.tell("suite", "the report names a suite %s, which does not consist of the programs that it names", s.SHA256)
	}
	if r.ExitCode != j.Exit || r.Certifies != (j.Overall == verdict.Conformant) {
		d.tell("verdict", "the report says exit %d, certifies %t; its histories say exit %d, certifies %t",
			r.ExitCode, r.Certifies, j.Exit, j.Overall == verdict.Conformant)
	}
	if string(j.Overall) != string(r.Verdict) {
		d.tell("verdict", "the report says %q, its histories say %q", r.Verdict, j.Overall)
	}
	if r.Why != j.Reason {
		d.tell("verdict", "the report says why: %q; its histories say %q", r.Why, j.Reason)
	}
	fresh := &report.Report{Points: j.points(e.Specs), Specs: r.Specs}
	for _, f := range j.Findings {
		fresh.Requirements = append(fresh.Requirements, j.requirement(f))
	}
	fresh.Normalise() // as it was before it was written
	d.requirements(r, fresh)
	for i, p := range fresh.Points {
		if i >= len(r.Points) || same(p, r.Points[i]) != "" {
			d.tell("verdict", "point %s: the report does not say of it what its histories say: %s, %s", p.Point, p.Verdict, p.Figure)
		}
	}
	if r.Profile == report.ProfileFull || len(r.Families) > 0 {
		d.families(r, report.ByFamily(fresh))
	}
	if r.Noise != j.noise() {
		d.tell("noise", "the report says %+v, its histories say %+v", r.Noise, j.noise())
	}
	return d, nil
}

// differences collects what differs.
type differences []report.Difference

func (d *differences) tell(kind, format string, args ...any) {
	*d = append(*d, report.Difference{Kind: kind, What: fmt.Sprintf(format, args...)})
}

// checksOf compares the checks that a report lists with those of which a run of its kind
// consists, or the part of one. A selection made by hand is one of no kind.
func checksOf(r *report.Report) []report.Difference {
	var d differences
	filtered := r.Profile == report.ProfileFilter
	if r.Shard != nil && (filtered || !config.Shard(*r.Shard).Valid()) {
		d.tell("shard", "the report says that it is %s of a run, and there is no such part", r.Shard)
	}
	known := map[string]spec{}
	all := collect().specs
	for _, sp := range all {
		known[sp.text] = sp
	}
	due := map[string]bool{}
	for _, sp := range kindOf(r).checks(all) {
		due[sp.text] = true
		if !filtered && !slices.ContainsFunc(r.Specs, func(s report.Spec) bool { return s.Text == sp.text }) {
			d.tell("missing-check", "the report leaves out the check %q", sp.title())
		}
	}
	seen := map[string]bool{}
	for _, s := range r.Specs {
		sp, ok := known[s.Text]
		switch {
		case !ok || seen[s.Text]:
			d.tell("extra-check", "the report has a check that the suite does not have, or not twice: %q", s.Text)
		case !filtered && !due[s.Text]:
			d.tell("extra-check", "the report has a check that is not part of such a run: %q", sp.title())
		case s.Point != sp.point.Letter || s.Family != sp.family || !slices.Equal(s.Requirements, sp.ids):
			d.tell("other-check", "the check %q of %s is bound to %s, in the report, of %s, to %s",
				sp.title(), sp.group(), strings.Join(sp.ids, " "), strings.ToLower(s.Point+s.Family), strings.Join(s.Requirements, " "))
		}
		seen[s.Text] = true
	}
	return d
}

// contradicts compares what the report says of a check's run with what was written into its
// history, which is hashed and was written before any verdict.
func (d *differences) contradicts(r *report.Report, s report.Spec, events []history.Event) {
	h := events[0].Header
	image := ""
	if r.Image != nil {
		image = r.Image.ID
	}
	for _, c := range []struct {
		what           string
		report, header any
	}{
		{"runtime", r.Runtime, h.Runtime}, {"target", r.Target.Name, h.Target}, {"bound", r.Target.Bound, h.Bound},
		{"image", image, h.Image}, {"seed", r.Seed, h.Seed}, {"seed", s.Seed, h.Seed}, {"events", s.Events, uint64(len(events))},
		{"features", strings.Join(r.Target.Features, " "), strings.Join(h.Features, " ")},
	} {
		if c.report != c.header {
			d.tell(c.what, "%s: the report's %s is %v, the history has %v", s.File, c.what, c.report, c.header)
		}
	}
	// A check that was content may still have been failed for what its history shows.
	if o := events[len(events)-1].Outcome; o != nil && o.Result != s.Result && s.Result == "passed" {
		d.tell("verdict", "%s: the report says that the check passed, its history that it %s", s.File, o.Result)
	}
}

// unlike compares the circumstances that a history names with those of the run: what the
// target has none of, whom it runs as, and how long it may take. They decide what is judged
// at all, and are the same in every history of a run.
func (d *differences) unlike(r *report.Report, s report.Spec, first, h *history.Header) {
	for _, c := range []struct {
		what      string
		one, this any
	}{
		{"lacks", strings.Join(first.Lacks, " "), strings.Join(h.Lacks, " ")}, {"root", first.Root, h.Root},
	} {
		if c.one != c.this {
			d.tell("circumstances", "%s: its %s is %v, that of another history of the run %v", s.File, c.what, c.this, c.one)
		}
	}
	if !slices.Equal(h.Requirements, s.Requirements) || h.Point != s.Point {
		d.tell("circumstances", "%s: it was made for %s, the report says for %s", s.File, strings.Join(h.Requirements, " "), strings.Join(s.Requirements, " "))
	}
	if h.Since != 0 {
		d.tell("circumstances", "%s: it goes on from another history, as that of no check does", s.File)
	}
	limits := r.Target.Bounds
	if age := limits["expiry.maxAge"]; h.MaxAge != age && (h.MaxAge != 0 || slices.Contains(r.Target.Features, "expiry")) {
		d.tell("bound", "%s: markers grow stale after %s in the report, after %s in the history", s.File, age, h.MaxAge)
	}
	if h.ShutdownDeadline != limits["shutdown.deadline"] && h.ShutdownDeadline != limits["shutdown.short.deadline"] {
		d.tell("bound", "%s: a shutdown has %s in the report, %s in the history", s.File, limits["shutdown.deadline"], h.ShutdownDeadline)
	}
}

// incomplete finds what is missing in a history: its events are numbered from 0 without a
// gap, it comes to an end after which its check does nothing, and says last how that was.
func (d *differences) incomplete(s report.Spec, events []history.Event) {
	var end *history.Event
	outcomes, beyond := 0, 0
	for i := range events {
		switch e := &events[i]; {
		case e.Kind == history.KindAction && e.Action.Name == history.ActionEnd:
			if end == nil || e.Call < end.Call {
				end = e
			}
		case e.Kind == history.KindOutcome:
			outcomes++
		}
	}
	for i := range events {
		if e := &events[i]; end != nil && e.Kind == history.KindStep && e.Call > end.Return {
			beyond++
		}
	}
	last := events[len(events)-1]
	if missing := last.Seq + 1 - uint64(len(events)); missing != 0 {
		d.tell("incomplete", "%s: of the events up to #%d, %d are missing", s.File, last.Seq, missing)
	}
	if end == nil || outcomes != 1 || last.Kind != history.KindOutcome {
		d.tell("incomplete", "%s: a history comes to an end and says last, once, how its check ended; this one does not", s.File)
	}
	if beyond > 0 && s.Result == "passed" { // one that ran out of time may not have heard that it was over
		d.tell("incomplete", "%s: its check does %d more steps after the end up to which it is judged", s.File, beyond)
	}
}

// seldom finds histories of a run that looked less hard than its report says.
func (d *differences) seldom(s report.Spec, events []history.Event, want config.Repetitions) {
	if s.Result != "passed" {
		return
	}
	drains, rewrites := 0, 0
	for i := range events {
		if m := events[i].Marker; m != nil && m.Error == "" {
			switch {
			case m.Op == history.OpBegin && !m.Existed:
				drains++
			case m.Op == history.OpRewrite:
				rewrites++
			}
		}
	}
	least := map[string][2]int{"a": {want.Drains, 0}, "d": {want.Reverts, want.Rewrites}}[s.Point]
	if drains < least[0] || rewrites < least[1] {
		d.tell("level", "%s: it has %d drains and %d repeated requests, the report says that there were %d and %d at least", s.File, drains, rewrites, least[0], least[1])
	}
}

// families compares what is said of each family.
func (d *differences) families(r *report.Report, fresh []report.Family) {
	for i := range max(len(r.Families), len(fresh)) {
		switch {
		case i >= len(fresh):
			d.tell("verdict", "the report has the family %s once too often", r.Families[i].Family)
		case i >= len(r.Families):
			d.tell("verdict", "the report leaves out the family %s", fresh[i].Family)
		default:
			if part := same(fresh[i], r.Families[i]); part != "" {
				d.tell("verdict", "family %s: the report's %s is not what its histories say", fresh[i].Family, part)
			}
		}
	}
}

// requirements compares the verdicts on all requirements, and all that is said of them.
func (d *differences) requirements(r, fresh *report.Report) {
	found := map[string]report.Requirement{}
	for _, q := range fresh.Requirements {
		found[q.ID] = q
	}
	for _, q := range r.Requirements {
		f, ok := found[q.ID]
		delete(found, q.ID)
		if !ok {
			d.tell("verdict", "%s: the report has it, or has it twice, and the requirements do not", q.ID)
			continue
		}
		if f.Verdict != q.Verdict {
			d.tell("verdict", "%s: the report says %q, its histories say %q", q.ID, q.Verdict, f.Verdict)
		} else if part := same(f, q); part != "" {
			d.tell("verdict", "%s: the report's %s is not what its histories say", q.ID, part)
		}
	}
	for _, q := range fresh.Requirements {
		if _, left := found[q.ID]; left {
			d.tell("verdict", "%s: the report leaves it out, its histories say %q", q.ID, q.Verdict)
		}
	}
}

// same names the first field in which two things differ as JSON has them; "" for none.
func same(a, b any) string {
	x, y := fields(a), fields(b)
	names := slices.Concat(slices.Collect(maps.Keys(x)), slices.Collect(maps.Keys(y)))
	slices.Sort(names)
	for _, name := range names {
		if string(x[name]) != string(y[name]) {
			return name
		}
	}
	return ""
}

// fields are the fields of something that came from a report, or goes into one: it has a
// form in JSON.
func fields(v any) (out map[string]json.RawMessage) {
	raw, _ := json.Marshal(v)
	_ = json.Unmarshal(raw, &out)
	return out
}
