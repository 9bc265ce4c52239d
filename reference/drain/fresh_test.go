package drain

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

type epochs struct {
	own string
	err error
}

func (e epochs) Epoch() (string, error) { return e.own, e.err }

// What is definitely stale is ignored, and nothing else is (EPOCH-001, EPOCH-002,
// EXPIRY-001, EXPIRY-003).
func TestFreshness(t *testing.T) {
	now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	mine, unreadable := epochs{own: "mine"}, epochs{err: errors.New("no /proc")}
	cases := map[string]struct {
		marker string
		epoch  Epoch
		stale  Staleness
	}{
		"no epoch, no time":       {`{"action":"drain"}`, mine, ""},
		"this epoch":              {`{"epoch":"mine"}`, mine, ""},
		"another epoch":           {`{"epoch":"theirs"}`, mine, StaleEpoch},
		"another epoch and young": {`{"epoch":"theirs","requested_at":"2026-01-02T12:00:00Z"}`, mine, StaleEpoch},
		"another, bad time":       {`{"epoch":"theirs","requested_at":"soon"}`, mine, StaleEpoch},
		"empty epoch":             {`{"epoch":""}`, mine, ""},
		"epoch of no text":        {`{"epoch":7}`, mine, ""},
		"own epoch unreadable":    {`{"epoch":"theirs"}`, unreadable, ""},
		"torn within the epoch":   {`{"epoch":"theirs`, mine, ""},
		"a list":                  {`["theirs"]`, mine, ""},
		"two hours old":           {`{"requested_at":"2026-01-02T10:00:00Z"}`, mine, StaleAge},
		"old, own epoch":          {`{"epoch":"mine","requested_at":"2026-01-02T10:00:00Z"}`, mine, StaleAge},
		"old, unreadable epoch":   {`{"epoch":"theirs","requested_at":"2026-01-02T10:00:00Z"}`, unreadable, StaleAge},
		"old in another zone":     {`{"requested_at":"2026-01-02T12:59:59+02:00"}`, mine, StaleAge},
		"an hour old":             {`{"requested_at":"2026-01-02T11:00:00Z"}`, mine, ""},
		"centuries old":           {`{"requested_at":"0100-01-01T00:00:00Z"}`, mine, StaleAge},
		"from the future":         {`{"requested_at":"2036-01-02T12:00:00Z"}`, mine, ""},
		"a number for a time":     {`{"requested_at":0}`, mine, ""},
		"a day for a time":        {`{"requested_at":"2020-01-02"}`, mine, ""},
		"null for a time":         {`{"requested_at":null}`, mine, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			must(t, os.WriteFile(filepath.Join(dir, MarkerName), []byte(c.marker), 0o644))
			fresh := Fresh{Source: Home{Dir: dir}, Epoch: c.epoch, Now: func() time.Time { return now }, MaxAge: time.Hour}
			seen := fresh.Look(t.Context())
			if !seen.Known || seen.Present != (c.stale == "") || seen.Stale != c.stale {
				t.Errorf("known=%t present=%t stale=%q: %v", seen.Known, seen.Present, seen.Stale, seen.Problem)
			}
			if c.stale != "" && (seen.Problem == nil || !strings.Contains(seen.Problem.Error(), "stale")) {
				t.Errorf("it does not say that the marker is stale: %v", seen.Problem)
			}
		})
	}
}

// A marker grows stale while it lies there, and writing it again refreshes it
// (EXPIRY-001, EXPIRY-002).
func TestExpiryAndRefresh(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	fresh := Fresh{Source: Home{Dir: dir}, Epoch: epochs{own: "mine"}, Now: func() time.Time { return now }, MaxAge: time.Hour}
	request := func() {
		t.Helper()
		_, err := Write(dir, Request{Action: ActionDrain, RequestedAt: now})
		must(t, err)
	}
	request()
	fresh.MaxAge = 0 // an hour, too
	for i, step := range []struct {
		pass    time.Duration
		refresh bool
		present bool
	}{{0, false, true}, {time.Hour, false, true}, {time.Second, false, false}, {0, true, true}, {time.Hour, true, true}, {time.Hour + 1, false, false}} {
		now = now.Add(step.pass)
		if step.refresh {
			request()
		}
		if seen := fresh.Look(t.Context()); seen.Present != step.present {
			t.Errorf("step %d: present=%t stale=%q", i, seen.Present, seen.Stale)
		}
	}
}

type seen Observation

func (s seen) Look(context.Context) Observation { return Observation(s) }

// A look that failed stays one: it is neither present nor stale (MARKER-010).
func TestFreshLeavesTheUnknownAlone(t *testing.T) {
	problem := errors.New("input/output error")
	fresh := Fresh{Source: seen{Problem: problem}, Epoch: epochs{own: "mine"}, Now: time.Now, MaxAge: time.Hour}
	if got := fresh.Look(t.Context()); got.Known || got.Stale != "" || got.Problem != problem {
		t.Errorf("got %+v", got)
	}
}

func TestStamped(t *testing.T) {
	bare := Request{Action: ActionDrain, Principal: "ann"}
	if got, err := bare.Stamped(epochs{own: "mine"}); err != nil || got.Epoch != "mine" || got.Principal != "ann" {
		t.Errorf("got %+v, %v", got, err)
	}
	if got, err := bare.Stamped(epochs{err: errors.New("no /proc")}); err == nil || got != bare {
		t.Errorf("without an epoch: %+v, %v", got, err)
	}
}

func TestMaxAgeFromEnv(t *testing.T) {
	for value, want := range map[string]time.Duration{"": time.Hour, "90m": 90 * time.Minute, "0s": 0, "-1h": 0, "long": 0} {
		t.Setenv(EnvMaxAge, value)
		got, err := MaxAgeFromEnv()
		if got != want || (err == nil) != (want > 0) {
			t.Errorf("%q: %s, %v", value, got, err)
		}
	}
}
