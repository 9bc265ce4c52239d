package monitor

import (
	"fmt"
	"slices"

	"github.com/drainproof/drainproof/harness/history"
)

func terminationMonitors() []Monitor {
	return []Monitor{
		rule("SHUTDOWN-001", "shutdown-lets-finish", judgeTermination),
		rule("SHUTDOWN-002", "shutdown-has-a-deadline", judgeDeadline),
		rule("SHUTDOWN-003", "marker-outlives-shutdown", judgeMarkerOutlives),
	}
}

// judgeTermination is SHUTDOWN-001: after a SIGTERM new turns are refused, turns in
// flight may finish until the declared deadline, and the process then exits with 0.
// Its situation arose when one life showed all three.
func judgeTermination(v *View, r *ruling) {
	for _, l := range v.Lives {
		if l.Shutdown == nil || !v.promisesDeadline() || v.crashedBefore(l) {
			continue
		}
		late := v.judgeLateTurns(l, r)
		whole := v.judgeCutShort(l, r)
		if exited := v.judgeExit(l, r); late && whole && exited {
			r.arises()
		}
	}
}

// promisesDeadline says whether the target declares how it shuts down, and within
// what time.
func (v *View) promisesDeadline() bool {
	return v.declares("shutdown") && v.Header.ShutdownDeadline > 0
}

// heard returns the first reading that shows that a life has heard its SIGTERM: a
// state that it did not publish before and that nothing else accounts for; nil when
// there is none. It may have heard it before the engine said that it was sent.
func (v *View) heard(l *Life) *Read {
	var first *Read
	term := l.Shutdown
	for _, p := range v.Publications {
		before := p.lastBefore(term.Call)
		for read := range p.within(term.Call, v.shutdownUntil(l)) {
			state := read.State.State
			if before != nil && before.Life == l && before.State.State == state {
				continue
			}
			if state == history.Stopping || state == history.Stopped || state == history.Draining && !v.drainedLately(term.Call, read.Event) {
				if first == nil || read.Event.Return < first.Event.Return {
					first = read
				}
				break
			}
		}
	}
	return first
}

// drainedLately says whether a marker may be what a reading of draining is about.
func (v *View) drainedLately(since history.Stamp, read *history.Event) bool {
	if v.drainAt(since, read.Return) != nil || v.inertAt(since, read.Return) {
		return true
	}
	last := v.lastCancel(read.Call)
	return last != nil && v.ran(last.past(), read.Call) <= v.Grace
}

// judgeLateTurns looks for turns that were started although the gateway had
// certainly heard the SIGTERM: it had published so, or had had the grace to. It
// says whether one was tried while the process lived.
func (v *View) judgeLateTurns(l *Life, r *ruling) (tried bool) {
	term, heard := l.Shutdown, v.heard(l)
	late := func(at history.Stamp) bool {
		return heard != nil && at > heard.Event.Return || v.ran(term.Return, at) > v.Grace
	}
	over := v.shutdownUntil(l)
	for _, t := range v.turnsIn(term.Return, over) {
		if !late(t.Sent.Call) {
			continue
		}
		tried = tried || t.Sent.Call < l.Alive
		if called := t.admitted(); called != nil && called.Return <= over {
			r.violation(called.Return, "after a SIGTERM no new turn is started",
				fmt.Sprintf("turn %s, sent to %s %s after the SIGTERM, reached the model", t.ID, t.Ingress, round(v.ran(term.Return, t.Sent.Call))),
				term, event(heard), t.Sent, called)
		}
	}
	// Where nobody listens any more a turn isn't even sent.
	for _, t := range v.Turns {
		if t.Outcome() == history.Unsent && late(t.Ended.Call) && t.Ended.Return < l.Alive {
			tried = true
		}
	}
	return tried
}

// judgeCutShort looks for turns in flight at the SIGTERM that did not get the time
// they were promised. It says whether one finished whole after it.
func (v *View) judgeCutShort(l *Life, r *ruling) (whole bool) {
	term := l.Shutdown
	for _, t := range v.inFlightAtShutdown(l) {
		whole = whole || t.Outcome() == history.Finished && t.releasedAfter(term.Return)
		end := v.broke(t, term.Call)
		if end == nil || end.Return >= v.shutdownDue(l) || end.Return > v.shutdownUntil(l) || v.frozen(t.Sent.Call, end.Return) {
			continue
		}
		expected := fmt.Sprintf("a turn in flight at the SIGTERM may go on for %s", v.Header.ShutdownDeadline)
		actual := fmt.Sprintf("%s after it: %s", round(end.Return.Sub(term.Return)), history.Describe(*end))
		evidence := []*history.Event{t.reached(), term, end, t.Ended}
		// The gateway still took an answer of the model's: the turn was not over before.
		r.endedAfter(v, term.Call, end, t.answeredByModel(term.Return), expected, actual, evidence...)
	}
	return whole
}

