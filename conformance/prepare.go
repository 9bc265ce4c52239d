package conformance

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/onsi/ginkgo/v2"

	"github.com/drainproof/drainproof/harness/config"
	"github.com/drainproof/drainproof/harness/expect"
	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/pod"
	"github.com/drainproof/drainproof/harness/report"
	"github.com/drainproof/drainproof/harness/runtime"
	"github.com/drainproof/drainproof/harness/runtime/factory"
	"github.com/drainproof/drainproof/harness/target"
)

// prepared is what the first process of a run found out and the others use.
type prepared struct {
	Prepared runtime.Prepared `json:"prepared"`
	Dir      string           `json:"dir"` // report folder, absolute
	Seed     int64            `json:"seed"`
	Started  time.Time        `json:"started"`
	RunID    string           `json:"run_id"`
	Owner    int              `json:"owner"` // PID whose life is the run's lease
	Suite    *report.Suite    `json:"suite"`
}

// setupFailure says why nothing could be judged; it is left in the report folder
// for whoever started the suite.
type setupFailure struct {
	What string `json:"what"`
	Exit int    `json:"exit"` // 2: the user can mend it; 3: the suite failed
}

// SetupFile is the name of that file.
const SetupFile = "setup-failure.json"

func failSetup(f setupFailure) {
	dir := os.Getenv("DRAINPROOF_REPORT")
	if dir == "" {
		return // the message on the terminal is all there is
	}
	if _, err := os.Stat(filepath.Join(dir, SetupFile)); err == nil {
		return // what failed first is the cause
	}
	if data, err := json.Marshal(f); err == nil {
		_ = os.WriteFile(filepath.Join(dir, SetupFile), data, 0o644)
	}
}

// prepareOnce runs on the first process: it makes the report folder, builds and
// loads images, and tries once whether the target file describes a gateway that
// can be driven at all, so that a mistake in it is told as one and not as five
// failures.
func (s *suite) prepareOnce(ctx context.Context) []byte {
	p := prepared{Started: time.Now(), Owner: owner(), RunID: runID()}
	p.Seed = s.cfg.ResolveSeed(p.Started)
	err := func() error {
		dir, err := s.cfg.ReportDir(p.Started)
		if err != nil {
			return err
		}
		p.Dir = dir
		if err := os.MkdirAll(filepath.Join(dir, "histories"), 0o755); err != nil {
			return fmt.Errorf("the report folder cannot be made: %w", err)
		}
		// A part keeps what is there: it may be the other parts of its run.
		if s.cfg.Shard.Whole() {
			if err := s.cfg.Prune(p.Started); err != nil {
				progress("prepare", err.Error()) // old reports in the way of nobody
			}
		}
		progress("prepare", "runtime "+s.cfg.Runtime+", target "+s.target.Name)
		if s.runtime, err = s.newRuntime(ctx, p); err != nil {
			return err
		}
		if p.Prepared, err = s.runtime.Prepare(ctx, s.target); err != nil {
			return err
		}
		if p.Suite, err = suiteOf(p.Prepared.Binaries["probe"]); err != nil {
			return err
		}
		if os.Getenv(TriedEnv) != "" {
			return nil
		}
		return s.tryOut(ctx, p)
	}()
	if err != nil {
		failSetup(setupFailure{What: err.Error(), Exit: 2})
		ginkgo.Fail(err.Error())
	}
	data, err := json.Marshal(p)
	must(err)
	return data
}

// prepareHere runs on every process with what the first one found out.
func (s *suite) prepareHere(ctx context.Context, data []byte) {
	must(json.Unmarshal(data, &s.run))
	if s.runtime == nil {
		r, err := s.newRuntime(ctx, s.run)
		must(err)
		s.runtime = r
	}
}

func (s *suite) newRuntime(ctx context.Context, p prepared) (runtime.Runtime, error) {
	return factory.New(ctx, s.cfg.Runtime, factory.Options{
		RunID: p.RunID, OwnerPID: p.Owner, Progress: func(step string) { progress("prepare", step) },
	})
}

// Environment variables by which drainproof tells the suite whose run it is.
const (
	RunEnv   = "DRAINPROOF_RUN"   // ID of the run
	OwnerEnv = "DRAINPROOF_OWNER" // PID of the process that outlives every process of it
	TriedEnv = "DRAINPROOF_TRIED" // set: that the target can be driven is known, and not tried again
)

// runID names all that this run makes.
func runID() string {
	if id := os.Getenv(RunEnv); id != "" {
		return id
	}
	return strings.ToLower(rand.Text()[:12])
}

// owner is the process whose life is the run's lease. Without drainproof it is
// this one: the first process of a run is the last one to end.
func owner() int {
	if pid, err := strconv.Atoi(os.Getenv(OwnerEnv)); err == nil {
		return pid
	}
	return os.Getpid()
}

