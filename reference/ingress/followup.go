package ingress

import (
	"context"
	"errors"
	"net/http"

	"github.com/drainproof/drainproof/reference/admission"
	"github.com/drainproof/drainproof/reference/turn"
)

// claim takes a session for a turn. Where follow-ups are queued, a session whose
// follow-ups wait is busy: whoever comes later does not overtake them.
func (s *Server) claim(ctx context.Context, session string) (*turn.Claim, error) {
	if s.QueueFollowUps && s.Detached.Waiting(session) {
		return nil, turn.ErrBusy
	}
	return s.Turns.Claim(ctx, session)
}

// notNow answers a turn that was admitted and can't begin. The slot goes back before
// the answer goes out: nothing is in flight. A message to a busy session is queued
// where the configuration says so; it came through the gate, so one that comes
// during a drain is refused like every other turn (GATE-006).
func (s *Server) notNow(w http.ResponseWriter, slot *admission.Slot, request turn.Request, reason error) {
	if s.QueueFollowUps && errors.Is(reason, turn.ErrBusy) {
		var record turn.Record
		if record, reason = s.Detached.Queue(turn.OriginFollowUp, request); reason == nil {
			slot.Release()
			s.metrics.ended("queued")
			writeJSON(w, http.StatusAccepted, encode(runOf(record)))
			return
		}
	}
	slot.Release()
	s.metrics.ended(failureOf(reason).code)
	writeFailure(w, failureOf(reason))
}
