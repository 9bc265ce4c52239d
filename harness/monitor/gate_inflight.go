package monitor

import (
	"fmt"
	"slices"

	"github.com/drainproof/drainproof/harness/history"
)

func flightMonitors() []Monitor {
	return []Monitor{rule("GATE-004", "in-flight-untouched", func(v *View, r *ruling) {
		judgeInFlight(v, r)
		judgeOwedInFlight(v, r)
		judgeStalled(v, r)
	})}
}

// judgeInFlight is GATE-004: a turn in flight when the drain began is neither
// interrupted, stalled nor cut: whatever still comes of it must arrive, tokens
// and further model calls too. Nor does the cancel end it. Not charged: what the client or the harness ended,
// what the model was told to fail, what went down with the process (STATE-006 and
// STATE-008), and time in which the gateway was frozen.
//
// A client waits for the end of a turn in one long read, so the end's Call may lie
// before the marker although the end does not. The end is then placed at its
// Return, unless a stall shows that the client may just have been woken late. It is
// certain when the gateway took an answer of the model's for the turn meanwhile.
func judgeInFlight(v *View, r *ruling) {
	for _, s := range v.Spells {
		if s.Ack == nil {
			continue
		}
		for _, t := range v.inFlightAt(s) {
			called := t.reached()
			end := v.interrupted(t, s.From, v.answersFor(s))
			if end == nil {
				if t.Outcome() == history.Finished || t.Ended == nil || t.Ended.Return > s.Until {
					r.arises()
					r.clean()
				}
				continue
			}
			if t.failing() || t.Aborted != nil || v.frozen(t.Sent.Call, end.Return) || v.dying(s.Life, end.Return) {
				continue
			}
			r.arises()
			expected := "a turn in flight when the drain began is not interrupted"
			actual := fmt.Sprintf("turn %s was in flight when the drain began: %s", t.ID, history.Describe(*end))
			evidence := []*history.Event{called, s.Drain.Begin, s.Ack, end, t.Ended}
			r.endedAfter(v, s.From, end, t.wentOn(s.From), expected, actual, evidence...)
		}
	}
}

// judgeOwedInFlight is GATE-004 for the turns that no client sent to this life: jobs, what
// background processes lead to, and what is run again. Some may begin in the drain; neither
// it nor its cancel ends them.
func judgeOwedInFlight(v *View, r *ruling) {
	for _, s := range v.Spells {
		if s.Ack == nil {
			continue
		}
		for _, t := range v.inherited[s.Life.Index] {
			calls := v.callsIn(t, s.Life)
			if len(calls) == 0 || t.failing() || t.Aborted != nil || t.Outcome() == history.Hung {
				continue
			}
			called, over := calls[0].Called, calls[len(calls)-1].over()
			if called.Call > s.Until || over != nil && over.Return <= s.From {
				continue
			}
			gone := hungUpIn(calls, s.From, v.answersFor(s))
			if gone == nil {
				r.arises()
				r.clean()
				continue
			}
			if v.frozen(called.Call, gone.Return) || v.dying(s.Life, gone.Return) {
				continue
			}
			r.arises()
			expected := "a turn in flight in a drain is not interrupted"
			actual := fmt.Sprintf("turn %s, which no client waits for, was in flight in the drain: %s", t.ID, history.Describe(*gone))
			evidence := []*history.Event{called, s.Drain.Begin, s.Ack, gone}
			r.endedAfter(v, s.From, gone, false, expected, actual, evidence...)
		}
	}
}

// hungUpIn returns the first event in a stretch by which the gateway hung up on one of the
// calls before it had its answer; nil if there is none.
func hungUpIn(calls []*Call, from, until history.Stamp) *history.Event {
	for _, c := range calls {
		if c.Gone != nil && c.Done == nil && c.Gone.Return > from && c.Gone.Return <= until {
			return c.Gone
		}
	}
	return nil
}

// inFlightAt returns the turns that were admitted before the drain was
// acknowledged, in this life, and had not ended when it began.
func (v *View) inFlightAt(s *Spell) []*Turn { return s.inFlight }

// indexInFlight finds them. From spell to spell it carries on only what has not ended
// yet: one turn that never ends must not make it look at all that were sent since.
func (v *View) indexInFlight() {
	for _, l := range v.Lives {
		var open []served
		coming := v.served[l.Index]
		for _, s := range v.byLife[l.Index] {
			if s.Ack == nil {
				continue
			}
			for len(coming) > 0 && coming[0].turn.Sent.Call < s.Ack.Return {
				open, coming = append(open, coming[0]), coming[1:]
			}
			open = slices.DeleteFunc(open, func(f served) bool { return f.over <= s.From })
			for _, f := range open {
				if called := f.turn.reached(); called.Return < s.Ack.Return && f.turn.Outcome() != history.Refused {
					s.inFlight = append(s.inFlight, f.turn)
				}
			}
		}
	}
}

// answersFor is until when an end that a turn should not come to is put down to the drain: to
// its end, and where it was cancelled, a while beyond, since a cancel may end turns as well.
func (v *View) answersFor(s *Spell) history.Stamp {
	cancel := s.Drain.Cancel
	if cancel == nil || s.Drain.vanished() || cancel.Return > s.Life.Serving {
		return s.Until
	}
	return min(cancel.Return.Add(v.Grace), s.Life.Serving, v.nextBegin(cancel.Return))
}

// interrupted returns the event by which the turn, in flight when a spell began, ended as
// it should not within a stretch; nil if there is none.
func (v *View) interrupted(t *Turn, from, until history.Stamp) *history.Event {
	if t.Outcome() == history.Finished {
		return nil
	}
	// Seen as it happened, while a client waits in one long read.
	if gone := v.hungUpOn(t, from); gone != nil && gone.Return <= until && t.Aborted == nil {
		return gone
	}
	if !t.broken() || t.Ended.Return <= from {
		return nil
	}
	at := t.Ended.Return
	if t.Outcome() == history.Hung { // its client gave up long after there was nothing to wait for but the gateway
		at = t.waitsSince()
	}
	if at <= until {
		return t.Ended
	}
	return nil
}

// hungUpOn returns the first event after an instant by which the gateway hung up on the
// model before it had the answer to the turn; nil if there is none. Where the client had
// given up by then, or may have, it was free to.
func (v *View) hungUpOn(t *Turn, after history.Stamp) *history.Event {
	for _, c := range t.Calls {
		if c.Called == nil || c.Gone == nil || c.Done != nil || c.Gone.Call < after {
			continue
		}
		if t.Outcome() == history.Hung && v.waited(c.Gone.Return, t.Ended.Return) <= v.Bound {
			continue
		}
		return c.Gone
	}
	return nil
}

// wentOn says whether the gateway took an answer of the model's for the turn that
// was given after the instant: the turn was not over then.
func (t *Turn) wentOn(after history.Stamp) bool {
	for _, c := range t.Calls {
		if c.Released != nil && c.Released.Call >= after && c.Done != nil {
			return true
		}
	}
	return false
}

// served is a turn with when it was over for its client.
type served struct {
	turn *Turn
	over history.Stamp
}

// indexServed lists per life the turns that were sent in it and reached the model.
func (v *View) indexServed() {
	v.served = make([][]served, len(v.Lives))
	for _, t := range v.sent {
		if t.reached() == nil {
			continue
		}
		over := never
		if t.Ended != nil {
			over = t.Ended.Return
		}
		v.served[t.Life.Index] = append(v.served[t.Life.Index], served{turn: t, over: over})
	}
}
