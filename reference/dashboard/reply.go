package dashboard

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// Refusal is an answer that is no success.
type Refusal struct {
	Status  int    // of HTTP
	Type    string // class, as in the ingress's answers
	Code    string // for machines
	Message string // for people
}

// Error implements error.
func (r *Refusal) Error() string { return fmt.Sprintf("%d %s: %s", r.Status, r.Code, r.Message) }

func writeFailure(w http.ResponseWriter, r *Refusal) {
	if r.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="gateway"`)
	}
	writeJSON(w, r.Status, map[string]any{
		"error": map[string]string{"type": r.Type, "code": r.Code, "message": r.Message},
	})
}

func writeJSON(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body) // fails when the client is gone
}
