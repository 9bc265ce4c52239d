package ingress

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/drainproof/drainproof/reference/admission"
	"github.com/drainproof/drainproof/reference/background"
	"github.com/drainproof/drainproof/reference/schedule"
	"github.com/drainproof/drainproof/reference/turn"
)

// completion is the reply to a turn, whole or one chunk of it.
type completion struct {
	ID      string   `json:"id"`
	Object  string   `json:"object"`
	Created int64    `json:"created"`
	Model   string   `json:"model"`
	Choices []choice `json:"choices"`
}

type choice struct {
	Index        int     `json:"index"`
	Message      *text   `json:"message,omitempty"`
	Delta        *text   `json:"delta,omitempty"`
	FinishReason *string `json:"finish_reason"`
}

type text struct {
	Role    string `json:"role,omitempty"`
	Content string `json:"content"`
}

func newCompletion(object, model string) completion {
	return completion{ID: "chatcmpl-" + rand.Text(), Object: object, Created: time.Now().Unix(), Model: model}
}

var finished = "stop"

// failure is an answer that is not a reply.
type failure struct {
	status     int
	retryAfter int // seconds; 0 leaves the header away
	kind       string
	code       string
	message    string
}

// body is the error object of the OpenAI interface.
func (f failure) body() []byte {
	return encode(map[string]any{"error": map[string]any{
		"message": f.message, "type": f.kind, "param": nil, "code": f.code,
	}})
}

// failureOf says how an error is told to the client. A refusal is told apart from
// every failure by its code, and may be tried again (GATE-008, GATE-012).
func failureOf(err error) failure {
	var refusal *admission.Refusal
	switch {
	case errors.As(err, &refusal):
		return failure{http.StatusServiceUnavailable, 1, "unavailable", refusal.Code, refusal.Message}
	case errors.Is(err, turn.ErrBusy):
		return failure{http.StatusConflict, 1, "conflict", "session_busy", err.Error()}
	case errors.Is(err, turn.ErrInterrupted):
		return failure{http.StatusServiceUnavailable, 1, "unavailable", "turn_interrupted", err.Error()}
	case errors.Is(err, turn.ErrNoRecord), errors.Is(err, background.ErrUnknown), errors.Is(err, schedule.ErrUnknown):
		return failure{http.StatusNotFound, 0, "invalid_request_error", "not_found", err.Error()}
	case errors.Is(err, turn.ErrStorage):
		return failure{http.StatusInternalServerError, 0, "server_error", "storage_error", err.Error()}
	case errors.Is(err, context.Canceled):
		return failure{499, 0, "cancelled", "client_gone", "the client hung up"} // nobody reads this
	}
	return failure{http.StatusBadGateway, 0, "server_error", "model_error", err.Error()}
}

// badRequest is the answer to a request that is no turn.
func badRequest(err error) failure {
	var long *http.MaxBytesError
	if errors.As(err, &long) {
		return failure{http.StatusRequestEntityTooLarge, 0, "invalid_request_error", "request_too_large", err.Error()}
	}
	return failure{http.StatusBadRequest, 0, "invalid_request_error", "invalid_request", err.Error()}
}

func writeFailure(w http.ResponseWriter, f failure) {
	if f.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(f.retryAfter))
	}
	writeJSON(w, f.status, f.body())
}

// writeJSON sends a whole answer. With the length known there is nothing left to
// send once the bytes are flushed.
func writeJSON(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if _, err := w.Write(body); err == nil {
		_ = http.NewResponseController(w).Flush() // fails when the client is gone
	}
}

// encode leaves <, > and & as they are: replies are text, not pages.
func encode(value any) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err) // only our own plain structs come here
	}
	return out.Bytes()
}
