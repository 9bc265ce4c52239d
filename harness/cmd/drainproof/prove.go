package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/drainproof/drainproof/fixtures/faults"
	"github.com/drainproof/drainproof/harness/config"
	"github.com/drainproof/drainproof/harness/report"
)

func newProve() *cobra.Command {
	var o gateOptions
	var wrong, right int
	var only []string
	cmd := &cobra.Command{
		Use:   "prove",
		Short: "Prove the gate itself: name every wrong gateway, pass the right one, again and again",
		Long: `prove runs the gate against every wrong gateway of the catalogue and against the
right one. Those the five points do not look for are put through the specs of the
family of the requirement they break. A wrong gateway counts as named when the gate exits 1, the requirement
it breaks is among the failed ones under the catalogue's point, no requirement
outside the catalogue's row failed, and its log shows that it did misbehave. Two
more gateways are right, but as slow as the contract allows; like the right one,
they must pass.

Reports of verdicts that are as they must be are removed, unless --keep says where
to leave them.

Exit codes: 0 all of them, 1 not all of them, 2 usage, 3 could not be run.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.quiet = true
			return prove(cmd.Context(), o, only, wrong, right, cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.IntVar(&wrong, "wrong", 1, "runs of each wrong gateway")
	f.IntVar(&right, "right", 2, "runs of the right gateway")
	f.StringSliceVar(&only, "only", nil, "only these wrong gateways")
	f.IntVar(&o.parallel, "parallel", 1, "runs at once; more of them are faster, and noise to each other")
	f.StringVar(&o.runtime, "runtime", "", "docker, process or auto (default: the configuration's)")
	f.StringVar(&o.keep, "keep", "", "folder in which every run leaves its report")
	f.DurationVar(&o.deadline, "deadline", 5*time.Minute, "deadline of one run")
	f.IntVar(&o.retries, "retry-incomplete", 0, "run again, so many times, what ends incomplete; a wrong verdict is never retried")
	return cmd
}

// prove prints a line per gateway and ends with an error unless all is as it must be.
func prove(ctx context.Context, o gateOptions, only []string, wrong, right int, out io.Writer) error {
	for _, id := range only {
		if _, ok := faults.Find(id); !ok {
			return &exitError{2, fmt.Errorf("there is no wrong gateway %q; the catalogue has %s", id, faultIDs())}
		}
	}
	if o.keep != "" {
		var err error
		if o.keep, err = filepath.Abs(o.keep); err != nil {
			return &exitError{2, err}
		}
	}
	root, err := o.runsAsRoot(ctx, out)
	if err != nil {
		return &exitError{2, err}
	}
	var subjects []*subject
	for _, f := range append(faults.All(), faults.Innocents()...) {
		switch {
		case len(only) > 0 && !slices.Contains(only, f.ID):
		case root && f.NotAsRoot:
			fmt.Fprintf(out, "%s is left out: a gateway that runs as root can't be wrong like that; use docker, or another user\n", f.ID)
		default:
			subjects = append(subjects, newSubject(&f, wrong))
		}
	}
	subjects = append(subjects, newSubject(nil, right))
	subjects = slices.DeleteFunc(subjects, func(s *subject) bool { return s.runs == 0 })

	started := time.Now()
	fmt.Fprintf(out, "%-26s %-5s %-13s %7s  %s\n", "gateway", "point", "must name", "right", "otherwise")
	runs, ctx := errgroup.WithContext(ctx)
	runs.SetLimit(max(1, o.parallel))
	begun := make(chan struct{})
	go func() {
		defer close(begun)
		for _, s := range subjects {
			for range s.runs {
				runs.Go(func() error { return s.run(ctx, o, out) })
			}
		}
	}()
	missed := 0
	for _, s := range subjects { // in the catalogue's order, whichever ends first
		s.left.Wait()
		if ctx.Err() != nil {
			break
		}
		missed += s.runs - s.right
		fmt.Fprintln(out, s)
	}
	<-begun
	if err := runs.Wait(); err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%s in all\n", time.Since(started).Round(time.Second))
	if missed > 0 {
		return &exitError{1, fmt.Errorf("%d runs did not end as they must", missed)}
	}
	return nil
}

// runsAsRoot says whether wrong gateways run as root: in containers they never do.
func (o gateOptions) runsAsRoot(ctx context.Context, out io.Writer) (bool, error) {
	l, err := o.launcher(ctx, out)
	if err != nil {
		return false, err
	}
	return l.cfg.Runtime == "process" && os.Geteuid() == 0, nil
}

// subject is one gateway with what became of its runs.
type subject struct {
	fault *faults.Fault // nil: the right gateway
	runs  int
	left  sync.WaitGroup // runs that are not over

	mu    sync.Mutex
	right int      // runs that were judged rightly
	notes []string // what happened in the others, and where the report is
}

// tellEvery is after how many runs of one gateway it says that it is still at work.
const tellEvery = 10

func newSubject(f *faults.Fault, runs int) *subject {
	s := &subject{fault: f, runs: runs}
	s.left.Add(runs)
	return s
}

// String is its line of the table.
func (s *subject) String() string {
	id, point, name := "the right gateway", "", "nothing"
	if s.fault != nil {
		id, point = s.fault.ID, s.fault.Point
		if !s.fault.Innocent() {
			name = s.fault.MustName
		}
	}
	return fmt.Sprintf("%-26s %-5s %-13s %3d/%-3d  %s", id, point, name, s.right, s.runs, strings.Join(s.notes, "; "))
}

// run is one run of it, and more of them while there is no verdict and retries are left.
func (s *subject) run(ctx context.Context, o gateOptions, out io.Writer) error {
	defer s.left.Done()
	o.profile = config.ProfileGate
	if s.fault != nil {
		o.fault = s.fault.ID
		if !s.fault.Innocent() && s.fault.Point == "" {
			// The five points do not look for it; its own family does.
			o.profile, o.filter = config.ProfileFull, "family:"+family(s.fault.MustName)
		}
	}
	for again := 0; ; again++ {
		if ctx.Err() != nil {
			return &exitError{3, ctx.Err()}
		}
		note, err := proveOnce(ctx, o, s.fault, out)
		if err != nil {
			return err
		}
		if note.incomplete && again < o.retries {
			continue
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if note.text != "" {
			s.notes = append(s.notes, note.text)
		} else {
			s.right++
		}
		if n := s.right + len(s.notes); n%tellEvery == 0 && n < s.runs {
			fmt.Fprintf(out, "  %d of %d runs done, %d of them right\n", n, s.runs, s.right)
		}
		return nil
	}
}

// note is what was wrong with the verdict of one run; the zero value: nothing.
type note struct {
	text       string
	incomplete bool // there was no verdict
}

// proveOnce is one run.
func proveOnce(ctx context.Context, o gateOptions, f *faults.Fault, out io.Writer) (note, error) {
	l, err := o.launcher(ctx, out)
	if err != nil {
		return note{}, &exitError{2, err}
	}
	// Reports of verdicts that are as they must be tell nothing and are removed;
	// the others must outlive the many runs that follow.
	dir := filepath.Join(l.cfg.Report.Dir, "prove")
	if o.keep != "" {
		dir = o.keep
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return note{}, &exitError{2, err}
	}
	name := "right"
	if f != nil {
		name = f.ID
	}
	if l.dir, err = os.MkdirTemp(dir, name+time.Now().UTC().Format("-20060102T150405Z-")); err != nil {
		return note{}, &exitError{2, err}
	}
	within, cancel := context.WithTimeout(ctx, o.deadline)
	defer cancel()
	r, err := l.run(within)
	if err != nil {
		return note{text: firstLine(err.Error()) + " (" + l.dir + ")"}, nil
	}
	if wrong := misjudged(r, f); wrong != "" {
		return note{text: wrong + " (" + l.dir + ")", incomplete: r.ExitCode == 3}, nil
	}
	if o.keep != "" {
		return note{}, nil
	}
	return note{}, os.RemoveAll(l.dir)
}

// misjudged says what is wrong with a verdict on a gateway that is known; "" when
// it is what it must be.
func misjudged(r *report.Report, f *faults.Fault) string {
	var failed []string
	for _, q := range r.Requirements {
		if q.Verdict == "fail" {
			failed = append(failed, q.ID)
		}
	}
	if f == nil || f.Innocent() {
		if r.ExitCode == 0 {
			return ""
		}
		return fmt.Sprintf("exit %d, %s: %s", r.ExitCode, strings.Join(failed, " "), r.Why)
	}
	if r.ExitCode != 1 {
		return fmt.Sprintf("exit %d: %s", r.ExitCode, r.Why)
	}
	if !slices.Contains(failed, f.MustName) {
		return "not named; failed: " + strings.Join(failed, " ")
	}
	for _, p := range r.Points {
		if p.Point == f.Point && p.Verdict != "fail" {
			return fmt.Sprintf("point %s is %s", p.Point, p.Verdict)
		}
	}
	for _, id := range failed {
		if id != f.MustName && !slices.Contains(f.AlsoAllowed, id) {
			return "falsely accused of " + id
		}
	}
	if !slices.Contains(r.Receipts, f.ID) {
		return "no activation receipt"
	}
	return ""
}

func family(id string) string {
	name, _, _ := strings.Cut(id, "-")
	return name
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
