package dashboard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/drainproof/drainproof/reference/status"
)

// Handler answers for the gateway of a home. Every answer is read afresh, and the
// figures in it come from one reading, so they agree with each other.
func Handler(home string, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/status", func(w http.ResponseWriter, _ *http.Request) {
		view, err := status.Read(home)
		if err != nil {
			log.Error("the gateway's state could not be read", "error", err)
			writeJSON(w, http.StatusInternalServerError, map[string]any{
				"error": map[string]string{"type": "server_error", "code": "state_unreadable", "message": err.Error()},
			})
			return
		}
		writeJSON(w, http.StatusOK, view)
	})
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	return mux
}

// Run serves until ctx ends.
func Run(ctx context.Context, listen, home string, log *slog.Logger) error {
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return fmt.Errorf("the dashboard cannot listen on %s: %w", listen, err)
	}
	server := &http.Server{
		Handler:           Handler(home, log),
		ReadHeaderTimeout: time.Minute,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	log.Info("the dashboard serves", "address", listener.Addr().String(), "home", home)
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func writeJSON(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body) // fails when the client is gone
}
