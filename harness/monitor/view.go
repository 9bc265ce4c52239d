package monitor

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/drainproof/drainproof/harness/history"
)

// Grace is how many observation bounds pass before something that is merely
// waited for (not WATCH, not GATE-005/011) is taken to be missing.
const Grace = 5

// Stamps before and after all others.
const (
	dawn  history.Stamp = math.MinInt64 / 4
	never history.Stamp = math.MaxInt64 / 4
)

// View is a history made ready to be judged: indexed once, in O(n log n), and
// read-only afterwards.
type View struct {
	Header history.Header
	Bound  time.Duration // B
	Grace  time.Duration // Grace times B

	// Events are those that are judged, in the order of their Call. What may have
	// happened after the spec was over is not among them.
	Events []history.Event

	Lives        []*Life
	Drains       []*Drain
	Spells       []*Spell
	Turns        []*Turn // in the order in which they were first heard of
	Publications []*Publication

	horizon   history.Stamp // nothing is judged beyond it
	byID      map[string]*Turn
	sent      []*Turn          // those that were sent, in that order
	byLife    [][]*Spell       // spells by the index of their life
	served    [][]served       // per life: turns sent in it that reached the model
	ended     []*history.Event // ends and releases of admitted turns, by Return
	inherited [][]*Turn        // per life: turns it did not get from a client, but made calls for
	freezes   []span
	held      []span // freezes, and when the machine kept the gateway from running
	noises    []noise
	found     []*history.Event // marker changes that were not the controller's
	idle      []*history.Event // cancels where there was no marker
	sessions  []*history.Event // looks at what the gateway keeps of a session
	strange   []*history.Event // model calls that may be for turns nobody told of
	decoys    []*decoy         // markers outside the home
	loads     []*load          // put on the gateway by the harness
	stale     []*staleMarker   // markers that lie there and request nothing
	told      []*history.Event // broadcasts of a shutdown
	flights   flights
	misses    []undercount // what COUNT-001, 003, 005, 006 and STATE-009 share
	overs     []overcount  // what COUNT-002 and 004 share
	flaps     []flap       // what STATE-003, 010 and MARKER share
}

// NewView indexes a history. It fails when the events are no history: no header
// or several, no bound, an event without its body, an interval that ends before
// it begins.
func NewView(events []history.Event) (*View, error) {
	v := &View{byID: make(map[string]*Turn)}
	headers := 0
	for i := range events {
		if err := events[i].Check(); err != nil {
			return nil, fmt.Errorf("event %d: %w", events[i].Seq, err)
		}
		if events[i].Call <= dawn || events[i].Return >= never {
			return nil, fmt.Errorf("event %d: its stamps are outside any clock's range", events[i].Seq)
		}
		if events[i].Kind == history.KindHeader {
			v.Header = *events[i].Header
			headers++
		}
	}
	if headers != 1 {
		return nil, fmt.Errorf("a history has one header, this one has %d", headers)
	}
	if v.Header.Bound <= 0 || v.Header.Bound > time.Hour {
		return nil, fmt.Errorf("the header's bound is %s: a judge needs one above 0", v.Header.Bound)
	}
	v.Bound, v.Grace = v.Header.Bound, Grace*v.Header.Bound
	v.keep(events)
	if len(v.Events) == 0 {
		return nil, errors.New("nothing happened in this history: there is nothing to judge")
	}
	v.indexNoise()
	v.indexLoads()
	v.indexLives()
	v.indexTurns()
	v.indexServed()
	v.indexEndings()
	v.indexDrains()
	v.rankDecoys()
	v.indexReads()
	v.indexLeaving()
	v.indexHurries()
	v.indexSpells()
	v.indexFlights()
	v.byLife = make([][]*Spell, len(v.Lives))
	for _, s := range v.Spells {
		v.byLife[s.Life.Index] = append(v.byLife[s.Life.Index], s)
	}
	v.indexInFlight()
	v.misses = v.findUndercounts()
	v.overs = v.findOvercounts()
	v.flaps = v.findFlaps()
	return v, nil
}

