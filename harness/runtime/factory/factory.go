// Package factory makes a runtime by its name. It exists so that runtime itself
// need not know those that implement it.
package factory

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/drainproof/drainproof/harness/artifact"
	"github.com/drainproof/drainproof/harness/runtime"
	"github.com/drainproof/drainproof/harness/runtime/docker"
	"github.com/drainproof/drainproof/harness/runtime/process"
)

// Options are what every runtime needs.
type Options struct {
	RunID    string            // all processes of one run use the same
	OwnerPID int               // the process that lives as long as the run; 0: this one
	Root     string            // the checkout; "": artifact.FindRoot
	Progress func(step string) // told what takes long, one line each; may be nil
	Log      *slog.Logger      // nil: none
}

// Names are the runtimes there are, the one that certifies first.
func Names() []string { return []string{docker.Name, process.Name} }

// New makes the named runtime. Where there is no engine for docker, the error is
// a *docker.EngineError.
func New(ctx context.Context, name string, o Options) (runtime.Runtime, error) {
	if o.Root == "" {
		root, err := artifact.FindRoot()
		if err != nil {
			return nil, err
		}
		o.Root = root
	}
	switch name {
	case docker.Name:
		r, err := docker.New(ctx, docker.Options{RunID: o.RunID, OwnerPID: o.OwnerPID, Root: o.Root, Progress: o.Progress, Log: o.Log})
		if err != nil {
			return nil, err // not r: a nil pointer in an interface is not nil
		}
		return r, nil
	case process.Name:
		r, err := process.New(ctx, process.Options{RunID: o.RunID, OwnerPID: o.OwnerPID, Root: o.Root, Progress: o.Progress, Log: o.Log})
		if err != nil {
			return nil, err
		}
		return r, nil
	}
	return nil, fmt.Errorf("there is no runtime %q; choose one of %q", name, Names())
}
