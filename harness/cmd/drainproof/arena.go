package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/drainproof/drainproof/conformance"
	"github.com/drainproof/drainproof/harness/artifact"
	"github.com/drainproof/drainproof/harness/config"
	"github.com/drainproof/drainproof/harness/corpus"
	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/report"
	"github.com/drainproof/drainproof/harness/runtime"
	"github.com/drainproof/drainproof/harness/runtime/factory"
	"github.com/drainproof/drainproof/harness/soak"
	"github.com/drainproof/drainproof/harness/target"
)

// arena is where schedules are played: by this program itself, not by the test runner.
type arena struct {
	*launcher
	target  *target.Target
	options soak.Options
	runtime runtime.Runtime
}

// inArena plays in an arena of its own, which is gone when it returns. The error is one to
// end the program with.
func (o gateOptions) inArena(ctx context.Context, out io.Writer, play func(*arena) error) (*launcher, error) {
	l, err := o.launcher(ctx, out)
	if err != nil {
		return nil, &exitError{2, err}
	}
	l.notice()
	a, err := arenaOf(ctx, l)
	if err != nil {
		code := 2
		if ctx.Err() != nil {
			code = 3 // a signal ended it
		}
		return nil, &exitError{code, err}
	}
	err = play(a)
	if e := a.close(); e != nil {
		fmt.Fprintln(out, e)
	}
	if err != nil {
		return nil, &exitError{3, err}
	}
	return l, nil
}

// arenaOf prepares one; close it.
func arenaOf(ctx context.Context, l *launcher) (*arena, error) {
	a := &arena{launcher: l}
	for _, entry := range l.env {
		name, value, _ := strings.Cut(entry, "=")
		if err := os.Setenv(name, value); err != nil {
			return nil, err
		}
	}
	var err error
	if a.target, err = target.Load(l.cfg.Target); err != nil {
		return nil, err
	}
	if l.cfg.Observe != 0 {
		a.target.Bounds.Observe = l.cfg.Observe
	}
	markers, err := corpus.Load(l.cfg.Markers)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	root, err := artifact.FindRoot()
	if err != nil {
		return nil, err
	}
	if _, err := artifact.Build(ctx, root, func(s string) { l.say(start, s) }); err != nil {
		return nil, err
	}
	l.runID = strings.ToLower(rand.Text()[:12])
	a.runtime, err = factory.New(ctx, l.cfg.Runtime, factory.Options{
		RunID: l.runID, OwnerPID: os.Getpid(), Progress: func(s string) { l.say(start, s) },
	})
	if err != nil {
		return nil, err
	}
	a.options = soak.Options{
		Runtime: a.runtime, Judge: ruling,
		Terrain: soak.Terrain{Target: a.target, Corpus: markers, Docker: l.cfg.Runtime == config.RuntimeDocker},
	}
	if a.options.Prepared, err = a.runtime.Prepare(ctx, a.target); err != nil {
		return nil, errors.Join(err, a.close())
	}
	a.options.Terrain.Root = a.options.Prepared.UID == 0 || a.options.Prepared.UID < 0 && os.Geteuid() == 0
	return a, nil
}

// close removes what is left, whatever happened.
func (a *arena) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := a.runtime.Close(ctx); err != nil {
		return fmt.Errorf("some of what this run started could not be removed: %w", err)
	}
	return nil
}

// image is what the gateway is run from; nil for a process.
func (a *arena) image() *report.Image { return conformance.ImageOf(a.options.Prepared) }

// ruling judges a history as the checks' are judged.
func ruling(name string, events []history.Event) (soak.Ruling, error) {
	seen, err := conformance.JudgeSeen(name, events)
	return soak.Ruling{Broken: seen.Failed, Arose: seen.Arose, Samples: seen.Samples, Receipts: seen.Receipts}, err
}
