package monitor

import (
	"cmp"
	"fmt"
	"time"

	"github.com/drainproof/drainproof/harness/history"
)

// Prompt is how soon a refusal must be answered (GATE-008).
const Prompt = time.Second

func refusalMonitors() []Monitor {
	return []Monitor{
		rule("GATE-002", "refused-never-reaches-model", judgeRefusedReachesModel),
		rule("GATE-008", "refusal-prompt-and-clear", judgeRefusalShape),
		rule("GATE-011", "no-refusal-without-drain", judgeNeedlessRefusal),
		rule("GATE-012", "refusal-machine-readable", judgeRefusalFields),
	}
}

// judgeRefusedReachesModel is GATE-002: a refused turn never reaches the model, and
// leaves nothing in its session.
func judgeRefusedReachesModel(v *View, r *ruling) {
	for _, t := range v.Turns {
		if t.Outcome() != history.Refused {
			continue
		}
		r.arises()
		if called := t.reached(); called != nil && !v.cutByShutdown(t, called) {
			r.violation(called.Return,
				"a refused turn never reaches the model",
				fmt.Sprintf("turn %s was refused by %s, and the model was called for it", t.ID, t.Ingress),
				t.Sent, called, t.Ended)
		}
	}
	for _, look := range v.sessions {
		for _, id := range look.Session.Turns {
			t := v.byID[id]
			if t == nil || t.Outcome() != history.Refused || t.Ended.Return > look.Call {
				continue
			}
			r.violation(look.Return,
				"a refused turn leaves nothing in the session's history",
				fmt.Sprintf("turn %s was refused by %s, and stands in the history of session %q", t.ID, t.Ingress, look.Session.Name),
				t.Sent, t.Ended, look)
		}
	}
}

// cutByShutdown says whether the turn was in flight when its gateway was told to
// shut down. Whatever it is answered then, it is an interruption: SHUTDOWN-001.
func (v *View) cutByShutdown(t *Turn, called *history.Event) bool {
	term := v.lifeAt(called.Return).Shutdown
	return term != nil && called.Return < term.Call && t.Ended.Return > term.Call
}

// judgeRefusalShape is GATE-008: a turn that is not started because of the drain
// is told so, within Prompt, in the shape the target declares. A failure, a cut
// connection or no answer at all is not telling, nor is "busy" where nothing is.
func judgeRefusalShape(v *View, r *ruling) {
	const told = "a turn sent during a drain is refused as draining, in the shape the target declares"
	for _, s := range v.Spells {
		for _, t := range v.afterAck(s) {
			if t.Ended == nil || t.Ended.Return > s.Until || t.reached() != nil || t.Queued != nil || v.frozen(t.Sent.Call, t.Ended.Return) {
				continue // the marker went, or the gateway ended, meanwhile: it owes no refusal
			}
			switch {
			case t.broken() && v.dying(s.Life, t.Ended.Return):
			case t.broken():
				r.arises()
				r.badEnd(v, t.Ended, told,
					fmt.Sprintf("turn %s to %s: %s", t.ID, t.Ingress, history.Describe(*t.Ended)),
					s.Ack, t.Sent, t.Ended)
			case t.Outcome() == history.Busy && v.alone(t):
				r.arises()
				r.violation(t.Ended.Return, told,
					fmt.Sprintf("turn %s to %s was refused as busy, with nothing in flight", t.ID, t.Ingress),
					s.Ack, t.Sent, t.Ended)
			case t.Outcome() == history.Refused:
				r.arises()
				answer := cmp.Or(t.Answered, t.Ended)
				if t.Arriving != nil && t.Resumed != nil && t.Resumed.Call < answer.Return {
					answer = t.Arriving // it was there, and its client did not read
				}
				took := answer.Return.Sub(t.Sent.Return)
				r.sample("refused after", took, Prompt)
				if took <= Prompt {
					r.clean()
					continue
				}
				r.miss(v, t.Sent.Call, answer.Return, took-Prompt,
					fmt.Sprintf("a refusal is answered within %s", Prompt),
					fmt.Sprintf("turn %s to %s was refused after %s", t.ID, t.Ingress, round(took)),
					s.Ack, t.Sent, answer)
			}
		}
	}
}

