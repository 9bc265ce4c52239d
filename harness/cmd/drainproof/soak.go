package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/drainproof/drainproof/conformance"
	"github.com/drainproof/drainproof/harness/report"
	"github.com/drainproof/drainproof/harness/soak"
)

// soakOptions are the flags of `drainproof soak`.
type soakOptions struct {
	gateOptions
	lasting   time.Duration
	schedules int
	goOn      bool
	load      bool
	shrink    time.Duration
	keep      int64 // MiB
}

func newSoak() *cobra.Command {
	o := soakOptions{}
	cmd := &cobra.Command{
		Use:   "soak",
		Short: "Play random schedules against a gateway for minutes or hours, and shrink what breaks it",
		Long: `soak starts a real, isolated gateway and plays random schedules against it, one after
the other: drains begun, cancelled, repeated and out of the ordinary; turns on every way
in, held, cut off, unread and failing; the gateway killed, told to shut down, frozen,
started again and made anew. Every schedule is one history, judged by every monitor. Some
begin after the gateway's home was full or read-only, which it must come back from.

A gateway that breaks a requirement ends the soak (unless --go-on). The schedule in which
it did is then made as small as it goes, and a reproducer is written: the schedule, the
history, a picture of it, and the command that plays it again.

What a soak must have come to sometime (a kill in a drain, a refusal before a success, ...)
is counted; while a goal is missing, a soak that broke nothing is incomplete. The same seed
makes the same schedules. A soak never certifies; certify does.

Exit codes: 0 nothing was broken and every goal was reached, 1 something was broken,
2 usage or configuration, 3 incomplete.`,
		Example: `  drainproof soak --for 30m
  drainproof soak --for 5m --target my-gateway.yaml --seed 7
  drainproof soak --schedules 20 --runtime process
  drainproof soak --for 5m --fault check-then-claim --observe 500ms`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runSoak(cmd.Context(), o, cmd.OutOrStdout()) },
	}
	f := cmd.Flags()
	o.common(f)
	f.DurationVar(&o.lasting, "for", 10*time.Minute, "begin no schedule after this long")
	f.IntVar(&o.schedules, "schedules", 0, "end after so many schedules instead, however long they take")
	f.BoolVar(&o.goOn, "go-on", false, "go on when something was broken, until the time is over")
	f.BoolVar(&o.load, "load", true, "keep the machine busy now and then")
	f.DurationVar(&o.shrink, "shrink-within", 10*time.Minute, "give up making a schedule smaller after this long; 0: leave it as it is")
	f.Int64Var(&o.keep, "keep-mib", 256, "room for the histories of what failed, in MiB; those of what did not are removed once they are judged")
	return cmd
}

func runSoak(ctx context.Context, o soakOptions, out io.Writer) error {
	if o.lasting <= 0 || o.schedules < 0 || o.shrink < 0 || o.keep < 0 {
		return &exitError{2, errors.New("--for must be positive; --schedules, --shrink-within and --keep-mib are 0 or more")}
	}
	var rep *soak.Report
	l, err := o.inArena(ctx, out, func(a *arena) (err error) {
		rep, err = o.soak(ctx, a)
		return err
	})
	if err != nil {
		return err
	}
	printSoak(out, rep, l.dir)
	if rep.ExitCode != 0 {
		return &exitError{code: rep.ExitCode}
	}
	return nil
}

// soak plays, shrinks what failed, and writes down what came of it.
func (o soakOptions) soak(ctx context.Context, a *arena) (*soak.Report, error) {
	started := time.Now()
	dir, err := a.reportDir(started)
	if err != nil {
		return nil, err
	}
	a.dir = dir
	if err := os.MkdirAll(filepath.Join(dir, "histories"), 0o755); err != nil {
		return nil, err
	}
	opt := a.options
	opt.Dir, opt.Seed, opt.For, opt.Most, opt.GoOn, opt.Keep = dir, a.cfg.ResolveSeed(started), o.lasting, o.schedules, o.goOn, o.keep<<20
	opt.Terrain.Load = o.load
	shown := &soakProgress{out: a.out, quiet: o.quiet, lasting: o.lasting, most: o.schedules}
	opt.Progress = shown.tell
	if !o.quiet {
		fmt.Fprintf(a.out, "soaking %s (seed %d) in %s; Ctrl-C ends it with a report\n", a.target.Name, opt.Seed, dir)
	}
	outcome, failed := soak.Run(ctx, opt)
	if failed != nil && outcome.Schedules == 0 {
		return nil, failed
	}
	if failed != nil {
		outcome.GivenUp = firstLine(failed.Error())
	}
	r := soak.Compose(outcome)
	r.Tool, r.Spec, r.Started = report.Tool{Name: "drainproof", Version: version}, conformance.SpecVersion, started.UTC()
	r.Runtime, r.Engine, r.Image = a.cfg.Runtime, opt.Prepared.Engine, a.image()
	r.Target = report.Target{Name: a.target.Name, Path: a.target.Path, SHA256: a.target.SHA256, Features: a.target.Features, Bound: a.target.Bounds.Observe, Bounds: a.target.Limits(), Tools: a.target.Tools != nil}
	if r.Verdict == report.Conformant && (a.cfg.Runtime != "docker" || a.cfg.Observe != 0) {
		r.Verdict = report.NotCertifying
	}
	o.reproduce(ctx, a, opt, outcome, r)
	r.Memory, r.Environment = peakMemory(), report.ThisMachine()
	return r, r.Write(dir)
}

