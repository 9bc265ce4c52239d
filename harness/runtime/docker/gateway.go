package docker

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	dc "github.com/ory/dockertest/v3/docker"
	"golang.org/x/sys/unix"

	"github.com/drainproof/drainproof/harness/target"
)

// unique returns what no other pod of any run is named by.
func unique() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// StartGateway implements runtime.Pod. Sidecars come first, so that the gateway
// is the youngest process of the pod, which is how the probe knows it.
func (p *pod) StartGateway(ctx context.Context) error {
	p.change.Lock()
	defer p.change.Unlock()
	if err := p.usable(); err != nil {
		return err
	}
	p.mu.Lock()
	infra, started := p.infra, p.gateway
	p.mu.Unlock()
	if started != "" {
		return errors.New("the gateway was started already; use Respawn")
	}
	t := p.resolved.Target
	for _, s := range t.Sidecars {
		if s.Inside {
			continue
		}
		id, err := p.create(ctx, "sidecar-"+s.Name, p.sidecar(s), p.joined(infra))
		if err != nil {
			return explain(p.r.engine.endpoint, err)
		}
		if _, err := p.launch(ctx, id, "sidecar-"+s.Name); err != nil {
			return explain(p.r.engine.endpoint, err)
		}
	}
	id, err := p.createGateway(ctx, infra)
	if err != nil {
		return err
	}
	if err := p.enliven(ctx, id); err != nil || t.Init == nil {
		return err
	}
	return p.settleIn(ctx, id)
}

// createGateway makes the gateway's container, and starts nothing.
func (p *pod) createGateway(ctx context.Context, infra string) (string, error) {
	t := p.resolved.Target
	c := &dc.Config{Image: p.prepared.ImageID, User: t.User, Env: p.resolved.Environment()}
	override(c, p.resolved.Command(t.Command))
	around := p.joined(infra)
	if t.Init != nil {
		around.PidMode = ""
	}
	id, err := p.create(ctx, "gateway", c, around)
	if err != nil {
		return "", explain(p.r.engine.endpoint, err)
	}
	p.mu.Lock()
	p.gateway = id
	p.mu.Unlock()
	return id, nil
}

// Remount implements runtime.Pod: the gateway's container is made anew, in the same
// namespaces. One with an init of its own would lose what only it has.
func (p *pod) Remount(ctx context.Context, readOnly bool) error {
	p.change.Lock()
	defer p.change.Unlock()
	id, err := p.gatewayID()
	if err != nil {
		return err
	}
	if p.resolved.Target.Init != nil {
		return errors.New("a gateway with an init of its own cannot be given another mount")
	}
	c, err := p.r.engine.pool.Client.InspectContainerWithContext(id, ctx)
	if err != nil {
		return explain(p.r.engine.endpoint, err)
	}
	if c.State.Running {
		return errors.New("the gateway still runs; end it before its home is mounted anew")
	}
	p.mu.Lock()
	infra := p.infra
	p.gateway = ""
	p.mu.Unlock()
	p.readOnly = readOnly
	if err := p.r.removeContainers(ctx, []string{id}); err != nil {
		return err
	}
	_, err = p.createGateway(ctx, infra)
	return err
}

// joined is a container in the namespaces of the infra container. No port is
// published: the engine refuses that in a joined network.
func (p *pod) joined(infra string) *dc.HostConfig {
	return &dc.HostConfig{NetworkMode: "container:" + infra, PidMode: "container:" + infra}
}

func (p *pod) sidecar(s target.Sidecar) *dc.Config {
	image := p.prepared.SidecarImages[s.Name]
	if image == "" {
		image = p.prepared.ImageID
	}
	c := &dc.Config{Image: image, Env: p.resolved.Environment(s.Env)}
	if s.Image == "" {
		c.User = p.resolved.Target.User
	}
	override(c, p.resolved.Command(s.Command))
	return c
}

// override replaces both entrypoint and command of the image.
func override(c *dc.Config, command []string) {
	if len(command) > 0 {
		c.Entrypoint, c.Cmd = command[:1], command[1:]
	}
}

// enliven starts the gateway's container, for the first time or again.
func (p *pod) enliven(ctx context.Context, id string) error {
	l, err := p.launch(ctx, id, "gateway")
	if err != nil {
		return explain(p.r.engine.endpoint, err)
	}
	p.mu.Lock()
	p.life = l
	p.mu.Unlock()
	return nil
}

