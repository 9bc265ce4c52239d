package ingress

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/drainproof/drainproof/reference/background"
)

// listBackground answers with the background jobs that go on.
func (s *Server) listBackground(w http.ResponseWriter, _ *http.Request) {
	all, err := s.Background.All()
	if err != nil {
		writeFailure(w, failureOf(err))
		return
	}
	if all == nil {
		all = []background.Job{} // no null in place of an empty list
	}
	writeJSON(w, http.StatusOK, encode(map[string]any{"object": "list", "data": all}))
}

// completeBackground says that a background job is done. The turn it leads to is
// owed by the gateway: the gate is not asked, and the answer is the same in a drain
// (GATE-007).
func (s *Server) completeBackground(w http.ResponseWriter, r *http.Request) {
	result, err := parseResult(w, r)
	if err != nil {
		writeFailure(w, badRequest(err))
		return
	}
	record, err := s.Background.Complete(r.PathValue("name"), result)
	if err != nil {
		writeFailure(w, failureOf(err))
		return
	}
	writeJSON(w, http.StatusAccepted, encode(runOf(record)))
}

// parseResult reads what came of a job; no body at all is no result.
func parseResult(w http.ResponseWriter, r *http.Request) (string, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return "", fmt.Errorf("the request's body could not be read: %w", err)
	}
	if len(body) == 0 {
		return "", nil
	}
	var said struct {
		Result string `json:"result"`
	}
	if err := json.Unmarshal(body, &said); err != nil {
		return "", fmt.Errorf("the request's body is no result: %w", err)
	}
	return said.Result, nil
}
