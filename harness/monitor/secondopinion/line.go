package secondopinion

import (
	"cmp"
	"slices"

	"github.com/anishathalye/porcupine"
)

// maxLines bounds the lines of a segment; what finds no place in one is free.
const maxLines = 8

// lineUp has admissions of the same effect take place one after the other where it
// makes no difference: of two of which one begins and ends no later than the other,
// that one may as well come first, since each could take the other's place. Otherwise
// every subset of the turns on their way would be a state of its own.
func (s *script) lineUp() {
	var turns []porcupine.Operation
	for _, o := range s.operations {
		if in := o.Input.(*operation); in.kind == admitted {
			in.line = -1
			turns = append(turns, o)
		}
	}
	slices.SortStableFunc(turns, func(a, b porcupine.Operation) int {
		return cmp.Or(cmp.Compare(a.Call, b.Call), cmp.Compare(a.Return, b.Return))
	})
	type line struct {
		length int
		last   porcupine.Operation
	}
	var lines []line
	for _, o := range turns {
		in := o.Input.(*operation)
		best := -1 // the line in which it can stand, whose last ends latest
		for i, l := range lines {
			last := l.last.Input.(*operation)
			if last.owed == in.owed && last.fleeting == in.fleeting && l.last.Return <= o.Return && (best < 0 || l.last.Return > lines[best].last.Return) {
				best = i
			}
		}
		if best < 0 {
			if len(lines) == maxLines {
				continue
			}
			best = len(lines)
			lines = append(lines, line{})
		}
		in.line, in.place = best, lines[best].length
		lines[best] = line{length: lines[best].length + 1, last: o}
	}
}

// advance takes an admission's place in its line, and says whether it was its turn.
func (s *state) advance(o *operation) bool {
	if o.line < 0 {
		return true
	}
	if int(s.lines[o.line]) != o.place {
		return false
	}
	s.lines[o.line]++
	return true
}
