package probe

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/drainproof/drainproof/harness/wire"
)

// connections are those opened ahead of the turn that will use them.
type connections struct {
	mu     sync.Mutex
	idle   map[string]*link
	closed bool
}

func newConnections() *connections { return &connections{idle: map[string]*link{}} }

// take hands out a connection; it is used once.
func (cs *connections) take(name string) *link {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	l := cs.idle[name]
	delete(cs.idle, name)
	return l
}

func (cs *connections) put(name string, l *link) error {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.closed {
		return fmt.Errorf("the session is over")
	}
	if cs.idle[name] != nil {
		return fmt.Errorf("a connection %q is open already", name)
	}
	cs.idle[name] = l
	return nil
}

func (cs *connections) has(name string) bool {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return cs.idle[name] != nil
}

func (cs *connections) close() {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.closed = true
	for _, l := range cs.idle {
		_ = l.conn.Close()
	}
	clear(cs.idle)
}

// openConnections opens idle connections to an ingress, warmed with a request
// where one is given.
func (s *session) openConnections(ctx context.Context, p wire.ConnectionsParams) error {
	in := s.ingresses[p.Ingress]
	if in == nil {
		return fmt.Errorf("no ingress is called %q", p.Ingress)
	}
	for _, name := range p.Names {
		l, err := dial(ctx, in.address, 0, false)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if p.WarmURL != "" {
			err = warm(ctx, l, p.WarmURL)
		}
		if err == nil {
			err = s.connections.put(name, l)
		}
		if err != nil {
			_ = l.conn.Close()
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// warm sends one whole request, after which the gateway holds the connection
// among its idle ones.
func warm(ctx context.Context, l *link, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	if err := l.conn.SetDeadline(time.Now().Add(dialTimeout)); err != nil {
		return err
	}
	if err := req.Write(l.conn); err != nil {
		return err
	}
	resp, err := l.response(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, maxBody))
	_ = resp.Body.Close()
	if err != nil {
		return err
	}
	if resp.Close {
		return fmt.Errorf("the gateway closes its connections after GET %s (status %d), so none can be kept", url, resp.StatusCode)
	}
	return l.conn.SetDeadline(time.Time{})
}
