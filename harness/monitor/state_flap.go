package monitor

import (
	"fmt"

	"github.com/drainproof/drainproof/harness/history"
)

func flapMonitors() []Monitor {
	return []Monitor{
		rule("STATE-003", "rewrite-changes-nothing", judgeRewrite),
		rule("STATE-010", "turn-end-keeps-draining", judgeTurnEnd),
		rule("STATE-005", "absence-changes-nothing", judgeAbsence),
	}
}

// flap is a reading that shows `running` in the middle of an acknowledged drain,
// with what most likely made the gateway publish it.
type flap struct {
	charged     string
	level       string // of what is broken: [history.Must], or less for some markers
	spell       *Spell
	good, bad   *Read // the draining reading before, and the running one
	cause       *history.Event
	description string
}

// findFlaps finds every return to `running` while the marker is there, and says
// who is charged. Exactly one requirement is: when turns ended in the drain, and
// the marker was not rewritten, STATE-010; the other way round, STATE-003; when
// both happened, whichever came last. When neither did, it is STATE-003 within B
// of the marker's appearance (its writing was seen more than once), and later
// MARKER-001: the presence of the marker just did not hold. Where a marker out of
// the ordinary was the last to be laid, it is the requirement that tests it.
func (v *View) findFlaps() []flap {
	var out []flap
	for _, s := range v.Spells {
		for _, p := range v.Publications {
			ack := s.Acks[p.Index]
			if ack == nil {
				continue
			}
			last := ack // the last draining reading; nil while the flap goes on
			for read := range p.within(ack.Event.Return, s.Until) {
				switch {
				case read == ack:
				case read.State.State == history.Draining:
					last = read
				case read.State.State == history.Running && last != nil && read.Event.Call >= last.Event.Return:
					f := flap{spell: s, good: last, bad: read}
					v.charge(&f)
					out = append(out, f)
					last = nil
				}
			}
		}
	}
	return out
}

func (v *View) charge(f *flap) {
	s, bad := f.spell, f.bad.Event
	f.level = history.Must
	if e := s.Drain.versionBefore(bad.Return); unusual(e) {
		f.charged, f.level, f.cause = keeper(e), e.Marker.Keeps, e
		f.description = "after " + e.Marker.Case + " was laid over the marker"
		if e == s.Drain.Begin {
			f.charged, f.level = owner(e), e.Marker.Drains
			f.description = "on " + e.Marker.Case
		}
		return
	}
	rewrite := lastRewrite(s, bad.Return)
	end := v.lastEnd(s, bad.Return)
	last := func(end *history.Event) bool { // it came after the rewrite
		return end != nil && (rewrite == nil || endedAt(end) >= rewrite.Call)
	}
	if !last(end) {
		if soon := v.endAtHand(f); soon != nil && (rewrite == nil || rewrite.Return < f.good.Event.Call) {
			end = soon
		}
	}
	switch {
	case last(end):
		f.charged, f.cause, f.description = "STATE-010", end, "after a turn ended"
	case rewrite != nil:
		f.charged, f.cause, f.description = "STATE-003", rewrite, "after the marker was written again"
	case !s.AtStart && v.ran(s.Due, bad.Call) <= v.Bound:
		f.charged, f.cause, f.description = "STATE-003", s.Drain.Begin, "after the marker's writing was seen"
	default:
		f.charged, f.description = "MARKER-001", "with nothing done to it"
	}
}

// lastRewrite is the last time, in this spell, that the marker was written again
// before the instant.
func lastRewrite(s *Spell, at history.Stamp) *history.Event {
	for i := len(s.Drain.Rewrites) - 1; i >= 0; i-- {
		if e := s.Drain.Rewrites[i]; e.Call < at && e.Return > s.From {
			return e
		}
	}
	return nil
}

// lastEnd is the last event before the instant by which an admitted turn ended in
// this spell: its client's end or, when that was not seen yet, its release.
func (v *View) lastEnd(s *Spell, at history.Stamp) *history.Event {
	ends := v.endings(s.From, at)
	if len(ends) == 0 {
		return nil
	}
	return ends[len(ends)-1]
}

// endAtHand is the end of a turn that its client saw only after a flap in which the count
// fell, though within B: the gateway knows of it first. Or nil.
func (v *View) endAtHand(f *flap) *history.Event {
	at := f.bad.Event.Return
	if f.bad.State.Count >= f.good.State.Count {
		return nil
	}
	for _, e := range v.endings(at, never) {
		if e.Kind == history.KindTurn && v.ran(at, e.Call) <= v.Bound {
			return e
		}
	}
	return nil
}

// endedAt places an end: a client waits for it in one long read, so it is placed
// at its Return; a release is placed where it began.
func endedAt(e *history.Event) history.Stamp {
	if e.Kind == history.KindTurn {
		return e.Return
	}
	return e.Call
}

