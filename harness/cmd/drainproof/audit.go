package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/drainproof/drainproof/conformance"
	"github.com/drainproof/drainproof/fixtures/faults"
	"github.com/drainproof/drainproof/harness/artifact"
	"github.com/drainproof/drainproof/harness/audit"
	"github.com/drainproof/drainproof/harness/config"
	"github.com/drainproof/drainproof/harness/report"
	"github.com/drainproof/drainproof/harness/runtime/docker"
)

// auditOptions are the flags of `drainproof audit`.
type auditOptions struct {
	gateOptions
	depth    string
	dir      string
	resume   bool
	keepAll  bool
	archive  string
	publish  string
	only     []string
	wrong    int
	right    int
	parallel int
	within   time.Duration // 0: as long as it takes
}

func newAudit() *cobra.Command {
	o := auditOptions{gateOptions: gateOptions{quiet: true}}
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Prove the suite: detect and name every wrong gateway, accuse nobody falsely",
		Long: `audit runs the suite against every wrong gateway of the catalogue, and against right
ones a tenth as often as all wrong ones together: the reference, and gateways that
are as slow as the contract allows. It scores what the suite detected, what it
named, whom it accused falsely, and what remained inconclusive.

A wrong gateway is detected when a requirement failed, and named when the one that
its fault breaks is among them. Whatever fails that neither is that one nor may fall
with it is falsely accused. A run in which the gateway never owned up to its fault
says nothing, and counts as inconclusive.

Depths:
  gate     the five points, or the family of the fault's requirement where the five
           points do not look for it; the target's own bound
  quick    the five points and that family, B 500ms, mixed runtimes; right gateways
           take a family each
  full     every check against every gateway, level audit, B 500ms
  certify  every check against every gateway, as certify does it

The folder of an audit holds runs.jsonl (what was run; --resume goes on from there),
audit.json and scorecard.md, and under runs/ the reports of attempts that ended without
a verdict and of runs that were not as they must be (--keep: of all).

Exit codes: 0 sound, 1 a gateway went undetected or unnamed, or was falsely accused,
2 usage, 3 incomplete: a run is missing, or says nothing.`,
		Example: `  drainproof audit
  drainproof audit --only slow-cancel,right --repetitions 3
  drainproof audit --depth full --dir reports/audit-full --resume --publish docs
  drainproof audit --depth gate --only right --right 50`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runAudit(cmd.Context(), o, cmd.OutOrStdout()) },
	}
	f := cmd.Flags()
	f.StringVar(&o.depth, "depth", "quick", "gate, quick, full or certify")
	f.IntVar(&o.wrong, "repetitions", 1, "runs of each wrong gateway, and of each innocent one")
	f.IntVar(&o.right, "right", 0, "runs of the right gateway (default: a tenth of all others, at least one)")
	f.StringSliceVar(&o.only, "only", nil, "only these gateways; "+rightID+" is the right one")
	f.StringVar(&o.dir, "dir", "", "folder of the audit (default: audit-DEPTH under the configuration's report.dir)")
	f.BoolVar(&o.resume, "resume", false, "go on with the audit in that folder")
	f.BoolVar(&o.keepAll, "keep", false, "keep the report of every run")
	f.StringVar(&o.archive, "archive", "", "folder that keeps, of every gateway, the shortest history that names it")
	f.StringVar(&o.publish, "publish", "", "folder that gets "+audit.FileName+" and "+audit.MarkdownName+" too, where the audit is sound")
	f.IntVar(&o.parallel, "parallel", 1, "runs at once; more of them are faster, and noise to each other. In containers, never more than one for two processors")
	f.DurationVar(&o.within, "within", 0, "begin no run after so long, and all of them in a random order; what was not run is missing (default: as long as it takes)")
	f.StringVar(&o.runtime, "runtime", "", "docker, process, auto, or mixed: wrong gateways as processes where they can be wrong as such, all others in containers (default: mixed for quick, else the configuration's)")
	f.DurationVar(&o.deadline, "deadline", 10*time.Minute, "deadline of one run")
	f.IntVar(&o.retries, "retry-incomplete", 0, "run again, so many times, what ends without a verdict, with nothing beside it, and say so; a wrong verdict is never retried. With --resume, also what ended like that before")
	return cmd
}

// auditing is an audit under way.
type auditing struct {
	o       auditOptions
	depth   depth
	plan    audit.Plan
	suite   artifact.Binaries
	dir     string
	journal *audit.Journal
	machine sync.RWMutex // locked for writing by who must have it alone
	out     io.Writer
}

// subject is a gateway, with how often it is to run.
type subject struct {
	audit.Gateway
	point string
	fault string // of the catalogue; "": the reference gateway
	runs  int
	alone bool // nothing else is run beside it
	// runtime it is run in; "": the audit's.
	runtime string
}

