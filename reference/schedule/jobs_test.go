package schedule

import (
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/drainproof/drainproof/reference/model"
	"github.com/drainproof/drainproof/reference/turn"
)

const patience = 20 * time.Second

// kept is a queue that keeps turns in the journal and starts none.
type kept struct {
	journal turn.Journal
	due     chan turn.Record
	skipped chan error
}

func (k kept) Queue(origin turn.Origin, request turn.Request, also ...turn.Also) (turn.Record, error) {
	record, err := k.journal.Put(turn.Record{Origin: origin, Status: turn.Queued, Request: request}, also...)
	if err != nil {
		k.skipped <- err
		return record, err
	}
	k.due <- record
	return record, nil
}

func open(t *testing.T, path string) (*turn.Sessions, kept, *Jobs) {
	t.Helper()
	sessions, err := turn.OpenSessions(path)
	if err != nil {
		t.Fatal(err)
	}
	queue := kept{sessions.Journal(), make(chan turn.Record, 64), make(chan error, 64)}
	jobs, err := Open(sessions, queue, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return sessions, queue, jobs
}

func next[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case got := <-from:
		return got
	case <-time.After(patience):
		t.Fatal("it never came")
		panic("unreachable")
	}
}

func asking(text string) turn.Request {
	return turn.Request{Messages: []model.Message{{Role: model.User, Content: text}}}
}

// A job is due again only when its last turn is over, and what is due while the
// gateway is down is due when it starts.
func TestJobsFallDue(t *testing.T) {
	path := filepath.Join(t.TempDir(), turn.FileName)
	sessions, queue, jobs := open(t, path)
	jobs.Start()
	job, err := jobs.Add(Job{Request: asking("again"), Every: MinEvery})
	if err != nil {
		t.Fatal(err)
	}
	first := next(t, queue.due)
	if first.Origin != turn.OriginJob || first.Request.LastUser() != "again" {
		t.Errorf("due: %+v", first)
	}
	if err := next(t, queue.skipped); !errors.Is(err, errOwed) {
		t.Errorf("due again while it waits: %v", err)
	}
	first.Status = turn.Completed
	if err := queue.journal.Finish(first); err != nil {
		t.Fatal(err)
	}
	second := next(t, queue.due)
	if found, err := jobs.Find(job.ID); err != nil || found.LastRun != second.ID || found.Next.IsZero() {
		t.Errorf("the job: %+v, %v", found, err)
	}
	if err := jobs.Remove(job.ID); err != nil {
		t.Error(err)
	}
	if err := jobs.Remove(job.ID); !errors.Is(err, ErrUnknown) {
		t.Errorf("removed twice: %v", err)
	}
	jobs.Close()
	_ = sessions.Close()

	sessions, _, jobs = open(t, path)
	once, err := jobs.Add(Job{Request: asking("once"), Next: time.Now().Add(-time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	jobs.Close() // before it was started
	_ = sessions.Close()

	sessions, queue, jobs = open(t, path)
	defer sessions.Close()
	defer jobs.Close()
	jobs.Start()
	if got := next(t, queue.due); got.Request.LastUser() != "once" {
		t.Errorf("due: %+v", got)
	}
	if found, err := jobs.Find(once.ID); err != nil || !found.Next.IsZero() {
		t.Errorf("it is due again: %+v, %v", found, err)
	}
}

func TestAfter(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	cases := map[string]struct {
		every time.Duration
		next  time.Time
		want  time.Time
	}{
		"once":        {0, now, time.Time{}},
		"in time":     {time.Hour, now, now.Add(time.Hour)},
		"a bit late":  {time.Hour, now.Add(-time.Minute), now.Add(59 * time.Minute)},
		"days missed": {time.Hour, now.Add(-50 * time.Hour), now.Add(time.Hour)},
	}
	for name, c := range cases {
		if got := after(Job{Every: c.every, Next: c.next}, now).Next; !got.Equal(c.want) {
			t.Errorf("%s: next at %s, want %s", name, got, c.want)
		}
	}
}
