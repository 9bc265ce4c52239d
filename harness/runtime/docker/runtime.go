package docker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/drainproof/drainproof/harness/artifact"
	"github.com/drainproof/drainproof/harness/runtime"
	"github.com/drainproof/drainproof/harness/runtime/lease"
	"github.com/drainproof/drainproof/harness/target"
)

// Name is what reports call this runtime.
const Name = "docker"

// cleanupLimit bounds the removal of what a run made; it happens even when the
// run's own context is over, for that is when it matters.
const cleanupLimit = 60 * time.Second

// Options configure a Runtime. RunID and Root are required.
type Options struct {
	RunID    string            // all processes of one run use the same
	OwnerPID int               // the process that lives as long as the run; 0: this one
	Root     string            // the checkout, see artifact.FindRoot
	Progress func(step string) // told what takes long, one line each; may be nil
	Log      *slog.Logger      // nil: none
	Endpoint string            // of the engine; "": DOCKER_HOST or the machine's socket
	Probe    string            // recipe of the infra image; "": fixtures/images/probe.yaml of Root
	Binaries artifact.Binaries // nil: what artifact.Build makes of Root
}

// Runtime makes pods of containers; it implements runtime.Runtime.
type Runtime struct {
	o      Options
	log    *slog.Logger
	engine *engine
	info   EngineInfo
	lease  lease.Lease

	mu   sync.Mutex
	pods map[*pod]struct{}
}

var _ runtime.Runtime = (*Runtime)(nil)

// New connects to the engine. Where there is none to work with, the error is an
// *EngineError.
func New(ctx context.Context, o Options) (*Runtime, error) {
	if o.RunID == "" || o.Root == "" {
		return nil, errors.New("docker runtime: RunID and Root must be set")
	}
	if o.Endpoint == "" {
		o.Endpoint = endpoint()
	}
	if o.Probe == "" {
		o.Probe = filepath.Join(o.Root, "fixtures", "images", "probe.yaml")
	}
	e, err := connect(o.Endpoint)
	if err != nil {
		return nil, err
	}
	info, err := e.check(ctx)
	if err != nil {
		e.close()
		return nil, err
	}
	r := &Runtime{o: o, log: o.Log, engine: e, info: info, pods: map[*pod]struct{}{}}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	if r.lease, err = lease.New(o.RunID, o.OwnerPID, r.now()); err != nil {
		return nil, err
	}
	return r, nil
}

// Name implements runtime.Runtime.
func (r *Runtime) Name() string { return Name }

// Engine describes the engine in use.
func (r *Runtime) Engine() EngineInfo { return r.info }

func (r *Runtime) now() time.Time { return time.Now() }

func (r *Runtime) progress(step string) {
	if r.o.Progress != nil {
		r.o.Progress(step)
	}
}

// Prepare builds what is to be built, loads the images the engine lacks, and
// removes what dead runs left behind. With everything built it takes some tens
// of milliseconds.
func (r *Runtime) Prepare(ctx context.Context, t *target.Target) (runtime.Prepared, error) {
	bins := r.o.Binaries
	if bins == nil {
		var err error
		if bins, err = artifact.Build(ctx, r.o.Root, r.o.Progress); err != nil {
			return runtime.Prepared{}, err
		}
	}
	_, probe, err := r.fromRecipe(ctx, r.o.Probe, bins)
	if err != nil {
		return runtime.Prepared{}, fmt.Errorf("probe: %w", err)
	}
	p := runtime.Prepared{RunID: r.o.RunID, ProbeImage: probe.ID, Binaries: bins, Engine: r.info.Version}
	id, digest, name, img, err := r.gatewayImage(ctx, t, bins)
	if err != nil {
		return runtime.Prepared{}, err
	}
	p.ImageID, p.ImageDigest, p.ImageName = id, digest, name
	if p.UID, p.GID, err = userOf(t, img); err != nil {
		return runtime.Prepared{}, err
	}
	for _, s := range t.Sidecars {
		if s.Image == "" {
			continue
		}
		found, err := r.image(s.Image)
		if err != nil {
			return runtime.Prepared{}, fmt.Errorf("sidecar %s: %w", s.Name, err)
		}
		if p.SidecarImages == nil {
			p.SidecarImages = map[string]string{}
		}
		p.SidecarImages[s.Name] = found.ID
	}
	r.forgetUnused(ctx)
	// Leftovers harm nobody, so failing to remove them fails no run.
	if removed, err := r.Sweep(ctx); err != nil {
		r.log.Warn("could not sweep everything dead runs left behind", "error", err)
	} else if removed > 0 {
		r.progress(fmt.Sprintf("removed %d containers and volumes that dead runs left behind", removed))
	}
	return p, nil
}

// NewPod starts the infra container with an empty home.
func (r *Runtime) NewPod(ctx context.Context, t *target.Target, p runtime.Prepared, o runtime.PodOptions) (runtime.Pod, error) {
	resolved, err := runtime.Resolve(t, t.Home.Path, maps.Clone(t.Ports), runtime.Listeners{}, "")
	if err != nil {
		return nil, err
	}
	resolved.UID, resolved.GID = p.UID, p.GID
	pod := newPod(r, resolved, p, o)
	r.mu.Lock()
	r.pods[pod] = struct{}{}
	r.mu.Unlock()
	if err := pod.open(ctx); err != nil {
		if cerr := pod.Close(ctx); cerr != nil {
			r.log.Warn("could not remove a pod that failed to start", "error", cerr)
		}
		return nil, fmt.Errorf("cannot make a pod: %w", explain(r.engine.endpoint, err))
	}
	return pod, nil
}

// Close removes what is left of this run. The process that owns the run removes
// everything that carries its ID; another process of it only what it made
// itself, because the others may still be at work.
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
		ctx, cancel := cleanup(ctx)
		defer cancel()
		_, err := r.remove(ctx, lease.LabelRun+"="+r.o.RunID, func(lease.Lease, error, bool) (bool, string) { return true, "its run is over" })
		errs = append(errs, err)
	}
	r.engine.close()
	return errors.Join(errs...)
}

func (r *Runtime) forget(p *pod) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.pods, p)
}

func cleanup(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), cleanupLimit)
}
