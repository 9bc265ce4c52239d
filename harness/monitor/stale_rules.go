package monitor

import (
	"fmt"

	"github.com/drainproof/drainproof/harness/history"
)

// A target that does not declare the feature is probed the other way round: the same
// markers are then to be honoured, and charged to the same requirement when they are
// not. Its verdict is that the requirement is not applicable, or that it failed.
func staleMonitors() []Monitor {
	const honoured = "a marker that is not stale keeps the gateway draining"
	monitors := []Monitor{
		rule("EPOCH-003", "own-epoch-honoured", judgeOwnEpoch),
		rule("EPOCH-004", "recreate-ends-drain", func(v *View, r *ruling) {
			judgeStale(v, r)
			judgeHeeded(v, r)
			judgeStampedAtStart(v, r)
			v.accuseFlaps(r, honoured)
		}),
	}
	for id, name := range map[string]string{"EPOCH-001": "foreign-epoch-ignored", "EXPIRY-001": "old-marker-ignored"} {
		monitors = append(monitors, rule(id, name, func(v *View, r *ruling) {
			judgeStale(v, r)
			judgeHeeded(v, r)
			v.accuseFlaps(r, honoured)
		}))
	}
	for id, name := range map[string]string{"EPOCH-002": "unstamped-honoured", "EXPIRY-002": "rewrite-renews", "EXPIRY-003": "doubtful-time-honoured"} {
		monitors = append(monitors, rule(id, name, func(v *View, r *ruling) {
			judgeHeeded(v, r)
			v.accuseFlaps(r, honoured)
		}))
	}
	return monitors
}

// judgeOwnEpoch is EPOCH-003: a marker stamped with the gateway's own epoch is
// honoured after a respawn, since the instantiation is the same.
func judgeOwnEpoch(v *View, r *ruling) {
	if !v.declares("epoch") {
		return
	}
	for _, s := range v.Spells {
		if s.AtStart && s.Life.Start != nil && s.Life.Start.Action.Name == history.ActionRespawn && !s.Drain.unusual() {
			v.honouredAtStart(r, s)
		}
	}
}

// judgeStampedAtStart is EPOCH-004 the other way round: without epochs, a stamped
// marker outlives its container as any other does.
func judgeStampedAtStart(v *View, r *ruling) {
	for _, s := range v.Spells {
		if s.AtStart && owner(s.Drain.Begin) == r.Requirement {
			v.honouredAtStart(r, s)
		}
	}
}

// honouredAtStart wants a stamped marker that was there at the start to be published
// as draining within the grace of the gateway's being ready.
func (v *View) honouredAtStart(r *ruling, s *Spell) {
	l := s.Life
	laid := s.Drain.versionBefore(l.From)
	if laid.Marker.Epoch == "" || l.Ready == nil {
		return
	}
	arose := false
	for _, p := range v.Publications {
		draining, late := settles(v, p, history.Draining, v.Grace, l.Ready, l.From, s.Until)
		arose = arose || draining != nil || late != nil
		if late != nil {
			r.violation(late.Event.Return,
				fmt.Sprintf("%s publishes draining after a %s, for the stamp of the marker is not another's", p.Name, l.Start.Action.Name),
				fmt.Sprintf("%s after it was ready, %s shows %s%s", round(v.ran(l.Ready.Return, late.Event.Call)), p.Name, late.State.State, finally(v, draining, l.Ready)),
				laid, l.Start, l.Ready, late.Event, event(draining))
		}
	}
	if arose {
		r.arises()
	}
}
