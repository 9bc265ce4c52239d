package watch

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/drainproof/drainproof/reference/drain"
)

// Cadence is how often the marker is looked at when no event tells to.
const Cadence = time.Second

// Target is told what every look found, one look at a time.
type Target interface {
	Observe(ctx context.Context, seen drain.Observation)
}

// Reconciler keeps a target in step with the marker.
type Reconciler interface {
	// First looks until the marker's presence is known and the target was told.
	First(ctx context.Context) error
	// Run goes on looking until ctx ends.
	Run(ctx context.Context) error
}

// Watcher is the Reconciler of one home.
type Watcher struct {
	dir    string
	source drain.Source
	target Target
	log    *slog.Logger
	events *fsnotify.Watcher // nil when the system gives none
	deaf   bool              // the home can't be watched for events at the moment
}

// New returns a watcher. When the system has no file events left to give, it says
// so in the log and lives on the cadence alone, which is within the bound.
func New(dir string, source drain.Source, target Target, log *slog.Logger) *Watcher {
	w := &Watcher{dir: dir, source: source, target: target, log: log}
	events, err := fsnotify.NewBufferedWatcher(64)
	if err != nil {
		log.Warn("no file events: the marker is looked at once a second only", "error", err)
		return w
	}
	w.events = events
	return w
}

// First looks at the marker until its presence is known (WATCH-003). Events are
// asked for before the look, so that nothing falls between this and Run.
func (w *Watcher) First(ctx context.Context) error {
	tick := time.NewTicker(Cadence)
	defer tick.Stop()
	for {
		w.listen()
		seen := w.source.Look(ctx)
		w.target.Observe(ctx, seen)
		if seen.Known {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			if w.events != nil {
				w.events.Close()
			}
			return fmt.Errorf("the marker was never looked at successfully: %w", errors.Join(ctx.Err(), seen.Problem))
		}
	}
}

// Run looks at every event that concerns the marker and at every tick.
func (w *Watcher) Run(ctx context.Context) error {
	var events chan fsnotify.Event
	var failures chan error
	if w.events != nil {
		defer w.events.Close()
		events, failures = w.events.Events, w.events.Errors
	}
	tick := time.NewTicker(Cadence)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			w.listen()
		case event := <-events:
			if !w.concerns(event) {
				continue
			}
			w.skipBurst(events)
		case err := <-failures:
			w.log.Warn("file events were lost; looking at the marker instead", "error", err)
		}
		w.target.Observe(ctx, w.source.Look(ctx))
	}
}

// listen asks for events of the home. Asking again is free, and finds a home that
// was replaced by another directory of the same name.
func (w *Watcher) listen() {
	if w.events == nil {
		return
	}
	err := w.events.Add(w.dir)
	if err != nil && !w.deaf {
		w.log.Warn("no file events of the home for now: the marker is looked at once a second", "home", w.dir, "error", err)
	}
	w.deaf = err != nil
}

func (w *Watcher) concerns(event fsnotify.Event) bool {
	return filepath.Base(event.Name) == drain.MarkerName
}

// skipBurst drops the events that are already waiting, as one look answers them
// all. It drops a bounded number, so that a writer who never stops can't keep the
// watcher from looking.
func (w *Watcher) skipBurst(events chan fsnotify.Event) {
	for range 64 {
		select {
		case <-events:
		default:
			return
		}
	}
}
