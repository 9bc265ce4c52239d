package monitor

import (
	"cmp"
	"iter"
	"slices"
	"sort"

	"github.com/drainproof/drainproof/harness/history"
)

// Publication is one place where the gateway publishes, with all that was read
// there in the order of the readings' Calls.
type Publication struct {
	Name  string
	File  bool // its readings carry the identity of a file
	Index int
	Reads []*Read
}

// Read is one reading.
type Read struct {
	Event *history.Event
	State *history.State
	Good  bool  // whole, with a known state
	Fresh bool  // published in this life for certain, not left over from the one before
	Life  *Life // in which it was begun
}

// overlaps says whether two readings may have been taken in either order.
func (r *Read) overlaps(o *Read) bool {
	return r.Event.Call <= o.Event.Return && o.Event.Call <= r.Event.Return
}

// in says whether a good reading of this life shows the state.
func (r *Read) in(state string) bool { return r.Good && r.Fresh && r.State.State == state }

func (v *View) indexReads() {
	byName := make(map[string]*Publication)
	for i := range v.Events {
		e := &v.Events[i]
		if e.Kind != history.KindState {
			continue
		}
		p := byName[e.State.Publication]
		if p == nil {
			p = &Publication{Name: e.State.Publication}
			byName[p.Name] = p
			v.Publications = append(v.Publications, p)
		}
		p.File = p.File || e.State.Version != ""
		p.Reads = append(p.Reads, &Read{Event: e, State: e.State, Good: good(e.State)})
	}
	slices.SortFunc(v.Publications, func(a, b *Publication) int { return cmp.Compare(a.Name, b.Name) })
	for i, p := range v.Publications {
		p.Index = i
		v.freshen(p)
	}
}

func good(s *history.State) bool {
	if s.Problem != "" || s.Error != "" || s.Count < 0 {
		return false
	}
	switch s.State {
	case history.Starting, history.Running, history.Draining, history.Stopping, history.Stopped:
		return true
	}
	return false
}

// freshen gives each reading its life and says whether it is that life's own. A
// file is the new process's once its identity differs from what was there before
// it was launched, or, where nobody may have read what its predecessor wrote last, once
// it changes after that; an HTTP answer once the ready check has passed, or, where no process
// was there before that could have left it, once it tells of one.
func (v *View) freshen(p *Publication) {
	n := 0
	seen := "" // identity of the file in the last reading
	left := "" // the same, when the current life was launched
	fresh := false
	unread := false // what was there then may have been written since the last reading
	for _, r := range p.Reads {
		for n+1 < len(v.Lives) && v.Lives[n+1].From <= r.Event.Call {
			n++
			left, fresh, unread = seen, false, !p.readBetween(v.Lives[n-1], v.Lives[n])
		}
		r.Life = v.Lives[n]
		version := r.State.Version
		if unread && version != "" {
			left, unread = version, false
		}
		switch {
		case r.Life.Start == nil:
			r.Fresh = true
		case r.Life.anew():
			r.Fresh = false // nobody was launched in it yet
		case p.File:
			fresh = fresh || version != "" && version != left
			r.Fresh = fresh
		default:
			ready := r.Life.Ready
			r.Fresh = ready != nil && r.Event.Call >= ready.Return ||
				v.firstLaunched(r.Life) && r.State.State != history.Stopped
		}
		if version != "" {
			seen = version
		}
	}
}

// readBetween says whether the publication was read after the end of a process and before
// the next was launched. Where its end was not seen, nothing is held against the reader.
func (p *Publication) readBetween(before, l *Life) bool {
	var down history.Stamp
	switch {
	case !p.File:
		return true
	case before.anew(): // the end came with it
		down = before.Start.Return
	case before.Gone == nil:
		return true
	default:
		down = before.Gone.Return
	}
	i := p.since(down)
	return i < len(p.Reads) && p.Reads[i].Event.Return <= l.From
}

// anew says whether the life is only that of an instantiation that was made anew, in which
// the gateway is launched next.
func (l *Life) anew() bool { return l.Start != nil && l.Start.Action.Name == history.ActionRecreate }

// firstLaunched says whether no process was launched before the one of this life. A history
// that goes on from another begins with one.
func (v *View) firstLaunched(l *Life) bool {
	if l.Index == 0 {
		return v.Header.Since == 0
	}
	return v.Lives[l.Index-1].Start == nil && v.firstLaunched(v.Lives[l.Index-1])
}

// since is the index of the first reading begun at or after the instant.
func (p *Publication) since(at history.Stamp) int {
	return sort.Search(len(p.Reads), func(i int) bool { return p.Reads[i].Event.Call >= at })
}

// touching is the same for readings that were over after the instant: one that
// was under way then is included.
func (p *Publication) touching(at history.Stamp) int {
	i := p.since(at)
	for i > 0 && p.Reads[i-1].Event.Return > at {
		i--
	}
	return i
}

// within yields the good, fresh readings taken entirely in [from, to], in order.
func (p *Publication) within(from, to history.Stamp) iter.Seq[*Read] {
	return func(yield func(*Read) bool) {
		for _, r := range p.Reads[p.since(from):] {
			if r.Event.Call > to {
				return
			}
			if r.Event.Return <= to && r.Good && r.Fresh && !yield(r) {
				return
			}
		}
	}
}

// lastBefore is the last good, fresh reading that was over by then, or nil.
func (p *Publication) lastBefore(at history.Stamp) *Read {
	for i := p.since(at+1) - 1; i >= 0; i-- {
		if r := p.Reads[i]; r.Event.Return <= at && r.Good && r.Fresh {
			return r
		}
	}
	return nil
}

// firstAfter is the first good, fresh reading begun after the instant, or nil.
func (p *Publication) firstAfter(at history.Stamp) *Read {
	for _, r := range p.Reads[p.since(at+1):] {
		if r.Good && r.Fresh {
			return r
		}
	}
	return nil
}
