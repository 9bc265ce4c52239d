package turn

import (
	"context"
	"fmt"

	"github.com/drainproof/drainproof/reference/model"
)

// maxCalls is how often one turn may call the model.
const maxCalls = 32

// Tools is what the model may have done in a turn.
type Tools interface {
	// List is what the model is told; empty when it is offered nothing.
	List() []model.ToolSpec
	// Call does what the model wants in the turn of a request. What it returns is for
	// the model, also when it failed.
	Call(ctx context.Context, request Request, call model.ToolCall) string
}

type noTools struct{}

func (noTools) List() []model.ToolSpec { return nil }

func (noTools) Call(_ context.Context, _ Request, call model.ToolCall) string {
	return fmt.Sprintf("error: there is no tool %q", call.Name)
}
