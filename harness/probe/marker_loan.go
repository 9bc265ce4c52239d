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
	m.loan = &loan{hand: p.Hand, call: now(), before: m.known}
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
	m.seen = now() // before the look: what happens after it is not the other hand's
	m.known = identify(m.path)
	if m.known == l.before {
		return r, nil
	}
	r.Changed = true
	ev := history.Marker{Op: history.OpCancel, How: l.hand, Existed: l.before.exists, Present: m.known.exists}
	if ev.Present {
		ev.Op = history.OpBegin
		if ev.Existed {
			ev.Op = history.OpRewrite
		}
		if content, ok := regularContent(m.path); ok {
			sum := sha256.Sum256(content)
			ev.SHA256 = hex.EncodeToString(sum[:])
			fields, _ := markerFields(content)
			ev.Epoch, _ = fields["epoch"].(string)
		}
	}
	r.Present, r.Epoch = ev.Present, ev.Epoch
	m.rec.record(history.Event{Kind: history.KindMarker, Call: l.call, Return: now(), Marker: &ev})
	m.focus.look()
	return r, nil
}
