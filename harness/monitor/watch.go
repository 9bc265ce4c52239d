package monitor

import (
	"fmt"
	"time"

	"github.com/drainproof/drainproof/harness/history"
)

func watchMonitors() []Monitor {
	return []Monitor{
		rule("WATCH-001", "begin-published", func(v *View, r *ruling) { v.judgeBegins(r, v.unloaded) }),
		rule("WATCH-002", "cancel-published", func(v *View, r *ruling) { v.judgeCancels(r, v.unloaded) }),
		rule("WATCH-004", "bad-looks-outlived", judgeOutlived),
		rule("WATCH-005", "hurry-settles", judgeSettled),
	}
}

// judgeBegins is WATCH-001, and WATCH-006 where the marker appeared under a load: a
// gateway that serves publishes `draining` within B of the marker's appearance. Late
// is proven by a reading that was begun more than B after the marker was there and
// still shows another state, when none before it shows `draining`.
func (v *View) judgeBegins(r *ruling, mine func(*history.Event) bool) {
	for i, s := range v.Spells {
		if s.AtStart {
			continue // WATCH-003 and RESTART judge what is there at start
		}
		if !mine(s.Drain.Begin) {
			continue
		}
		if !plain(s.Drain.Begin) || s.Life.Met <= s.Drain.Begin.Call {
			continue // MARKER and WATCH-004 judge these, and what comes after them
		}
		if s.Drain.hurry.begun {
			continue // WATCH-005
		}
		arose, first := false, (*Read)(nil)
		for _, p := range v.Publications {
			before := p.lastBefore(s.Drain.Begin.Call)
			if before == nil || before.Life != s.Life || before.State.State != history.Running {
				continue // still starting, or not back from the drain before
			}
			if i > 0 && leftByFlap(p, v.Spells[i-1], s, before) {
				continue
			}
			draining, late := settles(v, p, history.Draining, v.Bound, s.Drain.Begin, s.From, s.Until)
			if draining == nil && late == nil {
				continue // the drain was over before the bound
			}
			arose = true
			if draining != nil && (first == nil || draining.Event.Return > first.Event.Return) {
				first = draining
			}
			if late == nil {
				r.clean()
				continue
			}
			took := v.ran(s.Drain.Begin.Return, late.Event.Call)
			r.overdue(v, s.Drain.Begin, late.Event, late.Event.Call, v.Bound,
				fmt.Sprintf("%s publishes draining within %s of the marker's appearance", p.Name, v.Bound),
				fmt.Sprintf("%s after it, %s still shows %s%s", round(took), p.Name, late.State.State, finally(v, draining, s.Drain.Begin)),
				s.Drain.Begin, late.Event, event(draining), v.loadOn(s.Drain.Begin))
		}
		if arose {
			r.arises()
		}
		if first != nil {
			r.sample("draining published after", v.ran(s.Drain.Begin.Return, first.Event.Return), v.Bound)
		}
	}
}

// leftByFlap says whether the running that is read before a drain is still the one
// that was published in the middle of the drain before. It does not tell whether
// the gateway ever came back from that drain, so nothing follows from its staying;
// that it was published is charged where it happened (STATE-003, STATE-010).
func leftByFlap(p *Publication, previous, s *Spell, before *Read) bool {
	ack, cancel := previous.Acks[p.Index], previous.Drain.Cancel
	if previous.Life != s.Life || ack == nil || cancel == nil {
		return false
	}
	last := p.lastBefore(cancel.Call)
	return last != nil && last.Event.Return > ack.Event.Return && last.State.State == history.Running &&
		last.State.Version == before.State.Version
}

// judgeCancels is WATCH-002, and WATCH-006 where the marker was removed under a load:
// a gateway that published `draining` publishes `running` within B of the marker's
// removal, unless it is shutting down or is asked to drain again before.
func (v *View) judgeCancels(r *ruling, mine func(*history.Event) bool) {
	for i, s := range v.Spells {
		cancel := s.Drain.Cancel
		if cancel == nil || cancel.Call > s.Life.Serving || !mine(cancel) || s.Drain.hurry.begun {
			continue
		}
		if s.Drain.vanished() {
			continue // the gateway's own doing is no cancel: MARKER-008
		}
		if s.Life.Met <= cancel.Call || v.inertAt(cancel.Call, cancel.Return) {
			continue // MARKER and WATCH-004 judge what comes after a marker out of the ordinary
		}
		until := s.Life.Serving
		if i+1 < len(v.Spells) {
			until = min(until, v.Spells[i+1].Drain.Begin.Call)
		}
		arose, first := false, (*Read)(nil)
		for _, p := range v.Publications {
			before := p.lastBefore(cancel.Call)
			if s.Acks[p.Index] == nil || before == nil || before.Life != s.Life || before.State.State != history.Draining {
				continue
			}
			running, late := settles(v, p, history.Running, v.Bound, cancel, cancel.Call, until)
			if running == nil && late == nil {
				continue
			}
			arose = true
			if running != nil && (first == nil || running.Event.Return > first.Event.Return) {
				first = running
			}
			if late == nil {
				r.clean()
				continue
			}
			took := v.ran(cancel.Return, late.Event.Call)
			r.overdue(v, cancel, late.Event, late.Event.Call, v.Bound,
				fmt.Sprintf("%s publishes running within %s of the marker's removal", p.Name, v.Bound),
				fmt.Sprintf("%s after it, %s still shows %s%s", round(took), p.Name, late.State.State, finally(v, running, cancel)),
				cancel, late.Event, event(running), v.loadOn(cancel))
		}
		if arose {
			r.arises()
		}
		if first != nil {
			r.sample("running published after", v.ran(cancel.Return, first.Event.Return), v.Bound)
		}
	}
}

// settles looks for the first reading of the state after the cause, and for the
// last reading before it that proves that the state was not published in time.
func settles(v *View, p *Publication, state string, within time.Duration, cause *history.Event, from, until history.Stamp) (reached, late *Read) {
	spent := v.ran // B itself is measured as it was, and noise is looked for afterwards
	if within > v.Bound {
		spent = v.waited
	}
	for _, read := range p.Reads[p.touching(from):] {
		if read.Event.Call > until {
			break
		}
		if read.Event.Return > until || !read.Good || !read.Fresh {
			continue
		}
		if read.State.State == state {
			reached = read
			break
		}
		if spent(cause.Return, read.Event.Call) > within {
			late = read
		}
	}
	if reached != nil && late != nil && reached.overlaps(late) {
		late = nil // either may have come first
	}
	return reached, late
}

func finally(v *View, reached *Read, cause *history.Event) string {
	if reached == nil {
		return " and never changes"
	}
	return fmt.Sprintf("; it changes after %s", round(v.ran(cause.Return, reached.Event.Return)))
}

func event(r *Read) *history.Event {
	if r == nil {
		return nil
	}
	return r.Event
}
