package probe

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

// onTheWay is how long a turn counts that is on its way to the model, or back from
// it. One that takes longer is queued or hung; were it to count for ever, a gateway
// that hangs would end the sweep.
const onTheWay = 250 * time.Millisecond

// sweep sends turns so close to each other that some lie right across a flip of
// the gateway's state. It returns when each of them was sent, or never will be.
func (s *session) sweep(ctx context.Context, p wire.SweepParams) (wire.SweepResult, error) {
	if err := s.checkSweep(p); err != nil {
		return wire.SweepResult{}, err
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
	}
	if p.Marker != nil {
		if err := s.marker.check(*p.Marker); err != nil {
			return err
		}
	}
	if p.Until != "" {
		return s.checkWhen(&wire.When{State: p.Until})
	}
	return nil
}

// sweeping is one sweep under way.
type sweeping struct {
	s       *session
	params  wire.SweepParams
	turns   []*turn
	coming  []moving      // to the model, oldest first
	held    []*turn       // by the model, oldest first
	leaving []moving      // released, but not seen to end yet
	reached chan struct{} // the state was read
	off     func()
	done    bool
}

// moving is a turn that is neither held nor over.
type moving struct {
	turn *turn
	at   time.Time // since when; zero: not sent yet
}

// counts says whether the gateway may still have it in flight.
func (m *moving) counts() bool {
	if m.at.IsZero() && m.turn.wasSent() {
		m.at = time.Now()
	}
	return m.turn.live() && (m.at.IsZero() || time.Since(m.at) < onTheWay)
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

// send sends the next turn, unless there is no room for it yet.
func (w *sweeping) send(ctx context.Context) error {
	if w.params.MaxHeld > 0 {
		room, err := w.makeRoom(ctx)
		if err != nil || !room {
			return err
		}
	}
	t, err := w.s.submit(w.params.Submit)
	if err != nil {
		return err
	}
	w.turns = append(w.turns, t)
	w.coming = append(w.coming, moving{turn: t})
	return nil
}

// makeRoom releases the oldest turns the model holds, so that the turns in flight
// stay within the bound, and says whether one more may be sent. It keeps a quarter
// of the bound free for those that are released but still on their way out:
// otherwise every other turn would have to be left out.
func (w *sweeping) makeRoom(ctx context.Context) (bool, error) {
	w.sort()
	bound := w.params.MaxHeld
	for len(w.held) > 0 && len(w.held)+w.sent() >= bound-bound/4 {
		oldest := w.held[0]
		if err := w.s.release(ctx, []string{oldest.id}); err != nil && ctx.Err() == nil {
			return false, err
		}
		w.held = w.held[1:]
		w.leaving = append(w.leaving, moving{turn: oldest, at: time.Now()})
	}
	return len(w.held)+w.sent()+len(w.leaving) < bound, nil
}

// sort brings the lists up to date.
func (w *sweeping) sort() {
	coming := w.coming[:0]
	for _, m := range w.coming {
		switch {
		case m.turn.called():
			w.held = append(w.held, m.turn)
		case m.counts():
			coming = append(coming, m)
		}
	}
	w.coming = coming
	// A turn whose latch somebody else opened, or that never had one, leaves.
	w.held = slices.DeleteFunc(w.held, func(t *turn) bool {
		if t.held() {
			return false
		}
		w.leaving = append(w.leaving, moving{turn: t, at: time.Now()})
		return true
	})
	w.leaving = slices.DeleteFunc(w.leaving, func(m moving) bool { return !m.counts() })
}

// sent counts the turns on their way to the model; one that still looks for a
// gateway that is starting is in nobody's flight.
func (w *sweeping) sent() int {
	n := 0
	for _, m := range w.coming {
		if !m.at.IsZero() || w.params.Submit.RetryFor == 0 {
			n++
		}
	}
	return n
}