func runAudit(ctx context.Context, o auditOptions, out io.Writer) error {
	d, err := findDepth(o.depth)
	if err != nil {
		return &exitError{2, err}
	}
	if o.wrong < 0 || o.right < 0 || o.within < 0 || o.parallel < 1 {
		return &exitError{2, errors.New("--repetitions, --right and --within are 0 or more, --parallel is 1 or more")}
	}
	if o.publish != "" { // what is wrong with it is told now, and not after the audit
		if err := os.MkdirAll(o.publish, 0o755); err != nil {
			return &exitError{2, fmt.Errorf("nothing can be published in %s: %w; give another folder with --publish", o.publish, err)}
		}
	}
	o.runtime = cmp.Or(o.runtime, d.runtime)
	mixed := o.runtime == runtimeMixed
	if mixed {
		o.runtime = config.RuntimeDocker
	}
	l, err := o.launcher(ctx, out)
	if err != nil {
		return &exitError{2, err}
	}
	asRoot := os.Geteuid() == 0
	subjects, err := o.subjects(l.cfg.Runtime == config.RuntimeProcess && asRoot, out)
	if err != nil {
		return &exitError{2, err}
	}
	if mixed {
		if _, err := docker.Check(ctx); err != nil {
			return &exitError{2, fmt.Errorf("%w\nwithout an engine, audit with --runtime process; what shows in containers only is then left out", err)}
		}
		asProcesses(subjects, asRoot)
	}
	root, err := artifact.FindRoot()
	if err != nil {
		return &exitError{2, err}
	}
	a := &auditing{o: o, depth: d, out: out}
	fmt.Fprintln(out, "building what is audited ...")
	if a.suite, err = artifact.BuildSuite(ctx, root, func(s string) { fmt.Fprintln(out, "  "+s) }); err != nil {
		return &exitError{2, err}
	}
	a.plan = audit.Plan{Depth: a.depth.name, Level: a.depth.level, Bound: a.depth.bound, Runtime: l.cfg.Runtime, Spec: conformance.SpecVersion}
	if mixed {
		a.plan.Runtime = runtimeMixed
	}
	if a.plan.Suite, err = fingerprint(a.suite); err != nil {
		return &exitError{2, err}
	}
	if err := a.open(l.cfg.Report.Dir); err != nil {
		return &exitError{2, err}
	}
	defer a.journal.Close()
	return a.run(ctx, subjects)
}

// subjects are the gateways in the catalogue's order, the right ones last.
func (o auditOptions) subjects(root bool, out io.Writer) ([]subject, error) {
	wanted := func(id string) bool { return len(o.only) == 0 || slices.Contains(o.only, id) }
	for _, id := range o.only {
		if !slices.ContainsFunc(faults.Audited(), func(f faults.Fault) bool { return f.ID == id }) && id != rightID {
			return nil, fmt.Errorf("there is no gateway %q; the catalogue has %s, and the right one is %q", id, faultIDs(), rightID)
		}
	}
	var list []subject
	all := 0
	for _, f := range faults.Audited() {
		switch {
		case !wanted(f.ID) || o.wrong == 0:
		case root && f.NotAsRoot:
			fmt.Fprintf(out, "%s is left out: a gateway that runs as root can't be wrong like that; use docker, or another user\n", f.ID)
		default:
			g := audit.Gateway{ID: f.ID, Sentence: f.Sentence, MustName: f.MustName, AlsoAllowed: f.AlsoAllowed}
			list = append(list, subject{Gateway: g, point: f.Point, fault: f.ID, runs: o.wrong, alone: f.Alone})
			all += o.wrong
		}
	}
	right := o.right
	if right == 0 {
		right = max(1, (all+9)/10)
	}
	if wanted(rightID) {
		list = append(list, subject{Gateway: audit.Gateway{ID: rightID, Sentence: "The reference gateway."}, runs: right})
	}
	return list, nil
}

// asProcesses has those run as processes that show all that is wrong with them there:
// not the right one, which is to be judged as it is certified, nor who needs its
// container made anew, nor who must not be root.
func asProcesses(subjects []subject, asRoot bool) {
	for i, s := range subjects {
		f, _ := faults.Find(s.fault)
		epoch := conformance.Requirement{ID: s.MustName}.Family() == "EPOCH"
		if s.fault != "" && !epoch && !(f.NotAsRoot && asRoot) {
			subjects[i].runtime = config.RuntimeProcess
		}
	}
}

