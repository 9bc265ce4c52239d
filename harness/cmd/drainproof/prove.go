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
	f.DurationVar(&o.deadline, "deadline", 5*time.Minute, "deadline of one run")
	return cmd
}

// prove prints a line per gateway and ends with an error unless all is as it must be.
func prove(ctx context.Context, o gateOptions, only []string, wrong, right int, out io.Writer) error {
	for _, id := range only {
		if _, ok := faults.Find(id); !ok {
			return &exitError{2, fmt.Errorf("there is no wrong gateway %q; the catalogue has %s", id, faultIDs())}
		}
	}
	started := time.Now()
	missed := 0
	fmt.Fprintf(out, "%-26s %-5s %-11s %7s  %s\n", "gateway", "point", "must name", "right", "otherwise")
	for _, f := range append(faults.All(), faults.Innocents()...) {
		if len(only) > 0 && !slices.Contains(only, f.ID) {
			continue
		}
		named, notes, err := proveOne(ctx, o, &f, wrong, out)
		if err != nil {
			return err
		}
		missed += wrong - named
		name := f.MustName
		if f.Innocent() {
			name = "nothing"
		}
		fmt.Fprintf(out, "%-26s %-5s %-11s %3d/%-3d  %s\n", f.ID, f.Point, name, named, wrong, strings.Join(notes, "; "))
	}
	passed, notes, err := proveOne(ctx, o, nil, right, out)
	if err != nil {
		return err
	}
	missed += right - passed
	fmt.Fprintf(out, "%-26s %-5s %-11s %3d/%-3d  %s\n", "the right gateway", "", "nothing", passed, right, strings.Join(notes, "; "))
	fmt.Fprintf(out, "\n%s in all\n", time.Since(started).Round(time.Second))
	if missed > 0 {
		return &exitError{1, fmt.Errorf("%d runs did not end as they must", missed)}
	}
	return nil
}

// proveOne runs one gateway n times and says how often it was judged rightly and,
// for the other runs, what happened and where the report is.
func proveOne(ctx context.Context, o gateOptions, f *faults.Fault, n int, out io.Writer) (right int, notes []string, err error) {
	o.profile = config.ProfileGate
	if f != nil {
		o.fault = f.ID
		if !f.Innocent() && f.Point == "" {
			// The five points do not look for it; its own family does.
			o.profile, o.filter = config.ProfileFull, "family:"+family(f.MustName)
		}
	}
	var mu sync.Mutex
	var group errgroup.Group
	group.SetLimit(max(1, o.parallel))
	for range n {
		group.Go(func() error {
			if ctx.Err() != nil {
				return &exitError{3, ctx.Err()}
			}
			note, err := proveOnce(ctx, o, f, out)
			mu.Lock()
			defer mu.Unlock()
			if note != "" {
				notes = append(notes, note)
			} else if err == nil {
				right++
			}
			return err
		})
	}
	err = group.Wait()
	return right, notes, err
}

// proveOnce is one run; it returns what was wrong with the verdict, if anything.
func proveOnce(ctx context.Context, o gateOptions, f *faults.Fault, out io.Writer) (note string, err error) {
	l, err := o.launcher(ctx, out)
	if err != nil {
		return "", &exitError{2, err}
	}
	// Reports of verdicts that are as they must be tell nothing and are removed;
	// the others must outlive the many runs that follow.
	dir := filepath.Join(l.cfg.Report.Dir, "prove")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", &exitError{2, err}
	}
	if l.dir, err = os.MkdirTemp(dir, time.Now().UTC().Format("20060102T150405Z-")); err != nil {
		return "", &exitError{2, err}
	}
	within, cancel := context.WithTimeout(ctx, o.deadline)
	defer cancel()
	r, err := l.run(within)
	if err != nil {
		return firstLine(err.Error()) + " (" + l.dir + ")", nil
	}
	if wrong := misjudged(r, f); wrong != "" {
		return wrong + " (" + l.dir + ")", nil
	}
	return "", os.RemoveAll(l.dir)
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
