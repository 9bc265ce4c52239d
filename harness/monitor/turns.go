package monitor

import (
	"cmp"
	"net/http"
	"slices"
	"sort"

	"github.com/drainproof/drainproof/harness/history"
)

// DeliveryBytes is the length of a reply, in bytes, that no chain of socket
// buffers swallows: a client that reads nothing of it keeps it in delivery.
const DeliveryBytes = 8_000_000

// Turn is a turn with all that is known of it, from its client and its model.
type Turn struct {
	ID       string
	Ingress  string
	Session  string
	Origin   string // who starts it, when no client sends it; empty else
	Durable  bool   // its ingress owes it when a crash cuts it off
	Polled   bool   // its client asks for its reply, on connections of their own
	Reused   bool   // sent on a connection opened earlier
	Streams  bool   // its client asked for a streamed reply, and reads it
	Long     bool   // its client stalls, and its reply is longer than sockets hold
	Sent     *history.Event
	Arriving *history.Event // its answer was there, and its client did not read it yet
	Answered *history.Event
	Queued   *history.Event   // it was acknowledged as queued
	Progress []*history.Event // pieces of its reply arrived, in order
	Resumed  *history.Event
	Aborted  *history.Event
	Ended    *history.Event
	Arranged *history.Event // the request that leads to it was answered; of turns with an Origin
	Calls    []*Call
	Life     *Life // in which it was sent
}

// Call is one call of the model for a turn.
type Call struct {
	Number                       int
	Called, Released, Done, Gone *history.Event
	Emitted                      []*history.Event // tokens were handed to the gateway meanwhile, in order
	Failing                      bool             // the model was told to answer with an error
}

// Outcome is how it ended for its client; empty while it has not.
func (t *Turn) Outcome() history.TurnOutcome {
	if t.Ended == nil {
		return ""
	}
	return t.Ended.Turn.Outcome
}

// reached returns the event of the first model call, or nil: the proof that the
// turn was admitted.
func (t *Turn) reached() *history.Event {
	for _, c := range t.Calls {
		if c.Called != nil {
			return c.Called
		}
	}
	return nil
}

// admitted returns the model call that proves that the turn was started as a new
// one. A turn that was refused and reached the model all the same is GATE-002's.
func (t *Turn) admitted() *history.Event {
	if t.Outcome() == history.Refused {
		return nil
	}
	return t.reached()
}

// failing says whether the model was told to fail it.
func (t *Turn) failing() bool {
	for _, c := range t.Calls {
		if c.Failing {
			return true
		}
	}
	return false
}

// waitsSince is since when its client waits for nobody but the gateway: the last of what was
// sent, let go by the model, or taken from it unanswered, taken up again, or arrived.
func (t *Turn) waitsSince() history.Stamp {
	last := dawn
	for _, e := range []*history.Event{t.Sent, t.Resumed} {
		if e != nil {
			last = max(last, e.Return)
		}
	}
	for _, c := range t.Calls {
		switch {
		case c.Released != nil:
			last = max(last, c.Released.Return)
		case c.Gone != nil:
			last = max(last, c.Gone.Return)
		}
	}
	if n := len(t.Progress); n > 0 {
		last = max(last, t.Progress[n-1].Return)
	}
	return last
}

// broken says whether it ended as no turn should.
func (t *Turn) broken() bool {
	switch t.Outcome() {
	case history.Failed, history.Cut, history.Hung:
		return true
	}
	return false
}

func (v *View) indexTurns() {
	for i := range v.Events {
		e := &v.Events[i]
		switch e.Kind {
		case history.KindTurn:
			v.turn(e.Turn.ID).tell(e)
		case history.KindModel:
			switch {
			case !e.Model.Auxiliary && e.Model.Turn != "":
				v.turn(e.Model.Turn).call(e.Model.Call).tell(e)
			case e.Model.Phase == history.ModelCalled:
				v.strange = append(v.strange, e)
			}
		case history.KindSession:
			v.sessions = append(v.sessions, e)
		}
	}
	for _, t := range v.Turns {
		if t.Sent != nil {
			t.Life = v.lifeAt(t.Sent.Call)
		} else if called := t.reached(); called != nil {
			t.Life = v.lifeAt(called.Call)
		} else {
			t.Life = v.Lives[0]
		}
	}
	v.strange = v.strangers(v.strange)
	v.orderTurns()
}

