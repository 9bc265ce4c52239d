package monitor

import (
	"fmt"
	"slices"
	"time"

	"github.com/drainproof/drainproof/harness/history"
)

func restartMonitors() []Monitor {
	return []Monitor{
		rule("RESTART-001", "respawn-settles-draining", func(v *View, r *ruling) { judgeRespawn(v, r, false) }),
		rule("RESTART-002", "crash-keeps-drain", func(v *View, r *ruling) { judgeRespawn(v, r, true) }),
	}
}

// judgeRespawn is RESTART-001, and RESTART-002 when the life before was ended by
// a SIGKILL in the middle of the drain: respawned with the marker in place, a
// gateway publishes `draining` as its first settled state. `starting` is not
// settled, nor is what is published before the gateway listens (WATCH-008).
// A drain that is lost after a SIGKILL is RESTART-002's, while one that only comes after a
// flash of running is RESTART-001's, as after any other end. Where the drain was over too
// soon to tell, it is nobody's.
func judgeRespawn(v *View, r *ruling, crash bool) {
	for _, l := range v.Lives {
		if d, killed := v.keptDown(l); d != nil && killed == crash {
			v.judgeDown(l, d, r)
		}
	}
	for _, s := range v.Spells {
		l := s.Life
		if !s.AtStart || s.Drain.unusual() || l.Start == nil || l.Start.Action.Name != history.ActionRespawn {
			continue
		}
		crashed := v.crashed(s)
		if crash && !crashed {
			continue
		}
		for _, p := range v.Publications {
			first := v.firstSettled(s, p)
			if first == nil {
				continue
			}
			if crashed == crash {
				r.arises()
			}
			lost := s.Acks[p.Index] == nil
			if first.State.State != history.Running || crashed && lost != crash {
				continue
			}
			if crashed && lost && v.ran(first.Event.Return, s.Until) <= v.Bound {
				continue // it might have drained yet, had it been left the time
			}
			r.violation(first.Event.Return, "respawned with the marker in place, the first settled state is draining",
				fmt.Sprintf("%s shows running first", p.Name), s.Drain.Begin, l.Start, l.listening(), first.Event)
		}
	}
}

// keptDown is the drain that kept a gateway from coming up when it was started again: the
// one in which the life before was killed, or else the one whose marker it found.
func (v *View) keptDown(l *Life) (d *Drain, killed bool) {
	if l.Down == nil || l.Ready != nil || l.Start == nil || l.Start.Action.Name != history.ActionRespawn {
		return nil, false
	}
	d = v.killedIn(l)
	if killed = d != nil; !killed {
		d = v.laidFor(l)
	}
	if d == nil || d.unusual() || v.drainsUnready(l) {
		return nil, false
	}
	return d, killed
}

// drainsUnready says whether a gateway came up, to drain, whatever its ready check says: it
// listens and publishes draining. Many tell in such a check that they take no new work.
func (v *View) drainsUnready(l *Life) bool {
	listens := l.listening()
	if listens == nil {
		return false
	}
	return slices.ContainsFunc(v.Publications, func(p *Publication) bool {
		return slices.ContainsFunc(p.Reads[p.since(l.From):], func(r *Read) bool {
			return r.Life == l && r.Good && r.State.State == history.Draining && (r.Fresh || !p.File && r.Event.Call >= listens.Return)
		})
	})
}

// judgeDown charges a gateway that did not come up. Where it ended, that is certain; for how
// long it may need otherwise is known from the lives that became ready.
func (v *View) judgeDown(l *Life, d *Drain, r *ruling) {
	r.arises()
	const expected = "a gateway that is started again comes up, whatever a drain left"
	actual := fmt.Sprintf("started again, it does not: %s", l.Down.Action.Error)
	if l.Gone != nil && !l.Expected() || l.Down.Action.ExitCode != nil {
		r.violation(l.Down.Return, expected, actual, d.Begin, l.Start, l.Gone, l.Down)
		return
	}
	var usual time.Duration
	for _, other := range v.Lives {
		if other.Start != nil && other.Ready != nil {
			usual = max(usual, other.Ready.Return.Sub(other.Start.Return))
		}
	}
	r.overdue(v, l.Start, l.Down, l.Down.Return, usual, expected, actual, d.Begin, l.Start, l.Down)
}

// laidFor is the drain whose marker was there when a life began.
func (v *View) laidFor(l *Life) *Drain {
	for _, s := range v.spellsOf(l) {
		if s.AtStart {
			return s.Drain
		}
	}
	return nil
}

// killedIn is the drain in which the life before was ended by a SIGKILL.
func (v *View) killedIn(l *Life) *Drain {
	before := v.Lives[l.Index-1] // the first life was launched by nobody
	for _, s := range v.spellsOf(before) {
		if s.Drain.killed(before) && s.Drain.until() > before.Kill.Call {
			return s.Drain
		}
	}
	return nil
}

// crashed says whether the life before the spell's was killed while draining.
func (v *View) crashed(s *Spell) bool {
	if s.Life.Index == 0 {
		return false
	}
	return s.Drain.killed(v.Lives[s.Life.Index-1])
}

// killed says whether a life was ended by a SIGKILL, and was not ending yet, after the drain
// was begun.
func (d *Drain) killed(l *Life) bool {
	return l.Kill != nil && l.Kill.Action.Name == history.ActionSIGKILL && l.Shutdown == nil && d.Begin.Return < l.Kill.Call
}

// firstSettled is the first reading of the new process that shows more than that
// it is starting: draining, or running once it listens for certain.
func (v *View) firstSettled(s *Spell, p *Publication) *Read {
	listening := s.Life.listening()
	for read := range p.within(s.Life.From, s.Until) {
		switch read.State.State {
		case history.Draining:
			return read
		case history.Running:
			if listening == nil || read.Event.Call >= listening.Return {
				return read
			}
		}
	}
	return nil
}
