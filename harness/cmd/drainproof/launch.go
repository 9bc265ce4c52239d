package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/drainproof/drainproof/conformance"
	"github.com/drainproof/drainproof/harness/artifact"
	"github.com/drainproof/drainproof/harness/config"
	"github.com/drainproof/drainproof/harness/report"
	"github.com/drainproof/drainproof/harness/runtime/docker"
	"github.com/drainproof/drainproof/harness/runtime/factory"
)

// launcher runs the compiled suite with the Ginkgo CLI and reads its report.
type launcher struct {
	out     io.Writer
	quiet   bool
	config  string // absolute path of ginkgo.yaml
	cfg     *config.Config
	dir     string // report folder, "" = a new one
	filter  string
	runID   string // of the run under way; everything it starts carries it
	env     []string
	without error             // why there is no engine, when the process runtime was chosen for that
	bins    artifact.Binaries // the suite, where somebody built it already
	mute    bool              // somebody else says what came of it
	tried   bool              // that the target can be driven is known
	options gateOptions
}

// notice is the first line of a run that cannot certify.
func (l *launcher) notice() {
	if l.cfg.Runtime == "docker" {
		return
	}
	fmt.Fprintln(l.out, doesNotCertify)
	if l.without != nil {
		fmt.Fprintf(l.out, "  no engine: %v\n", l.without)
	}
}

func (l *launcher) say(start time.Time, line string) {
	if !l.quiet {
		fmt.Fprintf(l.out, "%6.1fs  %-10s  %s\n", time.Since(start).Seconds(), "build", line)
	}
}

// run runs the suite once. An error means that there is no report and why; it is
// the user's to mend unless it is an exitError that says otherwise.
func (l *launcher) run(ctx context.Context) (*report.Report, error) {
	start := time.Now()
	root, err := artifact.FindRoot()
	if err != nil {
		return nil, err
	}
	bins := l.bins
	if bins == nil {
		if bins, err = artifact.BuildSuite(ctx, root, func(s string) { l.say(start, s) }); err != nil {
			if ctx.Err() != nil {
				return nil, l.incomplete(3, cutShort(ctx), "")
			}
			return nil, err
		}
	}
	dir, err := l.reportDir(start)
	if err != nil {
		return nil, err
	}
	l.runID = strings.ToLower(rand.Text()[:12])
	ended := l.ginkgo(ctx, bins, dir, start)
	r, err := report.Read(dir)
	if err == nil {
		l.markLatest(dir)
		return r, nil
	}
	if !errors.Is(err, os.ErrNotExist) {
		return nil, &exitError{3, err}
	}
	if ctx.Err() != nil {
		return nil, l.incomplete(3, cutShort(ctx), dir)
	}
	return nil, l.noReport(dir, ended)
}

// cutShort says why a run ended before anything could be judged.
func cutShort(ctx context.Context) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return errors.New("the deadline passed before anything could be judged; give more time with --deadline")
	}
	return errors.New("interrupted before anything could be judged")
}

// markLatest points reports/latest at a run's folder, for people and scripts. A
// report elsewhere was given a name by its user already.
func (l *launcher) markLatest(dir string) {
	if filepath.Dir(dir) != l.cfg.Report.Dir {
		return
	}
	// Made beside its place and renamed, so that it is never missing.
	fresh := filepath.Join(l.cfg.Report.Dir, ".latest-"+l.runID)
	if os.Symlink(filepath.Base(dir), fresh) == nil && os.Rename(fresh, filepath.Join(l.cfg.Report.Dir, "latest")) != nil {
		_ = os.Remove(fresh)
	}
}

// reportDir makes the folder of this run.
func (l *launcher) reportDir(start time.Time) (string, error) {
	dir := l.dir
	if dir == "" {
		made, err := l.cfg.ReportDir(start)
		if err != nil {
			return "", err
		}
		dir = made
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return "", fmt.Errorf("the report folder %s is not empty; name another with --report", dir)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("the report folder cannot be made: %w", err)
	}
	return dir, nil
}

