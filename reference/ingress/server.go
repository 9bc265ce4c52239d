package ingress

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/drainproof/drainproof/reference/admission"
	"github.com/drainproof/drainproof/reference/background"
	"github.com/drainproof/drainproof/reference/detached"
	"github.com/drainproof/drainproof/reference/schedule"
	"github.com/drainproof/drainproof/reference/turn"
)

// Parts is what the interface gives access to.
type Parts struct {
	Admitter   admission.Admitter
	Turns      *turn.Runner
	Detached   *detached.Runner
	Background *background.Jobs
	Jobs       *schedule.Jobs
	Ledger     *admission.Ledger
	Log        *slog.Logger
	// QueueFollowUps has messages to busy sessions wait instead of being refused.
	QueueFollowUps bool
	// Around is put around the whole interface, each around those before it.
	Around []func(http.Handler) http.Handler
}

// Server is the gateway's HTTP interface.
type Server struct {
	Parts
	metrics *metrics
	http    *http.Server
}

// New returns a server that serves nothing yet.
func New(parts Parts) *Server {
	s := &Server{Parts: parts, metrics: newMetrics(parts.Ledger)}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/chat/completions", s.chat)
	mux.HandleFunc("POST /v1/runs", s.startRun)
	mux.HandleFunc("GET /v1/runs/{id}", s.showRun)
	mux.HandleFunc("GET /v1/sessions/{id}", s.showSession)
	mux.HandleFunc("POST /v1/jobs", s.addJob)
	mux.HandleFunc("GET /v1/jobs/{id}", s.showJob)
	mux.HandleFunc("DELETE /v1/jobs/{id}", s.removeJob)
	mux.HandleFunc("GET /v1/background", s.listBackground)
	mux.HandleFunc("POST /v1/background/{name}/complete", s.completeBackground)
	mux.HandleFunc("GET /health", s.health)
	mux.Handle("GET /metrics", s.metrics.handler())
	var handler http.Handler = mux
	for _, around := range parts.Around {
		handler = around(handler)
	}
	var deliveries deliveries
	s.http = &http.Server{
		Handler:     handler,
		ConnContext: deliveries.track,
		ConnState:   deliveries.changed,
		// No limit on writing: a reply takes as long as its reader does, and the turn
		// counts for that long. The limit on reading headers is against clients that
		// never finish one; it is long because it also ends connections that are
		// opened and kept for later.
		ReadHeaderTimeout: 5 * time.Minute,
		ErrorLog:          slog.NewLogLogger(parts.Log.Handler(), slog.LevelWarn),
	}
	return s
}

// Serve serves until Close; it returns nil then.
func (s *Server) Serve(listener net.Listener) error {
	if err := s.http.Serve(listener); err != http.ErrServerClosed {
		return err
	}
	return nil
}

// Close stops listening, lets answers that are being written go out until ctx
// ends, and then closes every connection.
func (s *Server) Close(ctx context.Context) error {
	if err := s.http.Shutdown(ctx); err == nil {
		return nil
	}
	return s.http.Close()
}

func (s *Server) health(w http.ResponseWriter, _ *http.Request) {
	now := s.Ledger.Snapshot()
	writeJSON(w, http.StatusOK, encode(map[string]any{
		"status": "ok", "gateway_state": now.State, "active_agents": now.InFlight,
	}))
}

// chat is one turn.
func (s *Server) chat(w http.ResponseWriter, r *http.Request) {
	request, streamed, err := parseRequest(w, r)
	if err != nil {
		s.metrics.ended("invalid")
		writeFailure(w, badRequest(err))
		return
	}
	way := "sync"
	if streamed {
		way = "stream"
	}
	slot, err := s.Admitter.Admit(r.Context(), admissionRequest(way, request))
	if err != nil {
		s.metrics.refused()
		writeFailure(w, failureOf(err))
		return
	}
	claim, err := s.claim(admission.WithSlot(r.Context(), slot), request.Session)
	if err != nil {
		s.notNow(w, slot, request, err)
		return
	}
	defer afterDelivery(r.Context(), slot.Release)()
	if streamed {
		err = s.streamed(claim, w, request)
	} else {
		err = s.whole(claim, w, request)
	}
	if err != nil {
		s.metrics.ended(failureOf(err).code)
		s.Log.Info("a turn ended without a whole reply", "session", request.Session, "stream", streamed, "error", err)
		return
	}
	s.metrics.ended("finished")
}

func (s *Server) whole(claim *turn.Claim, w http.ResponseWriter, request turn.Request) error {
	reply, err := s.Turns.Complete(claim, request)
	if err != nil {
		writeFailure(w, failureOf(err))
		return err
	}
	answer := newCompletion("chat.completion", request.Model)
	answer.Choices = []choice{{Message: &text{Role: "assistant", Content: reply}, FinishReason: &finished}}
	writeJSON(w, http.StatusOK, encode(answer))
	return nil
}

func (s *Server) streamed(claim *turn.Claim, w http.ResponseWriter, request turn.Request) error {
	out := newStream(w, request.Model)
	if _, err := s.Turns.Stream(claim, request, out.piece); err != nil {
		out.fail(failureOf(err))
		return err
	}
	return out.end()
}

// admissionRequest is what the gate is told of a turn that came in by an ingress.
func admissionRequest(ingress string, request turn.Request) admission.Request {
	return admission.Request{Ingress: ingress, Session: request.Session, Text: request.LastUser()}
}
