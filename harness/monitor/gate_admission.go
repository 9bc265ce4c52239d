package monitor

import (
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/drainproof/drainproof/harness/history"
)

func admissionMonitors() []Monitor {
	return []Monitor{
		rule("GATE-001", "no-late-admission", func(v *View, r *ruling) { judgeLateAdmission(v, r, false) }),
		rule("GATE-010", "no-keepalive-exemption", func(v *View, r *ruling) { judgeLateAdmission(v, r, true) }),
		rule("GATE-005", "gate-within-bound", judgeGateWithinBound),
		rule("GATE-009", "every-ingress-gated", judgeEveryIngress),
		rule("GATE-003", "count-never-rises", judgeCountNeverRises),
	}
}

// turnsIn returns the turns whose sending began in [from, to), in that order.
func (v *View) turnsIn(from, to history.Stamp) []*Turn {
	at := func(s history.Stamp) int {
		return sort.Search(len(v.sent), func(i int) bool { return v.sent[i].Sent.Call >= s })
	}
	i, j := at(from), at(to)
	if j < i {
		return nil
	}
	return v.sent[i:j]
}

// afterAck returns the turns that were sent after the drain was acknowledged,
// and before it may have been over.
func (v *View) afterAck(s *Spell) []*Turn {
	if s.Ack == nil {
		return nil
	}
	return v.turnsIn(s.Ack.Return+1, s.Until)
}

// judgeLateAdmission is GATE-001, and GATE-010 for turns on connections opened
// earlier: once `draining` has been read, a turn sent later is not started. No
// lag is allowed, for the controller that read it acts on it.
func judgeLateAdmission(v *View, r *ruling, reused bool) {
	if reused {
		r.Arose += v.closedInDrain()
	}
	for _, s := range v.Spells {
		for _, t := range v.afterAck(s) {
			if t.Reused != reused || t.Outcome() == history.Unsent {
				continue
			}
			r.arises()
			called := t.admitted()
			if called == nil || called.Return > s.Until {
				continue
			}
			how := ""
			if reused {
				how = " on a connection opened earlier"
			}
			r.violation(called.Return,
				"once draining has been read, no turn sent later is started",
				fmt.Sprintf("turn %s, sent to %s%s %s after draining was read, reached the model", t.ID, t.Ingress, how, round(t.Sent.Call.Sub(s.Ack.Return))),
				s.Drain.Begin, s.Ack, t.Sent, called)
		}
	}
}

// closedInDrain counts the turns that found the connection kept for them closed, in a drain
// that was acknowledged: no exemption either.
func (v *View) closedInDrain() int {
	n := 0
	for _, t := range v.Turns {
		if t.Outcome() != history.Unsent || !t.Ended.Turn.Reused {
			continue
		}
		if slices.ContainsFunc(v.Spells, func(s *Spell) bool { return s.acked(t.Ended.Call) && t.Ended.Return <= s.Until }) {
			n++
		}
	}
	return n
}

// judgeGateWithinBound is GATE-005: a turn sent more than B after the marker's
// appearance is not started, even if nobody has read the state. (If somebody has,
// GATE-001 judges it.)
func judgeGateWithinBound(v *View, r *ruling) {
	for _, s := range v.Spells {
		begin := s.Drain.Begin
		if s.AtStart || s.Life.Start != nil && s.Life.Start.Return > begin.Call {
			continue
		}
		if !plain(begin) || s.Life.Met <= begin.Call {
			continue // whether such a marker drains is MARKER's to judge
		}
		if s.Life.Ready != nil && s.Life.Ready.Return > begin.Call {
			continue // it was still starting
		}
		if !v.unloaded(begin) {
			continue // what is late under a load is WATCH-006's
		}
		for _, t := range v.turnsIn(begin.Return, s.Until) {
			margin := v.ran(begin.Return, t.Sent.Call) - v.Bound
			if margin <= 0 || t.Outcome() == history.Unsent {
				continue
			}
			r.arises()
			called := t.admitted()
			if called == nil || called.Return > s.Until || s.Ack != nil && s.Ack.Call < t.Sent.Call {
				r.clean()
				continue
			}
			r.miss(v, begin.Call, called.Return, margin,
				fmt.Sprintf("a turn sent more than %s after the marker's appearance is not started", v.Bound),
				fmt.Sprintf("turn %s, sent to %s %s after it, reached the model", t.ID, t.Ingress, round(margin+v.Bound)),
				begin, t.Sent, called)
		}
	}
}

