package probe

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

// startingUp is how long a turn counts as on its way to the model. One that takes
// longer is refused, queued or hung, and takes no room.
const startingUp = 250 * time.Millisecond

// sweep sends turns so close to each other that some lie right across a flip of
// the gateway's state. It returns when each of them was sent, or never will be.
func (s *session) sweep(ctx context.Context, p wire.SweepParams) (wire.SweepResult, error) {
	if err := s.checkSweep(p); err != nil {
		return wire.SweepResult{}, fmt.Errorf("sweep: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, p.Lasting)
	defer cancel()
	defer s.focus.hold()()
	w := &sweeping{s: s, params: p, reached: make(chan struct{}, 1)}
	err := w.run(ctx)
	w.disarm()

	// Each turn was started in a goroutine of its own; see that it was sent. The
	// sweep's own time is over by now, a connection's is not.
	result := wire.SweepResult{Turns: make([]string, 0, len(w.turns)), Reached: w.done}
	for _, t := range w.turns {
		select {
		case <-t.sent:
		case <-s.ctx.Done():
		}
		result.Turns = append(result.Turns, t.id)
	}
	return result, err
}

func (s *session) checkSweep(p wire.SweepParams) error {
	switch {
	case p.Every <= 0 || p.Lasting <= 0:
		return errors.New("every and lasting must be above 0")
	case p.Submit.When != nil || p.Submit.Connection != "":
		return errors.New("its turns can neither be armed nor share a connection")
	case p.Marker != nil && p.Marker.When != nil:
		return errors.New("its marker operation has its moment already: marker_after_ns")
	case p.Until != "":
		return s.checkWhen(&wire.When{State: p.Until})
	}
	return nil
}

// sweeping is one sweep under way.
type sweeping struct {
	s       *session
	params  wire.SweepParams
	turns   []*turn
	young   []launched    // on their way to the model, oldest first
	held    []*turn       // by the model, oldest first
	reached chan struct{} // the state was read
	off     func()
	done    bool
}

type launched struct {
	turn *turn
	at   time.Time
}

// arm waits for the state in reads begun after since.
func (w *sweeping) arm(since history.Stamp) {
	if w.params.Until == "" {
		return
	}
	w.off = w.s.armed.armSince(wire.When{State: w.params.Until}, since, func(context.Context) {
		w.reached <- struct{}{}
	})
}

func (w *sweeping) disarm() {
	if w.off != nil {
		w.off()
	}
}

func (w *sweeping) run(ctx context.Context) error {
	p := w.params
	var markerDue <-chan time.Time
	if p.Marker != nil {
		t := time.NewTimer(p.MarkerAfter)
		defer t.Stop()
		markerDue = t.C
	} else {
		w.arm(now())
	}
	marked := make(chan markerDone, 1)
	var past <-chan time.Time
	due := time.Now()
	next := time.NewTimer(0)
	defer next.Stop()
	for {
		select {
		case <-next.C:
			if err := w.send(ctx); err != nil {
				return err
			}
			// By absolute time, so that the rate is kept; but never in a burst.
			due = due.Add(p.Every)
			if time.Since(due) > p.Every {
				due = time.Now()
			}
			next.Reset(time.Until(due))
		case <-markerDue:
			markerDue = nil
			w.s.spawn(func(context.Context) {
				at, err := w.s.marker.perform(*p.Marker)
				marked <- markerDone{at, err}
			})
		case m := <-marked:
			if m.err != nil {
				return m.err
			}
			w.arm(m.at)
		case <-w.reached:
			w.done = true
			t := time.NewTimer(p.Past)
			defer t.Stop()
			past = t.C
		case <-past:
			return nil
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return nil // it lasted as long as it may
			}
			return context.Cause(ctx)
		}
	}
}

type markerDone struct {
	at  history.Stamp
	err error
}

// send makes room, then sends the next turn.
func (w *sweeping) send(ctx context.Context) error {
	if w.params.MaxHeld > 0 {
		if err := w.makeRoom(ctx); err != nil {
			return err
		}
	}
	t, err := w.s.submit(w.params.Submit)
	if err != nil {
		return err
	}
	w.turns = append(w.turns, t)
	w.young = append(w.young, launched{t, time.Now()})
	return nil
}

// makeRoom releases the oldest turns the model holds, until the turns held and
// those that may yet come to be held leave room for one more.
func (w *sweeping) makeRoom(ctx context.Context) error {
	var young []launched
	for _, l := range w.young {
		switch {
		case l.turn.called():
			w.held = append(w.held, l.turn)
		case l.turn.live() && time.Since(l.at) < startingUp:
			young = append(young, l)
		}
	}
	w.young = young
	held := w.held[:0]
	for _, t := range w.held {
		if t.held() {
			held = append(held, t)
		}
	}
	w.held = held
	for len(w.held) > 0 && len(w.held)+len(w.young) >= w.params.MaxHeld {
		if err := w.s.release(ctx, []string{w.held[0].id}); err != nil && ctx.Err() == nil {
			return err
		}
		w.held = w.held[1:]
	}
	return nil
}
