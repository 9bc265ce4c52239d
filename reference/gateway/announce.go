package gateway

import (
	"context"
	"sync"
	"time"

	"github.com/drainproof/drainproof/reference/admission"
	"github.com/drainproof/drainproof/reference/drain"
	"github.com/drainproof/drainproof/reference/notify"
)

// announceWithin is how long a broadcast may take, from the look at the marker to
// the answer; a shutdown is never delayed by more.
const announceWithin = time.Second

// announce broadcasts the shutdown while the turns finish, unless an active marker
// asks for silence (NOTIFY-001, NOTIFY-002). The returned function waits for it,
// within its bound.
func announce(parts *Parts, end *endings, now admission.Snapshot) (wait func()) {
	ctx, cancel := context.WithTimeout(end.killed, announceWithin)
	told := make(chan struct{})
	go func() {
		defer close(told)
		if seen := parts.Source.Look(ctx); seen.Present && seen.Request.SuppressNotification {
			parts.Log.Info("the shutdown is not announced, as the drain request asks", "principal", seen.Request.Principal)
			return
		}
		shutdown := notify.Shutdown{ActiveAgents: now.InFlight, PID: parts.Self.PID, At: time.Now().UTC()}
		if err := parts.Notifier.Notify(ctx, shutdown); err != nil {
			parts.Log.Warn("the shutdown could not be announced", "error", err)
		}
	}()
	return func() {
		defer cancel()
		select {
		case <-told:
		case <-ctx.Done():
		}
	}
}

// serial is a source that is looked at by one goroutine at a time: the watcher's,
// or that of an announcement.
type serial struct {
	mu     sync.Mutex
	source drain.Source
}

func (s *serial) Look(ctx context.Context) drain.Observation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.source.Look(ctx)
}