// keep takes over the events that are judged: those which were certainly over
// when the spec was, and noise that had begun by then.
func (v *View) keep(events []history.Event) {
	v.horizon = never
	for i := range events {
		if e := &events[i]; e.Kind == history.KindAction && e.Action.Name == history.ActionEnd {
			v.horizon = min(v.horizon, e.Call)
		}
	}
	v.Events = make([]history.Event, 0, len(events))
	last := dawn
	var order []place // of those that are kept
	for i := range events {
		e := &events[i]
		switch {
		case e.Kind == history.KindHeader || e.Kind == history.KindOutcome || e.Kind == history.KindStep || e.Kind == history.KindLog || e.Kind == history.KindMemory:
			continue
		case e.Return > v.horizon && (e.Kind != history.KindStall || e.Call > v.horizon):
			continue
		}
		last = max(last, e.Return)
		order = append(order, place{e.Call, i})
	}
	if v.horizon == never {
		v.horizon = last
	}
	// Events are large, so their places are sorted and not they.
	slices.SortFunc(order, func(a, b place) int { return cmp.Or(cmp.Compare(a.call, b.call), a.index-b.index) })
	for _, p := range order {
		v.Events = append(v.Events, events[p.index])
	}
}

// place is where an event stands among those that a view is made of.
type place struct {
	call  history.Stamp
	index int
}

// Life is one run of the gateway's process.
type Life struct {
	Index    int
	Start    *history.Event // the action that launched it; nil when the history begins with it running
	Ready    *history.Event // the target's ready check passed
	Down     *history.Event // it did not come up, or not in the time it has for that
	Seen     *history.Event // the process, as first seen
	Gone     *history.Event // and its end, where it was seen
	Shutdown *history.Event // first SIGTERM by the harness
	Exited   *history.Event // the runtime told its exit code
	Kill     *history.Event // first SIGKILL or recreate by the harness
	Sockets  []*history.Event
	Others   []*history.Event // sightings of the process after the first
	From     history.Stamp    // it did not live before
	Alive    history.Stamp    // it lived until here for certain
	Serving  history.Stamp    // and was not told to shut down before here, nor had begun to end by itself
	Over     history.Stamp    // the next life begins, or nothing is judged any more
	// Met is when it first met a marker out of the ordinary, and Odd when it first
	// met one that is no regular file; never, if it did not.
	Met, Odd history.Stamp
}

// Expected says whether the harness had ended this life when its end was seen.
func (l *Life) Expected() bool {
	if l.Gone == nil {
		return true
	}
	return l.Shutdown != nil && l.Shutdown.Call <= l.Gone.Return || l.Kill != nil && l.Kill.Call <= l.Gone.Return
}

// goneBefore says whether it had ended for certain before the instant: it was seen to be
// gone, or the runtime had told its exit code, which on a busy machine comes first.
func (l *Life) goneBefore(at history.Stamp) bool {
	return l.Gone != nil && l.Gone.Return < at || l.Exited != nil && l.Exited.Return < at
}

// dying says whether an instant lies among the last of a life that ended unasked.
// Connections break before the process is seen to be gone, and such a death is
// charged once, for itself: not for every turn that it cut.
func (v *View) dying(l *Life, at history.Stamp) bool {
	return l.Gone != nil && !l.Expected() && at.Add(v.Bound) >= l.Gone.Call
}

// indexLeaving finds where a life that ended unasked began to end: a busy machine
// may keep a process that already said that it is leaving for longer than B. What
// it no longer does from there on is part of that one breach.
func (v *View) indexLeaving() {
	for _, p := range v.Publications {
		var life *Life
		leaving := false // from here to the life's end, nothing else was read
		for _, read := range slices.Backward(p.Reads) {
			if !read.Good || !read.Fresh || read.Life.Expected() {
				continue
			}
			if read.Life != life {
				life, leaving = read.Life, true
			}
			leaving = leaving && (read.in(history.Stopping) || read.in(history.Stopped))
			if leaving {
				life.Serving = min(life.Serving, read.Event.Call)
			}
		}
	}
}

