package monitor

import (
	"slices"
	"sort"
	"strings"

	"github.com/drainproof/drainproof/harness/history"
)

// Who answers for a marker. What becomes of a gateway that meets a marker out of
// the ordinary is charged to the requirement that the marker tests, and to no
// other: not to WATCH-001, which is about ordinary markers written in place.

// unusual says whether the marker was laid to test a requirement of its own.
func unusual(e *history.Event) bool { return e != nil && e.Marker.Tests != "" }

// plain says whether it is an ordinary marker that came about in the ordinary way.
func plain(e *history.Event) bool {
	return !unusual(e) && e.Marker.How != "rename" && e.Marker.How != "link" && e.Marker.How != "command"
}

// irregular says whether it is no regular file.
func irregular(e *history.Event) bool {
	switch e.Marker.How {
	case "directory", "fifo", "symlink-dangling", "symlink-loop":
		return true
	}
	return false
}

// owner is the requirement that is charged when the marker begins no drain; "" is
// WATCH-001 and its kin, or nobody.
func owner(e *history.Event) string {
	switch {
	case unusual(e):
		return e.Marker.Tests
	case e.Marker.How == "command":
		return "" // it is known only roughly when the target's own command laid it
	case !plain(e):
		return "MARKER-009"
	}
	return ""
}

// keeper is the requirement that is charged when the marker, laid over another,
// ends the drain: MARKER-010 where it can't be read, else the one it tests.
func keeper(e *history.Event) string {
	if unreadable(e) {
		return "MARKER-010"
	}
	return e.Marker.Tests
}

// unreadable says whether a look at the marker's content is bound to fail, while
// the marker is undoubtedly there. (A FIFO can be read, and gives nothing; a link
// may be taken for what it leads to.)
func unreadable(e *history.Event) bool {
	return e.Marker.How == "directory" || e.Marker.Mode != "" && strings.Trim(e.Marker.Mode, "0") == ""
}

// versionBefore is the marker as it was laid last before the instant.
func (d *Drain) versionBefore(at history.Stamp) *history.Event {
	for i := len(d.Rewrites) - 1; i >= 0; i-- {
		if e := d.Rewrites[i]; e.Call < at {
			return e
		}
	}
	return d.Begin
}

// unusual says whether any marker of the drain is out of the ordinary.
func (d *Drain) unusual() bool {
	for _, e := range d.Rewrites {
		if unusual(e) {
			return true
		}
	}
	return unusual(d.Begin)
}

// meet notes the markers out of the ordinary that the life meets in this spell.
func (s *Spell) meet() {
	note := func(e *history.Event) {
		if !unusual(e) || e.Call > s.Until {
			return
		}
		at := max(e.Call, s.Life.From)
		s.Life.Met = min(s.Life.Met, at)
		if irregular(e) {
			s.Life.Odd = min(s.Life.Odd, at)
		}
	}
	for _, e := range s.Drain.versions() {
		note(e)
	}
}

// decoy is a marker outside the home.
type decoy struct {
	laid, removed *history.Event // removed is nil: never
	longest       *decoy         // of it and all that were laid before it, the one that lay there longest
}

func (d *decoy) past() history.Stamp {
	if d.removed == nil {
		return never
	}
	return d.removed.Return
}

func (v *View) indexDecoy(e *history.Event) {
	var last *decoy // in the same place; there are few places
	for _, d := range slices.Backward(v.decoys) {
		if d.laid.Marker.How == e.Marker.How {
			last = d
			break
		}
	}
	lies := last != nil && last.removed == nil
	switch {
	case e.Marker.Present && !lies:
		v.decoys = append(v.decoys, &decoy{laid: e})
	case !e.Marker.Present && lies:
		last.removed = e
	}
}

// rankDecoys finds the longest of each beginning of the list.
func (v *View) rankDecoys() {
	var longest *decoy
	for _, d := range v.decoys {
		if longest == nil || d.past() > longest.past() {
			longest = d
		}
		d.longest = longest
	}
}

// decoyAt returns a decoy that may have lain there at some time in [from, to], or
// may still have been heeded, or nil. That one is taken away is noticed within B.
func (v *View) decoyAt(from, to history.Stamp) *decoy {
	laid := sort.Search(len(v.decoys), func(i int) bool { return v.decoys[i].laid.Call > to })
	if laid == 0 {
		return nil
	}
	if d := v.decoys[laid-1].longest; d.removed == nil || v.ran(d.past(), from) <= v.Grace {
		return d
	}
	return nil
}