func (v *View) accuseFlaps(r *ruling, expected string) {
	for _, f := range v.flaps {
		if f.charged != r.Requirement {
			continue
		}
		r.breaks(f.level, f.bad.Event.Return, expected,
			fmt.Sprintf("%s shows draining and then running %s, with the marker in place", f.bad.State.Publication, f.description),
			f.spell.Drain.Begin, f.good.Event, f.cause, f.bad.Event)
	}
}

// judgeRewrite is STATE-003: requesting again while draining changes nothing. Its
// situation arose when a rewrite was followed by readings for B at least.
func judgeRewrite(v *View, r *ruling) {
	for _, s := range v.Spells {
		for _, e := range s.Drain.Rewrites {
			if !unusual(e) && s.acked(e.Call) && e.Return < s.Until && v.readLater(s, e.Return.Add(v.Bound), s.Until) {
				r.arises()
			}
		}
	}
	v.accuseFlaps(r, "requesting a drain again while draining changes nothing")
}

// readLater says whether a publication that acknowledged the spell was read once
// more between the two instants.
func (v *View) readLater(s *Spell, from, to history.Stamp) bool {
	for _, p := range v.Publications {
		if s.Acks[p.Index] == nil {
			continue
		}
		for range p.within(from, to) {
			return true
		}
	}
	return false
}

// judgeTurnEnd is STATE-010: a turn that ends mid-drain does not publish `running`.
func judgeTurnEnd(v *View, r *ruling) {
	for _, s := range v.Spells {
		if s.Ack == nil {
			continue
		}
		for _, e := range v.endings(s.Ack.Return, s.Until) {
			if e.Kind == history.KindTurn && e.Return < s.Until && v.readLater(s, e.Return, s.Until) {
				r.arises()
			}
		}
	}
	v.accuseFlaps(r, "a turn that ends mid-drain does not publish running")
}

// judgePresence is MARKER-001: the marker's presence is a drain for as long as it
// lasts, whatever it contains. (Its absence is STATE-005's.)
func judgePresence(v *View, r *ruling) {
	for _, s := range v.Spells {
		if s.Ack != nil && owner(s.Drain.Begin) != r.Requirement {
			r.arises()
		}
	}
	judgeHeeded(v, r)
	v.accuseFlaps(r, "the marker's presence keeps the gateway draining, for as long as it lasts")
}

// judgeAbsence is STATE-005: a cancel, or an absent marker, while not draining
// changes nothing: once `running` has been read, and the marker has been gone for
// B, nothing publishes `draining`. Where the drain before was acknowledged, the
// `running` after it was the answer to its cancel, and B need not pass.
func judgeAbsence(v *View, r *ruling) {
	for _, cancel := range v.idle {
		for _, p := range v.Publications {
			if before := p.lastBefore(cancel.Call); before != nil && before.State.State == history.Running && before.Life.Serving > cancel.Return && v.drainAt(cancel.Call, cancel.Return) == nil {
				r.arises()
				break
			}
		}
	}
	for _, p := range v.Publications {
		var running *Read
		told := false
		for _, read := range p.Reads {
			if !read.Good || !read.Fresh || read.Event.Return > read.Life.Serving {
				continue
			}
			if v.drainAt(read.Event.Call, read.Event.Return) != nil || v.inertAt(read.Event.Call, read.Event.Return) {
				running, told = nil, false
				continue
			}
			switch read.State.State {
			case history.Running:
				running, told = read, false
			case history.Draining:
				if told || running == nil || running.Life != read.Life || running.overlaps(read) {
					continue
				}
				d := v.lastCancel(read.Event.Call)
				if d != nil && running.Event.Call < d.Begin.Call {
					continue // nothing after that drain showed running yet: WATCH-002, WATCH-005
				}
				if d != nil && d.hurry.ended && v.ran(d.past(), running.Event.Call) <= v.Bound {
					continue // that running may be from before the hurry: WATCH-005
				}
				if d != nil && !v.answered(d, p, read.Life) && v.ran(d.past(), read.Event.Call) <= v.Bound {
					running = nil // the drain may be noticed only now; whether it ends is WATCH's
					continue
				}
				told = true
				r.violation(read.Event.Return,
					"without a marker, and once running, nothing publishes draining",
					fmt.Sprintf("%s shows draining, and there is no marker", p.Name),
					running.Event, cancelOf(d), read.Event)
			}
		}
	}
}

func cancelOf(d *Drain) *history.Event {
	if d == nil {
		return nil
	}
	return d.Cancel
}

// answered says whether the publication acknowledged the drain in that life, and
// still showed it when it was cancelled, with nothing under way that could have
// made it change: only then is the running that follows the answer to the cancel.
func (v *View) answered(d *Drain, p *Publication, l *Life) bool {
	if d.Cancel == nil {
		return false
	}
	if last := p.lastBefore(d.Cancel.Call); last == nil || last.State.State != history.Draining {
		return false
	}
	for _, written := range d.versions() {
		if v.ran(written.Return, d.Cancel.Call) <= v.Bound {
			return false // a flap on the writing may come late, and is charged to STATE-003
		}
	}
	for _, s := range v.spellsOf(l) {
		if s.Drain == d {
			return s.Acks[p.Index] != nil
		}
	}
	return false
}