// lookAt says which part of the target file to look at where a turn comes to no end.
func lookAt(in target.Ingress) string {
	switch in.Wire {
	case target.PolledWire:
		return fmt.Sprintf("check poll: the status is looked for at %q, and says that the reply is there by one of %q", in.Poll.Status, in.Poll.Done)
	case target.CallbackWire:
		return "check callback, and whether {{callback_url}} is where the gateway sends the reply"
	}
	return "check the ingress, and how it says that the reply is whole,"
}

// unasked says so of a turn for which the model was not called.
func unasked(v pod.TurnView) string {
	if v.ModelCalls > 0 {
		return ""
	}
	return "; no request for it reached the suite's model: is {{model_url}} what the gateway is given as its model's address?"
}

// tryOut starts the gateway once, sends one turn through every ingress, and has it
// drained by the target's own command where there must be one.
func (s *suite) tryOut(ctx context.Context, p prepared) error {
	progress("prepare", "trying out whether the target can be driven")
	gw, err := pod.Start(ctx, pod.Options{
		Runtime: s.runtime, Prepared: p.Prepared, Target: s.target,
		Header: history.Header{Spec: "try out"},
	})
	if err != nil {
		return err
	}
	var problems []error
	for _, in := range s.target.Ingresses {
		turn, err := gw.Submit(ctx, pod.Turn{Ingress: in.Name, Purpose: "to try out the target file"})
		if err != nil {
			problems = append(problems, err)
			break
		}
		if !within(ctx, gw.Grace(), func() bool { ok, _ := expect.HaveEnded().Match(turn); return ok }) {
			problems = append(problems, fmt.Errorf("ingress %q: a turn sent to a running gateway came to no end within %s: %v%s; %s in %s", in.Name, gw.Grace(), turn.View(), unasked(turn.View()), lookAt(in), s.target.Path))
			continue
		}
		if v := turn.View(); v.Outcome != history.Finished {
			problems = append(problems, fmt.Errorf("ingress %q: a turn sent to a running gateway did not finish: %v%s; "+
				"check the ingress and the model settings in %s", in.Name, v, unasked(v), s.target.Path))
		}
	}
	if !within(ctx, gw.Grace(), func() bool { ok, _ := expect.BeRunning().Match(gw.Published()); return ok }) {
		problems = append(problems, fmt.Errorf("the gateway does not publish running: %v; check the state section of %s", gw.Published(), s.target.Path))
	}
	if s.stamps() && len(problems) == 0 {
		// A gateway that takes markers away is to be judged, not to be driven otherwise.
		if err := gw.BeginByCommand(ctx); err != nil && !errors.Is(err, pod.ErrMarkerTaken) {
			problems = append(problems, fmt.Errorf("%w; check the epoch section of %s", err, s.target.Path))
		}
	}
	if len(problems) == 0 {
		if err := gw.TryInit(ctx); err != nil { // last: it is the end of this gateway
			problems = append(problems, fmt.Errorf("the gateway could not be ended and started again: %w; check the init section of %s", err, s.target.Path))
		}
	}
	if len(problems) == 0 {
		s.tried = make(chan error, 1)
		go func() { s.tried <- endTried(ctx, gw) }() // nobody has to wait for it here
		return nil
	}
	logs := gw.Logs(ctx, 10)
	problems = append(problems, endTried(ctx, gw))
	return &pod.StartError{What: errors.Join(problems...).Error(), Logs: logs}
}

// endTried removes the pod of the trial, also when the run is being interrupted.
func endTried(ctx context.Context, gw *pod.Gateway) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	_, err := gw.End(ctx, history.Outcome{})
	return err
}

// stamps says whether ordinary markers carry the stamp of the instantiation they are
// for: where a run asks what becomes of one that doesn't (EPOCH-002). The gate asks for
// the core alone, where any marker begins a drain, and a filter may leave EPOCH out.
func (s *suite) stamps() bool {
	runner, _ := ginkgo.GinkgoConfiguration()
	return s.cfg.Profile == config.ProfileFull && s.target.Declares("epoch") &&
		slices.ContainsFunc(s.specs, func(sp spec) bool { return sp.family == "EPOCH" && selects(runner.LabelFilter, labels(sp)) })
}

// learns has a gateway stamp the markers that are laid from here on, where they are to be
// stamped: in each of its lives anew, since whether the stamp of the last one still holds is
// EPOCH-003's to ask.
func (s *suite) learns(ctx context.Context, gw gateway) {
	ginkgo.GinkgoHelper()
	if !s.stamps() {
		return
	}
	must(gw.LearnEpoch(ctx))
	// One that still drains from that would seem to follow whatever is laid next, and
	// would be charged with what it is not asked yet.
	gw.eventually(ctx).Should(expect.BeRunning())
}

// within polls until ok, the end of d, or the end of ctx.
func within(ctx context.Context, d time.Duration, ok func() bool) bool {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		if ok() {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
}
