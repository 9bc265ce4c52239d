package secondopinion

import (
	"fmt"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/drainproof/drainproof/harness/history"
)

// kind of an operation.
type kind string

const (
	begin    kind = "begin"
	cancel   kind = "cancel"
	admitted kind = "submit-admitted"
	refused  kind = "submit-refused" // or never known to be admitted
	finish   kind = "finish"
	settle   kind = "settle"
	read     kind = "read"
)

// operation is the input of a step; there is no output besides.
type operation struct {
	kind kind
	what string // for people

	line     int  // admitted: see lineUp
	place    int  // in that line
	owed     bool // admitted: the gate does not concern it
	fleeting bool // admitted: it is not known for how long, so it is never missing

	draining    bool          // read
	count       int           // read
	at          history.Stamp // read: was begun; begin: was over; settle: the turn began
	spontaneous bool          // read: no marker can have caused it
	unread      bool          // begin: nothing was read that tells whether draining is left over
	unbounded   bool          // read: it may count too many, for the machine or the gateway stood still
}

// state of the model; see the package's documentation.
type state struct {
	marker bool
	closed bool // the gate
	count  int
	lag    int
	since  history.Stamp
	left   bool
	lines  [maxLines]int16 // how far each has come
}

// model returns the model of a gateway that begins in a state, with the observation
// bound.
func model(initial state, bound time.Duration) porcupine.Model {
	m := porcupine.NondeterministicModel{
		Init: func() []any { return []any{initial} },
		Step: func(s, input, _ any) []any {
			next := step(s.(state), input.(*operation), bound)
			out := make([]any, len(next))
			for i := range next {
				out[i] = next[i]
			}
			return out
		},
		DescribeOperation: func(input, _ any) string { return input.(*operation).what },
		DescribeState:     func(s any) string { return fmt.Sprintf("%+v", s.(state)) },
	}
	return m.ToModel()
}

// step returns the states an operation may lead to; none when it is illegal.
func step(s state, o *operation, bound time.Duration) []state {
	switch o.kind {
	case begin:
		s.marker, s.since, s.left = true, o.at, s.left || o.unread
	case cancel:
		s.marker, s.closed = false, false
	case admitted:
		if s.closed && !o.owed || !s.advance(o) {
			return nil
		}
		if o.fleeting {
			s.lag++
		} else {
			s.count++
		}
	case refused:
		s.lag++
	case finish:
		s.count--
		s.lag++
	case settle:
		s.lag--
	case read:
		return s.reads(o, bound)
	}
	return []state{s}
}

func (s state) reads(o *operation, bound time.Duration) []state {
	if !o.draining {
		s.left = false
		return []state{s}
	}
	leftover := s.left
	s.left = true
	if !s.marker {
		if leftover || o.spontaneous {
			return []state{s}
		}
		return nil
	}
	var next []state
	if o.count >= s.count && (o.count <= s.count+s.lag || o.unbounded) {
		acknowledged := s
		acknowledged.closed = true
		next = append(next, acknowledged)
	}
	if !s.closed && leftover && o.at.Sub(s.since) <= bound {
		next = append(next, s)
	}
	return next
}