func (v *View) indexLives() {
	life := &Life{From: dawn, Met: never, Odd: never}
	v.Lives = []*Life{life}
	for i := range v.Events {
		e := &v.Events[i]
		switch e.Kind {
		case history.KindAction:
			if e.Action.Error != "" {
				if e.Action.Name == history.ActionReady && life.Down == nil {
					life.Down = e
				}
				continue
			}
			switch e.Action.Name {
			case history.ActionStart, history.ActionRespawn, history.ActionRecreate:
				if e.Action.Name == history.ActionRecreate && life.Kill == nil {
					life.Kill = e
				}
				life = &Life{Index: len(v.Lives), Start: e, From: e.Call, Met: never, Odd: never}
				v.Lives = append(v.Lives, life)
			case history.ActionReady:
				if life.Ready == nil {
					life.Ready = e
				}
			case history.ActionSIGTERM:
				if life.Shutdown == nil {
					life.Shutdown = e
				}
			case history.ActionSIGKILL:
				if life.Kill == nil {
					life.Kill = e
				}
			case history.ActionExited:
				life.Exited = e
			}
		}
	}
	for i := range v.Events {
		switch e := &v.Events[i]; {
		case e.Kind == history.KindProcess:
			v.placeProcess(e)
		case e.Kind == history.KindNotice && e.Notice.Broadcast:
			v.told = append(v.told, e)
		}
	}
	for i, l := range v.Lives {
		l.Over = v.horizon
		if i+1 < len(v.Lives) {
			l.Over = v.Lives[i+1].From
		}
		l.Alive = l.Over
		if l.Gone != nil {
			l.Alive = min(l.Alive, l.Gone.Call)
		}
		if l.Kill != nil {
			l.Alive = min(l.Alive, l.Kill.Call)
		}
		l.Serving = l.Alive
		if l.Shutdown != nil {
			l.Serving = min(l.Serving, l.Shutdown.Call)
		}
	}
}

// placeProcess gives a sighting of the process to its life. Observers look every
// so often: what appeared belongs to the life in which it was certainly there,
// what vanished to the one in which it still was; and a death that is noticed
// after the next life was begun still is the old one's.
func (v *View) placeProcess(e *history.Event) {
	p := e.Process
	at := e.Call
	if p.Phase == history.ProcessSeen || p.Phase == history.ProcessListening {
		at = e.Return
	}
	life := v.lifeAt(at)
	if p.Phase == history.ProcessGone && (life.Seen == nil || !same(life.Seen.Process, p)) {
		for i := life.Index - 1; i >= 0; i-- {
			before := v.Lives[i]
			if before.Seen == nil {
				continue // an instantiation in which no process was seen yet
			}
			if before.Gone == nil && same(before.Seen.Process, p) {
				life = before
			}
			break
		}
	}
	switch p.Phase {
	case history.ProcessSeen:
		if life.Seen == nil {
			life.Seen = e
		} else {
			life.Others = append(life.Others, e)
		}
	case history.ProcessGone:
		if life.Gone == nil {
			life.Gone = e
		}
	case history.ProcessListening, history.ProcessClosed:
		life.Sockets = append(life.Sockets, e)
	}
}

// same says whether two sightings may be of one process.
func same(a, b *history.Process) bool {
	if a.PID != b.PID {
		return false
	}
	return a.StartTime == 0 || b.StartTime == 0 || a.StartTime == b.StartTime
}

// lifeAt returns the life in which the instant falls.
func (v *View) lifeAt(at history.Stamp) *Life {
	i, found := slices.BinarySearchFunc(v.Lives, at, func(l *Life, s history.Stamp) int { return cmp.Compare(l.From, s) })
	if !found {
		i--
	}
	for found && i+1 < len(v.Lives) && v.Lives[i+1].From == at {
		i++
	}
	return v.Lives[max(i, 0)]
}
