package monitor

import (
	"fmt"
	"sort"
	"time"

	"github.com/drainproof/drainproof/harness/history"
)

func shutdownMonitors() []Monitor {
	return []Monitor{
		rule("STATE-007", "shutdown-wins", judgeShutdownWins),
		rule("STATE-011", "drain-does-not-block-shutdown", judgeShutdownEnds),
		rule("STATE-012", "stopped-is-last", judgeStopped),
	}
}

// judgeShutdownWins is STATE-007: after SIGTERM `running` is never published
// again, whatever happens to the marker.
//
// A signal takes its way: a `running` counts as published after it only when the
// publication is new (another file than any before the signal, or changed back
// from another state), and the gateway had certainly heard: it had published
// something else since the signal that no marker accounts for, or B has passed. (A
// signal can be overtaken by what is done to the marker right after it; a gateway that
// has not heard is not told.)
func judgeShutdownWins(v *View, r *ruling) {
	for _, l := range v.Lives {
		term := l.Shutdown
		if term == nil || l.Kill != nil && l.Kill.Call < term.Return {
			continue
		}
		over := v.shutdownUntil(l)
		cancel := v.cancelIn(term.Return, over)
		for _, p := range v.Publications {
			before := p.lastBefore(term.Call)
			var other *Read // the last reading of another state
			if before != nil && before.Life == l && before.State.State != history.Running {
				other = before
			}
			version := ""
			if before != nil {
				version = before.State.Version
			}
			heard, read := false, false
			for now := range p.within(term.Return, over) {
				fresh := now.State.Version != "" && now.State.Version != version || other != nil && !now.overlaps(other)
				version = now.State.Version
				if now.State.State != history.Running {
					marker := now.State.State == history.Draining && v.drainedLately(term.Call, now.Event)
					heard = heard || fresh && !marker && (before == nil || now.State.State != before.State.State)
					other = now
				}
				read = read || cancel != nil && cancel.Return < now.Event.Call
				if now.State.State != history.Running || !fresh {
					continue
				}
				if heard || v.ran(term.Return, now.Event.Call) > v.Bound {
					r.violation(now.Event.Return,
						"after SIGTERM running is never published again, whatever happens to the marker",
						fmt.Sprintf("%s shows running %s after the SIGTERM", p.Name, round(now.Event.Call.Sub(term.Return))),
						term, cancel, event(other), now.Event)
					break
				}
			}
			if read {
				r.arises()
			}
		}
	}
}

// cancelIn is the first removal of the marker in the stretch, or nil.
func (v *View) cancelIn(from, to history.Stamp) *history.Event {
	later := sort.Search(len(v.Drains), func(i int) bool { return v.Drains[i].until() > from })
	if later < len(v.Drains) {
		if c := v.Drains[later].Cancel; c != nil && c.Return < to {
			return c
		}
	}
	return nil
}

// judgeShutdownEnds is STATE-011: an external drain does not block or delay a
// shutdown. Judged from when nothing can be in flight any more: what a turn may
// take is another matter.
func judgeShutdownEnds(v *View, r *ruling) {
	for _, l := range v.Lives {
		term := l.Shutdown
		if term == nil || l.Seen == nil || v.drainAt(term.Call, term.Return) == nil {
			continue
		}
		stayed, until, ended := v.lingered(l)
		if stayed > v.Grace {
			r.violation(until, "an external drain does not keep a gateway from shutting down",
				fmt.Sprintf("the process was still there %s after a SIGTERM, with nothing in flight", round(stayed)), term, l.Gone)
		}
		if ended || stayed > v.Grace {
			r.arises()
		}
	}
}

// lingered is for how long a life that was told to shut down is known to have gone
// on with nothing in flight, until when, and whether its end was seen.
func (v *View) lingered(l *Life) (stayed time.Duration, until history.Stamp, ended bool) {
	until, ended = v.stayedUntil(l)
	if idle := max(l.Shutdown.Return, v.idleFrom(l, until)); idle < until {
		stayed = v.waited(idle, until)
	}
	return stayed, until, ended
}

// stayedUntil is until when a life that was told to shut down was there for certain,
// and whether its end was seen.
func (v *View) stayedUntil(l *Life) (until history.Stamp, ended bool) {
	until = v.shutdownUntil(l)
	if ended = l.Gone != nil && l.Gone.Return <= until; ended {
		until = l.Gone.Call
	}
	return until, ended
}