// orderTurns sorts the turns by the time at which they were sent, and finds those
// for which a life made model calls though it was never sent them.
func (v *View) orderTurns() {
	v.inherited = make([][]*Turn, len(v.Lives))
	for _, t := range v.Turns {
		if t.Sent != nil {
			v.sent = append(v.sent, t)
		}
		last := -1
		for _, c := range t.Calls {
			if c.Called == nil {
				continue
			}
			if l := v.lifeAt(c.Called.Call); l.Index != last && (t.Sent == nil || l != t.Life) {
				v.inherited[l.Index] = append(v.inherited[l.Index], t)
				last = l.Index
			}
		}
	}
	slices.SortStableFunc(v.sent, func(a, b *Turn) int { return cmp.Compare(a.Sent.Call, b.Sent.Call) })
}

func (v *View) turn(id string) *Turn {
	t := v.byID[id]
	if t == nil {
		t = &Turn{ID: id}
		v.byID[id] = t
		v.Turns = append(v.Turns, t)
	}
	return t
}

// tell takes in what the client saw. The first word on each phase counts.
func (t *Turn) tell(e *history.Event) {
	if t.Ingress == "" {
		t.Ingress = e.Turn.Ingress
	}
	if t.Session == "" {
		t.Session = e.Turn.Session
	}
	if t.Origin == "" {
		t.Origin = e.Turn.Origin
	}
	var slot **history.Event
	switch e.Turn.Phase {
	case history.TurnSent:
		slot = &t.Sent
	case history.TurnArriving:
		slot = &t.Arriving
	case history.TurnAnswered:
		slot = &t.Answered
	case history.TurnQueued:
		slot = &t.Queued
	case history.TurnProgress:
		t.Progress = append(t.Progress, e)
		return
	case history.TurnResumed:
		slot = &t.Resumed
	case history.TurnAborted:
		slot = &t.Aborted
	case history.TurnEnded:
		slot = &t.Ended
	case history.TurnArranged:
		slot = &t.Arranged
	default:
		return
	}
	if *slot != nil {
		return
	}
	*slot = e
	if e.Turn.Phase == history.TurnSent {
		t.Reused, t.Durable, t.Polled = e.Turn.Reused, e.Turn.Durable, e.Turn.Polled
		t.Streams = e.Turn.Streams && !e.Turn.Stalls
		t.Long = e.Turn.Stalls && e.Turn.ReplyBytes >= DeliveryBytes
	}
}

func (t *Turn) call(number int) *Call {
	for i := len(t.Calls) - 1; i >= 0; i-- {
		if t.Calls[i].Number == number {
			return t.Calls[i]
		}
	}
	c := &Call{Number: number}
	t.Calls = append(t.Calls, c)
	return c
}

func (c *Call) tell(e *history.Event) {
	c.Failing = c.Failing || e.Model.Fail != 0
	var slot **history.Event
	switch e.Model.Phase {
	case history.ModelCalled:
		slot = &c.Called
	case history.ModelReleased:
		slot = &c.Released
	case history.ModelEmitted:
		c.Emitted = append(c.Emitted, e)
		return
	case history.ModelDone:
		slot = &c.Done
	case history.ModelGone:
		slot = &c.Gone
	default:
		return
	}
	if *slot == nil {
		*slot = e
	}
}

