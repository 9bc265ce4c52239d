package probe

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// server is an HTTP server of the probe's own, for the gateway to speak to.
type server struct {
	http.Server
	log      *slog.Logger
	listener net.Listener
	lost     string // what is said when it ends by itself
}

// listen opens the address at once; nobody is answered before serve.
func listen(log *slog.Logger, address, lost string, handler http.Handler) (*server, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	return &server{log: log, listener: l, lost: lost, Server: http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 30 * time.Second,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}}, nil
}

func (s *server) serve(context.Context) {
	if err := s.Serve(s.listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
		s.log.Error(s.lost, "error", err)
	}
}

// close ends the server and every request it works on.
func (s *server) close() {
	_ = s.Close()
	_ = s.listener.Close() // Close alone forgets a listener that was never served
}
