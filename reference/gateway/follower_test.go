package gateway

import (
	"errors"
	"log/slog"
	"testing"

	"github.com/drainproof/drainproof/reference/admission"
	"github.com/drainproof/drainproof/reference/drain"
	"github.com/drainproof/drainproof/reference/lifecycle"
)

// journal is a Publisher that notes what the ledger said at each publication.
type journal struct {
	ledger  *admission.Ledger
	written uint64
	states  []lifecycle.State
	fail    bool
}

func (j *journal) Publish(version uint64) error {
	if j.fail {
		return errors.New("disk full")
	}
	if j.written >= version {
		return nil
	}
	now := j.ledger.Snapshot()
	j.written = now.Version
	j.states = append(j.states, now.State)
	return nil
}

var (
	there   = drain.Observation{Known: true, Present: true}
	missing = drain.Observation{Known: true}
	stale   = drain.Observation{Known: true, Stale: drain.StaleAge, Problem: errors.New("too old")}
	unknown = drain.Observation{Problem: errors.New("input/output error")}
)

func TestFollower(t *testing.T) {
	cases := map[string]struct {
		seen []drain.Observation
		want []lifecycle.State // published, in order
		open bool
	}{
		"no marker":               {[]drain.Observation{missing, missing}, []lifecycle.State{lifecycle.Running}, true},
		"marker from the start":   {[]drain.Observation{there}, []lifecycle.State{lifecycle.Draining}, false},
		"unknown at the start":    {[]drain.Observation{unknown}, nil, false},
		"begin and cancel":        {[]drain.Observation{missing, there, missing}, []lifecycle.State{lifecycle.Running, lifecycle.Draining, lifecycle.Running}, true},
		"again while draining":    {[]drain.Observation{there, there, there}, []lifecycle.State{lifecycle.Draining}, false},
		"unknown while draining":  {[]drain.Observation{there, unknown, unknown}, []lifecycle.State{lifecycle.Draining}, false},
		"unknown while running":   {[]drain.Observation{missing, unknown}, []lifecycle.State{lifecycle.Running}, true},
		"stale from the start":    {[]drain.Observation{stale, stale}, []lifecycle.State{lifecycle.Running}, true},
		"stale while draining":    {[]drain.Observation{there, stale}, []lifecycle.State{lifecycle.Draining, lifecycle.Running}, true},
		"refreshed":               {[]drain.Observation{there, stale, there}, []lifecycle.State{lifecycle.Draining, lifecycle.Running, lifecycle.Draining}, false},
		"cancel after an unknown": {[]drain.Observation{there, unknown, missing}, []lifecycle.State{lifecycle.Draining, lifecycle.Running}, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			ledger := admission.NewLedger()
			published := &journal{ledger: ledger, written: ledger.Snapshot().Version}
			follower := &Follower{Ledger: ledger, Publisher: published, Log: slog.New(slog.DiscardHandler)}
			for _, seen := range c.seen {
				follower.Observe(t.Context(), seen)
			}
			if len(published.states) != len(c.want) {
				t.Fatalf("published %v, want %v", published.states, c.want)
			}
			for i := range c.want {
				if published.states[i] != c.want[i] {
					t.Errorf("published %v, want %v", published.states, c.want)
				}
			}
			var open bool
			ledger.Update(func(book *admission.Book) { open = book.Open })
			if open != c.open {
				t.Errorf("the gate is open: %t", open)
			}
		})
	}
}

// A drain whose publication failed is published by a later look, and the gate is
// closed meanwhile.
func TestFailedPublicationIsRetried(t *testing.T) {
	ledger := admission.NewLedger()
	published := &journal{ledger: ledger, fail: true}
	follower := &Follower{Ledger: ledger, Publisher: published, Log: slog.New(slog.DiscardHandler)}
	follower.Observe(t.Context(), there)
	published.fail = false
	follower.Observe(t.Context(), there)
	if len(published.states) != 1 || published.states[0] != lifecycle.Draining {
		t.Errorf("published %v", published.states)
	}
}
