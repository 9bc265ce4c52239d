package turn

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drainproof/drainproof/reference/model"
)

// scripted is a model that does what the test says.
type scripted func(context.Context, model.Request) (string, error)

func (s scripted) Complete(ctx context.Context, request model.Request) (model.Reply, error) {
	reply, err := s(ctx, request)
	return model.Reply{Content: reply}, err
}

func (s scripted) Stream(ctx context.Context, request model.Request, emit func(string) error) (model.Reply, error) {
	reply, err := s.Complete(ctx, request)
	if err == nil {
		err = emit(reply.Content)
	}
	return reply, err
}

func open(t *testing.T) *Sessions {
	t.Helper()
	sessions, err := OpenSessions(filepath.Join(t.TempDir(), FileName))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sessions.Close() })
	return sessions
}

// complete runs a turn under a claim of its own.
func complete(ctx context.Context, runner *Runner, request Request) (string, error) {
	claim, err := runner.Claim(ctx, request.Session)
	if err != nil {
		return "", err
	}
	return runner.Complete(claim, request)
}

func stream(ctx context.Context, runner *Runner, request Request, emit func(string) error) (string, error) {
	claim, err := runner.Claim(ctx, request.Session)
	if err != nil {
		return "", err
	}
	return runner.Stream(claim, request, emit)
}

func say(text string) []model.Message {
	return []model.Message{{Role: model.System, Content: "be brief"}, {Role: model.User, Content: text}}
}

func contents(messages []model.Message) string {
	var all []string
	for _, message := range messages {
		all = append(all, message.Content)
	}
	return strings.Join(all, "|")
}

func TestHistoryGrowsWithWholeTurnsOnly(t *testing.T) {
	sessions := open(t)
	broken := errors.New("broken")
	var asked string
	runner := NewRunner(scripted(func(_ context.Context, request model.Request) (string, error) {
		asked = contents(request.Messages)
		if strings.HasSuffix(asked, "fail") {
			return "half a rep", broken
		}
		return "re:" + request.LastUser(), nil
	}), sessions, sessions.Journal())
	steps := []struct{ text, asked, stored string }{
		{"one", "be brief|one", "one|re:one"},
		{"fail", "one|re:one|be brief|fail", "one|re:one"},
		{"two", "one|re:one|be brief|two", "one|re:one|two|re:two"},
	}
	for _, step := range steps {
		_, err := complete(t.Context(), runner, Request{Session: "s", Messages: say(step.text)})
		if (err != nil) != (step.text == "fail") {
			t.Fatalf("%s: %v", step.text, err)
		}
		if asked != step.asked {
			t.Errorf("%s: the model was asked %q, want %q", step.text, asked, step.asked)
		}
		history, err := sessions.History("s")
		if err != nil || contents(history) != step.stored {
			t.Errorf("%s: stored %q, want %q (%v)", step.text, contents(history), step.stored, err)
		}
	}
	if history, err := sessions.History("other"); err != nil || history != nil {
		t.Errorf("another session has %v, %v", history, err)
	}
	// A client that goes away before it has all of a stream did not get a whole turn.
	if _, err := stream(t.Context(), runner, Request{Session: "s", Messages: say("x")}, func(string) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if history, _ := sessions.History("s"); len(history) != 4 {
		t.Errorf("a turn that was not delivered is stored: %v", history)
	}
}

func TestStatelessTurnsTouchNoDatabase(t *testing.T) {
	sessions := open(t)
	if err := sessions.Close(); err != nil {
		t.Fatal(err)
	}
	runner := NewRunner(model.Echo{}, sessions, sessions.Journal())
	if _, err := complete(t.Context(), runner, Request{Messages: say("x")}); err != nil {
		t.Error(err)
	}
	if _, err := complete(t.Context(), runner, Request{Session: "s", Messages: say("x")}); !errors.Is(err, ErrStorage) {
		t.Errorf("a closed database: %v", err)
	}
}

func TestBusyAndInterrupted(t *testing.T) {
	entered := make(chan struct{})
	sessions := open(t)
	runner := NewRunner(scripted(func(ctx context.Context, _ model.Request) (string, error) {
		entered <- struct{}{}
		<-ctx.Done()
		return "", ctx.Err()
	}), sessions, sessions.Journal())
	ends := make(chan error, 2)
	for _, session := range []string{"s", ""} {
		go func() {
			_, err := complete(t.Context(), runner, Request{Session: session, Messages: say("x")})
			ends <- err
		}()
		<-entered
	}
	if _, err := complete(t.Context(), runner, Request{Session: "s", Messages: say("y")}); !errors.Is(err, ErrBusy) {
		t.Errorf("a busy session: %v", err)
	}
	if n := runner.InterruptAll(); n != 2 {
		t.Errorf("interrupted %d", n)
	}
	for range 2 {
		if err := <-ends; !errors.Is(err, ErrInterrupted) {
			t.Errorf("an interrupted turn: %v", err)
		}
	}
	if n := runner.InterruptAll(); n != 0 || len(runner.busy) != 0 {
		t.Errorf("%d turns and %v left", n, runner.busy)
	}
}

func TestDatabaseInUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), FileName)
	first, err := OpenSessions(path)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	if _, err := OpenSessions(path); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("got %v", err)
	}
	if _, err := OpenSessions(filepath.Dir(path)); err == nil {
		t.Error("a directory was opened as a database")
	}
}

func TestSaid(t *testing.T) {
	got := said(say("x"))
	if len(got) != 1 || got[0].Role != model.User || got[0].Content != "x" {
		t.Errorf("got %v", got)
	}
}