// peakMemory is the most this program has had resident, in bytes.
func peakMemory() int64 {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return u.Maxrss << 10
}

// reproduce makes a reproducer of every schedule in which something was broken first.
func (o soakOptions) reproduce(ctx context.Context, a *arena, opt soak.Options, outcome *soak.Outcome, r *soak.Report) {
	done := map[int64]string{} // seed of a schedule -> requirement that has its reproducer
	for _, id := range rootsFirst(outcome.Broken) {
		b := outcome.Broken[id]
		f := &r.Failures[slices.IndexFunc(r.Failures, func(f soak.Failure) bool { return f.Requirement == id })]
		switch {
		case done[b.First.Seed] != "":
			f.Note = "in the same schedule as " + done[b.First.Seed]
			continue
		case ctx.Err() != nil:
			f.Note = "interrupted before there was one; play it again with --schedules 1 --seed " + fmt.Sprint(b.First.Seed)
			continue
		}
		done[b.First.Seed] = id
		m := &maker{o: o, arena: a, options: opt, id: id, breach: b}
		folder := filepath.Join(soak.ReproducersName, id)
		shrunk, err := m.make(ctx, filepath.Join(a.dir, folder))
		switch {
		case err != nil:
			f.Note = "none could be made: " + err.Error()
		default:
			f.Reproducer, f.Shrunk = folder, shrunk
			if shrunk == nil {
				f.Note = m.unshrunk()
			}
		}
	}
}

// rootsFirst orders what was broken by when it was: what came first is likelier to be
// the cause of the rest.
func rootsFirst(broken map[string]*soak.Breach) []string {
	first := func(id string) int64 {
		at := int64(math.MaxInt64)
		for _, v := range broken[id].Requirement.Violations {
			at = min(at, int64(v.At))
		}
		return at
	}
	ids := slices.Sorted(maps.Keys(broken))
	slices.SortStableFunc(ids, func(x, y string) int {
		return cmp.Or(cmp.Compare(broken[x].First.Seed, broken[y].First.Seed), cmp.Compare(first(x), first(y)))
	})
	return ids
}

// maker makes the reproducer of a failure.
type maker struct {
	o soakOptions
	*arena
	options soak.Options
	id      string // requirement
	breach  *soak.Breach

	played int
	lost   int                // plays that came to no end
	alone  string             // what came of playing it alone, where that did not fail; "": it was not tried, or failed
	found  report.Requirement // of the last play that failed
}

