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
	Session  string          `json:"session,omitempty"` // empty: nothing is remembered
	Model    string          `json:"model,omitempty"`
	Messages []model.Message `json:"messages,omitempty"` // what is new in this turn
}

// Runner runs turns.
type Runner struct {
	model    model.Model
	sessions *Sessions
	journal  Journal

	// Tools is what the model may have done. It is set before the first turn.
	Tools Tools
	// Freed is told when a session has no turn in flight any more. It is set before
	// the first turn, and must not wait.
	Freed func()

	mu     sync.Mutex
	busy   map[string]bool // sessions with a turn in flight
	nextID uint64
	active map[uint64]*Claim
}

// NewRunner returns a Runner.
func NewRunner(m model.Model, sessions *Sessions, journal Journal) *Runner {
	return &Runner{
		model:    m,
		sessions: sessions,
		journal:  journal,
		busy:     map[string]bool{},
		active:   map[uint64]*Claim{},
		Tools:    noTools{},
		Freed:    func() {},
	}
}

// Complete runs a turn under a claim, which it ends, and returns the whole reply.
func (r *Runner) Complete(claim *Claim, request Request) (string, error) {
	return r.run(claim, request, r.model.Complete)
}

// Stream does the same and hands out the reply piece by piece. When it returns nil
// the turn is stored as well.
func (r *Runner) Stream(claim *Claim, request Request, emit func(string) error) (string, error) {
	return r.run(claim, request, func(ctx context.Context, call model.Request) (model.Reply, error) {
		return r.model.Stream(ctx, call, emit)
	})
}

type call func(context.Context, model.Request) (model.Reply, error)

// run runs a turn whose client waits. One without a session leaves nothing that
// could be owed to anybody, so it has no record.
func (r *Runner) run(claim *Claim, request Request, ask call) (string, error) {
	defer claim.End() // before the client has its reply: it may send the next turn at once
	if request.Session == "" {
		reply, _, err := r.work(claim.ctx, request, ask)
		return reply, err
	}
	record, err := r.Accept(claim, OriginChat, request)
	if err != nil {
		return "", err
	}
	return r.settle(claim, record, ask)
}

// Perform runs the turn of a record that is in the journal, as begun, and ends
// the claim.
func (r *Runner) Perform(claim *Claim, record Record) error {
	defer claim.End()
	r.worksOn(claim, record.ID)
	_, err := r.settle(claim, record, r.model.Complete)
	return err
}

// settle runs the turn of a record and takes it off the journal when it is over.
// An interrupted turn stays there: it is owed (SHUTDOWN-002).
func (r *Runner) settle(claim *Claim, record Record, ask call) (string, error) {
	reply, said, err := r.work(claim.ctx, record.Request, ask)
	if errors.Is(err, ErrInterrupted) {
		return "", err
	}
	record.Status, record.Output = Completed, reply
	if err != nil {
		record.Status, record.Problem = Failed, err.Error()
	}
	if stored := r.journal.Finish(record, said...); stored != nil {
		return "", errors.Join(err, fmt.Errorf("%w: %w", ErrStorage, stored))
	}
	return reply, err
}

// work asks the model, as often as it wants tools to be called, and returns the
// reply and what the turn adds to its session.
func (r *Runner) work(ctx context.Context, request Request, ask call) (string, []model.Message, error) {
	messages := request.Messages
	if request.Session != "" {
		history, err := r.History(request.Session)
		if err != nil {
			return "", nil, err
		}
		messages = append(history, messages...)
	}
	added := said(request.Messages)
	for range maxCalls {
		reply, err := ask(ctx, model.Request{Model: request.Model, Messages: messages, Tools: r.Tools.List()})
		if err != nil {
			if cause := context.Cause(ctx); cause != nil {
				return "", nil, fmt.Errorf("%w (%w)", cause, err)
			}
			return "", nil, err
		}
		step := []model.Message{{Role: model.Assistant, Content: reply.Content, ToolCalls: reply.ToolCalls}}
		for _, call := range reply.ToolCalls {
			step = append(step, model.Message{Role: model.Tool, Content: r.Tools.Call(ctx, request, call), ToolCallID: call.ID})
		}
		messages, added = append(messages, step...), append(added, step...)
		if len(reply.ToolCalls) == 0 {
			return reply.Content, added, nil
		}
	}
	return "", nil, fmt.Errorf("the model asks for tools without end: the turn was given up after %d calls", maxCalls)
}

// History returns what was said in a session, oldest first.
func (r *Runner) History(session string) ([]model.Message, error) {
	history, err := r.sessions.History(session)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrStorage, err)
	}
	return history, nil
}

// said is what a client's messages add to its session. Instructions to the model are
// the client's to send with every turn; they are not part of what was said.
func said(messages []model.Message) []model.Message {
	var all []model.Message
	for _, message := range messages {
		if message.Role != model.System && message.Role != model.Developer {
			all = append(all, message)
		}
	}
	return all
}
