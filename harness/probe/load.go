package probe

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

// loads holds the load under way; there is one at most.
type loads struct {
	mu  sync.Mutex
	now *load
}

// load is turns that keep coming and a burner.
type load struct {
	s      *session
	since  history.Stamp // in place for certain
	burner *burner
	stop   func()
	told   chan struct{} // closed by stop
	over   chan struct{} // closed when nothing of it is left, and that is recorded
}

// load puts a load in place and returns once it is.
func (s *session) load(ctx context.Context, p wire.LoadParams) error {
	sweep := wire.SweepParams{Submit: p.Submit, Every: p.Every, Lasting: p.Lasting, MaxHeld: p.MaxHeld}
	if err := s.checkSweep(sweep); err != nil {
		return err
	}
	s.loads.mu.Lock()
	defer s.loads.mu.Unlock()
	if s.loads.now != nil && !s.loads.now.ended() {
		return errors.New("there is a load already; unload it first")
	}
	before, burners := now(), runtime.NumCPU()
	b, err := startBurner(ctx, s.ctx, burners, p.Lasting+burnerStart)
	if err != nil {
		return err
	}
	l := &load{s: s, burner: b, told: make(chan struct{}), over: make(chan struct{})}
	l.stop = sync.OnceFunc(func() { close(l.told) })
	l.since = now()
	s.loads.now = l
	s.rec.record(history.Event{Kind: history.KindAction, Call: before, Return: l.since, Action: &history.Action{
		Name: history.ActionLoad, Load: &history.Load{Turns: p.Turns, Every: p.Every, Burners: burners},
	}})
	s.spawn(func(ctx context.Context) { l.last(ctx, sweep) })
	return nil
}

// last sends the turns until the load is to end, ends it and records that. It is
// recorded as ending from when it was certainly whole.
func (l *load) last(ctx context.Context, sweep wire.SweepParams) {
	defer close(l.over)
	within, cancel := context.WithCancel(ctx)
	defer cancel()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		w := &sweeping{s: l.s, params: sweep}
		_ = w.run(within) // what can't be sent any more ends the load
		for _, t := range w.turns {
			select {
			case <-t.sent: // a turn on its way to the gateway is still of the load
			case <-ctx.Done():
			}
		}
	}()
	expired := time.NewTimer(sweep.Lasting)
	defer expired.Stop()
	whole := l.since
	select {
	case <-l.told:
		whole = now()
	case <-expired.C:
		whole = now()
	case <-sent:
	case <-l.burner.gone:
	case <-ctx.Done():
	}
	cancel()
	<-sent
	l.burner.stop()
	l.s.rec.record(history.Event{Kind: history.KindAction, Call: whole, Return: now(), Action: &history.Action{Name: history.ActionUnload}})
}

func (l *load) ended() bool {
	select {
	case <-l.over:
		return true
	default:
		return false
	}
}

// unload ends the load, if there is one, and returns when that is recorded.
func (s *session) unload(ctx context.Context) error {
	s.loads.mu.Lock()
	l := s.loads.now
	s.loads.mu.Unlock()
	if l == nil {
		return nil
	}
	l.stop()
	select {
	case <-l.over:
		return nil
	case <-s.ctx.Done():
		return context.Cause(s.ctx)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
