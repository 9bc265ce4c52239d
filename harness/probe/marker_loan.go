package probe

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

var errLent = errors.New("the marker is lent; reclaim it first")

// loan is a time in which another hand moves the marker for the controller.
type loan struct {
	hand   string
	call   history.Stamp
	before identity
	finish func() sightings // of the marker since
	kernel *witness         // of a marker that came and went between two looks
}

// lendOut leaves the marker to another hand until it is reclaimed. Without it, what
// that hand does would be found, and held against the gateway (MARKER-008).
func (m *marker) lendOut(p wire.LendParams) error {
	if p.Hand != wire.HandCommand {
		return fmt.Errorf("unknown hand %q; there is %s", p.Hand, wire.HandCommand)
	}
	m.focus.look()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.loan != nil {
		return fmt.Errorf("the marker is lent already, to a %s", m.loan.hand)
	}
	m.lookLocked()
	m.loan = &loan{hand: p.Hand, call: now(), before: m.known, finish: watchOver(m.path, m.known, m.seen, patient, m.focus.look), kernel: watchFor(m.path)}
	return nil
}

// reclaim takes the marker back and records what became of it.
func (m *marker) reclaim() (wire.ReclaimResult, error) {
	var r wire.ReclaimResult
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.loan
	if l == nil {
		return r, errors.New("the marker is lent to nobody")
	}
	m.loan = nil
	seen := l.finish()
	m.seen = seen.looked // what happens after that look is not the other hand's
	m.known = seen.last
	taken := seen.taken()
	if came := l.kernel.appeared(); came && len(seen.moves) == 0 {
		taken = &move{call: l.call, ret: seen.looked} // both it and its going were missed
	}
	if m.known == l.before && taken == nil {
		return r, nil
	}
	r.Changed = true
	ev := history.Marker{Op: history.OpCancel, How: l.hand, Existed: l.before.exists, Present: m.known.exists}
	over := now()
	if taken != nil {
		ev.Present = true
		if len(seen.moves) > 0 {
			over = taken.call
		}
	}
	if ev.Present {
		ev.Op = history.OpBegin
		if ev.Existed {
			ev.Op = history.OpRewrite
		}
		if content, ok := seen.content(); ok {
			sum := sha256.Sum256(content)
			ev.SHA256 = hex.EncodeToString(sum[:])
			fields, _ := markerFields(content)
			ev.Epoch, _ = fields["epoch"].(string)
		}
	}
	r.Present, r.Taken, r.Epoch = ev.Present, taken != nil, ev.Epoch
	m.rec.record(history.Event{Kind: history.KindMarker, Call: l.call, Return: over, Marker: &ev})
	if taken != nil {
		m.rec.record(history.Event{Kind: history.KindMarker, Call: taken.call, Return: taken.ret,
			Marker: &history.Marker{Op: history.OpFound, How: "removed", Existed: true}})
	}
	m.focus.look()
	return r, nil
}

// taken is the move by which a marker went that had just been laid: nobody of the
// controller's lays one and takes it away again, so somebody else took it.
func (s *sightings) taken() *move {
	if len(s.moves) < 2 || s.last.exists || !s.moves[len(s.moves)-2].to.exists {
		return nil
	}
	return &s.moves[len(s.moves)-1]
}

// content is what the marker held last, where it could be read.
func (s *sightings) content() ([]byte, bool) {
	for i := len(s.moves) - 1; i >= 0; i-- {
		if m := s.moves[i]; m.to.exists {
			return m.content, m.read
		}
	}
	return nil, false
}