// certain returns the interval in which the turn was in flight for certain, and
// the instant from which on it may only have been in delivery. ok is false when
// nothing is certain: it ended in a way that leaves open when it was over. For a
// turn that is run again in a later life it speaks of the first run only.
func (v *View) certain(t *Turn) (from, delivery, to history.Stamp, ok bool) {
	called := t.reached()
	if called == nil || t.Aborted != nil || t.failing() {
		return 0, 0, 0, false
	}
	limit := v.horizon
	life := v.lifeAt(called.Return)
	limit = min(limit, life.Alive)
	for _, c := range t.Calls {
		if c.Gone != nil && c.Gone.Return <= limit {
			return 0, 0, 0, false
		}
	}
	if t.Answered != nil && t.Answered.Turn.Status >= http.StatusBadRequest && t.Answered.Return <= limit {
		return 0, 0, 0, false // with an error: what follows that head is no reply
	}
	// A turn that was queued runs whatever becomes of the client that was told so.
	if t.Ended != nil && t.Outcome() != history.Finished && t.Queued == nil && t.Ended.Return <= limit {
		return 0, 0, 0, false
	}
	from = called.Return
	to = limit
	last := replying(v.callsIn(t, life))
	switch {
	case last.Released != nil:
		to = last.Released.Call
	case last.Done != nil || t.Outcome() == history.Finished && t.Ended.Call < limit:
		to = from // it was never held: nothing is certain about how long it took
	}
	delivery = to
	if t.Long && last.Released != nil {
		to = limit
		if t.Resumed != nil {
			to = t.Resumed.Call
		} else if t.Ended != nil {
			to = delivery
		}
	}
	from, delivery, to = min(from, limit), min(delivery, limit), min(to, limit)
	return from, max(delivery, from), to, to > from
}

// possible returns the interval outside which the turn can't have been in
// flight: from before it was sent until both its client and its model were done.
func (v *View) possible(t *Turn) (from, to history.Stamp, ok bool) {
	from, to = never, dawn
	if t.Sent != nil {
		from, to = t.Sent.Call, never
	}
	if l := v.unseen(t); l != nil {
		from, to = l.From, never
	}
	if t.Ended != nil {
		to = t.Ended.Return
	}
	for _, c := range t.Calls {
		if c.Called == nil {
			continue
		}
		if t.Sent == nil { // work of the gateway's own
			begun := v.lifeAt(c.Called.Call).From
			if asked := t.Arranged; asked != nil && asked.Call <= c.Called.Return {
				begun = max(begun, asked.Call)
			}
			from = min(from, begun)
		}
		over := never
		switch {
		case c.Done != nil:
			over = c.Done.Return
		case c.Gone != nil:
			over = c.Gone.Return
		case t.Outcome() == history.Finished:
			over = t.Ended.Return
		default:
			// The call ended with the process that made it, at the latest.
			if life := v.lifeAt(c.Called.Return); life.Over < v.horizon {
				over = life.Over
			}
		}
		to = max(to, over)
	}
	for _, l := range v.Lives {
		if begun, over, taken := v.takenUp(t, l); taken {
			from, to = min(from, begun), max(to, over)
		}
	}
	return from, to, to >= from
}

// overlaps says whether it may have been in flight at some time in [from, to].
func (v *View) overlaps(t *Turn, from, to history.Stamp) bool {
	begun, over, ok := v.possible(t)
	return ok && begun <= to && over >= from
}

// unseen returns the life from which on what the gateway was asked to do by itself may be done
// where nobody sees whose work it is, since the probe that knew of it went with the
// instantiation before; or nil.
func (v *View) unseen(t *Turn) *Life {
	if t.Sent != nil || t.Arranged == nil || slices.ContainsFunc(t.Calls, func(c *Call) bool { return c.Done != nil }) {
		return nil
	}
	for _, l := range v.Lives {
		if l.anew() && l.From > t.Arranged.Call {
			return l
		}
	}
	return nil
}

// indexEndings lists the ends of admitted turns, seen by client or model.
func (v *View) indexEndings() {
	add := func(e *history.Event) {
		if e != nil {
			v.ended = append(v.ended, e)
		}
	}
	for _, t := range v.Turns {
		if t.reached() == nil {
			continue
		}
		add(t.Ended)
		for _, c := range t.Calls {
			add(c.Released)
		}
	}
	slices.SortStableFunc(v.ended, func(a, b *history.Event) int { return cmp.Compare(a.Return, b.Return) })
}

// endings returns the events, in [from, to] by their Return, by which admitted
// turns came to their end.
func (v *View) endings(from, to history.Stamp) []*history.Event {
	i := sort.Search(len(v.ended), func(i int) bool { return v.ended[i].Return >= from })
	j := sort.Search(len(v.ended), func(i int) bool { return v.ended[i].Return > to })
	if j < i {
		return nil
	}
	return v.ended[i:j]
}