// Respawn implements runtime.Pod: the same container, in the same namespaces,
// is started again.
func (p *pod) Respawn(ctx context.Context) error {
	p.change.Lock()
	defer p.change.Unlock()
	id, err := p.gatewayID()
	if err != nil {
		return err
	}
	c, err := p.r.engine.pool.Client.InspectContainerWithContext(id, ctx)
	if err != nil {
		return explain(p.r.engine.endpoint, err)
	}
	if init := p.resolved.Target.Init; init != nil {
		return p.respawnUnder(ctx, init, c)
	}
	if c.State.Running {
		return errors.New("the gateway still runs; end it before it is respawned")
	}
	return p.enliven(ctx, id)
}

func (p *pod) gatewayID() (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.closed:
		return "", errClosed
	case p.gateway == "":
		return "", errors.New("the gateway was not started yet; call StartGateway first")
	}
	return p.gateway, nil
}

// GatewayPID implements runtime.Pod: the probe has to look for it.
func (p *pod) GatewayPID() int { return 0 }

// Signal implements runtime.Pod; name is TERM, KILL, ... with or without SIG.
// SIGKILL ends a frozen gateway too.
func (p *pod) Signal(ctx context.Context, name string) error {
	id, err := p.gatewayID()
	if err != nil {
		return err
	}
	number := unix.SignalNum("SIG" + strings.TrimPrefix(strings.ToUpper(name), "SIG"))
	if number == 0 {
		return fmt.Errorf("no signal is named %q", name)
	}
	if init := p.resolved.Target.Init; init != nil {
		return p.signalUnder(ctx, init, id, int(number))
	}
	err = p.r.engine.pool.Client.KillContainer(dc.KillContainerOptions{ID: id, Signal: dc.Signal(number), Context: ctx})
	var ended *dc.ContainerNotRunning
	if errors.As(err, &ended) {
		return fmt.Errorf("cannot send %s: the gateway has ended", name)
	}
	return explain(p.r.engine.endpoint, err)
}

// WaitGateway implements runtime.Pod. When it returns, all the gateway wrote is
// in the log. A gateway ended by signal N has exit code 128+N.
func (p *pod) WaitGateway(ctx context.Context) (int, error) {
	id, err := p.gatewayID()
	if err != nil {
		return 0, err
	}
	p.mu.Lock()
	l := p.life
	p.mu.Unlock()
	if l == nil {
		return 0, errors.New("the gateway could not be started")
	}
	if init := p.resolved.Target.Init; init != nil {
		return p.exitUnder(ctx, init, id, l)
	}
	code, err := p.r.engine.wait.WaitContainerWithContext(id, ctx)
	if err != nil {
		return 0, explain(p.r.engine.endpoint, err)
	}
	l.drained(ctx)
	return code, nil
}

// Freeze implements runtime.Pod. The engine gives up, and thaws what it had frozen,
// where a thread does not come to a stop in time, which on a slow machine happens; to
// try again is the caller's part (opencontainers/runc, pull request 4388).
func (p *pod) Freeze(ctx context.Context) error {
	return p.pause(ctx, p.r.engine.pool.Client.PauseContainer, "unable to freeze", "is already paused")
}

// Thaw implements runtime.Pod.
func (p *pod) Thaw(ctx context.Context) error {
	return p.pause(ctx, p.r.engine.pool.Client.UnpauseContainer, "is not paused")
}

func (p *pod) pause(ctx context.Context, do func(id string) error, passing ...string) error {
	id, err := p.gatewayID()
	if err != nil {
		return err
	}
	return explain(p.r.engine.endpoint, insist(ctx, func() error { return do(id) }, passing...))
}

// The engine takes a container for paused, or for not paused, by events that it may be
// behind with: asked right after the opposite it says that there is nothing to do (as in
// fnproject/fn, issue 836), and leaves everything as it was.
const (
	pauseWithin = 10 * time.Second
	pauseEvery  = 50 * time.Millisecond
)

// insist does what may fail for a reason that passes, until it does not, at most for
// [pauseWithin].
func insist(ctx context.Context, do func() error, passing ...string) error {
	until := time.Now().Add(pauseWithin)
	for ctx.Err() == nil {
		err := do()
		passes := err != nil && slices.ContainsFunc(passing, func(reason string) bool { return strings.Contains(err.Error(), reason) })
		if !passes || time.Now().After(until) {
			return err
		}
		select {
		case <-time.After(pauseEvery):
		case <-ctx.Done():
			return err
		}
	}
	return ctx.Err()
}
