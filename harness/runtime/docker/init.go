package docker

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	dc "github.com/ory/dockertest/v3/docker"

	"github.com/drainproof/drainproof/harness/runtime"
	"github.com/drainproof/drainproof/harness/runtime/logtail"
	"github.com/drainproof/drainproof/harness/target"
)

// A gateway whose image brings an init of its own is a process of its container, which has
// a PID namespace of its own and goes on without it. What is done to the process is done by
// the init's own commands, or by the probe's program, which visits that namespace for a
// moment in a container of its own.

// gatewayUser is whom the gateway runs as where it is not the container's user.
func (p *pod) gatewayUser() string {
	if init := p.resolved.Target.Init; init != nil {
		return init.User
	}
	return ""
}

// settleIn shows the probe the processes of the gateway's container, and starts there what
// must see the gateway's.
func (p *pod) settleIn(ctx context.Context, id string) error {
	if err := p.visit(ctx, id, "show"); err != nil {
		if c, failed := p.r.engine.pool.Client.InspectContainerWithContext(id, ctx); failed == nil && !c.State.Running {
			return nil // it ended at once; whoever looks for the gateway tells its last words
		}
		return fmt.Errorf("look into the gateway's container: %w", explain(p.r.engine.endpoint, err))
	}
	for _, s := range p.resolved.Target.Sidecars {
		if !s.Inside {
			continue
		}
		if err := p.startInside(ctx, id, s); err != nil {
			return fmt.Errorf("start sidecar %s in the gateway's container: %w", s.Name, explain(p.r.engine.endpoint, err))
		}
	}
	return nil
}

// startInside starts a sidecar in the gateway's container, with which it ends. What it
// writes goes to the pod's log.
func (p *pod) startInside(ctx context.Context, id string, s target.Sidecar) error {
	client := p.r.engine.pool.Client
	made, err := client.CreateExec(dc.CreateExecOptions{
		Container: id, User: p.gatewayUser(), Cmd: p.resolved.Command(s.Command), Env: p.resolved.Environment(s.Env),
		AttachStdout: true, AttachStderr: true, Context: ctx,
	})
	if err != nil {
		return err
	}
	out, errs := p.log.Writer(), p.log.Writer()
	// It outlives the call that starts it.
	conn, err := p.r.engine.wait.StartExecNonBlocking(made.ID, dc.StartExecOptions{OutputStream: out, ErrorStream: errs})
	if err != nil {
		return err
	}
	go func() {
		err := conn.Wait()
		p.r.log.Debug("a sidecar's output ended", "name", s.Name, "error", err)
		_ = out.Close()
		_ = errs.Close()
	}()
	return nil
}

// visit runs the probe's program in the PID namespace of a container, to its end.
func (p *pod) visit(ctx context.Context, id string, args ...string) error {
	p.mu.Lock()
	infra := p.infra
	p.mu.Unlock()
	c := &dc.Config{Image: p.prepared.ProbeImage}
	override(c, append([]string{"/probe"}, args...))
	visitor, err := p.create(ctx, "visitor-"+unique(), c, &dc.HostConfig{NetworkMode: "container:" + infra, PidMode: "container:" + id})
	if err != nil {
		return err
	}
	defer func() {
		ctx, cancel := cleanup(ctx)
		defer cancel()
		if err := p.r.removeContainer(ctx, visitor); err != nil { // it goes with the pod then
			p.r.log.Warn("could not remove a visitor", "error", err)
		}
	}()
	said, ended := logtail.New(), make(chan struct{})
	out, errs := said.Writer(), said.Writer()
	err = p.startAttached(ctx, "visitor", dc.AttachToContainerOptions{
		Container: visitor, Stdout: true, Stderr: true, OutputStream: out, ErrorStream: errs,
	}, func(error) {
		_ = out.Close()
		_ = errs.Close()
		close(ended)
	})
	if err != nil {
		return err
	}
	code, err := p.r.engine.wait.WaitContainerWithContext(visitor, ctx)
	if err != nil {
		return err
	}
	(&life{ended: ended}).drained(ctx)
	return runtime.ExecError(args, code, said.Last(5))
}

// command runs one of the init's own commands and returns what it said last.
func (p *pod) command(ctx context.Context, id, name string, words []string) (string, error) {
	words, said := p.resolved.Command(words), logtail.New()
	code, err := p.exec(ctx, id, "", words, said)
	if err == nil {
		err = runtime.ExecError(words, code, said.Last(5))
	}
	if err != nil {
		return "", fmt.Errorf("init.%s: %w", name, explain(p.r.engine.endpoint, err))
	}
	return strings.TrimSpace(strings.Join(said.Last(1), "")), nil
}

// signalUnder sends a signal to the gateway's process; it does not reach the init.
func (p *pod) signalUnder(ctx context.Context, init *target.Init, id string, number int) error {
	if len(init.Leave) > 0 {
		if _, err := p.command(ctx, id, "leave", init.Leave); err != nil {
			return err
		}
	}
	return explain(p.r.engine.endpoint, p.visit(ctx, id, "signal", "--number", strconv.Itoa(number), "--like", init.Gateway))
}

// respawnUnder has the init start the gateway again.
func (p *pod) respawnUnder(ctx context.Context, init *target.Init, c *dc.Container) error {
	switch {
	case len(init.Respawn) == 0:
		return errors.New("the target names no command that starts the gateway again; add init.respawn")
	case !c.State.Running:
		return fmt.Errorf("the gateway's container has ended with it (exit code %d), so that no command can start it again there; leave init.respawn out", c.State.ExitCode)
	}
	_, err := p.command(ctx, c.ID, "respawn", init.Respawn)
	return err
}

// How long is waited for a container to end after its gateway, where its exit code is the
// gateway's; for the init to know how that ended; and how often is asked.
const (
	endsWithin  = 15 * time.Second
	tellsWithin = 5 * time.Second
	askEvery    = 20 * time.Millisecond
)

// exitUnder is the exit code of a gateway that has ended: what the init's command says or,
// where there is none, the exit code of the container, if that ends too; else -1.
func (p *pod) exitUnder(ctx context.Context, init *target.Init, id string, l *life) (int, error) {
	limit, said := time.Duration(0), ""
	switch {
	case len(init.Exit) > 0:
		limit = tellsWithin
	case p.resolved.Target.Declares("shutdown"): // somebody wants to know
		limit = endsWithin
	}
	for began := time.Now(); ; {
		c, err := p.r.engine.pool.Client.InspectContainerWithContext(id, ctx)
		if err != nil {
			return 0, explain(p.r.engine.endpoint, err)
		}
		if !c.State.Running {
			l.drained(ctx)
			return c.State.ExitCode, nil
		}
		if len(init.Exit) > 0 {
			if said, err = p.command(ctx, id, "exit", init.Exit); err != nil {
				return 0, err
			}
			if code, err := strconv.Atoi(said); err == nil && code >= 0 {
				return code, nil
			}
		}
		if time.Since(began) >= limit {
			break
		}
		select {
		case <-time.After(askEvery):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	if len(init.Exit) > 0 {
		return 0, fmt.Errorf("init.exit says %q after the gateway's end; it must print the exit code", said)
	}
	return -1, nil
}
