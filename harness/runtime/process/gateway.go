package process

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// StartGateway implements runtime.Pod; sidecars come first.
func (p *pod) StartGateway(context.Context) error {
	p.change.Lock()
	defer p.change.Unlock()
	if err := p.usable(); err != nil {
		return err
	}
	p.mu.Lock()
	started := p.gateway != nil
	p.mu.Unlock()
	if started {
		return errors.New("the gateway was started already; use Respawn")
	}
	t := p.resolved.Target
	for _, s := range t.Sidecars {
		l, err := p.run(s.Process, p.resolved.Environment(s.Env))
		if err != nil {
			return fmt.Errorf("sidecar %s: %w", s.Name, err)
		}
		p.mu.Lock()
		p.sidecars = append(p.sidecars, l)
		p.mu.Unlock()
	}
	return p.startGateway()
}

func (p *pod) startGateway() error {
	l, err := p.run(p.resolved.Target.Process.Command, p.resolved.Environment())
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.gateway = l
	p.mu.Unlock()
	return p.note()
}

// run starts a program of the target, with its output going to the pod's log.
func (p *pod) run(args, env []string) (*life, error) {
	out, errs := p.log.Writer(), p.log.Writer()
	cmd := p.command(p.resolved.Command(args), workdir(p.resolved.Target), env)
	cmd.Stdout, cmd.Stderr = out, errs
	return p.spawner.launch(cmd, out, errs)
}

// Respawn implements runtime.Pod.
func (p *pod) Respawn(context.Context) error {
	p.change.Lock()
	defer p.change.Unlock()
	l, err := p.current()
	if err != nil {
		return err
	}
	if !l.over() {
		return errors.New("the gateway still runs; end it before it is respawned")
	}
	return p.startGateway()
}

func (p *pod) current() (*life, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
		return nil, errors.New("the pod is closed")
	case p.gateway == nil:
		return nil, errors.New("the gateway was not started yet; call StartGateway first")
	}
	return p.gateway, nil
}

// GatewayPID implements runtime.Pod.
func (p *pod) GatewayPID() int {
	l, err := p.current()
	if err != nil || l.over() {
		return 0
	}
	return l.pid
}

// Signal implements runtime.Pod; name is TERM, KILL, ... with or without SIG. It
// goes to the main process alone, as an engine's would.
func (p *pod) Signal(_ context.Context, name string) error {
	l, err := p.current()
	if err != nil {
		return err
	}
	number := unix.SignalNum("SIG" + strings.TrimPrefix(strings.ToUpper(name), "SIG"))
	if number == 0 {
		return fmt.Errorf("no signal is named %q", name)
	}
	if err := l.send(l.pid, number); err != nil {
		return fmt.Errorf("cannot send %s: %w", name, err)
	}
	return nil
}

// WaitGateway implements runtime.Pod. When it returns, all the gateway wrote is
// in the log. A gateway ended by signal N has exit code 128+N.
func (p *pod) WaitGateway(ctx context.Context) (int, error) {
	l, err := p.current()
	if err != nil {
		return 0, err
	}
	select {
	case <-l.ended:
		return l.code, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// Freeze implements runtime.Pod; when it returns, nothing of the gateway runs.
func (p *pod) Freeze(context.Context) error {
	l, err := p.current()
	if err != nil {
		return err
	}
	if err := l.send(-l.pid, unix.SIGSTOP); err != nil {
		return fmt.Errorf("cannot freeze: %w", err)
	}
	awaitState(l.pid, unix.WSTOPPED|unix.WEXITED)
	return nil
}

// Thaw implements runtime.Pod.
func (p *pod) Thaw(context.Context) error {
	l, err := p.current()
	if err != nil {
		return err
	}
	if err := l.send(-l.pid, unix.SIGCONT); err != nil {
		return fmt.Errorf("cannot thaw: %w", err)
	}
	return nil
}

// Logs implements runtime.Pod.
func (p *pod) Logs(_ context.Context, n int) ([]string, error) { return p.log.Last(n), nil }

// Follow implements runtime.Pod. It begins with what was written before it was
// called, and goes on over respawn and recreate.
func (p *pod) Follow(ctx context.Context, line func(string)) error { return p.log.Follow(ctx, line) }

// errEnded is what can no longer be done to a process.
var errEnded = errors.New("the gateway has ended")

// send signals the process or its group, never one that has its number by now.
func (l *life) send(pid int, sig syscall.Signal) error {
	l.reaping.Lock()
	defer l.reaping.Unlock()
	if l.reaped {
		return errEnded
	}
	err := unix.Kill(pid, sig)
	if errors.Is(err, unix.ESRCH) {
		return errEnded
	}
	return err
}

// kill ends the whole group, frozen or not, and waits until it is gone.
func (l *life) kill(ctx context.Context) error {
	if err := l.send(-l.pid, unix.SIGKILL); err != nil && !errors.Is(err, errEnded) {
		return err
	}
	select {
	case <-l.ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("process %d does not die", l.pid)
	}
}
