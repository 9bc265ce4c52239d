package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"

	"github.com/drainproof/drainproof/reference/admission"
	"github.com/drainproof/drainproof/reference/home"
	"github.com/drainproof/drainproof/reference/ingress"
	"github.com/drainproof/drainproof/reference/lifecycle"
)

// Gateway is one gateway, to be run once.
type Gateway struct {
	config  Config
	wraps   []Wrap
	ready   chan struct{}
	address net.Addr
}

// New returns a gateway that does nothing yet.
func New(config Config, wraps ...Wrap) *Gateway {
	return &Gateway{config: config, wraps: wraps, ready: make(chan struct{})}
}

// Ready is closed when the ingress is open.
func (g *Gateway) Ready() <-chan struct{} { return g.ready }

// Address is where the ingress listens, once Ready is closed.
func (g *Gateway) Address() net.Addr { return g.address }

// StartError is why a gateway did not start: the user's to mend.
type StartError struct{ Err error }

// Error implements error.
func (e *StartError) Error() string { return "the gateway did not start: " + e.Err.Error() }

// Unwrap implements errors.Unwrap.
func (e *StartError) Unwrap() error { return e.Err }

// Run runs the gateway until a signal comes or ctx ends, which is taken for one.
// It returns nil after a shutdown in good order, *Interrupted when a second signal
// cut it short, *StartError when it never got to serve, and another error when
// serving failed.
func (g *Gateway) Run(ctx context.Context, signals <-chan os.Signal) error {
	if err := home.Prepare(g.config.Home); err != nil {
		return &StartError{err}
	}
	lock, err := home.Acquire(g.config.Home)
	if err != nil {
		return &StartError{err}
	}
	defer func() { _ = lock.Release() }() // the end of the process releases it anyway

	// What an earlier gateway left in the state file is wrong from here on.
	parts := g.publishing(lock.Holder)
	if err := parts.Publisher.Publish(parts.Ledger.Snapshot().Version); err != nil {
		return &StartError{err}
	}
	end := follow(ctx, signals)
	defer end.forget()
	return errors.Join(g.run(parts, end), publishStopped(parts))
}

// run is all between the publication of starting and that of stopped.
func (g *Gateway) run(parts *Parts, end *endings) error {
	if err := g.telling(parts); err != nil {
		return &StartError{err}
	}
	if err := g.working(parts); err != nil {
		return &StartError{err}
	}
	g.watching(parts)
	// Turns that were cut off are counted before anything but starting is published:
	// no reading says that nothing is in flight while something is owed (RESTART-004).
	parts.Detached.Dispatch(end.stopping)
	if err := parts.Watcher.First(end.stopping); err != nil {
		return errors.Join(notAsked(end, err), g.abandon(parts, end))
	}
	// The state is decided and published; a turn may come.
	listener, err := net.Listen("tcp", g.config.Listen)
	if err != nil {
		return errors.Join(&StartError{fmt.Errorf("cannot listen on %s: %w; give another address with --listen or %s", g.config.Listen, cause(err), EnvListen)},
			g.abandon(parts, end))
	}
	server := ingress.New(ingress.Parts{
		Admitter: parts.Admitter, Turns: parts.Turns, Detached: parts.Detached, Background: parts.Background, Jobs: parts.Jobs,
		Ledger: parts.Ledger, Log: parts.Log, QueueFollowUps: g.config.QueueFollowUps, Around: g.around(parts),
	})
	var work sync.WaitGroup
	served := make(chan error, 1)
	work.Go(func() { served <- server.Serve(listener) })
	// The watcher goes on through a shutdown. That it can't undo one is the state
	// machine's doing, not the watcher's absence.
	watching, stopWatching := context.WithCancel(context.Background())
	work.Go(func() { _ = parts.Watcher.Run(watching) })
	work.Go(func() { parts.Detached.Run(watching) })
	parts.Jobs.Start()
	g.address = listener.Addr()
	close(g.ready)
	parts.Log.Info("the gateway serves", "address", g.address.String(), "home", g.config.Home, "gateway_state", parts.Ledger.Snapshot().State)

	var failed error
	select {
	case <-end.stopping.Done():
	case failed = <-served:
		failed = fmt.Errorf("the ingress failed: %w", failed)
	}
	g.drain(parts, end)
	g.close(parts, server, end)
	stopWatching()
	parts.Jobs.Close()
	parts.Background.Close()
	work.Wait()
	if end.killed.Err() != nil {
		// The database is left as it is: it takes a crash, and closing it may wait.
		return context.Cause(end.killed)
	}
	return errors.Join(failed, parts.Sessions.Close())
}

// publishStopped is the last thing a gateway does.
func publishStopped(parts *Parts) error {
	now := parts.Ledger.Update(func(book *admission.Book) { book.Apply(lifecycle.Ended) })
	return parts.Publisher.Publish(now.Version)
}

// cause strips the operation and the address that the message names already.
func cause(err error) error {
	var system *os.SyscallError
	if errors.As(err, &system) {
		return system.Err
	}
	return err
}