// judgeEveryIngress is GATE-009: no way in is forgotten. It accuses only when a
// gateway that refuses turns elsewhere let every turn of one ingress through, two
// at least: a gate that leaks now and then, or that is missing, is GATE-001's.
func judgeEveryIngress(v *View, r *ruling) {
	type tally struct {
		in, out int
		proof   []*history.Event
	}
	for _, l := range v.Lives {
		byIngress := make(map[string]*tally)
		var names []string
		refused := 0
		for _, s := range v.spellsOf(l) {
			for _, t := range v.afterAck(s) {
				if t.Reused || t.Outcome() == history.Unsent {
					continue
				}
				r.arises()
				y := byIngress[t.Ingress]
				if y == nil {
					y = &tally{}
					byIngress[t.Ingress] = y
					names = append(names, t.Ingress)
				}
				switch called := t.admitted(); {
				case called != nil && called.Return <= s.Until:
					y.in++
					if y.in <= 2 {
						y.proof = append(y.proof, s.Ack, t.Sent, called)
					}
				case t.Outcome() == history.Refused:
					y.out++
					refused++
				}
			}
		}
		sort.Strings(names)
		for _, name := range names {
			if y := byIngress[name]; y.in >= 2 && y.out == 0 && refused > 0 {
				r.violation(y.proof[len(y.proof)-1].Return,
					"every declared ingress is gated",
					fmt.Sprintf("all %d turns sent to %s after draining was read reached the model, while %d to other ingresses were refused", y.in, name, refused),
					y.proof...)
			}
		}
	}
}

// spellsOf returns the spells of one life, in order.
func (v *View) spellsOf(l *Life) []*Spell { return v.byLife[l.Index] }

// judgeCountNeverRises is GATE-003: the gate stands before the slot claim, so
// between two readings that both say `draining`, in one drain, the count never
// rises. Work the gateway owes from an earlier life may be counted in.
func judgeCountNeverRises(v *View, r *ruling) {
	for _, s := range v.Spells {
		for _, p := range v.Publications {
			ack := s.Acks[p.Index]
			if ack == nil {
				continue
			}
			prev := ack
			for read := range p.within(ack.Event.Return, s.Until) {
				if read == ack {
					continue
				}
				if prev != nil && prev.Event.Return <= read.Event.Call {
					r.Arose += len(v.turnsIn(prev.Event.Return, read.Event.Call))
				}
				if read.State.State != history.Draining {
					prev = nil
					continue
				}
				if prev != nil && prev.Event.Return <= read.Event.Call && read.State.Count > prev.State.Count && read.State.Count > prev.State.Count+v.owed(s, prev.Event.Call, read.Event.Return) {
					r.violation(read.Event.Return,
						"during a drain active_agents never rises: the gate stands before the slot",
						fmt.Sprintf("%s shows draining with %d in flight, then draining with %d", p.Name, prev.State.Count, read.State.Count),
						s.Drain.Begin, prev.Event, read.Event)
				}
				prev = read
			}
			r.Arose += v.unread(s, p, prev)
		}
	}
	// A gate that is checked and closed in two steps shows only in turns that come
	// in between. Few of them on a busy machine are no proof that there is no gap.
	if n := v.atTheFlip(); slices.Contains(v.Header.Requirements, "GATE-003") && n < FlipTurns {
		r.pending = fmt.Sprintf("only %d turns got in within %s before draining was read, %d are needed to tell a gate from a race; the machine is too busy, or the gateway takes too few turns at once", n, FlipWindow, FlipTurns)
	}
}

// FlipTurns is how many turns must have got in within FlipWindow before a drain
// was acknowledged, over a whole history that is bound to GATE-003, before the
// absence of a late claim means anything.
const (
	FlipTurns  = 8
	FlipWindow = 40 * time.Millisecond
)

// atTheFlip counts them.
func (v *View) atTheFlip() int {
	n := 0
	for _, s := range v.Spells {
		if s.Ack == nil || s.AtStart {
			continue
		}
		served := v.served[s.Life.Index]
		first := sort.Search(len(served), func(i int) bool { return served[i].turn.Sent.Call >= s.Ack.Return.Add(-FlipWindow) })
		for _, f := range served[first:] {
			if f.turn.Sent.Return >= s.Ack.Return {
				break
			}
			n++
		}
	}
	return n
}

// unread counts the turns sent after the last reading of the spell, when a later
// one shows that nothing was published in between: observers thin out readings
// that are alike, but always keep the last one before a change.
func (v *View) unread(s *Spell, p *Publication, last *Read) int {
	if last == nil || p.firstAfter(last.Event.Return) == nil {
		return 0
	}
	return len(v.turnsIn(last.Event.Return, s.Until))
}

// owed is how many turns of the gateway's own may have claimed a slot in
// between: turns of an earlier life, or of no client, that reached the model or had no
// time to, and of an earlier instantiation that nobody told of.
func (v *View) owed(s *Spell, from, to history.Stamp) int {
	n := 0
	for _, t := range v.inherited[s.Life.Index] {
		for _, c := range t.Calls {
			if c.Called != nil && c.Called.Call >= s.Life.From && c.Called.Return >= from && c.Called.Call <= to+history.Stamp(v.Grace) {
				n++
				break
			}
		}
	}
	for _, t := range v.Turns {
		if begun, over, ok := v.takenUp(t, s.Life); ok && begun <= to && over >= from {
			n++
		}
	}
	for _, called := range v.strange {
		if v.lifeAt(called.Call) == s.Life && called.Return >= from && called.Call <= to+history.Stamp(v.Grace) {
			n++
		}
	}
	return n
}
