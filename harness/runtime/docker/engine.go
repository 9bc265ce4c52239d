package docker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/ory/dockertest/v3"
	dc "github.com/ory/dockertest/v3/docker"

	"github.com/drainproof/drainproof/harness/runtime"
)

// oldest is the first API version with all that a pod needs (engine 19.03).
const oldest = "1.40"

// callLimit bounds one ordinary call to the engine; a loaded engine may take
// seconds to make a container, a hung one must not hang the run.
const callLimit = 60 * time.Second

// EngineError says why there is no engine to work with, for people.
type EngineError struct {
	What string // what is wrong, and where
	Next string // what to do about it
	Err  error  // the cause, where there is one
}

func (e *EngineError) Error() string { return e.What + "; " + e.Next }

func (e *EngineError) Unwrap() error { return e.Err }

// Is makes every engine that is not there, or is there no longer, one that did not
// answer.
func (e *EngineError) Is(target error) bool { return target == runtime.ErrUnanswered }

// EngineInfo describes the engine a run would use.
type EngineInfo struct {
	Endpoint   string // unix:///var/run/docker.sock, tcp://..., ssh://...
	Version    string // of the engine, e.g. 20.10.24
	APIVersion string
	OS, Arch   string
	Kernel     string
	CPUs       int
	Memory     int64 // bytes
}

// Check tells whether there is an engine that can run pods, and which. An error
// is an *EngineError.
func Check(ctx context.Context) (EngineInfo, error) {
	e, err := connect(endpoint())
	if err != nil {
		return EngineInfo{}, err
	}
	defer e.close()
	return e.check(ctx)
}

// engine is a connection to a container engine.
type engine struct {
	endpoint string
	pool     *dockertest.Pool // for calls that are over soon: each is cut off at callLimit
	wait     *dc.Client       // for the one call that lasts as long as a container
}

// endpoint returns where the engine is: what DOCKER_HOST says, else the
// machine's socket, else, where there is none, the user's own (rootless).
func endpoint() string {
	for _, key := range []string{"DOCKER_HOST", "DOCKER_URL"} {
		if host := os.Getenv(key); host != "" {
			return host
		}
	}
	const machine = "/var/run/docker.sock"
	if _, err := os.Stat(machine); errors.Is(err, fs.ErrNotExist) {
		own := filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "docker.sock")
		if _, err := os.Stat(own); err == nil && filepath.IsAbs(own) {
			return "unix://" + own
		}
	}
	return "unix://" + machine
}

func connect(endpoint string) (*engine, error) {
	if strings.HasPrefix(endpoint, "ssh://") {
		return connectSSH(endpoint)
	}
	pool, err := dockertest.NewPool(endpoint)
	if err != nil {
		return nil, &EngineError{What: fmt.Sprintf("no engine can be at %q: %v", endpoint, err), Next: "correct DOCKER_HOST or unset it", Err: err}
	}
	second, err := dockertest.NewPool(endpoint)
	if err != nil {
		return nil, &EngineError{What: fmt.Sprintf("no engine can be at %q: %v", endpoint, err), Next: "correct DOCKER_HOST or unset it", Err: err}
	}
	pool.Client.SetTimeout(callLimit)
	return &engine{endpoint: endpoint, pool: pool, wait: second.Client}, nil
}

// close lets go of idle connections; a run may make many runtimes.
func (e *engine) close() {
	e.pool.Client.HTTPClient.CloseIdleConnections()
	e.wait.HTTPClient.CloseIdleConnections()
}

func (e *engine) check(ctx context.Context) (EngineInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := e.pool.Client.PingWithContext(ctx); err != nil {
		var known *EngineError
		if errors.As(err, &known) {
			return EngineInfo{}, known // without the request that it was the answer to
		}
		return EngineInfo{}, explain(e.endpoint, err)
	}
	version, err := e.pool.Client.Version()
	if err != nil {
		return EngineInfo{}, explain(e.endpoint, err)
	}
	info := EngineInfo{
		Endpoint: e.endpoint, Version: version.Get("Version"), APIVersion: version.Get("ApiVersion"),
		OS: version.Get("Os"), Arch: version.Get("Arch"), Kernel: version.Get("KernelVersion"),
	}
	have, err := dc.NewAPIVersion(info.APIVersion)
	if err != nil {
		return info, &EngineError{What: fmt.Sprintf("what answers at %s is no container engine (API version %q)", e.endpoint, info.APIVersion), Next: "correct DOCKER_HOST or unset it", Err: err}
	}
	need, err := dc.NewAPIVersion(oldest)
	if err != nil {
		return info, err
	}
	if have.LessThan(need) {
		return info, &EngineError{
			What: fmt.Sprintf("the engine at %s is too old: version %s, API %s", e.endpoint, info.Version, info.APIVersion),
			Next: "update it to 19.03 or later (API " + oldest + "); ./scripts/setup-docker installs one",
		}
	}
	if info.OS != "linux" {
		return info, &EngineError{What: fmt.Sprintf("the engine at %s runs %s containers", e.endpoint, info.OS), Next: "switch it to Linux containers"}
	}
	if more, err := e.pool.Client.Info(); err == nil {
		info.CPUs, info.Memory = more.NCPU, more.MemTotal
	}
	return info, nil
}

// explain turns what the engine's client says into an error for people, where
// the cause is the engine and not the call.
func explain(endpoint string, err error) error {
	var known *EngineError
	var network net.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return err
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, fs.ErrNotExist):
		return &EngineError{
			What: "there is no container engine: " + strings.TrimPrefix(endpoint, "unix://") + " does not exist",
			Next: "install and start one with ./scripts/setup-docker, or set DOCKER_HOST to where yours listens", Err: err,
		}
	case errors.Is(err, fs.ErrPermission):
		return &EngineError{
			What: "this user may not use the container engine at " + endpoint + " (permission denied)",
			Next: "add the user to the group docker and log in again, or run as root; ./scripts/setup-docker says how", Err: err,
		}
	case errors.Is(err, dc.ErrConnectionRefused), errors.Is(err, syscall.ECONNREFUSED):
		return &EngineError{
			What: "the container engine at " + endpoint + " is not running (connection refused)",
			Next: "start it with ./scripts/setup-docker or `systemctl start docker`", Err: err,
		}
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network):
		return &EngineError{
			What: fmt.Sprintf("the container engine at %s does not answer: %v", endpoint, err),
			Next: "see whether `docker version` works; restart the engine or see ./scripts/setup-docker", Err: err,
		}
	}
	return err
}
