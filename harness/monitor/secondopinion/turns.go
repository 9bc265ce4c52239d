package secondopinion

import (
	"math"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/monitor"
)

// never is after all stamps of a history, and leaves room to add to it.
const never history.Stamp = math.MaxInt64 / 8

// facts are what is known of a turn.
type facts struct {
	turn   *monitor.Turn
	called *history.Event // its first model call: it was admitted; nil: that was not seen
	life   *monitor.Life  // in which that was
	held   bool           // the model held it, for certain, from the call's Return
	until  history.Stamp  // to here; never, when it was not let go
	from   history.Stamp  // it can't have been in flight before
	to     history.Stamp  // nor after
}

func (tr *translation) facts(t *monitor.Turn) facts {
	f := facts{turn: t, from: never, to: math.MinInt64}
	for _, c := range t.Calls {
		if c.Called != nil {
			f.called = c.Called
			f.life = tr.lifeAt(c.Called.Return)
			break
		}
	}
	if t.Sent != nil {
		f.from, f.to = t.Sent.Call, never
	}
	if t.Ended != nil {
		f.to = t.Ended.Return
	}
	for _, c := range t.Calls {
		if c.Called == nil {
			continue
		}
		life := tr.lifeAt(c.Called.Return)
		if t.Sent == nil {
			f.from = min(f.from, life.From)
		}
		f.to = max(f.to, tr.answered(t, c, life))
	}
	f.held, f.until = tr.holds(f)
	return f
}

// answered is when a model call was over at the latest.
func (tr *translation) answered(t *monitor.Turn, c *monitor.Call, life *monitor.Life) history.Stamp {
	switch {
	case c.Done != nil:
		return c.Done.Return
	case c.Gone != nil:
		return c.Gone.Return
	case t.Outcome() == history.Finished:
		return t.Ended.Return
	case life != tr.view.Lives[len(tr.view.Lives)-1]:
		return life.Over // with the process that made it
	}
	return never
}

// holds says whether, and until when, the turn is in flight for certain. Nothing is
// certain of one that its client gave up, that the model was told to fail, or that
// did not end as it should: when exactly it was over is anybody's guess.
func (tr *translation) holds(f facts) (bool, history.Stamp) {
	t := f.turn
	if f.called == nil || t.Aborted != nil {
		return false, 0
	}
	alive := f.life.Alive
	for _, c := range t.Calls {
		if c.Failing || c.Gone != nil && c.Gone.Return <= alive {
			return false, 0
		}
	}
	if t.Ended != nil && t.Outcome() != history.Finished && t.Ended.Return <= alive {
		return false, 0
	}
	last := t.Calls[len(t.Calls)-1]
	until := never
	switch {
	case last.Released == nil:
		if last.Done != nil || t.Outcome() == history.Finished {
			return false, 0
		}
	case t.Long && t.Resumed != nil:
		until = t.Resumed.Call // its reply waited for its client
	case !t.Long || t.Ended != nil:
		until = last.Released.Call
	}
	return until > f.called.Return, until
}