// judgeNeedlessRefusal is GATE-011: B after cancel the next turn is accepted, and
// nothing is refused as draining when no drain was requested. A turn that fails or
// hangs before it reaches the model was not accepted either.
func judgeNeedlessRefusal(v *View, r *ruling) {
	for _, t := range v.sent {
		l := t.Life
		over := v.horizon
		if t.Ended != nil {
			over = t.Ended.Return
		}
		if over > l.Serving || v.drainAt(t.Sent.Call, over) != nil && t.Outcome() == history.Refused {
			continue
		}
		if l.Met <= t.Sent.Call {
			continue // a gateway that was blinded is charged for that
		}
		if v.inertAt(t.Sent.Call, over) {
			v.judgeRefusalUnderStale(r, t, over)
			continue // one that drains for a decoy, or for a stale marker, is charged for that
		}
		before := v.lastCancel(t.Sent.Call)
		if before != nil && before.Cancel == nil {
			continue // it grew stale, and was not cancelled: EPOCH and EXPIRY judge that
		}
		mine := before != nil && before.Cancel.Call > l.From // cancelled in this life
		if t.admitted() != nil && mine && v.drainAt(t.Sent.Call, t.Sent.Return) == nil {
			r.arises()
			r.clean()
		}
		refused := t.Outcome() == history.Refused
		if !refused && !(mine && v.cameToNothing(t)) {
			continue
		}
		if mine && before.vanished() {
			continue // the gateway took the marker away itself: MARKER-008
		}
		if mine && refused && v.waited(before.Cancel.Return, t.Sent.Call) > v.Bound {
			if taken := v.takenBefore(t, before.Cancel); taken != nil { // so neither noise nor load is the reason
				r.arises()
				r.violation(over,
					"no turn is refused as draining when no drain is requested",
					fmt.Sprintf("turn %s to %s was refused, after turn %s, sent there since the last drain, was accepted", t.ID, t.Ingress, taken.ID),
					before.Cancel, taken.Sent, taken.admitted(), t.Sent, t.Ended)
				continue
			}
		}
		if mine {
			margin := v.ran(before.Cancel.Return, t.Sent.Call) - v.Bound
			if margin <= 0 || !v.unloaded(before.Cancel) {
				continue // what is late under a load is WATCH-006's
			}
			what := "was refused as draining"
			if !refused {
				what = "was not: " + history.Describe(*t.Ended)
			}
			r.arises()
			r.miss(v, before.Cancel.Call, over, margin,
				fmt.Sprintf("%s after the marker's removal the next turn is accepted", v.Bound),
				fmt.Sprintf("turn %s, sent to %s %s after it, %s", t.ID, t.Ingress, round(margin+v.Bound), what),
				before.Cancel, t.Sent, t.Ended)
			continue
		}
		if running := v.ranBefore(l, t.Sent.Call); running != nil {
			r.arises()
			r.violation(over,
				"no turn is refused as draining when no drain was requested",
				fmt.Sprintf("turn %s to %s was refused, and there has been no marker in this life of the gateway", t.ID, t.Ingress),
				running.Event, t.Sent, t.Ended)
		}
	}
}

// takenBefore is a turn that was sent to the same ingress after a cancel, and had been
// started before this one was sent; nil: there is none.
func (v *View) takenBefore(t *Turn, cancel *history.Event) *Turn {
	for _, other := range v.sent {
		if other.Sent.Call >= t.Sent.Call {
			return nil
		}
		if other.Ingress != t.Ingress || other.Life != t.Life || other.Sent.Call <= cancel.Return || other.Queued != nil {
			continue
		}
		if started := other.admitted(); started != nil && started.Return <= t.Sent.Call {
			return other
		}
	}
	return nil
}

// cameToNothing says whether a turn on a connection of its own ended, by itself,
// without having been started, although nothing drained or ended meanwhile.
func (v *View) cameToNothing(t *Turn) bool {
	if !t.broken() || t.reached() != nil || t.Queued != nil || t.Sent.Turn.Reused {
		return false
	}
	over := t.Ended.Return
	return v.drainAt(t.Sent.Call, over) == nil && !v.dying(t.Life, over) && !v.frozen(t.Sent.Call, over)
}

// ranBefore returns a reading that shows that the life was running before the
// instant, or nil.
func (v *View) ranBefore(l *Life, at history.Stamp) *Read {
	for _, p := range v.Publications {
		if read := p.lastBefore(at); read != nil && read.Life == l && read.State.State == history.Running {
			return read
		}
	}
	return nil
}

// judgeRefusalFields is GATE-012 (SHOULD, on HTTP): a refusal is a 503 with
// Retry-After and a machine-readable code.
func judgeRefusalFields(v *View, r *ruling) {
	for _, t := range v.Turns {
		if t.Outcome() != history.Refused {
			continue
		}
		status, retry, code := t.Ended.Turn.Status, t.Ended.Turn.RetryAfter, t.Ended.Turn.Code
		if t.Answered != nil {
			status = max(status, t.Answered.Turn.Status)
			retry, code = cmp.Or(retry, t.Answered.Turn.RetryAfter), cmp.Or(code, t.Answered.Turn.Code)
		}
		if status == 0 {
			continue // not HTTP
		}
		r.arises()
		if status != 503 || retry == "" || code == "" {
			r.violation(t.Ended.Return,
				"a refusal over HTTP is a 503 with Retry-After and a machine-readable code",
				fmt.Sprintf("turn %s to %s was refused with status %d, Retry-After %q, code %q (at error.code, or code)", t.ID, t.Ingress, status, retry, code),
				t.Sent, t.Answered, t.Ended)
		}
	}
}
