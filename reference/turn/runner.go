package turn

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/drainproof/drainproof/reference/model"
)

// The ends of a turn that are not the model's doing.
var (
	ErrBusy        = errors.New("the session has a turn in flight already; send this one when that is finished")
	ErrInterrupted = errors.New("the turn was interrupted before it was finished")
	ErrStorage     = errors.New("the session's history is not available")
)

// Request is a turn to run.
type Request struct {
	Session  string // empty: nothing is remembered
	Model    string
	Messages []model.Message // what is new in this turn
}

// Runner runs turns.
type Runner struct {
	model    model.Model
	sessions *Sessions

	mu     sync.Mutex
	busy   map[string]bool // sessions with a turn in flight
	nextID uint64
	active map[uint64]context.CancelCauseFunc
}

// NewRunner returns a Runner.
func NewRunner(m model.Model, sessions *Sessions) *Runner {
	return &Runner{
		model:    m,
		sessions: sessions,
		busy:     map[string]bool{},
		active:   map[uint64]context.CancelCauseFunc{},
	}
}

// Complete runs a turn and returns the whole reply.
func (r *Runner) Complete(ctx context.Context, request Request) (string, error) {
	return r.run(ctx, request, r.model.Complete)
}

// Stream runs a turn and hands out the reply piece by piece. When it returns nil
// the turn is stored as well.
func (r *Runner) Stream(ctx context.Context, request Request, emit func(string) error) (string, error) {
	return r.run(ctx, request, func(ctx context.Context, call model.Request) (string, error) {
		return r.model.Stream(ctx, call, emit)
	})
}

// InterruptAll ends every turn in flight with ErrInterrupted and returns how many
// there were.
func (r *Runner) InterruptAll() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, cancel := range r.active {
		cancel(ErrInterrupted)
	}
	return len(r.active)
}

type call func(context.Context, model.Request) (string, error)

func (r *Runner) run(ctx context.Context, request Request, ask call) (string, error) {
	ctx, end, err := r.begin(ctx, request.Session)
	if err != nil {
		return "", err
	}
	defer end()
	messages := request.Messages
	if request.Session != "" {
		history, err := r.sessions.History(request.Session)
		if err != nil {
			return "", fmt.Errorf("%w: %w", ErrStorage, err)
		}
		messages = append(history, messages...)
	}
	reply, err := ask(ctx, model.Request{Model: request.Model, Messages: messages})
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return "", fmt.Errorf("%w (%w)", cause, err)
		}
		return "", err
	}
	if request.Session != "" {
		if err := r.sessions.Append(request.Session, said(request.Messages, reply)...); err != nil {
			return "", fmt.Errorf("%w: %w", ErrStorage, err)
		}
	}
	return reply, nil
}

// begin registers a turn, so that it can be interrupted and its session is busy.
func (r *Runner) begin(parent context.Context, session string) (context.Context, func(), error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if session != "" {
		if r.busy[session] {
			return nil, nil, ErrBusy
		}
		r.busy[session] = true
	}
	ctx, cancel := context.WithCancelCause(parent)
	id := r.nextID
	r.nextID++
	r.active[id] = cancel
	return ctx, func() {
		cancel(nil)
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.active, id)
		if session != "" {
			delete(r.busy, session)
		}
	}, nil
}

// said is what a finished turn adds to its session. Instructions to the model are
// the client's to send with every turn; they are not part of what was said.
func said(messages []model.Message, reply string) []model.Message {
	var all []model.Message
	for _, message := range messages {
		if message.Role != model.System && message.Role != model.Developer {
			all = append(all, message)
		}
	}
	return append(all, model.Message{Role: model.Assistant, Content: reply})
}
