package monitor

import (
	"fmt"

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
// After a SIGKILL the gateway must also become ready again; and a drain that is lost
// then is RESTART-002's, while one that only comes after a flash of running is
// RESTART-001's, as after any other end. Where the drain was over too soon to tell, it
// is nobody's.
func judgeRespawn(v *View, r *ruling, crash bool) {
	for _, s := range v.Spells {
		l := s.Life
		if !s.AtStart || s.Drain.unusual() || l.Start == nil || l.Start.Action.Name != history.ActionRespawn {
			continue
		}
		crashed := v.crashed(s)
		if crash && !crashed {
			continue
		}
		if crash && l.Ready != nil && l.Ready.Action.Error != "" {
			r.arises()
			r.violation(l.Ready.Return, "a SIGKILL in a drain does not take the gateway's ability to start",
				fmt.Sprintf("respawned, it does not become ready: %q", l.Ready.Action.Error), s.Drain.Begin, l.Start, l.Ready)
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

// crashed says whether the life before the spell's was killed while draining.
func (v *View) crashed(s *Spell) bool {
	if s.Life.Index == 0 {
		return false
	}
	before := v.Lives[s.Life.Index-1]
	return before.Kill != nil && before.Kill.Action.Name == history.ActionSIGKILL && before.Shutdown == nil && s.Drain.Begin.Return < before.Kill.Call
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
