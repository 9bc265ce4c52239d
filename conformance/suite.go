package conformance

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/gomega"

	"github.com/drainproof/drainproof/harness/config"
	"github.com/drainproof/drainproof/harness/corpus"
	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/monitor"
	"github.com/drainproof/drainproof/harness/pod"
	"github.com/drainproof/drainproof/harness/report"
	"github.com/drainproof/drainproof/harness/runtime"
	"github.com/drainproof/drainproof/harness/target"
	"github.com/drainproof/drainproof/harness/verdict"
)

// Config says what to run. The zero value looks for ginkgo.yaml upward from the
// working directory.
type Config struct {
	File string // path of ginkgo.yaml
}

// suite is one run: its configuration, and what the first process prepared.
type suite struct {
	cfg      *config.Config
	target   *target.Target
	markers  *corpus.Corpus // nil where the profile lays none
	repeat   config.Repetitions
	runtime  runtime.Runtime
	run      prepared
	specs    []spec
	expected []report.Expectation // failures that are known
	problems []string             // of the suite's own making, found while it was put together
	tried    chan error           // how the removal of the pod of the trial ended; nil on all but the first process
}

// Run registers the specs and runs them; it ends the test it is given as a
// failure for every verdict but "conformant" and "passed, not certifying".
func Run(t ginkgo.GinkgoTestingT, c Config) {
	s, err := load(c)
	if err != nil {
		failSetup(setupFailure{What: err.Error(), Exit: 2})
		fmt.Fprintln(os.Stderr, err)
		t.Fail()
		return
	}
	gomega.RegisterFailHandler(func(message string, skip ...int) { ginkgo.Fail(withoutYet(message), append(skip, 0)[0]+1) })
	suiteConfig, reporter := ginkgo.GinkgoConfiguration()
	suiteConfig.FailOnEmpty = true // a filter that matches nothing proves nothing
	reporter.Succinct = true

	s.register()
	if len(s.problems) > 0 {
		failSetup(setupFailure{What: strings.Join(s.problems, "; "), Exit: 3})
		fmt.Fprintln(os.Stderr, "the suite is put together wrongly: "+strings.Join(s.problems, "; "))
		t.Fail()
		return
	}
	if why := s.emptyPart(); why != "" {
		failSetup(setupFailure{What: why, Exit: 2})
		fmt.Fprintln(os.Stderr, why)
		t.Fail()
		return
	}
	endWithOwner()
	ginkgo.RunSpecs(t, "drain conformance", suiteConfig, reporter)
}

// load reads the configuration and the target file.
func load(c Config) (*suite, error) {
	file := c.File
	if file == "" {
		found, err := config.Find()
		if err != nil {
			return nil, err
		}
		file = found
	}
	cfg, err := config.Load(file)
	if err != nil {
		return nil, err
	}
	t, err := target.Load(cfg.Target)
	if err != nil {
		return nil, err
	}
	if cfg.Observe != 0 {
		t.Bounds.Observe = cfg.Observe
	}
	if cfg.Runtime == config.RuntimeProcess {
		t.Init = nil // it is the image's, and here the gateway is started without it
	}
	s := &suite{cfg: cfg, target: t, repeat: cfg.Repeat()}
	if cfg.Expected != "" {
		if s.expected, err = LoadExpected(cfg.Expected); err != nil {
			return nil, err
		}
	}
	return s, s.loadMarkers()
}

// points puts the specs of the checklist together, in its order.
func (s *suite) points() {
	s.observe()
	s.refuse()
	s.finish()
	s.revert()
	s.survive()
}

// families puts the specs together that only the full profile runs.
func (s *suite) families() {
	s.marker()
	s.watch()
	s.gate()
	s.count()
	s.control()
	s.status()
	s.watchUnderLoad()
	s.epoch()
	s.expiry()
	s.steps()
	s.completions()
	s.replays()
	s.scheduled()
	s.shutdown()
	s.notify()
}

// register hands everything to Ginkgo.
func (s *suite) register() {
	s.points()
	s.families()
	for _, sp := range s.kind().checks(s.specs) {
		s.hand(sp)
	}
	ginkgo.SynchronizedBeforeSuite(s.prepareOnce, s.prepareHere)
	ginkgo.AfterSuite(func(ctx context.Context) {
		if s.tried != nil {
			must(<-s.tried)
		}
		if s.runtime != nil {
			must(s.runtime.Close(ctx))
		}
	}, ginkgo.NodeTimeout(endTimeout))
	ginkgo.ReportAfterSuite("verdict", s.report)
}

