package docker

import (
	"context"
	"errors"
	"fmt"
	"time"

	dc "github.com/ory/dockertest/v3/docker"

	"github.com/drainproof/drainproof/harness/runtime"
	"github.com/drainproof/drainproof/harness/runtime/logtail"
	"github.com/drainproof/drainproof/harness/target"
)

// Exec implements runtime.Pod: in the gateway's container, with its user, its
// environment and its namespaces.
func (p *pod) Exec(ctx context.Context, program target.Program) error {
	if len(program.Command) == 0 {
		return errors.New("the target names no command for containers")
	}
	id, err := p.gatewayID()
	if err != nil {
		return err
	}
	command := p.resolved.Command(program.Command)
	said := logtail.New()
	code, err := p.exec(ctx, id, p.gatewayUser(), command, said)
	if err != nil {
		return fmt.Errorf("run %q in the gateway's container: %w", command, explain(p.r.engine.endpoint, err))
	}
	return runtime.ExecError(command, code, said.Last(5))
}

// exec runs a program in a container to its end and returns its exit code; user "" is the
// container's.
func (p *pod) exec(ctx context.Context, container, user string, command []string, said *logtail.Log) (int, error) {
	client := p.r.engine.pool.Client
	made, err := client.CreateExec(dc.CreateExecOptions{
		Container: container, User: user, Cmd: command, AttachStdout: true, AttachStderr: true, Context: ctx,
	})
	if err != nil {
		return 0, err
	}
	out, errs := said.Writer(), said.Writer()
	conn, err := client.StartExecNonBlocking(made.ID, dc.StartExecOptions{OutputStream: out, ErrorStream: errs, Context: ctx})
	if err != nil {
		return 0, err
	}
	ended := make(chan error, 1)
	go func() {
		err := conn.Wait()
		_ = out.Close()
		_ = errs.Close()
		ended <- err
	}()
	select {
	case err = <-ended:
	case <-ctx.Done():
		_ = conn.Close()
		return 0, ctx.Err()
	}
	if err != nil {
		return 0, err
	}
	for { // its output is over a moment before it is
		state, err := client.InspectExec(made.ID)
		if err != nil {
			return 0, err
		}
		if !state.Running {
			return state.ExitCode, nil
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}
