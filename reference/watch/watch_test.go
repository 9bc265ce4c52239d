package watch

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drainproof/drainproof/reference/drain"
)

const patience = 20 * time.Second

// target hands on what it is told.
type target chan drain.Observation

func (c target) Observe(ctx context.Context, seen drain.Observation) {
	select {
	case c <- seen:
	case <-ctx.Done():
	}
}

// await reads observations until one satisfies.
func (c target) await(t *testing.T, what string, satisfies func(drain.Observation) bool) time.Duration {
	t.Helper()
	began := time.Now()
	over := time.After(patience)
	for {
		select {
		case seen := <-c:
			if satisfies(seen) {
				return time.Since(began)
			}
		case <-over:
			t.Fatalf("never seen: %s", what)
		}
	}
}

func present(seen drain.Observation) bool { return seen.Known && seen.Present }
func absent(seen drain.Observation) bool  { return seen.Known && !seen.Present }

func run(t *testing.T, dir string, source drain.Source) target {
	t.Helper()
	seen := make(target, 16)
	w := New(dir, source, seen, slog.New(slog.DiscardHandler))
	if err := w.First(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = w.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	return seen
}

// Every way of writing is seen (MARKER-009), and so is every way of removing.
func TestEveryWayOfWriting(t *testing.T) {
	dir := t.TempDir()
	path, beside := filepath.Join(dir, drain.MarkerName), filepath.Join(dir, "beside")
	seen := run(t, dir, drain.Home{Dir: dir})
	seen.await(t, "absence at the start", absent)
	write := func(to string) error { return os.WriteFile(to, []byte(`{"action":"drain"}`), 0o644) }
	ways := map[string]func() error{
		"in place": func() error { return write(path) },
		"rename":   func() error { return errors.Join(write(beside), os.Rename(beside, path)) },
		"link":     func() error { return errors.Join(write(beside), os.Link(beside, path), os.Remove(beside)) },
		"mkdir":    func() error { return os.Mkdir(path, 0o755) },
	}
	for way, make := range ways {
		if err := make(); err != nil {
			t.Fatalf("%s: %v", way, err)
		}
		seen.await(t, way, present)
		if err := os.Rename(path, beside); err != nil {
			t.Fatal(err)
		}
		seen.await(t, way+", moved away", absent)
		if err := os.RemoveAll(beside); err != nil {
			t.Fatal(err)
		}
	}
}

// A home that is replaced by another directory is watched again.
func TestHomeReplaced(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "home")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	seen := run(t, dir, drain.Home{Dir: dir})
	if err := os.Rename(dir, dir+".old"); err != nil {
		t.Fatal(err)
	}
	seen.await(t, "a home that is gone", func(o drain.Observation) bool { return !o.Known })
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	seen.await(t, "the new home", absent)
	if _, err := drain.Write(dir, drain.Request{Action: drain.ActionDrain}); err != nil {
		t.Fatal(err)
	}
	seen.await(t, "a marker in the new home", present)
}

// Without file events the cadence is enough.
func TestCadenceAlone(t *testing.T) {
	dir := t.TempDir()
	seen := make(target, 16)
	w := &Watcher{dir: dir, source: drain.Home{Dir: dir}, target: seen, log: slog.New(slog.DiscardHandler)}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = w.Run(ctx) }()
	defer func() { stop(); <-done }()
	if _, err := drain.Write(dir, drain.Request{Action: drain.ActionDrain}); err != nil {
		t.Fatal(err)
	}
	seen.await(t, "the marker", present)
}

// source is unknown for some looks.
type source struct{ unknown atomic.Int64 }

func (s *source) Look(context.Context) drain.Observation {
	if s.unknown.Add(-1) >= 0 {
		return drain.Observation{Problem: errors.New("as the test wishes")}
	}
	return drain.Observation{Known: true, Present: true}
}

// First does not end on a look that could not decide (WATCH-003), unless it is
// told to.
func TestFirstNeedsAKnownLook(t *testing.T) {
	seen, odd := make(target, 16), &source{}
	odd.unknown.Store(1)
	w := New(t.TempDir(), odd, seen, slog.New(slog.DiscardHandler))
	if err := w.First(t.Context()); err != nil {
		t.Fatal(err)
	}
	if first, second := <-seen, <-seen; first.Known || !present(second) {
		t.Errorf("told %+v, then %+v", first, second)
	}

	odd.unknown.Store(1 << 30)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := New(t.TempDir(), odd, seen, slog.New(slog.DiscardHandler)).First(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
