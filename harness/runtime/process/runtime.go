package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/drainproof/drainproof/harness/artifact"
	"github.com/drainproof/drainproof/harness/runtime"
	"github.com/drainproof/drainproof/harness/runtime/lease"
	"github.com/drainproof/drainproof/harness/target"
)

// Name is what reports call this runtime.
const Name = "process"

// Options configure a Runtime. RunID and Root are required.
type Options struct {
	RunID    string            // all processes of one run use the same
	OwnerPID int               // the process that lives as long as the run; 0: this one
	Root     string            // the checkout, see artifact.FindRoot
	Progress func(step string) // told what takes long, one line each; may be nil
	Log      *slog.Logger      // nil: none
	Binaries artifact.Binaries // nil: what artifact.Build makes of Root
}

// Runtime makes pods of child processes; it implements runtime.Runtime.
type Runtime struct {
	o     Options
	log   *slog.Logger
	lease lease.Lease
	ports ports

	mu   sync.Mutex
	pods map[*pod]struct{}
}

var _ runtime.Runtime = (*Runtime)(nil)

// New returns a runtime; it needs nothing but this machine.
func New(_ context.Context, o Options) (*Runtime, error) {
	if o.RunID == "" || o.Root == "" {
		return nil, errors.New("process runtime: RunID and Root must be set")
	}
	l, err := lease.New(o.RunID, o.OwnerPID, time.Now())
	if err != nil {
		return nil, err
	}
	r := &Runtime{o: o, log: o.Log, lease: l, pods: map[*pod]struct{}{}}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	return r, nil
}

// Name implements runtime.Runtime.
func (r *Runtime) Name() string { return Name }

// Prepare builds what is to be built, checks that the target can be run here,
// and removes what dead runs left behind.
func (r *Runtime) Prepare(ctx context.Context, t *target.Target) (runtime.Prepared, error) {
	bins := r.o.Binaries
	if bins == nil {
		var err error
		if bins, err = artifact.Build(ctx, r.o.Root, r.o.Progress); err != nil {
			return runtime.Prepared{}, err
		}
	}
	if _, err := bins.Path("probe"); err != nil {
		return runtime.Prepared{}, err
	}
	if err := r.check(t, bins); err != nil {
		return runtime.Prepared{}, err
	}
	if removed, err := r.Sweep(); err != nil {
		r.log.Warn("could not sweep everything dead runs left behind", "error", err)
	} else if removed > 0 && r.o.Progress != nil {
		r.o.Progress(fmt.Sprintf("removed %d pods that dead runs left behind", removed))
	}
	return runtime.Prepared{RunID: r.o.RunID, Binaries: bins, UID: -1, GID: -1}, nil
}

// check finds mistakes of the target file before anything is started.
func (r *Runtime) check(t *target.Target, bins artifact.Binaries) error {
	if t.Process == nil || len(t.Process.Command) == 0 {
		return fmt.Errorf("target %s has no process.command, so the process runtime cannot run it; add to %s: process: {command: [/path/to/the/program, with, arguments]}; or use the docker runtime", t.Name, t.Path)
	}
	some := map[string]int{}
	for name := range t.Ports {
		some[name] = 1
	}
	resolved, err := runtime.Resolve(t, os.TempDir(), some, runtime.Listeners{Model: 1, Notify: 2, Callback: 3, Driver: 4}, bins.Dir())
	if err != nil {
		return err
	}
	if err := runnable("process.command", resolved.Expand(t.Process.Command[0]), workdir(t)); err != nil {
		return fmt.Errorf("target %s: %w", t.Name, err)
	}
	for _, s := range t.Sidecars {
		if len(s.Process) == 0 {
			return fmt.Errorf("target %s: sidecar %s has no process, so the process runtime cannot run it; give one in %s, or use the docker runtime", t.Name, s.Name, t.Path)
		}
		if err := runnable("sidecars."+s.Name+".process", resolved.Expand(s.Process[0]), workdir(t)); err != nil {
			return fmt.Errorf("target %s: %w", t.Name, err)
		}
	}
	return nil
}

// workdir is the folder the target wants its processes to start in, or "".
func workdir(t *target.Target) string {
	if t.Process == nil || t.Process.Dir == "" {
		return ""
	}
	if filepath.IsAbs(t.Process.Dir) {
		return t.Process.Dir
	}
	dir, err := filepath.Abs(filepath.Join(filepath.Dir(t.Path), t.Process.Dir))
	if err != nil {
		return t.Process.Dir
	}
	return dir
}

// runnable says what is wrong with a program's path, if anything is.
func runnable(where, program, dir string) error {
	path := program
	if filepath.Base(path) != path && !filepath.IsAbs(path) {
		if dir == "" {
			return fmt.Errorf("%s: %q is relative, but no process.dir is given; make it absolute or start it with {{bin}}", where, program)
		}
		path = filepath.Join(dir, path)
	}
	if _, err := exec.LookPath(path); err != nil {
		return fmt.Errorf("%s: cannot run %q: %w; install or build it, or correct the path", where, program, err)
	}
	return nil
}

// NewPod starts a probe on an empty home of its own.
func (r *Runtime) NewPod(ctx context.Context, t *target.Target, p runtime.Prepared, o runtime.PodOptions) (runtime.Pod, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if o.HomeBytes > 0 {
		return nil, errMountsNothing
	}
	pod, err := newPod(r, t, p, o)
	if err != nil {
		return nil, fmt.Errorf("cannot make a pod: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pods[pod] = struct{}{}
	return pod, nil
}

// Sweep removes the pods of runs that are proven dead, and says how many.
func (r *Runtime) Sweep() (int, error) {
	here, err := lease.Here()
	if err != nil {
		return 0, err
	}
	now := time.Now()
	return sweep(func(c claim) bool {
		over, why := c.Expired(here, now, false)
		if over {
			r.log.Info("removing a pod", "run", c.Run, "because", why)
		}
		return over
	})
}

// Close removes what is left of this run: all of it, where this process owns the
// run, else what it made itself.
func (r *Runtime) Close(ctx context.Context) error {
	r.mu.Lock()
	pods := make([]*pod, 0, len(r.pods))
	for p := range r.pods {
		pods = append(pods, p)
	}
	r.mu.Unlock()
	var errs []error
	for _, p := range pods {
		errs = append(errs, p.Close(ctx))
	}
	if r.lease.Owner == os.Getpid() {
		_, err := sweep(func(c claim) bool { return c.Run == r.o.RunID })
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (r *Runtime) forget(p *pod) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.pods, p)
}
