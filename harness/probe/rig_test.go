package probe

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

// patience is how long a test waits for what must come. It is long because
// machines are slow, and costs nothing when all is well.
const patience = 10 * time.Second

// rig is a probe in this process, its suite, and a gateway.
type rig struct {
	*wire.Client
	t       *testing.T
	ctx     context.Context
	gateway *fakeGateway
	config  wire.ConfigureParams

	mu     sync.Mutex
	events []history.Event
	grown  chan struct{}
}

// newProbe is a probe with a conversation, and nothing configured.
func newProbe(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, grown: make(chan struct{}, 1)}
	r.ctx = testContext(t)
	near, far := net.Pipe()
	p := New(slog.New(slog.NewTextHandler(io.Discard, nil)))
	ctx, stop := context.WithCancel(context.Background())
	over := make(chan error, 1)
	go func() { over <- p.Converse(ctx, far) }()
	r.Client = wire.NewClient(near, r.event)
	t.Cleanup(func() {
		r.Close()
		if err := <-over; err != nil {
			t.Errorf("the conversation broke: %v", err)
		}
		stop()
		p.Close()
	})
	return r
}

// newRig is a probe next to a gateway that does it right.
func newRig(t *testing.T) *rig {
	t.Helper()
	r := newProbe(t)
	r.gateway = newFakeGateway(t)
	r.config = r.gateway.config()
	r.must(r.Configure(r.ctx, r.config))
	r.gateway.useModel(r.config.ModelAddress)
	r.await("the first publication", stateIs(history.Running))
	return r
}

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	t.Cleanup(cancel)
	return ctx
}

func (r *rig) event(ev history.Event) {
	r.mu.Lock()
	r.events = append(r.events, ev)
	r.mu.Unlock()
	select {
	case r.grown <- struct{}{}:
	default:
	}
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) history() []history.Event {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]history.Event(nil), r.events...)
}

// all returns the events that match, so far.
func (r *rig) all(match func(history.Event) bool) []history.Event {
	var found []history.Event
	for _, ev := range r.history() {
		if match(ev) {
			found = append(found, ev)
		}
	}
	return found
}

// await waits for the first event that matches.
func (r *rig) await(what string, match func(history.Event) bool) history.Event {
	r.t.Helper()
	return r.awaitN(what, 1, match)[0]
}

// awaitN waits for n events that match.
func (r *rig) awaitN(what string, n int, match func(history.Event) bool) []history.Event {
	r.t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		if found := r.all(match); len(found) >= n {
			return found
		}
		select {
		case <-r.grown:
		case <-late.C:
			r.dump()
			r.t.Fatalf("%s: did not come within %v", what, patience)
		}
	}
}

func (r *rig) dump() {
	for _, ev := range r.history() {
		if line, err := wire.EncodeLine(ev); err == nil && ev.Kind != history.KindStall {
			r.t.Logf("%s", line)
		}
	}
}

// send submits a turn, with defaults.
func (r *rig) send(p wire.SubmitParams) string {
	r.t.Helper()
	if p.Ingress == "" {
		p.Ingress = "chat"
	}
	if p.GiveUp == 0 {
		p.GiveUp = patience
	}
	id, err := r.Submit(r.ctx, p)
	r.must(err)
	return id
}

// ended waits for the end of a turn and checks how it ended.
func (r *rig) ended(id string, want history.TurnOutcome) history.Event {
	r.t.Helper()
	ev := r.await("the end of turn "+id, turnIs(id, history.TurnEnded))
	if ev.Turn.Outcome != want {
		r.dump()
		r.t.Fatalf("turn %s ended %s (%s), want %s", id, ev.Turn.Outcome, ev.Turn.Detail, want)
	}
	return ev
}

func turnIs(id string, phase history.TurnPhase) func(history.Event) bool {
	return func(ev history.Event) bool { return ev.Turn != nil && ev.Turn.ID == id && ev.Turn.Phase == phase }
}

func modelIs(id string, phase history.ModelPhase) func(history.Event) bool {
	return func(ev history.Event) bool { return ev.Model != nil && ev.Model.Turn == id && ev.Model.Phase == phase }
}

func stateIs(state string) func(history.Event) bool {
	return func(ev history.Event) bool { return ev.State != nil && ev.State.State == state }
}

func countIs(state string, count int) func(history.Event) bool {
	return func(ev history.Event) bool { return stateIs(state)(ev) && ev.State.Count == count }
}

func after(seq uint64, match func(history.Event) bool) func(history.Event) bool {
	return func(ev history.Event) bool { return ev.Seq > seq && match(ev) }
}

func markerIs(op history.Op) func(history.Event) bool {
	return func(ev history.Event) bool { return ev.Marker != nil && ev.Marker.Op == op }
}

// checkHistory holds what must be true of every history.
func (r *rig) checkHistory() {
	r.t.Helper()
	var last uint64
	for _, ev := range r.history() {
		if ev.Seq <= last {
			r.t.Fatalf("event %d came after %d", ev.Seq, last)
		}
		last = ev.Seq
		if ev.Call <= 0 || ev.Return < ev.Call {
			r.t.Fatalf("event %d lies in [%d, %d]: %+v", ev.Seq, ev.Call, ev.Return, ev)
		}
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	for range 100 {
		// Not one of those the kernel gives away: somebody else would have it by the time
		// that it is needed.
		address := fmt.Sprintf("127.0.0.1:%d", 20_000+rand.IntN(12_000))
		if l, err := net.Listen("tcp", address); err == nil {
			_ = l.Close()
			return address
		}
	}
	t.Fatal("no port between 20000 and 32000 is free")
	return ""
}

func (r *rig) path(name string) string { return filepath.Join(r.config.Home, name) }
