package gateway

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/drainproof/drainproof/reference/admission"
	"github.com/drainproof/drainproof/reference/drain"
	"github.com/drainproof/drainproof/reference/home"
	"github.com/drainproof/drainproof/reference/notify"
)

// looks is a Source that always finds the same.
type looks drain.Observation

func (l looks) Look(context.Context) drain.Observation { return drain.Observation(l) }

// herald is a Notifier made of a function.
type herald func(context.Context, notify.Shutdown) error

func (h herald) Notify(ctx context.Context, shutdown notify.Shutdown) error { return h(ctx, shutdown) }

// Only an active marker that asks for it silences the broadcast (NOTIFY-001,
// NOTIFY-002).
func TestAnnounce(t *testing.T) {
	silent := drain.Request{SuppressNotification: true}
	cases := map[string]struct {
		seen drain.Observation
		told bool
	}{
		"no marker":                 {drain.Observation{Known: true}, true},
		"a drain":                   {drain.Observation{Known: true, Present: true}, true},
		"a silent drain":            {drain.Observation{Known: true, Present: true, Request: silent}, false},
		"a silent drain, but stale": {drain.Observation{Known: true, Stale: drain.StaleEpoch, Request: silent}, true},
		"an unreadable marker":      {drain.Observation{Known: true, Present: true, Problem: errors.New("permission denied")}, true},
		"a failed look":             {drain.Observation{Problem: errors.New("input/output error")}, true},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var told []notify.Shutdown
			parts := &Parts{Log: slog.New(slog.DiscardHandler), Self: home.Holder{PID: 7}, Source: looks(c.seen),
				Notifier: herald(func(_ context.Context, shutdown notify.Shutdown) error {
					told = append(told, shutdown)
					return errors.New("which is only logged")
				})}
			announce(parts, follow(t.Context(), nil), admission.Snapshot{InFlight: 3})()
			if (len(told) == 1) != c.told || len(told) > 1 {
				t.Fatalf("told %+v", told)
			}
			if c.told && (told[0].ActiveAgents != 3 || told[0].PID != 7 || told[0].At.IsZero()) {
				t.Errorf("told %+v", told)
			}
		})
	}
}

// Whoever does not answer delays a shutdown by a second, or until a second signal.
func TestAnnounceIsBounded(t *testing.T) {
	for name, second := range map[string]bool{"one signal": false, "two signals": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				stuck := make(chan struct{})
				parts := &Parts{Log: slog.New(slog.DiscardHandler), Source: looks{Known: true},
					Notifier: herald(func(context.Context, notify.Shutdown) error { <-stuck; return nil })}
				signals := make(chan os.Signal, 2)
				end := follow(t.Context(), signals)
				defer end.forget()
				defer close(stuck)
				signals <- os.Interrupt
				want := announceWithin
				if second {
					want = 0
					signals <- os.Interrupt
				}
				began := time.Now()
				announce(parts, end, admission.Snapshot{})()
				if took := time.Since(began); took != want {
					t.Errorf("it took %s, want %s", took, want)
				}
			})
		})
	}
}
