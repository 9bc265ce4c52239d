package tool

import (
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drainproof/drainproof/reference/background"
	"github.com/drainproof/drainproof/reference/model"
	"github.com/drainproof/drainproof/reference/turn"
)

func TestParse(t *testing.T) {
	cases := map[string]struct {
		names []string
		ok    bool
	}{
		"":                       {nil, true},
		"clock":                  {[]string{Clock}, true},
		" background_job,clock ": {[]string{BackgroundJob, Clock}, true},
		"clock,":                 {[]string{Clock}, true},
		"hammer":                 {nil, false},
	}
	for list, c := range cases {
		names, err := Parse(list)
		if (err == nil) != c.ok || !slices.Equal(names, c.names) {
			t.Errorf("%q: %v, %v", list, names, err)
		}
	}
}

// full is a queue that takes nothing.
type full struct{}

func (full) Queue(turn.Origin, turn.Request, ...turn.Also) (turn.Record, error) {
	return turn.Record{}, errors.New("disk full")
}

func TestCalls(t *testing.T) {
	sessions, err := turn.OpenSessions(filepath.Join(t.TempDir(), turn.FileName))
	if err != nil {
		t.Fatal(err)
	}
	defer sessions.Close()
	jobs, err := background.Open(sessions, full{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer jobs.Close()
	set := New([]string{Clock, BackgroundJob}, jobs)
	if tools := set.List(); len(tools) != 2 || tools[0].Name != Clock || tools[1].Name != BackgroundJob {
		t.Errorf("offered: %+v", tools)
	}
	call := func(session, name, arguments string) string {
		return set.Call(t.Context(), turn.Request{Session: session}, model.ToolCall{Name: name, Arguments: arguments})
	}
	if _, err := time.Parse(time.RFC3339Nano, call("s", Clock, "")); err != nil {
		t.Errorf("the clock: %v", err)
	}
	cases := []struct{ session, name, arguments, says string }{
		{"s", "hammer", "{}", "error: there is no tool"},
		{"s", BackgroundJob, "", "error: the arguments are no JSON object"},
		{"s", BackgroundJob, `{"task":"x","name":"a"}`, "started a;"},
		{"s", BackgroundJob, `{"task":"x","name":"a"}`, "started a;"}, // a turn that is run again
		{"other", BackgroundJob, `{"task":"x","name":"a"}`, `error: cannot start the background job: another job is named "a"`},
		{"s", BackgroundJob, `{"task":"x"}`, "started job-"},
		{"s", BackgroundJob, `{"task":"x","seconds":-1}`, "error: seconds is -1"},
		{"s", BackgroundJob, `{"task":"x","name":"a/b"}`, "error: the name"},
	}
	for _, c := range cases {
		if got := call(c.session, c.name, c.arguments); !strings.HasPrefix(got, c.says) {
			t.Errorf("%s(%s): %q, want %q", c.name, c.arguments, got, c.says)
		}
	}
	if all, err := jobs.All(); err != nil || len(all) != 2 {
		t.Errorf("going on: %+v, %v", all, err)
	}
	if _, err := jobs.Complete("a", ""); err == nil {
		t.Error("an end that could not be kept was taken for told")
	}
	if all, err := jobs.All(); err != nil || len(all) != 2 {
		t.Errorf("it is lost: %+v, %v", all, err)
	}
	if got := New(nil, jobs).Call(t.Context(), turn.Request{}, model.ToolCall{Name: Clock}); !strings.HasPrefix(got, "error") {
		t.Errorf("a tool that was not offered answers %q", got)
	}
}
