package monitor

import (
	"fmt"
	"slices"

	"github.com/drainproof/drainproof/harness/history"
)

func notifyMonitors() []Monitor {
	return []Monitor{
		rule("NOTIFY-001", "silent-only-when-asked", judgeAnnounced),
		rule("NOTIFY-002", "stale-marker-silences-nothing", judgeStaleSilence),
	}
}

// judgeAnnounced is NOTIFY-001: an active marker with suppress_notification true
// silences the broadcast of a shutdown; with false, or without the field, and
// without a marker, it is sent. Only shutdowns are judged throughout which it is
// certain what the gateway was asked for.
func judgeAnnounced(v *View, r *ruling) {
	if !v.declares("notify") {
		return
	}
	for _, l := range v.Lives {
		if !v.endedBySIGTERM(l) {
			continue
		}
		told := v.toldBy(l)
		switch asked, marker := v.askedFor(l); {
		case asked == silence && told != nil:
			r.arises()
			r.violation(told.Return, "a drain request with suppress_notification true silences the broadcast of the shutdown",
				"the gateway announced its shutdown all the same", marker, l.Shutdown, told)
		case asked == silence:
			r.arises()
		case asked == broadcastIt && told != nil:
			r.arises()
		case asked == broadcastIt:
			v.unannounced(l, r, "nothing asks for silence, so the shutdown is announced", marker)
		}
	}
}

// judgeStaleSilence is NOTIFY-002: a stale marker silences nothing. A gateway that
// honours the marker instead, and drains, is charged for that alone (EPOCH-001,
// EXPIRY-001).
func judgeStaleSilence(v *View, r *ruling) {
	if !v.declares("notify") {
		return
	}
	for _, l := range v.Lives {
		if !v.endedBySIGTERM(l) {
			continue
		}
		i := slices.IndexFunc(v.stale, func(m *staleMarker) bool {
			return m.laid.Marker.Silences && m.to < l.Shutdown.Call && m.until() > l.Gone.Return
		})
		if i < 0 || v.drainsSince(l, v.stale[i].from) || v.remembers(l, nil) {
			continue
		}
		if v.toldBy(l) != nil {
			r.arises()
			continue
		}
		v.unannounced(l, r, "a stale marker silences nothing: the shutdown is announced", v.stale[i].laid)
	}
}

// drainsSince says whether the life shows draining, after the instant and before it
// is told to shut down.
func (v *View) drainsSince(l *Life, from history.Stamp) bool {
	for _, p := range v.Publications {
		for read := range p.within(max(from, l.From), l.Serving) {
			if read.State.State == history.Draining {
				return true
			}
		}
	}
	return false
}

// endedBySIGTERM says whether the life was told to shut down, and did.
func (v *View) endedBySIGTERM(l *Life) bool {
	return l.Shutdown != nil && !l.killed() && l.Gone != nil && l.Gone.Return > l.Shutdown.Call
}

// toldBy is the first broadcast of the life's shutdown, or nil.
func (v *View) toldBy(l *Life) *history.Event {
	for _, e := range v.told {
		if e.Call >= l.Shutdown.Call && e.Return <= l.Over {
			return e
		}
	}
	return nil
}

// unannounced accuses a life of whose end nobody was told, once the process has
// been gone for long enough: whoever tells may be a program of its own. A gateway that the
// machine kept from running while it shut down may have had no time left to tell anybody.
func (v *View) unannounced(l *Life, r *ruling, expected string, marker *history.Event) {
	over := min(l.Over, v.horizon)
	if l.Gone.Return >= over || v.waited(l.Gone.Return, over) <= v.Grace {
		return
	}
	actual := fmt.Sprintf("no broadcast came until %s after the process was gone", round(v.ran(l.Gone.Return, over)))
	if from, to := l.Shutdown.Call, l.Gone.Return; to.Sub(from)-v.waited(from, to) >= v.Bound {
		r.noise(v, from, to, "a shutdown was not announced", expected, actual, marker, l.Shutdown, l.Gone)
		return
	}
	r.arises()
	r.violation(over, expected, actual, marker, l.Shutdown, l.Gone)
}

// What a gateway is asked for when it shuts down.
type announcement int

const (
	nobodyKnows announcement = iota
	broadcastIt
	silence
)

// askedFor says what a life was certainly asked for, from its SIGTERM to its end,
// and by which marker; nil for none.
func (v *View) askedFor(l *Life) (announcement, *history.Event) {
	d := v.drainAt(l.Shutdown.Call, l.Gone.Return)
	switch {
	case v.remembers(l, d), v.meetsStaleSilence(l):
		return nobodyKnows, nil
	case d == nil:
		return broadcastIt, nil
	case !d.silences():
		return broadcastIt, d.Begin // whether it comes or goes meanwhile
	case d.unusual(), d.until() <= l.Gone.Return:
		return nobodyKnows, nil
	}
	asks := func(e *history.Event) bool { return e.Marker.Silences }
	acked := func(s *Spell) bool { return s.Drain == d && s.acked(l.Shutdown.Call) }
	if !asks(d.Begin) || len(d.Rewrites) > 0 || !slices.ContainsFunc(v.spellsOf(l), acked) {
		return nobodyKnows, nil
	}
	return silence, d.Begin
}

// remembers says whether the life may still have a drain in mind that asked for
// silence and is over, d aside.
func (v *View) remembers(l *Life, d *Drain) bool {
	return slices.ContainsFunc(v.Drains[:v.drainsBegun(l.Gone.Return)], func(other *Drain) bool {
		return other != d && other.silences() && !v.cameBack(l, other)
	})
}

// meetsStaleSilence says whether a stale marker that asks for silence may have lain
// there in the life: whether it silences is NOTIFY-002's.
func (v *View) meetsStaleSilence(l *Life) bool {
	return slices.ContainsFunc(v.stale, func(m *staleMarker) bool {
		return m.laid.Marker.Silences && m.from <= l.Gone.Return && (m.end == nil || m.end.Return >= l.From)
	})
}

// silences says whether any marker of the drain asks for silence, or may be read as
// if it did.
func (d *Drain) silences() bool {
	return d.unusual() || d.Begin.Marker.Silences || slices.ContainsFunc(d.Rewrites, func(e *history.Event) bool { return e.Marker.Silences })
}

// cameBack says whether the life was seen to be running between the end of the drain
// and its SIGTERM, or began after that end.
func (v *View) cameBack(l *Life, d *Drain) bool {
	if d.past() <= l.From {
		return true
	}
	for _, p := range v.Publications {
		back := false
		for read := range p.within(d.past(), l.Shutdown.Call) {
			back = back || read.State.State == history.Running
		}
		if !back {
			return false
		}
	}
	return true
}
