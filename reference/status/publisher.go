package status

import (
	"log/slog"
	"sync"
	"time"

	"github.com/drainproof/drainproof/reference/admission"
	"github.com/drainproof/drainproof/reference/home"
	"github.com/drainproof/drainproof/reference/lifecycle"
)

// Publisher writes the ledger's snapshots to a store, each later than the one
// before: the snapshot is taken while the publisher's own lock is held, so two
// publishers can't overtake each other. Those who wait for the lock while another
// writes often find their version already written, and are done.
type Publisher struct {
	ledger *admission.Ledger
	store  Store
	self   home.Holder
	log    *slog.Logger

	mu      sync.Mutex
	written uint64
	sealed  bool // stopped was written: the last publication there is (STATE-012)
}

// NewPublisher returns the publisher of the process self.
func NewPublisher(ledger *admission.Ledger, store Store, self home.Holder, log *slog.Logger) *Publisher {
	return &Publisher{ledger: ledger, store: store, self: self, log: log}
}

// Publish returns once a snapshot of at least this version is in the store. A
// failure is logged and returned; it is made good by the next call that comes, at
// the latest when the marker is looked at again.
func (p *Publisher) Publish(version uint64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.written >= version || p.sealed {
		return nil
	}
	now := p.ledger.Snapshot()
	if err := p.store.Write(p.record(now)); err != nil {
		p.log.Error("the gateway's state could not be published", "gateway_state", now.State, "active_agents", now.InFlight, "error", err)
		return err
	}
	p.written = now.Version
	p.sealed = now.State == lifecycle.Stopped
	return nil
}

func (p *Publisher) record(now admission.Snapshot) Record {
	return Record{
		State:        now.State,
		ActiveAgents: now.InFlight,
		PID:          p.self.PID,
		StartTime:    p.self.StartTime,
		StartedAt:    p.self.StartedAt,
		UpdatedAt:    time.Now().UTC(),
	}
}
