package admission

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drainproof/drainproof/reference/lifecycle"
)

// published is a Publisher that remembers, or fails.
type published struct {
	ledger *Ledger
	fail   atomic.Bool
	calls  atomic.Int64
}

func (p *published) Publish(uint64) error {
	p.calls.Add(1)
	if p.fail.Load() {
		return errors.New("disk full")
	}
	return nil
}

func newDesk() (*Desk, *published) {
	ledger := NewLedger()
	publisher := &published{ledger: ledger}
	return &Desk{Ledger: ledger, Publisher: publisher}, publisher
}

func apply(ledger *Ledger, events ...lifecycle.Event) Snapshot {
	var now Snapshot
	for _, event := range events {
		now = ledger.Update(func(book *Book) { book.Apply(event) })
	}
	return now
}

func TestRefusals(t *testing.T) {
	cases := map[string]struct {
		events []lifecycle.Event
		code   string // "" admits
	}{
		"starting":           {nil, CodeStarting},
		"running":            {[]lifecycle.Event{lifecycle.MarkerAbsent}, ""},
		"draining":           {[]lifecycle.Event{lifecycle.MarkerAbsent, lifecycle.MarkerPresent}, CodeDraining},
		"draining at start":  {[]lifecycle.Event{lifecycle.MarkerPresent}, CodeDraining},
		"cancelled":          {[]lifecycle.Event{lifecycle.MarkerPresent, lifecycle.MarkerAbsent}, ""},
		"stopping":           {[]lifecycle.Event{lifecycle.MarkerAbsent, lifecycle.Terminate}, CodeDraining},
		"cancelled too late": {[]lifecycle.Event{lifecycle.MarkerPresent, lifecycle.Terminate, lifecycle.MarkerAbsent}, CodeDraining},
		"stopped":            {[]lifecycle.Event{lifecycle.MarkerAbsent, lifecycle.Ended}, CodeDraining},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			desk, publisher := newDesk()
			apply(desk.Ledger, c.events...)
			slot, err := desk.Admit(t.Context(), Request{})
			if c.code == "" {
				if err != nil || desk.Ledger.Snapshot().InFlight != 1 {
					t.Fatalf("not admitted: %v", err)
				}
				slot.Release()
				slot.Release()
				if got := desk.Ledger.Snapshot().InFlight; got != 0 {
					t.Errorf("released twice, in flight %d", got)
				}
				return
			}
			var refusal *Refusal
			if !errors.As(err, &refusal) || refusal.Code != c.code {
				t.Fatalf("got %v, want code %s", err, c.code)
			}
			if desk.Ledger.Snapshot().InFlight != 0 || publisher.calls.Load() != 0 {
				t.Error("a refusal touched the count (GATE-003)")
			}
		})
	}
}

// What the gateway owes starts in a drain, and is counted; not in a shutdown.
func TestInternal(t *testing.T) {
	for event, admitted := range map[lifecycle.Event]bool{
		lifecycle.MarkerAbsent: true, lifecycle.MarkerPresent: true, lifecycle.Terminate: false, lifecycle.Ended: false,
	} {
		desk, publisher := newDesk()
		apply(desk.Ledger, event)
		_, err := desk.Admit(t.Context(), Request{Internal: true})
		if (err == nil) != admitted {
			t.Errorf("after event %d: %v", event, err)
		}
		if counted := desk.Ledger.Snapshot().InFlight == 1 && publisher.calls.Load() == 1; counted != admitted {
			t.Errorf("after event %d: counted and published %t", event, counted)
		}
	}
}

func TestUncountableTurnIsRefused(t *testing.T) {
	desk, publisher := newDesk()
	apply(desk.Ledger, lifecycle.MarkerAbsent)
	publisher.fail.Store(true)
	_, err := desk.Admit(t.Context(), Request{})
	var refusal *Refusal
	if !errors.As(err, &refusal) || refusal.Code != CodeUnpublished {
		t.Fatalf("got %v", err)
	}
	if got := desk.Ledger.Snapshot().InFlight; got != 0 {
		t.Errorf("in flight %d after a refusal", got)
	}
}

// Once a drain was applied, the count never rises, however many turns race with
// it (GATE-001, GATE-003). Run it with -race.
func TestAdmissionRacesDrain(t *testing.T) {
	desk, _ := newDesk()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for range 200 {
		apply(desk.Ledger, lifecycle.MarkerAbsent)
		var workers sync.WaitGroup
		var admitted atomic.Int64
		drained := make(chan Snapshot, 1)
		for range 8 {
			workers.Go(func() {
				for range 20 {
					slot, err := desk.Admit(ctx, Request{})
					if err != nil {
						continue
					}
					admitted.Add(1)
					_ = slot // held until the round is over
				}
			})
		}
		workers.Go(func() { drained <- apply(desk.Ledger, lifecycle.MarkerPresent) })
		workers.Wait()
		at, now := <-drained, desk.Ledger.Snapshot()
		if now.InFlight != at.InFlight || int64(now.InFlight) != admitted.Load() {
			t.Fatalf("draining with %d in flight, later %d, admitted %d", at.InFlight, now.InFlight, admitted.Load())
		}
		desk.Ledger.Update(func(book *Book) { book.InFlight = 0 })
	}
}

func TestVersionsGrowWithChanges(t *testing.T) {
	ledger := NewLedger()
	first := ledger.Snapshot().Version
	if same := apply(ledger, lifecycle.MarkerAbsent, lifecycle.MarkerAbsent).Version; same != first+1 {
		t.Errorf("two looks, one change: version %d after %d", same, first)
	}
	if up := ledger.Update((*Book).Claim).Version; up != first+2 {
		t.Errorf("a claim: version %d", up)
	}
}

func TestWait(t *testing.T) {
	ledger := NewLedger()
	ledger.Update((*Book).Claim)
	idle := func(now Snapshot) bool { return now.InFlight == 0 }

	short, cancel := context.WithCancel(t.Context())
	cancel()
	if err := ledger.Wait(short, idle); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	done := make(chan error, 1)
	go func() { done <- ledger.Wait(t.Context(), idle) }()
	ledger.Update((*Book).Release)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestSlotInContext(t *testing.T) {
	slot := NewSlot(func() {})
	if FromContext(t.Context()) != nil || FromContext(WithSlot(t.Context(), slot)) != slot {
		t.Error("the slot is not where it was put")
	}
}
