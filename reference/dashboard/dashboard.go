package dashboard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/drainproof/drainproof/reference/drain"
)

// Config is what a dashboard is told.
type Config struct {
	Home  string
	Log   *slog.Logger
	Token Token       // of who may drain; without a secret nobody may
	Stamp drain.Epoch // with which requests are stamped; nil leaves them without
}

// Handler answers for the gateway of a home. Every answer is read afresh, and the
// figures in it come from one reading, so they agree with each other (CONTROL-009).
func Handler(config Config, wraps ...Wrap) http.Handler {
	parts := assemble(config, wraps)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/status", func(w http.ResponseWriter, _ *http.Request) {
		view, err := parts.Status.Read()
		if err != nil {
			parts.Log.Error("the gateway's state could not be read", "error", err)
			writeFailure(w, &Refusal{http.StatusInternalServerError, "server_error", "state_unreadable", err.Error()})
			return
		}
		writeJSON(w, http.StatusOK, view)
	})
	mux.Handle("POST /api/gateway/drain", control(parts))
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	return mux
}

// Run serves until ctx ends.
func Run(ctx context.Context, listen string, config Config, wraps ...Wrap) error {
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return fmt.Errorf("the dashboard cannot listen on %s: %w", listen, err)
	}
	server := &http.Server{
		Handler:           Handler(config, wraps...),
		ReadHeaderTimeout: time.Minute,
		ReadTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(config.Log.Handler(), slog.LevelWarn),
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	config.Log.Info("the dashboard serves", "address", listener.Addr().String(), "home", config.Home)
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
