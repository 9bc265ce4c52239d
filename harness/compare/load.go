package compare

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/drainproof/drainproof/harness/certificate"
	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/report"
	"github.com/drainproof/drainproof/harness/soak"
	"github.com/drainproof/drainproof/harness/verdict"
)

// Run is one run of the suite: its report, and what its histories measured.
type Run struct {
	Name   string // folder, as the user named it
	Report *report.Report
	// Noise is the part of the histories' time in which the machine kept the probe or the
	// gateway waiting, 0 to 1.
	Noise float64
	// Unfit says why nothing can be compared with this run, each with what to do.
	Unfit []string

	checks map[string][]sample // by the text of the check
}

// sample is one value of a figure.
type sample struct {
	key
	value int64 // nanoseconds, or bytes
}

// key names a figure.
type key struct {
	requirement string // "": it belongs to none
	name        string
	unit        string
}

// Units of a figure.
const (
	UnitTime   = "ns"
	UnitMemory = "bytes"
)

// peakMemory is the figure of the memory events.
const peakMemory = "peak memory of the process"

// Find lists the folders that an argument of the command names: the folder of a report, of a
// run or a soak, or its report.json or soak.json; a folder with folders of reports in it, of which it is all; or several
// of these with commas between them. It fails where there is none.
func Find(arg string) ([]string, error) {
	info, err := os.Stat(arg)
	switch {
	case errors.Is(err, fs.ErrNotExist) && strings.Contains(arg, ","):
		var all []string
		for _, one := range strings.Split(arg, ",") {
			found, err := Find(one)
			if err != nil {
				return nil, err
			}
			all = append(all, found...)
		}
		return all, nil
	case arg == "":
		return nil, errors.New("a folder without a name; name the folder of a run's report, such as reports/latest")
	case err != nil:
		return nil, fmt.Errorf("no report can be read: %w; name the folder of a run's report, such as reports/latest", err)
	case !info.IsDir() && (filepath.Base(arg) == report.FileName || filepath.Base(arg) == soak.FileName):
		return []string{filepath.Dir(arg)}, nil
	case !info.IsDir():
		return nil, fmt.Errorf("%s is no folder of a report; name the folder that holds %s", arg, report.FileName)
	case has(arg):
		return []string{arg}, nil
	}
	entries, err := os.ReadDir(arg) // sorted
	if err != nil {
		return nil, fmt.Errorf("no report can be read: %w", err)
	}
	var all []string
	for _, e := range entries {
		// A link such as reports/latest is another name of a folder that is here too.
		if dir := filepath.Join(arg, e.Name()); e.IsDir() && has(dir) {
			all = append(all, dir)
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s holds no %s, nor does a folder in it; name the folder of a run's report, such as reports/latest", arg, report.FileName)
	}
	return all, nil
}

func has(dir string) bool { return holds(dir, report.FileName) || holds(dir, soak.FileName) }

func holds(dir, name string) bool {
	info, err := os.Stat(filepath.Join(dir, name))
	return err == nil && info.Mode().IsRegular()
}

// Load reads a run and judges its histories again, or reads a soak. The error says that
// there is no report that follows the schema. What keeps a report from being compared is no
// error: see Run.Unfit.
func Load(dir string, schema []byte) (*Run, error) {
	if !holds(dir, report.FileName) && holds(dir, soak.FileName) {
		return loadSoak(dir)
	}
	r, raw, err := certificate.Load(dir)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	if err := report.Validate(raw, schema); err != nil {
		return nil, fmt.Errorf("%s: its %s does not follow the schema: %w; use the version that wrote it", dir, report.FileName, err)
	}
	run := &Run{Name: dir, Report: r, checks: map[string][]sample{}}
	if r.Verdict == report.Incomplete {
		run.unfit("its run is incomplete (%s): run it again; what was not judged cannot be compared", report.Printable(r.Why))
		return run, nil
	}
	var all, late time.Duration
	for _, s := range r.Specs {
		switch err := run.measure(s, &all, &late); {
		case s.File == "":
			run.unfit("it has no history of the check %q: run it again", report.Printable(s.Text))
		case errors.Is(err, fs.ErrNotExist):
			run.unfit("its history %s is missing: keep the whole folder of a run, not its %s alone", report.Printable(s.File), report.FileName)
		case err != nil:
			run.unfit("its history %s is no evidence: %s; `drainproof verify` tells more", report.Printable(s.File), report.Printable(err.Error()))
		default:
			continue
		}
		return run, nil // one says it for all
	}
	if len(r.Specs) == 0 {
		run.unfit("nothing was checked in it: run it again")
	}
	if all > 0 {
		run.Noise = float64(late) / float64(all)
	}
	return run, nil
}

func (r *Run) unfit(format string, args ...any) {
	r.Unfit = append(r.Unfit, r.Name+": "+fmt.Sprintf(format, args...))
}

// measure takes the samples out of the history of a check, and adds how long it was, and
// how much of that the machine took.
func (r *Run) measure(s report.Spec, all, late *time.Duration) error {
	if s.File == "" {
		return nil
	}
	path := filepath.Join(r.Report.Dir, s.File)
	sum, err := history.SHA256(path)
	if err != nil {
		return err
	}
	if sum != s.SHA256 {
		return errors.New("it is not the one that the report was made from")
	}
	events, err := history.Read(path)
	if err != nil {
		return err
	}
	h, err := verdict.Judge(s.File, events)
	if err != nil {
		return err
	}
	if h.Spec != s.Text {
		return errors.New("it is that of another check")
	}
	samples := []sample{}
	for _, j := range h.Judgements {
		for _, one := range j.Samples {
			samples = append(samples, sample{key{j.Requirement, one.Name, UnitTime}, int64(one.Value)})
		}
	}
	for _, e := range events {
		if e.Kind == history.KindMemory {
			samples = append(samples, sample{key{"", peakMemory, UnitMemory}, e.Memory.Peak})
		}
	}
	r.checks[s.Text] = samples
	length, lost := history.Stalled(events)
	*all, *late = *all+length, *late+lost
	return nil
}
