package ingress

import (
	"net/http"

	"github.com/drainproof/drainproof/reference/model"
)

// session is what was said in a session, as its client sees it. A turn is in it when
// it is over, and one that was refused never is (GATE-002).
type session struct {
	ID       string          `json:"id"`
	Object   string          `json:"object"`
	Messages []model.Message `json:"messages"`
}

// showSession answers with a session. Sessions come about by being named, so one that
// nobody has used yet is empty.
func (s *Server) showSession(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	said, err := s.Turns.History(id)
	if err != nil {
		writeFailure(w, failureOf(err))
		return
	}
	if said == nil {
		said = []model.Message{} // no null in place of an empty list
	}
	writeJSON(w, http.StatusOK, encode(session{ID: id, Object: "session", Messages: said}))
}