// ginkgo runs the suite in a process group of its own, so that one signal ends
// all of it, and removes what the run left in the engine whatever happened.
func (l *launcher) ginkgo(ctx context.Context, bins artifact.Binaries, dir string, start time.Time) error {
	left := time.Until(deadlineOf(ctx))
	args := []string{
		"run", "--no-color", "--succinct",
		"--procs=" + strconv.Itoa(l.cfg.Runner.Procs),
		// Ginkgo ends in good order before the deadline does, so that what was
		// observed until then is reported.
		"--timeout=" + max(left-left/10, time.Second).Round(time.Millisecond).String(),
		"--grace-period=10s",
	}
	if f := l.labelFilter(); f != "" {
		args = append(args, "--label-filter="+f)
	}
	// The package's other tests are not part of a run.
	args = append(args, bins["conformance.test"], "--", "-test.run=^TestDrain$")
	cmd := exec.Command(bins["ginkgo"], args...)
	cmd.Dir = filepath.Dir(l.config)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	progressFile := filepath.Join(dir, "progress.log")
	cmd.Env = append(append(os.Environ(), l.env...),
		"DRAINPROOF_CONFIG="+l.config,
		"DRAINPROOF_TARGET="+l.cfg.Target,
		"DRAINPROOF_RUNTIME="+l.cfg.Runtime,
		config.EnvProfile+"="+l.cfg.Profile,
		config.EnvLevel+"="+l.cfg.Level,
		config.EnvShard+"="+l.cfg.Shard.String(),
		config.EnvSeed+"="+strconv.FormatInt(l.cfg.Seed, 10),
		"DRAINPROOF_REPORT="+dir,
		conformance.OwnerEnv+"="+strconv.Itoa(os.Getpid()),
		conformance.RunEnv+"="+l.runID,
		"DRAINPROOF_ROOT="+filepath.Dir(filepath.Dir(bins["probe"])),
		conformance.ProgressEnv+"="+progressFile,
	)
	if l.cfg.Expected != "" {
		cmd.Env = append(cmd.Env, config.EnvExpected+"="+l.cfg.Expected)
	}
	if l.tried {
		cmd.Env = append(cmd.Env, conformance.TriedEnv+"=1")
	}
	if l.cfg.Observe != 0 {
		cmd.Env = append(cmd.Env, config.EnvObserve+"="+l.cfg.Observe.String())
	}
	log, err := os.Create(filepath.Join(dir, "ginkgo.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("the suite cannot be started: %w", err)
	}
	shown, stopShowing := context.WithCancel(context.Background())
	var showing sync.WaitGroup
	if !l.quiet {
		showing.Go(func() { tailProgress(shown, progressFile, l.out, start) })
	}
	err = l.await(ctx, cmd)
	stopShowing()
	showing.Wait()
	l.sweep()
	return err
}

// await waits for the suite. On a signal or the deadline it is asked to end, and
// made to when it does not.
func (l *launcher) await(ctx context.Context, cmd *exec.Cmd) error {
	var ended error
	done := make(chan struct{})
	go func() { ended = cmd.Wait(); close(done) }()
	select {
	case <-done:
		return ended
	case <-ctx.Done():
	}
	if !l.quiet {
		fmt.Fprintln(l.out, "\nending: removing what was started ...")
	}
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGINT)
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-done
	}
	return ctx.Err()
}

// sweep removes what this run still has in the engine: its owner is this
// process, so nobody else would before it ends.
func (l *launcher) sweep() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	r, err := factory.New(ctx, l.cfg.Runtime, factory.Options{RunID: l.runID, OwnerPID: os.Getpid()})
	if err == nil {
		err = r.Close(ctx)
	}
	if err != nil && !l.engineGone(err) {
		fmt.Fprintln(l.out, "some of what this run started could not be removed:", err)
	}
}

// engineGone says whether the run failed for want of an engine, which is told
// elsewhere; nothing can be left in an engine that never was there.
func (l *launcher) engineGone(err error) bool {
	var none *docker.EngineError
	return errors.As(err, &none)
}

// noReport explains why the suite ended without one.
func (l *launcher) noReport(dir string, ended error) error {
	data, err := os.ReadFile(filepath.Join(dir, conformance.SetupFile))
	if err == nil {
		var f struct {
			What string `json:"what"`
			Exit int    `json:"exit"`
		}
		if json.Unmarshal(data, &f) == nil && f.What != "" {
			return l.incomplete(f.Exit, errors.New(f.What), dir)
		}
	}
	log := filepath.Join(dir, "ginkgo.log")
	how := "the suite ended without a report"
	if ended != nil {
		how += fmt.Sprintf(" (%v)", ended)
	}
	why := fmt.Errorf("%s; its output is in %s%s", how, log, lastOf(log))
	return l.incomplete(3, why, dir)
}

// said is how many lines of the suite's output a run shows that left no report: whoever
// has its screen alone, as in a CI, has nothing else to go by.
const said = 25

// lastOf is the end of a file, to stand below a message; nothing where it has none.
func lastOf(file string) string {
	data, _ := os.ReadFile(file)
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	if lines[0] == "" {
		return ""
	}
	return ", and ends in\n  " + strings.Join(lines[max(0, len(lines)-said):], "\n  ")
}

// incomplete prints the machine's line too: a gatekeeper gets one in every case.
func (l *launcher) incomplete(code int, why error, dir string) error {
	if !l.mute {
		fmt.Fprintln(l.out, report.ResultLine(&report.Report{Verdict: "incomplete", ExitCode: code, Dir: dir}))
	}
	return &exitError{code, why}
}

// labelFilter is the flag's, or else the configuration's.
func (l *launcher) labelFilter() string {
	if l.filter != "" {
		return l.filter
	}
	return l.cfg.Runner.LabelFilter
}

func deadlineOf(ctx context.Context) time.Time {
	d, ok := ctx.Deadline()
	if !ok {
		return time.Now().Add(time.Hour)
	}
	return d
}