// shutdownUntil is how long the shutdown of a life can be followed: until the next
// life or the end of judging, or a SIGKILL.
func (v *View) shutdownUntil(l *Life) history.Stamp {
	over := min(l.Over, v.horizon)
	if l.Kill != nil {
		over = min(over, l.Kill.Call)
	}
	return over
}

// idleFrom is when the last turn of the life was over, of those sent before the instant:
// for its client, or for the model when no client of this life waits for it; never when
// one was not. One for which no connection could be made was never the gateway's.
func (v *View) idleFrom(l *Life, until history.Stamp) history.Stamp {
	last := dawn
	for _, t := range v.sent {
		switch {
		case t.Life != l || t.Sent.Call >= until || t.Outcome() == history.Unsent:
		case t.Ended == nil:
			return never
		default:
			last = max(last, t.Ended.Return)
		}
	}
	for _, t := range v.inherited[l.Index] {
		for _, c := range v.callsIn(t, l) {
			over := c.over()
			if over == nil {
				return never
			}
			last = max(last, over.Return)
		}
	}
	return last
}

// judgeStopped is STATE-012: a gateway that ends in good order publishes
// `stopped`, and nothing after it. Only files are judged: what a dashboard says of
// a gateway that is gone is RESTART-003.
func judgeStopped(v *View, r *ruling) {
	for _, l := range v.Lives {
		v.judgeFalseEnd(l, r)
		if l.Shutdown == nil || l.Gone == nil || l.Shutdown.Call > l.Gone.Return || l.Kill != nil && l.Kill.Call <= l.Gone.Return {
			continue
		}
		if code := l.Gone.Process.ExitCode; code != nil && *code != 0 || l.Gone.Call < l.Shutdown.Call {
			continue // not in good order, or perhaps gone before it was told
		}
		for _, p := range v.Publications {
			if p.File {
				v.judgeLastWords(l, p, r)
			}
		}
	}
}

// judgeFalseEnd looks for stopped from a gateway that nobody told to stop, and
// that lives on. One that ends soon after it said so is charged for its end; and
// that a process lives on is known only of one that was seen.
func (v *View) judgeFalseEnd(l *Life, r *ruling) {
	if l.Seen == nil {
		return
	}
	for _, p := range v.Publications {
		for read := range p.within(l.From, min(l.Serving, v.horizon)) {
			if !read.in(history.Stopped) || read.Life != l {
				continue
			}
			if margin := v.ran(read.Event.Return, min(l.Alive, v.horizon)) - v.Bound; margin > 0 {
				r.arises()
				r.miss(v, read.Event.Call, min(l.Alive, v.horizon), margin, "only a gateway that ends publishes stopped",
					fmt.Sprintf("%s shows stopped, and the process lives on", p.Name), read.Event)
			}
			break
		}
	}
}

func (v *View) judgeLastWords(l *Life, p *Publication, r *ruling) {
	over := min(l.Over, v.horizon)
	const expected = "a gateway that ends in good order publishes stopped, and nothing after it"
	var stopped, last *Read
	for read := range p.within(l.Shutdown.Call, over) {
		if stopped != nil && read.State.State != history.Stopped && !read.overlaps(stopped) {
			r.arises()
			r.violation(read.Event.Return, expected,
				fmt.Sprintf("%s shows stopped and then %s", p.Name, read.State.State), l.Shutdown, stopped.Event, l.Gone, read.Event)
			return
		}
		if last != nil && last.Event.Call > l.Gone.Return && last.State.Version != read.State.Version && !read.overlaps(last) {
			r.arises()
			r.violation(read.Event.Return, expected,
				fmt.Sprintf("%s was written again after the process was gone", p.Name), l.Shutdown, l.Gone, last.Event, read.Event)
			return
		}
		if read.State.State == history.Stopped {
			stopped = read
		}
		last = read
	}
	switch {
	case last == nil:
	case last.State.State == history.Stopped:
		r.arises()
	case last.Event.Call > l.Gone.Return:
		r.arises()
		r.violation(last.Event.Return, expected,
			fmt.Sprintf("%s still shows %s after the process is gone", p.Name, last.State.State), l.Shutdown, l.Gone, last.Event)
	}
}