// ids lists requirement IDs; it exists so that a spec reads well.
func ids(list ...string) []string { return list }

// start makes a pod for a spec with a gateway in it, and sees to its end: the
// history is closed, judged by every monitor, and the pod is removed.
func (s *suite) start(ctx ginkgo.SpecContext, sp spec) gateway {
	ginkgo.GinkgoHelper()
	file := historyFile(s.run.Dir, sp)
	took := &spent{}
	began := time.Now()
	gw, err := pod.New(ctx, pod.Options{
		Runtime: s.runtime, Prepared: s.run.Prepared, Target: s.targetFor(sp), File: file,
		Header: history.Header{
			Spec: sp.text, Point: sp.point.Letter, Requirements: sp.ids, Seed: s.run.Seed,
		},
		Progress: func(step string) { progress(sp.group()+" "+sp.name, step) },
	})
	must(err)
	ginkgo.DeferCleanup(func(ctx context.Context) { s.end(ctx, sp, gateway{gw, took}, file) }, ginkgo.NodeTimeout(endTimeout))
	if !sp.unstarted {
		must(gw.Start(ctx))
		must(gw.Settle(ctx))
		if s.target.WarmUp {
			gateway{gw, took}.acceptsOnAll(ctx, "to warm up")
		}
		s.learns(ctx, gateway{gw, took})
	}
	took.Pod = time.Since(began)
	return gateway{gw, took}
}

// endTimeout bounds the closing of one pod.
const endTimeout = 30 * time.Second

// end closes the history and lets every monitor judge it. A spec that was content
// with what it saw still fails when its history shows a breach of anything.
func (s *suite) end(ctx context.Context, sp spec, gw gateway, file string) {
	ginkgo.GinkgoHelper()
	report := ginkgo.CurrentSpecReport()
	if report.Failed() {
		// What went wrong may have a sequel that says what it was: a process that
		// ends, a state that changes back, a reply of which nothing was read yet.
		_ = gw.Resume(ctx)
		_ = gw.Hold(ctx, gw.whole())
		writeLogs(file, gw.Logs(ctx, 40))
	}
	began := time.Now()
	events, err := gw.End(ctx, history.Outcome{Result: report.State.String(), Message: report.FailureMessage()})
	gw.spent.Pod += time.Since(began)
	ginkgo.AddReportEntry(spentEntry, *gw.spent, ginkgo.ReportEntryVisibilityNever)
	ginkgo.AddReportEntry("history", file, ginkgo.ReportEntryVisibilityFailureOrVerbose)
	must(err)
	view, err := monitor.NewView(events)
	must(err)
	var breaches []string
	for _, j := range monitor.JudgeAll(view) {
		if n := len(j.Violations); n > 0 {
			text, _ := Find(j.Requirement)
			undeclared := text.Feature != "" && !slices.ContainsFunc(verdict.AnyOf(text.Feature), s.target.Declares) && !slices.Contains(sp.ids, text.ID)
			if undeclared || text.Level == string(verdict.Should) {
				continue // it is nothing that the gateway must do: no check fails for it
			}
			v := j.Violations[0]
			breaches = append(breaches, fmt.Sprintf("%s, %d times: expected %s; actual: %s", v.Requirement, n, v.Expected, v.Actual))
		}
	}
	progress(sp.group()+" "+sp.name, "done")
	if len(breaches) > 0 && !report.Failed() {
		ginkgo.Fail("the history shows what the spec did not wait for:\n" + strings.Join(breaches, "\n"))
	}
}

// historyFile is where the history of a spec is kept.
func historyFile(dir string, sp spec) string {
	return filepath.Join(dir, "histories", sp.slug()+".jsonl")
}

// logFile is where the gateway's last lines are kept beside a failed history.
func logFile(history string) string { return strings.TrimSuffix(history, ".jsonl") + ".log" }

func writeLogs(history string, lines []string) {
	// The log is an aid for people; a verdict never depends on it.
	_ = os.WriteFile(logFile(history), []byte(strings.Join(lines, "\n")+"\n"), 0o644)
}
