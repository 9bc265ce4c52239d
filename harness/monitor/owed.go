package monitor

import (
	"slices"

	"github.com/drainproof/drainproof/harness/history"
)

// owedMonitors judge turns that the gateway starts by itself: jobs, the turns that
// background processes lead to when they complete, and turns that are run again.
func owedMonitors() []Monitor {
	return []Monitor{
		rule("GATE-007", "internal-passes-gate", judgeInternalPasses),
		rule("RESTART-004", "cut-off-runs-again-once", judgeReplays),
		rule("SCHEDULED-001", "no-job-in-drain", judgeJobStarts),
		rule("SCHEDULED-002", "job-counted", judgeJobCounted),
		rule("SCHEDULED-003", "missed-job-runs-once", judgeMissedJobs),
	}
}

// over is the event with which the call ended, for the gateway; nil: it has not.
func (c *Call) over() *history.Event {
	if c.Done != nil {
		return c.Done
	}
	return c.Gone
}

// asks says whether it asks for the turn's reply, as far as is known. How many tools a turn
// takes before is its model's affair, and a call that fails may be made again.
func (c *Call) asks() bool { return !c.Failing && (c.Done == nil || c.Done.Model.Tool == "") }

// replied says whether the model gave its whole reply to it.
func (c *Call) replied() bool { return c.Done != nil && c.asks() }

// replying is the call by which a turn comes to its reply, or its last one so far. What a
// gateway asks of the model beyond the reply, a title perhaps, keeps nobody waiting.
func replying(calls []*Call) *Call {
	if i := slices.IndexFunc(calls, (*Call).replied); i >= 0 {
		return calls[i]
	}
	return calls[len(calls)-1]
}

// run is what one life of the gateway had the model do for a turn.
type run struct {
	life  *Life
	calls []*Call
}

// runs are those of a turn, in order. There are several when the gateway ran it
// again.
func (v *View) runs(t *Turn) []run {
	var out []run
	for _, c := range t.Calls {
		if c.Called == nil {
			continue
		}
		life := v.lifeAt(c.Called.Return)
		if n := len(out); n > 0 && out[n-1].life == life {
			out[n-1].calls = append(out[n-1].calls, c)
		} else {
			out = append(out, run{life, []*Call{c}})
		}
	}
	return out
}

// callsIn are the turn's model calls that one life made.
func (v *View) callsIn(t *Turn, l *Life) []*Call {
	var out []*Call
	for i, c := range t.Calls {
		if c.Called != nil && v.lifeAt(c.Called.Return) == l {
			if i == 0 && len(t.Calls) == 1 {
				return t.Calls // as most turns have it
			}
			out = append(out, c)
		}
	}
	return out
}

// rerun is a stretch in which a turn was in flight for certain because it was run
// again in a later life, with the model call that began it.
type rerun struct {
	flight
	called *history.Event
}

func (v *View) replaysOf(t *Turn) []rerun {
	if len(t.Calls) < 2 || t.failing() {
		return nil
	}
	var out []rerun
	for i, r := range v.runs(t) {
		if i == 0 {
			continue
		}
		from, to := r.calls[0].Called.Return, r.life.Alive
		gone := false
		for _, c := range r.calls {
			gone = gone || c.Gone != nil && c.Gone.Return <= to
		}
		switch last := replying(r.calls); {
		case gone:
			continue
		case last.Released != nil:
			to = min(to, last.Released.Call)
		case last.Done != nil:
			continue // it was never held
		}
		if to > from {
			out = append(out, rerun{flight{from, to}, r.calls[0].Called})
		}
	}
	return out
}

// takenUp returns when a turn that the gateway owed, and not to a client of that life, may
// have been in flight in a life that was over before it had to reach the model in it. A
// slot is claimed some instants before the model is called, and a kill can fall between;
// the next life runs it all the same.
func (v *View) takenUp(t *Turn, l *Life) (from, to history.Stamp, ok bool) {
	from = l.From
	within := l.From // it had until then, and the grace, to reach the model
	if l.Ready != nil {
		within = l.Ready.Return
	}
	switch {
	case t.Sent == nil && t.Arranged != nil && (t.accepted() || t.Arranged.Turn.Status == 0):
		from = max(from, t.Arranged.Call, t.Arranged.Turn.Due)
		within = max(within, t.Arranged.Return, t.Arranged.Turn.Due.Add(t.Arranged.Turn.Late))
		if t.Origin == history.OriginJob {
			within = v.pastDrains(within, l.Alive)
		}
	case t.Sent != nil && t.Durable && t.Life.Index < l.Index:
	default:
		return 0, 0, false
	}
	ok = from <= l.Over && v.waited(within, l.Alive) <= v.Grace
	return from, l.Over, ok && t.unfinished(l.From) && len(v.callsIn(t, l)) == 0
}

// pastDrains is until when a job may start that was to by an instant, give or take the grace:
// one that a drain comes before waits for its end, where that may have come before the limit.
func (v *View) pastDrains(to, limit history.Stamp) history.Stamp {
	for _, d := range v.Drains {
		if d.Begin.Call <= to.Add(v.Grace) && d.until() <= limit {
			to = max(to, d.past())
		}
	}
	return to
}

// unfinished says whether a turn was taken, or may have been, and was not over by then: no
// model replied to a call that was made before.
func (t *Turn) unfinished(by history.Stamp) bool {
	switch t.Outcome() {
	case history.Refused, history.Busy, history.Unsent:
		return false
	case history.Finished:
		if t.Ended.Return <= by {
			return false
		}
	}
	return !slices.ContainsFunc(t.Calls, func(c *Call) bool {
		return c.replied() && (c.Called == nil || c.Called.Call < by)
	})
}

// repliesPerTurn is how often the gateway asks the model for a reply in the course
// of one turn, as turns that finished in the ordinary way show: some gateways ask
// for more than the reply, a summary perhaps. More than that is more than one run.
func (v *View) repliesPerTurn() int { return v.mostPerTurn((*Call).replied, nil) }

// mostPerTurn is how many such calls a turn that finished took at the most, and 1 at least.
func (v *View) mostPerTurn(such func(*Call) bool, except map[*Turn]bool) int {
	most := 1
	for _, t := range v.sent {
		if !except[t] && t.Outcome() == history.Finished {
			most = max(most, number(v.callsIn(t, t.Life), such))
		}
	}
	return most
}

// number is how many of the calls are such.
func number(calls []*Call, such func(*Call) bool) int {
	n := 0
	for _, c := range calls {
		if such(c) {
			n++
		}
	}
	return n
}

// cutByKill says whether a SIGKILL ended the turn's life while the model held the turn:
// it was certainly not over.
func (v *View) cutByKill(t *Turn) bool {
	kill := t.Life.Kill
	if kill == nil || kill.Action.Name != history.ActionSIGKILL || t.Life.Shutdown != nil {
		return false
	}
	_, delivery, _, ok := v.certain(t)
	return ok && delivery >= t.Life.Alive
}

// overFor looks for proof that a run was over, for the gateway too, while its life
// lasted: the model has given its whole reply, and then the gateway published that
// nothing is in flight, or lived on for B. It returns the reply and the proof.
func (v *View) overFor(r run) (done, proof *history.Event) {
	last := r.calls[len(r.calls)-1]
	if !last.replied() {
		return nil, nil
	}
	for _, p := range v.Publications {
		for read := range p.within(last.Done.Return, r.life.Alive) {
			if read.State.Count == 0 {
				return last.Done, read.Event
			}
		}
	}
	if v.ran(last.Done.Return, r.life.Alive) > v.Bound {
		return last.Done, last.Done
	}
	return nil, nil
}
