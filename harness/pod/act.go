package pod

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/runtime"
)

// What the harness does to a gateway is written down whatever becomes of the run:
// what is missing from the history would be held against the gateway.

// settle bounds what must be finished even when the run was interrupted meanwhile,
// and patience what is done in a run that goes on: a loaded engine takes its time.
const (
	settle   = 20 * time.Second
	patience = 60 * time.Second
)

// settled is a context in which what was begun is carried to its end and written
// down: a signal that was sent and is not in the history would be held against the
// gateway that heeds it.
func settled(ctx context.Context) (context.Context, context.CancelFunc) {
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	forget := context.AfterFunc(ctx, func() { time.AfterFunc(settle, cancel) })
	return within, func() { forget(); cancel() }
}

// act does something to the gateway and records it as the harness's own doing.
func (g *Gateway) act(ctx context.Context, name string, do func(context.Context) error) error {
	before, err := g.Stamp(ctx)
	if err != nil {
		return err
	}
	within, cancel := settled(ctx)
	defer cancel()
	a := &history.Action{Name: name}
	g.onItsWay(&history.Event{Kind: history.KindAction, Action: &history.Action{Name: name}, Call: before})
	defer g.onItsWay(nil)
	failed := do(within)
	if failed != nil && within.Err() == nil && !errors.Is(failed, runtime.ErrUnanswered) {
		// Refused for certain. What was given up waiting for, or was lost with the
		// engine, may happen all the same, and must not be held against the gateway
		// either.
		a.Error = failed.Error()
	}
	e := history.Event{Kind: history.KindAction, Action: a}
	if name == history.ActionStart || name == history.ActionRespawn {
		// Written twice, by us and by a probe that is late, it would be two lives.
		noting, cancel := settled(ctx)
		defer cancel()
		if err := g.note(noting, e, before); err != nil {
			return err
		}
	} else {
		g.certainly(ctx, e, before, settle)
	}
	if failed != nil {
		return fmt.Errorf("%s: %w", name, failed)
	}
	return nil
}

// onItsWay remembers what is being done to the gateway while it is, and may be
// cut off before it can be written down.
func (g *Gateway) onItsWay(e *history.Event) {
	g.seqMu.Lock()
	defer g.seqMu.Unlock()
	g.doing = e
}

// certainly writes down what the harness did, in an interrupted run too, and when
// the probe does not answer within the limit.
func (g *Gateway) certainly(ctx context.Context, e history.Event, before history.Stamp, limit time.Duration) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	if g.note(ctx, e, before) == nil {
		return
	}
	g.belatedly(e, before)
}

// belatedly records what the probe did not: between a stamp before it, if there is
// one, and the newest in the history.
func (g *Gateway) belatedly(e history.Event, before history.Stamp) {
	e.Call, e.Return = before, max(before, g.lastStamp())
	if before == 0 {
		e.Call = e.Return
	}
	g.record(e)
}

// over marks where judging ends, before the pod is touched: whatever becomes of the
// gateway from here on is our own doing.
func (g *Gateway) over(ctx context.Context) {
	g.seqMu.Lock()
	doing := g.doing
	g.seqMu.Unlock()
	if doing != nil && slices.Contains([]string{history.ActionSIGTERM, history.ActionSIGKILL, history.ActionRecreate}, doing.Action.Name) {
		// The spec ran out of time while the engine took its own: it may have been heard.
		g.belatedly(*doing, doing.Call)
	}
	g.certainly(ctx, history.Event{Kind: history.KindAction, Action: &history.Action{Name: history.ActionEnd}}, 0, 2*time.Second)
}
