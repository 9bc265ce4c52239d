package turn

import (
	"context"
	"strings"
	"testing"

	"github.com/drainproof/drainproof/reference/model"
)

// insisting is a model that wants a tool called, a number of times.
type insisting struct{ left int }

func (i *insisting) Complete(_ context.Context, request model.Request) (model.Reply, error) {
	if i.left == 0 {
		return model.Reply{Content: request.Messages[len(request.Messages)-1].Content}, nil
	}
	i.left--
	return model.Reply{ToolCalls: []model.ToolCall{{ID: "c", Name: "hammer"}}}, nil
}

func (i *insisting) Stream(ctx context.Context, request model.Request, _ func(string) error) (model.Reply, error) {
	return i.Complete(ctx, request)
}

func TestToolsAreCalledUntilTheReply(t *testing.T) {
	cases := map[string]struct {
		wishes int
		stored int // messages in the session
		ok     bool
	}{
		"none":      {0, 2, true},
		"two":       {2, 6, true},
		"all":       {maxCalls - 1, 2 + 2*(maxCalls-1), true},
		"too often": {maxCalls, 0, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			sessions := open(t)
			runner := NewRunner(&insisting{c.wishes}, sessions, sessions.Journal())
			reply, err := complete(t.Context(), runner, Request{Session: "s", Messages: say("x")})
			if (err == nil) != c.ok {
				t.Fatalf("got %q, %v", reply, err)
			}
			if c.wishes > 0 && c.ok && !strings.Contains(reply, `no tool "hammer"`) {
				t.Errorf("the model was told %q", reply)
			}
			if history, err := sessions.History("s"); err != nil || len(history) != c.stored {
				t.Errorf("stored %d messages, want %d (%v)", len(history), c.stored, err)
			}
		})
	}
}
