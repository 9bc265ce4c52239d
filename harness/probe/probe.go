package probe

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"sync"

	"github.com/drainproof/drainproof/harness/wire"
)

// Probe is one probe, for one pod. Its methods are safe for concurrent use.
type Probe struct {
	log *slog.Logger
	rec *recorder
	// work are the requests being handled. A conversation that ends does not wait
	// for them: one may be waiting for room in the queue, which the next one makes.
	work sync.WaitGroup
	stop context.CancelFunc // of the heartbeat

	mu      sync.Mutex
	session *session // nil before configure
	stopped bool
}

// New makes a probe and starts its heartbeat; Close ends both. Diagnostics go to
// log and never to the conversation.
func New(log *slog.Logger) *Probe {
	ctx, stop := context.WithCancel(context.Background())
	p := &Probe{log: log, rec: newRecorder(), stop: stop}
	p.work.Go(func() { heartbeat(ctx, p.rec) })
	return p
}

// Close stops everything the probe runs: turns, model, observers. It returns when
// they have ended. Conversations must have been ended by their context before.
func (p *Probe) Close() {
	p.stop()
	p.mu.Lock()
	s := p.session
	p.session, p.stopped = nil, true
	p.mu.Unlock()
	p.rec.close() // first, so that nobody waits for room in the queue
	if s != nil {
		s.close()
	}
	p.work.Wait()
}

// configured returns the session, or says that there is none yet.
func (p *Probe) configured() (*session, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.session == nil {
		return nil, errors.New("the probe is not configured; send configure first")
	}
	return p.session, nil
}

// configure replaces the session. The old one is over before the new one begins,
// because both may listen on the same address.
func (p *Probe) configure(params wire.ConfigureParams) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return errors.New("the probe is shutting down")
	}
	if p.session != nil {
		p.session.close()
		p.session = nil
	}
	p.rec.setRedact(params.Redact)
	s, err := newSession(p.log, p.rec, params)
	if err != nil {
		return err
	}
	p.session = s
	p.log.Info("configured", "home", params.Home, "model", s.model.address(), "publications", len(params.Publications), "pid", os.Getpid())
	return nil
}