// inFlightAtShutdown returns the turns that had reached the model before the
// SIGTERM was sent, and were not over.
func (v *View) inFlightAtShutdown(l *Life) []*Turn {
	var out []*Turn
	for _, f := range v.served[l.Index] {
		t := f.turn
		if t.reached().Return < l.Shutdown.Call && f.over > l.Shutdown.Call && !t.failing() && t.Aborted == nil {
			out = append(out, t)
		}
	}
	return out
}

// releasedAfter says whether the model still held the turn at the instant.
func (t *Turn) releasedAfter(at history.Stamp) bool {
	for _, c := range t.Calls {
		if c.Called != nil && c.Called.Return < at && c.Released != nil && c.Released.Call > at {
			return true
		}
	}
	return false
}

// answeredByModel says whether the gateway took an answer for it after the instant.
func (t *Turn) answeredByModel(at history.Stamp) bool {
	return slices.ContainsFunc(t.Calls, func(c *Call) bool { return c.Done != nil && c.Done.Call > at })
}

// broke returns the first event by which the turn ended as it should not after the
// instant, at its model or its client; nil if there is none. That nobody answers any more
// where a run is asked for is no end of the run.
func (v *View) broke(t *Turn, after history.Stamp) *history.Event {
	if t.Outcome() == history.Finished {
		return nil
	}
	if gone := v.hungUpOn(t, after); gone != nil {
		return gone
	}
	told := t.Outcome() == history.Failed || t.Outcome() == history.Refused
	if (told || t.broken() && !t.Polled) && t.Ended.Return > after {
		return t.Ended
	}
	return nil
}

// shutdownDue is the instant before which a turn in flight is not interrupted: the
// gateway can't have heard the signal before it was sent.
func (v *View) shutdownDue(l *Life) history.Stamp {
	return l.Shutdown.Call.Add(v.Header.ShutdownDeadline)
}

// judgeExit holds the process to its end: it comes when nothing is in flight any
// more (in a drain that is STATE-011, past the deadline SHUTDOWN-002), and with 0
// when it came before the deadline.
// It says whether the exit code is known.
func (v *View) judgeExit(l *Life, r *ruling) (known bool) {
	term := l.Shutdown
	stayed, until, _ := v.lingered(l)
	if stayed > v.Grace && l.Seen != nil && v.drainAt(term.Call, term.Return) == nil && len(v.stuckAtDeadline(l)) == 0 {
		r.violation(until, "after a SIGTERM, with nothing in flight, the process exits",
			fmt.Sprintf("it was still there %s later", round(stayed)), term, l.Gone)
	}
	exit, code, ok := l.exit()
	if !ok || l.killed() || v.leavesUnasked(l) {
		return false
	}
	if code != 0 && l.Gone != nil && l.Gone.Return <= v.shutdownDue(l) {
		r.violation(exit.Return, "after a SIGTERM the process exits with 0",
			fmt.Sprintf("it exited with %d, %s after the SIGTERM", code, round(l.Gone.Return.Sub(term.Return))), term, l.Gone, exit)
	}
	return true
}

// crashedBefore says whether the process may have crashed before the SIGTERM reached it:
// it was gone before the engine said that the signal was sent, with a code that neither
// an orderly end nor the signal gives, and nothing it published before shows that it had
// heard it. Such a death is charged where nobody asked for it (STATE-006).
func (v *View) crashedBefore(l *Life) bool {
	const terminated = 128 + 15
	_, code, known := l.exit()
	if l.Gone == nil || l.Gone.Return > l.Shutdown.Return || !known || code == 0 || code == terminated {
		return false
	}
	heard := v.heard(l)
	return heard == nil || heard.Event.Return > l.Gone.Call
}

// leavesUnasked says whether the gateway had published that it goes before it was
// told to: its exit code is then that of an end that others are charged with, or of
// the signal that met it half-way out.
func (v *View) leavesUnasked(l *Life) bool {
	for _, p := range v.Publications {
		last := p.lastBefore(l.Shutdown.Call)
		if last != nil && last.Life == l && (last.State.State == history.Stopping || last.State.State == history.Stopped) {
			return true
		}
	}
	return false
}

// killed says whether the harness ended the process in another way than by asking.
func (l *Life) killed() bool {
	return l.Kill != nil && (l.Gone == nil || l.Kill.Call <= l.Gone.Return)
}

// exit is how the process ended, as far as anybody was told.
func (l *Life) exit() (told *history.Event, code int, known bool) {
	switch {
	case l.Exited != nil && l.Exited.Action.ExitCode != nil:
		return l.Exited, *l.Exited.Action.ExitCode, true
	case l.Gone != nil && l.Gone.Process.ExitCode != nil:
		return l.Gone, *l.Gone.Process.ExitCode, true
	}
	return nil, 0, false
}
