package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"sync"

	dc "github.com/ory/dockertest/v3/docker"

	"github.com/drainproof/drainproof/harness/runtime"
	"github.com/drainproof/drainproof/harness/runtime/logtail"
)

// Labels of our own, next to the lease's.
const (
	labelPod  = "drainproof.pod"  // one value per pod
	labelRole = "drainproof.role" // infra, gateway, sidecar, home
	labelSpec = "drainproof.spec" // for people who look at `docker ps`
)

// pod is one pod. Its methods may be called from several goroutines, but those
// that change what runs are carried out one after the other.
type pod struct {
	r        *Runtime
	id       string // unique, part of every name
	resolved *runtime.Resolved
	prepared runtime.Prepared
	spec     string
	room     int64        // bytes of the home; 0: nothing limits it
	log      *logtail.Log // what gateway and sidecars write
	infraLog *logtail.Log // what the probe writes to its standard error

	change   sync.Mutex // held by whoever starts, ends or removes containers
	readOnly bool       // so the gateway's container mounts the home; under change

	mu      sync.Mutex // guards the rest
	closed  bool
	infra   string // container IDs
	gateway string
	probe   *stream
	life    *life // of the gateway
}

var _ runtime.Pod = (*pod)(nil)

func newPod(r *Runtime, resolved *runtime.Resolved, p runtime.Prepared, o runtime.PodOptions) *pod {
	return &pod{
		r: r, id: unique(), resolved: resolved, prepared: p, spec: o.Name, room: o.HomeBytes,
		log: logtail.New(), infraLog: logtail.New(),
	}
}

func (p *pod) name(role string) string { return "drainproof-" + p.id + "-" + role }

func (p *pod) labels(role string) map[string]string {
	l := p.r.lease.Labels()
	maps.Copy(l, map[string]string{labelPod: p.id, labelRole: role, labelSpec: p.spec})
	return l
}

// open makes the home and starts the infra container on it.
func (p *pod) open(ctx context.Context) error {
	p.change.Lock()
	defer p.change.Unlock()
	volume := dc.CreateVolumeOptions{Name: p.name("home"), Labels: p.labels("home"), Context: ctx}
	if p.room > 0 {
		// Only a file system of its own can be full without filling the machine's disk.
		volume.DriverOpts = map[string]string{"type": "tmpfs", "device": "tmpfs", "o": fmt.Sprintf("size=%d", p.room)}
	}
	if _, err := p.r.engine.pool.Client.CreateVolume(volume); err != nil {
		return fmt.Errorf("create the home volume: %w", err)
	}
	return p.startInfra(ctx)
}

// home mounts the home volume. Nothing of the image is copied into it: the home
// is what the harness makes of it, empty at first, whatever the image holds.
func (p *pod) home(readOnly bool) []dc.HostMount {
	return []dc.HostMount{{
		Type: "volume", Source: p.name("home"), Target: p.resolved.Home, ReadOnly: readOnly,
		VolumeOptions: &dc.VolumeOptions{NoCopy: true},
	}}
}

// startInfra starts the container that owns the pod's namespaces, and a
// conversation with the probe in it.
func (p *pod) startInfra(ctx context.Context) error {
	id, err := p.create(ctx, "infra", &dc.Config{Image: p.prepared.ProbeImage, OpenStdin: true}, &dc.HostConfig{
		NetworkMode: "none",
		// The probe looks into processes of whatever user the gateway is.
		CapAdd: []string{"SYS_PTRACE"},
	})
	if err != nil {
		return err
	}
	s, err := p.startProbe(ctx, id)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.infra, p.probe = id, s
	return nil
}