// make shrinks the schedule and writes the reproducer; nil where it does not fail alone.
func (m *maker) make(ctx context.Context, dir string) (*soak.Shrunk, error) {
	work, err := os.MkdirTemp(m.dir, ".shrink-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(work)
	b := soak.Bundle{
		Tool: report.Tool{Name: "drainproof", Version: version}, Spec: conformance.SpecVersion, Requirement: m.id, Text: m.breach.Requirement.Text, Reason: m.breach.Requirement.Reason,
		Runtime: m.cfg.Runtime, Target: m.target.Path, Portable: m.target.Image != nil && m.target.Image.Recipe == "", Image: m.image(),
		Observe: m.cfg.Observe, Fault: m.o.fault, Schedule: m.breach.First, Found: m.breach.Requirement,
	}
	kept := filepath.Join(work, "failed.jsonl")
	if m.o.shrink > 0 {
		within, cancel := context.WithTimeout(ctx, m.o.shrink)
		defer cancel()
		start, err := m.start(within, work)
		switch {
		case err != nil && m.breach.History == "":
			return nil, err
		case err != nil: // what was seen is kept all the same
			m.alone = "it could not be played again: " + err.Error()
		case start == nil:
			m.alone = fmt.Sprintf("played alone %d times, it did not fail again", playsAlone)
		default:
			m.tell(fmt.Sprintf("%s: making a schedule of %d steps smaller", m.id, len(start.Steps)))
			shrunk, err := soak.Shrink(within, *start, func(ctx context.Context, s soak.Schedule) (bool, error) { return m.fails(ctx, s, work) })
			if err != nil && within.Err() == nil {
				return nil, err
			}
			m.tell(fmt.Sprintf("%s: %d steps are left of %d, after %d plays", m.id, shrunk.To, shrunk.From, shrunk.Tried))
			b.Schedule, b.Shrunk, b.Found, b.Reason = shrunk.Schedule, &shrunk, m.found, m.found.Reason
			return &shrunk, soak.WriteBundle(dir, b, kept, m.target.Path)
		}
	}
	if m.breach.History == "" {
		return nil, errors.New("there was no room to keep its history; give more with --keep-mib")
	}
	return nil, soak.WriteBundle(dir, b, filepath.Join(m.dir, m.breach.History), m.target.Path)
}

// unshrunk says of a reproducer why it is not a smaller one.
func (m *maker) unshrunk() string {
	if m.alone == "" {
		return "as it was played first"
	}
	return "as it was played first; " + m.alone
}

func (m *maker) tell(line string) {
	if !m.o.quiet {
		fmt.Fprintln(m.out, line)
	}
}

// start is the schedule that shrinking begins with: the one that failed where it does so
// alone, or with some of those before it, which may have left something behind. Nil: it does
// not fail again.
func (m *maker) start(ctx context.Context, work string) (*soak.Schedule, error) {
	for before := 0; ; before = max(1, 2*before) {
		n := min(before, len(m.breach.Before))
		s := soak.Join(append(slices.Clone(m.breach.Before[len(m.breach.Before)-n:]), m.breach.First)...)
		plays := playsAlone
		if n > 0 {
			plays = 1
		}
		for range plays {
			if fails, err := m.fails(ctx, s, work); err != nil {
				return nil, err
			} else if fails {
				return &s, nil
			}
		}
		if n == len(m.breach.Before) || before >= maxBefore {
			return nil, nil
		}
	}
}

// playsAlone is how often the schedule that failed is played by itself before it is taken for
// one that fails only after others: it may have been a matter of who came first.
const playsAlone = 4

// maxBefore is how many schedules are played before the one that failed, at the most.
const maxBefore = 8

// maxLost is how many plays may come to no end while a schedule is made smaller.
const maxLost = 5

// fails plays a schedule alone; the history of the last that failed is kept.
func (m *maker) fails(ctx context.Context, s soak.Schedule, work string) (bool, error) {
	m.played++
	file := filepath.Join(work, "played.jsonl")
	ruling, _, err := soak.PlayOnce(ctx, m.options, s, file)
	if err != nil {
		if m.lost++; m.lost > maxLost || ctx.Err() != nil {
			return false, err
		}
		return false, nil
	}
	i := slices.IndexFunc(ruling.Broken, func(q report.Requirement) bool { return q.ID == m.id })
	if !m.o.quiet && m.played%10 == 0 {
		fmt.Fprintf(m.out, "  played %d schedules, now one of %d steps\n", m.played, len(s.Steps))
	}
	if i < 0 {
		return false, os.Remove(file)
	}
	m.found = ruling.Broken[i]
	return true, os.Rename(file, filepath.Join(work, "failed.jsonl"))
}

// soakProgress says now and then how far a soak is.
type soakProgress struct {
	out     io.Writer
	quiet   bool
	lasting time.Duration
	most    int
	told    time.Duration
}

// tellEvery is how often.
const tellEvery = 10 * time.Second

func (s *soakProgress) tell(p soak.Progress) {
	if s.quiet || p.Elapsed-s.told < tellEvery {
		return
	}
	s.told = p.Elapsed
	of := "of " + s.lasting.String()
	if s.most > 0 {
		of = fmt.Sprintf("of %d schedules", s.most)
	}
	perMinute := func(n int, d time.Duration) float64 { return float64(n) / max(d.Minutes(), 1e-9) }
	line := fmt.Sprintf("%7s %s  %d schedules, %.0f drains/min, %.0f turns/min, goals %d of %d", p.Elapsed.Round(time.Second), of,
		p.Schedules, perMinute(p.Drains, p.Elapsed), perMinute(p.Turns, p.Elapsed), p.Goals-p.Missing, p.Goals)
	if p.Cycles > 0 {
		line += fmt.Sprintf(", %.0f cycles/min in crowds", perMinute(p.Cycles, p.Cycling))
	}
	if p.Failures > 0 {
		line += fmt.Sprintf(", %d requirements broken", p.Failures)
	}
	fmt.Fprintln(s.out, line)
}

// printSoak prints what came of a soak.
func printSoak(out io.Writer, r *soak.Report, dir string) {
	fmt.Fprintf(out, "\nsoak of %s: %s\n  %s\n", r.Target.Name, r.Verdict, r.Why)
	for _, line := range r.Facts() {
		fmt.Fprintln(out, "  "+line)
	}
	for _, f := range r.Failures {
		fmt.Fprintf(out, "\n%s, broken in %d of %d schedules: %s\n  %s\n", f.Requirement, f.Schedules, r.Schedules, f.Text, f.Reason)
		if f.Told() != "" {
			fmt.Fprintf(out, "  reproducer: %s\n", f.Told())
		}
		if f.Reproducer != "" {
			fmt.Fprintf(out, "  play it again: drainproof replay %s\n", filepath.Join(dir, f.Reproducer))
		}
	}
	fmt.Fprintf(out, "\nreport  %s\n", filepath.Join(dir, soak.MarkdownName))
	if r.Runtime != "docker" {
		fmt.Fprintln(out, doesNotCertify)
	}
}
