package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

// maxBody bounds every body that is read, in bytes.
const maxBody = 64 << 20

// model is an OpenAI-compatible model on whose latch every turn waits. It is the
// ground truth of "in flight": what it holds is in flight, whatever the gateway
// says.
type model struct {
	*server
	turns   *turns
	rec     sink
	callers callers
}

func newModel(log *slog.Logger, address string, ts *turns, rec sink) (*model, error) {
	m := &model{turns: ts, rec: rec}
	mux := http.NewServeMux()
	mux.HandleFunc("/", m.route)
	var err error
	if m.server, err = listen(log, address, "the model stopped", mux); err != nil {
		return nil, fmt.Errorf("the model can't listen on %s: %w", address, err)
	}
	m.ConnContext = func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) }
	return m, nil
}

type connKey struct{}

func (m *model) address() string { return m.listener.Addr().String() }

// route takes any base path: what stands before it is the target's affair.
func (m *model) route(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/chat/completions"):
		m.complete(w, r, chatDialect{})
	case r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/responses"):
		m.complete(w, r, &responsesDialect{})
	case r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, "/models"):
		writeJSON(w, http.StatusOK, modelList)
	default:
		m.log.Warn("the gateway asked the model for something it does not offer", "method", r.Method, "path", r.URL.Path)
		writeError(w, http.StatusNotFound, "not_found", "this model offers POST .../chat/completions, POST .../responses and GET .../models")
	}
}

func (m *model) complete(w http.ResponseWriter, r *http.Request, d dialect) {
	call := now()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil { // not a call yet: it was never read whole
		writeError(w, http.StatusBadRequest, "bad_body", err.Error())
		return
	}
	req, err := d.parse(body)
	read := now()
	if err != nil {
		m.log.Warn("the gateway's model call cannot be understood", "path", r.URL.Path, "error", err)
		writeError(w, http.StatusBadRequest, "bad_request", err.Error())
		return
	}
	t := m.turns.get(req.token)
	c := &modelCall{
		model: m, turn: t, req: req, dialect: d, w: w,
		flush:    http.NewResponseController(w),
		settled:  make(chan struct{}),
		emits:    make(chan emission),
		streamed: req.stream,
	}
	c.conn, _ = r.Context().Value(connKey{}).(net.Conn)
	c.readAt = read
	c.alive.Store(int64(read))
	c.begin()
	defer c.end()
	c.record(history.ModelCalled, call, read)
	if t != nil {
		if !c.wait(r.Context()) {
			return
		}
		if status := t.params.Script.Fail; status != 0 {
			c.fail(status)
			return
		}
	}
	if tool := c.tool(); tool != nil {
		c.callTool(*tool)
		return
	}
	c.answer()
}

// auxiliaryText answers calls that belong to no turn: titles, summaries.
const auxiliaryText = "A short answer."

// emit streams tokens of a held turn, and returns when they were handed to the
// gateway.
func (s *session) emit(ctx context.Context, p wire.EmitParams) error {
	ts, err := s.turns.pick([]string{p.Turn})
	if err != nil {
		return err
	}
	if p.Tokens <= 0 {
		return fmt.Errorf("%d tokens; at least one", p.Tokens)
	}
	c, err := ts[0].streaming()
	if err != nil {
		return fmt.Errorf("turn %s: %w", p.Turn, err)
	}
	e := emission{tokens: p.Tokens, done: make(chan error, 1)}
	select {
	case c.emits <- e:
	case <-c.settled:
		return fmt.Errorf("turn %s: it is not held any more", p.Turn)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case err := <-e.done:
		if err != nil {
			return fmt.Errorf("turn %s: %w", p.Turn, err)
		}
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// streaming returns the open model call that can stream: the youngest.
func (t *turn) streaming() (*modelCall, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var youngest *modelCall
	for c := range t.open {
		if youngest == nil || c.number > youngest.number {
			youngest = c
		}
	}
	switch {
	case youngest == nil:
		return nil, errors.New("the model does not hold it")
	case !youngest.streamed:
		return nil, errors.New("the gateway did not ask the model for a stream")
	}
	return youngest, nil
}