// create makes a container with what all containers of a pod have in common.
func (p *pod) create(ctx context.Context, role string, c *dc.Config, h *dc.HostConfig) (string, error) {
	kind := role
	if kind != "infra" && kind != "gateway" {
		kind = "sidecar"
	}
	c.Labels = p.labels(kind)
	// An image's own health check would be one more process in the pod, and
	// nobody here asks for its result.
	c.Healthcheck = &dc.HealthConfig{Test: []string{"NONE"}}
	h.Mounts = p.home(role == "gateway" && p.readOnly)
	h.IpcMode = "private"
	h.RestartPolicy = dc.NeverRestart()
	h.LogConfig = dc.LogConfig{Type: "json-file", Config: map[string]string{"max-size": "16m", "max-file": "2"}}
	if role == "infra" {
		h.LogConfig = dc.LogConfig{Type: "none"} // its output is the conversation, and its history
	}
	// A container whose creation is cancelled half-way may come into being all
	// the same, unknown to us. So it is waited for, and cancelled afterwards.
	made, err := p.r.engine.pool.Client.CreateContainer(dc.CreateContainerOptions{
		Name: p.name(role), Config: c, HostConfig: h, Context: context.WithoutCancel(ctx),
	})
	if errors.Is(err, dc.ErrNoSuchImage) {
		return "", fmt.Errorf("create the %s container: the engine no longer has image %s; was it removed during the run?", role, c.Image)
	}
	if err != nil {
		return "", fmt.Errorf("create the %s container: %w", role, err)
	}
	return made.ID, ctx.Err()
}

func (p *pod) start(ctx context.Context, id, role string) error {
	if err := p.r.engine.pool.Client.StartContainerWithContext(id, nil, ctx); err != nil {
		return fmt.Errorf("start the %s container: %w", role, err)
	}
	return nil
}

// Probe implements runtime.Pod.
func (p *pod) Probe() io.ReadWriteCloser {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.probe
}

// Resolved implements runtime.Pod.
func (p *pod) Resolved() *runtime.Resolved { return p.resolved }

// Recreate implements runtime.Pod: all containers go, the home stays.
func (p *pod) Recreate(ctx context.Context) error {
	p.change.Lock()
	defer p.change.Unlock()
	if err := p.usable(); err != nil {
		return err
	}
	if p.room > 0 {
		return errors.New("a home of limited size is gone with the containers that mount it, so the pod cannot be recreated")
	}
	if err := p.removeAll(ctx); err != nil {
		return err
	}
	if err := p.startInfra(ctx); err != nil {
		return fmt.Errorf("cannot recreate the pod: %w", explain(p.r.engine.endpoint, err))
	}
	return nil
}

// removeAll ends the conversation and removes every container of the pod,
// including any that was being made when its maker was interrupted.
func (p *pod) removeAll(ctx context.Context) error {
	p.mu.Lock()
	probe, alive := p.probe, p.life
	p.infra, p.gateway, p.probe, p.life = "", "", nil, nil
	p.mu.Unlock()
	if probe != nil {
		_ = probe.Close()
	}
	containers, err := p.r.engine.pool.Client.ListContainers(dc.ListContainersOptions{
		All: true, Filters: map[string][]string{"label": {labelPod + "=" + p.id}}, Context: ctx,
	})
	if err != nil {
		return fmt.Errorf("list the pod's containers: %w", explain(p.r.engine.endpoint, err))
	}
	// The infra container goes last: its PID 1 cannot end before every process
	// of its namespace has, and a frozen one never would.
	var first, last []string
	for _, c := range containers {
		if c.Labels[labelRole] == "infra" {
			last = append(last, c.ID)
		} else {
			first = append(first, c.ID)
		}
	}
	err = errors.Join(p.r.removeContainers(ctx, first), p.r.removeContainers(ctx, last))
	if alive != nil {
		alive.drained(ctx)
	}
	return err
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
	ctx, cancel := cleanup(ctx)
	defer cancel()
	err := errors.Join(p.removeAll(ctx), p.r.removeVolume(ctx, p.name("home")))
	if err != nil {
		p.mu.Lock()
		p.closed = false // so that it may be tried again
		p.mu.Unlock()
		return err
	}
	p.r.forget(p)
	return nil
}

var errClosed = errors.New("the pod is closed")

func (p *pod) usable() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return errClosed
	}
	return nil
}
