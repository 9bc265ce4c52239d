package docker

import (
	"context"
	"fmt"
	"time"

	dc "github.com/ory/dockertest/v3/docker"
)

// life is one run of a container, from start to end, with its output on the way
// to the pod's log.
type life struct {
	ended chan struct{} // closed when all it wrote is in the log
}

// launch starts a container, attached: from its first byte on, what it writes
// goes to the pod's log, sooner than the engine's own log would show it.
func (p *pod) launch(ctx context.Context, id, role string) (*life, error) {
	out, errs := p.log.Writer(), p.log.Writer()
	l := &life{ended: make(chan struct{})}
	over := func(error) {
		_ = out.Close()
		_ = errs.Close()
		close(l.ended)
	}
	return l, p.startAttached(ctx, role, dc.AttachToContainerOptions{
		Container: id, Stdout: true, Stderr: true, OutputStream: out, ErrorStream: errs,
	}, over)
}

// startAttached attaches to a container and then starts it, so that nothing it writes
// is missed. When its output has ended, over is told why.
func (p *pod) startAttached(ctx context.Context, role string, o dc.AttachToContainerOptions, over func(error)) error {
	attached := make(chan struct{})
	o.Stream, o.Success = true, attached
	conn, err := p.r.engine.pool.Client.AttachToContainerNonBlocking(o)
	if err != nil {
		over(err)
		return fmt.Errorf("attach to the %s container: %w", role, err)
	}
	go func() {
		err := conn.Wait()
		p.r.log.Debug("a container's output ended", "role", role, "error", err)
		over(err)
	}()
	// The client waits for us twice: it says that the engine has answered, and
	// reads on once we say so.
	shake := func(ctx context.Context) error {
		select {
		case <-attached:
			attached <- struct{}{}
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	limited, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	if err := shake(limited); err != nil {
		go func() { _ = shake(context.Background()) }() // let the client go on to its end
		_ = conn.Close()
		return fmt.Errorf("attach to the %s container: %w", role, err)
	}
	if err := p.start(ctx, o.Container, role); err != nil {
		_ = conn.Close()
		return err
	}
	return nil
}

// drained waits until all that was written is in the log; a child of the
// gateway that holds on to its output is not waited for.
func (l *life) drained(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	select {
	case <-l.ended:
	case <-ctx.Done():
	}
}

// Logs implements runtime.Pod.
func (p *pod) Logs(_ context.Context, n int) ([]string, error) { return p.log.Last(n), nil }

// Follow implements runtime.Pod. It begins with what was written before it was
// called, and goes on over respawn and recreate.
func (p *pod) Follow(ctx context.Context, line func(string)) error { return p.log.Follow(ctx, line) }
