package gateway

import (
	"context"
	"fmt"
	"os"
	"syscall"
	"time"

	"github.com/drainproof/drainproof/reference/admission"
	"github.com/drainproof/drainproof/reference/ingress"
	"github.com/drainproof/drainproof/reference/lifecycle"
)

const (
	// afterInterrupt is how long interrupted turns get to tell their clients.
	afterInterrupt = time.Second
	// lastAnswers is how long answers that are no turns (refusals) get to go out.
	lastAnswers = 250 * time.Millisecond
)

// Interrupted is returned when a second signal ended a shutdown at once.
type Interrupted struct{ Signal os.Signal }

// Error implements error.
func (e *Interrupted) Error() string {
	return fmt.Sprintf("the shutdown was cut short by a second signal (%s)", e.Signal)
}

// ExitCode is 128 and the signal's number, as a shell has it.
func (e *Interrupted) ExitCode() int {
	if signal, ok := e.Signal.(syscall.Signal); ok {
		return 128 + int(signal)
	}
	return 128
}

// endings turns signals into contexts: the first ends stopping, the second killed.
type endings struct {
	stopping context.Context
	killed   context.Context
	forget   context.CancelFunc
}

func follow(ctx context.Context, signals <-chan os.Signal) *endings {
	stopping, stop := context.WithCancel(ctx)
	killed, kill := context.WithCancelCause(context.Background())
	over, forget := context.WithCancel(context.Background())
	go func() {
		defer kill(nil)
		defer stop()
		select {
		case <-signals:
			stop()
		case <-ctx.Done():
		case <-over.Done():
			return
		}
		select {
		case signal := <-signals:
			kill(&Interrupted{signal})
		case <-over.Done():
		}
	}()
	return &endings{stopping: stopping, killed: killed, forget: forget}
}

// notAsked returns nil for an error that is only the consequence of a signal.
func notAsked(end *endings, err error) error {
	if end.killed.Err() != nil {
		return context.Cause(end.killed)
	}
	if end.stopping.Err() != nil {
		return nil
	}
	return err
}

// drain is the shutdown drain: the gate closes for good, and the turns in flight
// get until the deadline to finish; past it they are interrupted (SHUTDOWN-001,
// SHUTDOWN-002). It needs no look at the marker and waits for none (STATE-011);
// whom to tell is found out beside it.
func (g *Gateway) drain(parts *Parts, end *endings) {
	now := parts.Ledger.Update(func(book *admission.Book) { book.Apply(lifecycle.Terminate) })
	_ = parts.Publisher.Publish(now.Version) // logged; there is no going back
	parts.Log.Info("shutting down", "active_agents", now.InFlight, "timeout", g.config.ShutdownTimeout.String())
	defer announce(parts, end, now)()

	if idleWithin(end.killed, parts.Ledger, g.config.ShutdownTimeout) {
		return
	}
	parts.Log.Warn("interrupting the turns still in flight", "turns", parts.Turns.InterruptAll())
	idleWithin(end.killed, parts.Ledger, afterInterrupt)
}

// abandon ends a gateway that never came to serve. Turns that it took up again
// stay owed.
func (g *Gateway) abandon(parts *Parts, end *endings) error {
	if parts.Turns.InterruptAll() > 0 {
		idleWithin(end.killed, parts.Ledger, afterInterrupt)
	}
	return parts.Sessions.Close()
}

// close ends the ingress. Turns that a second signal or a stalled reader kept are
// cut here, and give their slots back as their connections close.
func (g *Gateway) close(parts *Parts, server *ingress.Server, end *endings) {
	ctx, cancel := context.WithTimeout(end.killed, lastAnswers)
	defer cancel()
	if err := server.Close(ctx); err != nil {
		parts.Log.Warn("closing the ingress", "error", err)
	}
	if !idleWithin(end.killed, parts.Ledger, afterInterrupt) {
		parts.Log.Warn("turns were cut", "active_agents", parts.Ledger.Snapshot().InFlight)
	}
}

func idleWithin(ctx context.Context, ledger *admission.Ledger, limit time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return ledger.Wait(ctx, func(now admission.Snapshot) bool { return now.InFlight == 0 }) == nil
}
