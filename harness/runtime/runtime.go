package runtime

import (
	"context"
	"errors"
	"io"
	"maps"

	"github.com/drainproof/drainproof/harness/target"
)

// ErrUnanswered says that nobody knows whether what was asked for was done: it was
// asked, and there was no answer. Any other error says that it was not.
var ErrUnanswered = errors.New("no answer")

// Runtime makes pods.
type Runtime interface {
	Name() string // docker or process
	// Prepare does what is done once a run, however many pods follow: checks the
	// engine, assembles and loads images, sweeps what dead runs left behind. It
	// returns what is pinned. Safe to be called by several processes at once.
	Prepare(ctx context.Context, t *target.Target) (Prepared, error)
	// NewPod makes the infra (probe running, home empty); no gateway yet.
	NewPod(ctx context.Context, t *target.Target, p Prepared, o PodOptions) (Pod, error)
	// Close removes all that this run made and is not removed yet.
	Close(ctx context.Context) error
}

// Prepared is what a run is pinned to; it is plain data, so one process can
// prepare and others use it.
type Prepared struct {
	RunID       string `json:"run_id"`
	ImageID     string `json:"image_id,omitempty"`     // sha256:... of the gateway under test
	ImageDigest string `json:"image_digest,omitempty"` // manifest digest, where the image has one
	ImageName   string `json:"image_name,omitempty"`
	ProbeImage  string `json:"probe_image,omitempty"`
	// SidecarImages are the IDs of sidecars that name an image of their own.
	SidecarImages map[string]string `json:"sidecar_images,omitempty"` // sidecar -> sha256:...
	Binaries      map[string]string `json:"binaries,omitempty"`       // process runtime: name -> path
	Engine        string            `json:"engine,omitempty"`         // version of the engine
	UID           int               `json:"uid"`                      // owner of the home, -1 = leave
	GID           int               `json:"gid"`
}

// PodOptions distinguish the pods of a run.
type PodOptions struct {
	Name string // of the spec, for labels
	// HomeBytes is how much fits into the home, which then ends with the pod's containers;
	// 0: as much as the machine has room for.
	HomeBytes int64
}

// Pod is one isolated place with a probe and room for one gateway.
type Pod interface {
	// Probe is the probe's standard input and output.
	Probe() io.ReadWriteCloser
	// Resolved is the target with every template filled in for this pod.
	Resolved() *Resolved
	// StartGateway launches it for the first time; it does not wait for ready.
	StartGateway(ctx context.Context) error
	// GatewayPID is the gateway's PID where the runtime knows it in the probe's
	// namespace (process), or 0 where the probe must look for it (docker).
	GatewayPID() int
	// Signal sends a signal to the gateway's main process; after ErrUnanswered it may
	// have arrived.
	Signal(ctx context.Context, signal string) error // TERM, KILL, ...
	// WaitGateway waits until the gateway has ended and returns its exit code; -1 where
	// nobody can tell. A gateway under an init of its own must have ended before.
	WaitGateway(ctx context.Context) (int, error)
	// Respawn starts the gateway again after it ended, in the same instantiation.
	Respawn(ctx context.Context) error
	// Recreate ends the instantiation (new PID 1) with the same home and starts
	// the infra again; Probe returns a new stream afterwards. No gateway yet.
	Recreate(ctx context.Context) error
	// Remount has the home of a gateway that has ended mounted so that the gateway can only
	// read it, or write again; Respawn starts the gateway. The probe can write all the while.
	Remount(ctx context.Context, readOnly bool) error
	// Exec runs a program of the target next to the gateway that runs, as the
	// gateway's own user and with its environment, and waits for its end. Any exit
	// code but 0 is an error with the program's last words.
	Exec(ctx context.Context, program target.Program) error
	Freeze(ctx context.Context) error
	Thaw(ctx context.Context) error
	// Logs returns the last n lines the gateway wrote, oldest first.
	Logs(ctx context.Context, n int) ([]string, error)
	// Follow sends every line the gateway writes, over all its lives, until ctx ends.
	Follow(ctx context.Context, line func(string)) error
	// Close removes all of it; safe to call twice.
	Close(ctx context.Context) error
}

// Resolved is a target made concrete for one pod.
type Resolved struct {
	Target       *target.Target
	Home         string // as the probe sees it (absolute)
	Marker       string // absolute path of the marker
	Ports        map[string]int
	ModelAddress string // host:port the probe's model listens on
	ModelURL     string // http://host:port/v1
	// NotifyAddress is where the probe listens for announcements, host:port; "" when
	// the target has no notify section.
	NotifyAddress string
	// CallbackAddress is where it takes replies that come as requests, host:port; "" when
	// none do.
	CallbackAddress string
	// DriverAddress is where it waits for the driver, host:port; "" when there is none.
	DriverAddress string
	UID, GID      int
	Expand        func(string) string // fills in a template
	vars          map[string]string   // what Expand knows
}

// ExpandWith is Expand with names that only hold for the moment, besides those of
// the pod.
func (r *Resolved) ExpandWith(s string, more map[string]string) string {
	all := maps.Clone(r.vars)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, more)
	if out, err := Expand(s, all); err == nil {
		return out
	}
	return s // as Expand does
}
