package ingress

import (
	"context"
	"net/http"
	"time"

	"github.com/drainproof/drainproof/reference/admission"
	"github.com/drainproof/drainproof/reference/turn"
)

// run is a turn that nobody waits for, as its client sees it.
type run struct {
	ID         string      `json:"id"`
	Object     string      `json:"object"`
	Status     turn.Status `json:"status"`
	Session    string      `json:"session,omitempty"`
	Model      string      `json:"model,omitempty"`
	Output     string      `json:"output,omitempty"`
	Error      *runError   `json:"error,omitempty"`
	CreatedAt  int64       `json:"created_at"`            // seconds since the epoch
	FinishedAt int64       `json:"finished_at,omitempty"` // the same
}

type runError struct {
	Message string `json:"message"`
}

func runOf(record turn.Record) run {
	shown := run{
		ID: record.ID, Object: "run", Status: record.Status, Session: record.Request.Session,
		Model: record.Request.Model, Output: record.Output, CreatedAt: record.CreatedAt.Unix(),
	}
	if record.Problem != "" {
		shown.Error = &runError{record.Problem}
	}
	if record.FinishedAt != (time.Time{}) {
		shown.FinishedAt = record.FinishedAt.Unix()
	}
	return shown
}

// startRun admits a turn, answers with its ID, and lets it go on by itself. It
// counts from here on until what came of it can be read (COUNT-005).
func (s *Server) startRun(w http.ResponseWriter, r *http.Request) {
	request, _, err := parseRequest(w, r)
	if err != nil {
		s.metrics.ended("invalid")
		writeFailure(w, badRequest(err))
		return
	}
	slot, err := s.Admitter.Admit(r.Context(), admissionRequest("run", request))
	if err != nil {
		s.metrics.refused()
		writeFailure(w, failureOf(err))
		return
	}
	record, err := s.begin(slot, request)
	if err != nil {
		s.notNow(w, slot, request, err)
		return
	}
	writeJSON(w, http.StatusAccepted, encode(runOf(record)))
}

// begin starts a run. Nothing of it hangs on the request: its client may go.
func (s *Server) begin(slot *admission.Slot, request turn.Request) (turn.Record, error) {
	claim, err := s.claim(admission.WithSlot(context.Background(), slot), request.Session)
	if err != nil {
		return turn.Record{}, err
	}
	record, err := s.Turns.Accept(claim, turn.OriginRun, request)
	if err != nil {
		claim.End()
		return turn.Record{}, err
	}
	s.Detached.Start(claim, slot, record)
	return record, nil
}

// showRun answers with a run as it is now.
func (s *Server) showRun(w http.ResponseWriter, r *http.Request) {
	record, err := s.Turns.Find(r.PathValue("id"))
	if err != nil {
		writeFailure(w, failureOf(err))
		return
	}
	writeJSON(w, http.StatusOK, encode(runOf(record)))
}
