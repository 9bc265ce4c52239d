package process

import (
	"context"
	"errors"
	"io"
	"os/exec"
	"sync"
	"time"

	"github.com/drainproof/drainproof/harness/artifact"
	"github.com/drainproof/drainproof/harness/runtime"
	"github.com/drainproof/drainproof/harness/runtime/logtail"
	"github.com/drainproof/drainproof/harness/target"
)

// cleanupLimit bounds how long a killed process is waited for.
const cleanupLimit = 10 * time.Second

// path is all the PATH a gateway gets.
const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// pod is one pod. Those of its methods that change what runs are carried out
// one after the other.
type pod struct {
	r        *Runtime
	resolved *runtime.Resolved
	binary   string // of the probe
	folder   *folder
	spawner  *spawner
	log      *logtail.Log // what gateway and sidecars write
	used     []int        // ports

	change sync.Mutex // held by whoever starts or ends processes

	mu       sync.Mutex // guards the rest
	closed   bool
	probe    *stream
	gateway  *life // the last one
	sidecars []*life
}

var _ runtime.Pod = (*pod)(nil)

func newPod(r *Runtime, t *target.Target, prepared runtime.Prepared, _ runtime.PodOptions) (*pod, error) {
	bins := artifact.Binaries(prepared.Binaries)
	binary, err := bins.Path("probe")
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(t.Ports))
	for name := range t.Ports {
		names = append(names, name)
	}
	used, err := r.ports.pick(len(names) + 4)
	if err != nil {
		return nil, err
	}
	p := &pod{r: r, binary: binary, log: logtail.New(), used: used}
	picked := make(map[string]int, len(names))
	for i, name := range names {
		picked[name] = used[i]
	}
	if p.folder, err = newFolder(r.lease); err != nil {
		r.ports.giveBack(used)
		return nil, err
	}
	p.spawner = newSpawner()
	p.resolved, err = runtime.Resolve(t, p.folder.sub("home"), picked,
		runtime.Listeners{Model: used[len(names)], Notify: used[len(names)+1], Callback: used[len(names)+2], Driver: used[len(names)+3]}, bins.Dir())
	if err == nil {
		err = p.startProbe()
	}
	if err != nil {
		return nil, errors.Join(err, p.Close(context.Background()))
	}
	return p, nil
}

func (p *pod) startProbe() error {
	s, err := openStream(p.spawner, p.command([]string{p.binary, "stdio"}, "", nil))
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.probe = s
	p.mu.Unlock()
	return p.note()
}

// command is a process of this pod: nothing of the harness's own environment
// reaches it.
func (p *pod) command(args []string, dir string, env []string) *exec.Cmd {
	cmd := exec.Command(args[0], args[1:]...)
	if dir == "" {
		dir = p.folder.sub("work")
	}
	cmd.Dir = dir
	cmd.Env = append([]string{"PATH=" + path, "HOME=" + p.folder.sub("work"), "TMPDIR=" + p.folder.sub("tmp")}, env...)
	return cmd
}

// note writes down which processes are this pod's.
func (p *pod) note() error {
	p.mu.Lock()
	lives := append([]*life{p.gateway}, p.sidecars...)
	if p.probe != nil {
		lives = append(lives, p.probe.life)
	}
	p.mu.Unlock()
	var children []child
	for _, l := range lives {
		if l != nil && !l.over() {
			children = append(children, child{PID: l.pid, Start: l.start})
		}
	}
	return p.folder.note(children)
}

// Probe implements runtime.Pod.
func (p *pod) Probe() io.ReadWriteCloser {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.probe
}

// Resolved implements runtime.Pod.
func (p *pod) Resolved() *runtime.Resolved { return p.resolved }

// Recreate implements runtime.Pod: everything but the home is new. There is no
// PID 1 that could end, so an epoch made of it stays.
func (p *pod) Recreate(ctx context.Context) error {
	p.change.Lock()
	defer p.change.Unlock()
	if err := p.usable(); err != nil {
		return err
	}
	if err := p.endAll(ctx); err != nil {
		return err
	}
	return p.startProbe()
}

// errMountsNothing is what comes of asking for a home that is out of the ordinary.
var errMountsNothing = errors.New("the process runtime mounts nothing, so a home is neither small nor read-only in it; use the docker runtime")

// Remount implements runtime.Pod.
func (p *pod) Remount(context.Context, bool) error { return errMountsNothing }

// endAll kills everything of the pod and waits until it is gone.
func (p *pod) endAll(ctx context.Context) error {
	p.mu.Lock()
	lives := append([]*life{p.gateway}, p.sidecars...)
	probe := p.probe
	p.gateway, p.sidecars, p.probe = nil, nil, nil
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupLimit)
	defer cancel()
	var errs []error
	for _, l := range lives {
		if l != nil {
			errs = append(errs, l.kill(ctx))
		}
	}
	if probe != nil {
		errs = append(errs, probe.Close())
	}
	return errors.Join(errs...)
}

// Close implements runtime.Pod. It does its work even when ctx is over.
func (p *pod) Close(ctx context.Context) error {
	p.change.Lock()
	defer p.change.Unlock()
	p.mu.Lock()
	done := p.closed
	p.closed = true
	p.mu.Unlock()
	if done {
		return nil
	}
	err := p.endAll(ctx)
	p.spawner.close()
	err = errors.Join(err, removeTree(p.folder.path))
	p.r.ports.giveBack(p.used)
	p.r.forget(p)
	return err
}

func (p *pod) usable() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return errors.New("the pod is closed")
	}
	return nil
}
