package gateway

import (
	"context"
	"log/slog"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drainproof/drainproof/reference/drain"
	"github.com/drainproof/drainproof/reference/lifecycle"
	"github.com/drainproof/drainproof/reference/status"
)

// patience is how long a test waits for what must come about.
const patience = 20 * time.Second

// channelStore passes publications on.
type channelStore chan lifecycle.State

func (c channelStore) Write(record status.Record) error { c <- record.State; return nil }

// await returns once the state is published.
func (c channelStore) await(t *testing.T, want lifecycle.State) {
	t.Helper()
	late := time.After(patience)
	for {
		select {
		case got := <-c:
			if got == want {
				return
			}
		case <-late:
			t.Fatalf("%s is never published", want)
		}
	}
}

// A drain expires under a gateway that is told of no change at all, and one that
// is written again begins anew (EXPIRY-001, EXPIRY-002).
func TestDrainExpires(t *testing.T) {
	dir := t.TempDir()
	var passed atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(passed.Load())) }
	published := make(channelStore, 64)
	gw := New(Config{Home: dir, Listen: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler)}, Wrap{
		Store: func(*Parts, status.Store) status.Store { return published },
		Now:   func(*Parts, func() time.Time) func() time.Time { return now },
	})
	request := func() {
		t.Helper()
		if _, err := drain.Write(dir, drain.Request{Action: drain.ActionDrain, RequestedAt: now()}); err != nil {
			t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- gw.Run(ctx, make(chan os.Signal)) }()
	published.await(t, lifecycle.Running)
	request()
	published.await(t, lifecycle.Draining)
	passed.Add(int64(time.Hour + time.Second))
	published.await(t, lifecycle.Running)
	request()
	published.await(t, lifecycle.Draining)
	stop()
	published.await(t, lifecycle.Stopped)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