// fingerprint is the SHA-256 over all that a verdict is made by and of.
func fingerprint(bins artifact.Binaries) (string, error) {
	sum := sha256.New()
	names := make([]string, 0, len(bins))
	for name := range bins {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		f, err := os.Open(bins[name])
		if err != nil {
			return "", err
		}
		_, err = io.Copy(sum, f)
		if err = errors.Join(err, f.Close()); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// open makes the audit's folder, or goes on with one.
func (a *auditing) open(reports string) error {
	a.dir = a.o.dir
	if a.dir == "" {
		a.dir = filepath.Join(reports, "audit-"+a.depth.name)
		if !a.o.resume {
			a.dir += time.Now().UTC().Format("-20060102T150405Z")
		}
	}
	var err error
	if a.dir, err = filepath.Abs(a.dir); err != nil {
		return err
	}
	entries, err := os.ReadDir(a.dir)
	switch {
	case a.o.resume && (err != nil || len(entries) == 0):
		return fmt.Errorf("there is no audit to go on with in %s; name its folder with --dir, or leave --resume out", a.dir)
	case !a.o.resume && len(entries) > 0:
		return fmt.Errorf("%s is not empty; go on with the audit in it with --resume, or name another folder with --dir", a.dir)
	}
	if err := os.MkdirAll(filepath.Join(a.dir, "runs"), 0o755); err != nil {
		return err
	}
	a.journal, err = audit.OpenJournal(filepath.Join(a.dir, audit.JournalName), a.plan)
	var other *audit.OtherPlan
	if errors.As(err, &other) {
		return fmt.Errorf("%w; name another folder with --dir", err)
	}
	return err
}

// job is a run that is to be done.
type job struct {
	subject
	number int
	voided []audit.Run // attempts that an earlier start made
}

// run does what is not done, scores all of it, and ends with the verdict's code.
func (a *auditing) run(ctx context.Context, subjects []subject) error {
	planned, total := map[string]int{}, 0
	gateways := make([]audit.Gateway, len(subjects))
	var jobs []job
	for i, s := range subjects {
		gateways[i], planned[s.ID] = s.Gateway, s.runs
		total += s.runs
		for n := range s.runs {
			r, is := a.journal.Find(s.ID, n+1)
			switch {
			case !is:
				jobs = append(jobs, job{s, n + 1, nil})
			case a.again(s, r):
				jobs = append(jobs, job{s, n + 1, r.Attempts()})
			}
		}
	}
	fmt.Fprintf(a.out, "auditing %d gateways in %d runs (%s) in %s\n", len(subjects), total, a.plan, a.dir)
	if len(jobs) < total {
		fmt.Fprintf(a.out, "%d of them are done\n", total-len(jobs))
	}
	began := time.Now()
	late := func() bool { return a.o.within > 0 && time.Since(began) > a.o.within }
	if a.o.within > 0 { // so that what is left out is not always the same
		rand.Shuffle(len(jobs), func(i, j int) { jobs[i], jobs[j] = jobs[j], jobs[i] })
	}
	bar := newBar(a.out, len(jobs))
	runs, within := errgroup.WithContext(ctx)
	runs.SetLimit(a.o.parallel)
	// A run in containers keeps two processors busy; two of them on the same two take longer
	// than one after the other where the machine is slow, and time out. Processes run beside it.
	engine := make(chan struct{}, max(1, runtime.NumCPU()/2))
	inContainers := func(j job) bool { return cmp.Or(j.runtime, a.plan.Runtime) != config.RuntimeProcess }
	for _, j := range spread(jobs, inContainers) {
		runs.Go(func() error {
			if inContainers(j) {
				engine <- struct{}{}
				defer func() { <-engine }()
			}
			r, err := a.once(within, j, late)
			if err != nil || r == nil {
				return err
			}
			if err := a.journal.Add(*r); err != nil {
				return err
			}
			bar.tell(j.Gateway, *r)
			return nil
		})
	}
	err := runs.Wait()
	bar.end()
	c := audit.Assess(a.plan, gateways, planned, a.journal.Done)
	c.Tool = report.Tool{Name: "drainproof", Version: version}
	if e := audit.Write(a.dir, c); e != nil {
		return &exitError{3, errors.Join(err, e)}
	}
	if err != nil {
		return &exitError{3, err}
	}
	a.sum(c)
	if ctx.Err() != nil {
		return &exitError{3, fmt.Errorf("interrupted; go on with --resume --dir %s", a.dir)}
	}
	if c.Exit != 0 {
		return &exitError{code: c.Exit}
	}
	if a.o.publish != "" {
		if err := audit.Write(a.o.publish, c); err != nil {
			return &exitError{2, err}
		}
		fmt.Fprintf(a.out, "published in %s\n", a.o.publish)
	}
	return nil
}

// spread puts those that belong to one kind evenly among the others, each in their order.
func spread[T any](list []T, kind func(T) bool) []T {
	var some, others []T
	for _, v := range list {
		if kind(v) {
			some = append(some, v)
		} else {
			others = append(others, v)
		}
	}
	evenly := make([]T, 0, len(list))
	for i, v := range some {
		upTo := (i + 1) * len(others) / (len(some) + 1)
		evenly = append(evenly, others[len(evenly)-i:upTo]...)
		evenly = append(evenly, v)
	}
	return append(evenly, others[len(evenly)-len(some):]...)
}

// sum prints what came of it.
func (a *auditing) sum(c *audit.Scorecard) {
	fmt.Fprintln(a.out)
	for _, s := range c.Scores {
		for _, note := range s.Notes {
			fmt.Fprintf(a.out, "%s, %s\n", s.ID, note)
		}
	}
	t := c.Totals
	fmt.Fprintf(a.out, "detected %d of %d, named %d; falsely accused %d, inconclusive %d, run again %d, not run %d; right gateways: %d of %d passed\n",
		t.Detected, t.Runs, t.Named, t.Accused, t.Inconclusive, t.Voided, t.Missing, t.RightPassed, t.Right)
	for _, f := range c.Flakes {
		fmt.Fprintf(a.out, "ledger: %s failed %d and had no verdict in %d of %d runs of right gateways\n", f.Requirement, f.Failed, f.Inconclusive, f.Runs)
	}
	if t.Inconclusive > 0 {
		fmt.Fprintf(a.out, "run again what ended without a verdict with --resume --retry-incomplete %d --dir %s\n", a.o.retries+1, a.dir)
	}
	fmt.Fprintf(a.out, "%s: %s\nscorecard: %s\n", strings.ToUpper(c.Verdict), c.Why, filepath.Join(a.dir, audit.MarkdownName))
}

// again says whether a run that is over is to be done once more.
func (a *auditing) again(s subject, r audit.Run) bool {
	return s.Mark(r).Void() && len(r.Voided) < a.o.retries
}

// once is one run of a gateway, and more of them while there is no verdict and
// retries are left. It is nil where the run was not begun, or was cut off.
func (a *auditing) once(ctx context.Context, j job, late func() bool) (*audit.Run, error) {
	voided := j.voided
	for first := true; ; first = false {
		release := a.share(j.alone || len(voided) > 0)
		if ctx.Err() != nil || first && late() {
			release()
			return nil, nil
		}
		r, dir, err := a.attempt(ctx, j.subject, j.number)
		release()
		if err != nil || ctx.Err() != nil {
			return nil, err
		}
		if r.Report, err = filepath.Rel(a.dir, dir); err != nil {
			r.Report = dir
		}
		r.Voided = voided
		if a.again(j.subject, r) {
			voided = r.Attempts()
			continue
		}
		wrong := j.Wrong(r)
		if wrong == "" && a.o.archive != "" {
			if err := a.keep(j.Gateway, dir); err != nil {
				return nil, err
			}
		}
		if wrong == "" && !a.o.keepAll {
			// The report of a verdict that is as it must be tells nothing.
			r.Report = ""
			return &r, os.RemoveAll(dir)
		}
		return &r, nil
	}
}

// share waits for the machine. Who has it alone is disturbed by nobody: a run that ended
// without a verdict, mostly because others took the processors, is done again like that.
func (a *auditing) share(alone bool) (release func()) {
	if alone {
		a.machine.Lock()
		return a.machine.Unlock
	}
	a.machine.RLock()
	return a.machine.RUnlock
}

// keep puts a history of the run into the archive.
func (a *auditing) keep(g audit.Gateway, dir string) error {
	if err := os.MkdirAll(a.o.archive, 0o755); err != nil {
		return err
	}
	r, err := report.Read(dir)
	if err != nil {
		return err
	}
	if err := archive(a.o.archive, g, r); err != nil {
		fmt.Fprintf(a.out, "not archived: %v\n", err)
	}
	return nil
}

// attempt runs the suite once, with a deadline.
func (a *auditing) attempt(ctx context.Context, s subject, number int) (audit.Run, string, error) {
	o := a.o.gateOptions
	o.fault, o.level, o.observe, o.runtime = s.fault, a.depth.level, a.depth.bound, cmp.Or(s.runtime, o.runtime)
	o.profile, o.filter = a.depth.asks(s.Gateway, s.point, number)
	l, err := o.launcher(ctx, a.out)
	if err != nil {
		return audit.Run{}, "", &exitError{2, err}
	}
	l.bins, l.mute, l.tried = a.suite, true, a.depth.tried
	if l.dir, err = os.MkdirTemp(filepath.Join(a.dir, "runs"), fmt.Sprintf("%s-%d-", s.ID, number)); err != nil {
		return audit.Run{}, "", &exitError{2, err}
	}
	within, cancel := context.WithTimeout(ctx, o.deadline)
	defer cancel()
	started := time.Now()
	r, err := l.run(within)
	if err != nil {
		return audit.Lost(s.Gateway, number, started, firstLine(err.Error())), l.dir, nil
	}
	return audit.Of(s.Gateway, number, r), l.dir, nil
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
