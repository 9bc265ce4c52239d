package background

import (
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/drainproof/drainproof/reference/turn"
)

// kept is a queue that keeps turns in the journal and starts none.
type kept struct {
	journal turn.Journal
	told    chan turn.Record
}

func (k kept) Queue(origin turn.Origin, request turn.Request, also ...turn.Also) (turn.Record, error) {
	record, err := k.journal.Put(turn.Record{Origin: origin, Status: turn.Queued, Request: request}, also...)
	if err == nil {
		k.told <- record
	}
	return record, err
}

func TestJobIsToldOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), turn.FileName)
	sessions, err := turn.OpenSessions(path)
	if err != nil {
		t.Fatal(err)
	}
	queue := kept{sessions.Journal(), make(chan turn.Record, 4)}
	log := slog.New(slog.DiscardHandler)
	jobs, err := Open(sessions, queue, log)
	if err != nil {
		t.Fatal(err)
	}
	request := turn.Request{Session: "s", Model: "m"}
	for _, order := range []Order{{Name: "by word", Task: "a"}, {Name: "by clock", Task: "b", Seconds: MaxSeconds}} {
		if _, err := jobs.Start(request, order); err != nil {
			t.Fatal(err)
		}
	}
	record, err := jobs.Complete("by word", "done")
	if err != nil || record.Origin != turn.OriginBackground || record.Request.Session != "s" || record.Request.Model != "m" {
		t.Errorf("told as %+v, %v", record, err)
	}
	if _, err := jobs.Complete("by word", "again"); !errors.Is(err, ErrUnknown) {
		t.Errorf("told again: %v", err)
	}
	jobs.Close()
	if err := sessions.Close(); err != nil {
		t.Fatal(err)
	}

	// What is not done goes on in the next life; what is done is owed there.
	if sessions, err = turn.OpenSessions(path); err != nil {
		t.Fatal(err)
	}
	defer sessions.Close()
	queue.journal = sessions.Journal()
	if jobs, err = Open(sessions, queue, log); err != nil {
		t.Fatal(err)
	}
	defer jobs.Close()
	if all, err := jobs.All(); err != nil || len(all) != 1 || all[0].Name != "by clock" || len(jobs.clocks) != 1 {
		t.Errorf("going on: %+v, %v, clocks %d", all, err, len(jobs.clocks))
	}
	if owed, err := queue.journal.Owed(); err != nil || len(owed) != 1 {
		t.Errorf("owed: %+v, %v", owed, err)
	}
}

func TestJobEndsByItself(t *testing.T) {
	sessions, err := turn.OpenSessions(filepath.Join(t.TempDir(), turn.FileName))
	if err != nil {
		t.Fatal(err)
	}
	defer sessions.Close()
	queue := kept{sessions.Journal(), make(chan turn.Record, 4)}
	jobs, err := Open(sessions, queue, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer jobs.Close()
	name, err := jobs.Start(turn.Request{Session: "s"}, Order{Task: "nap", Seconds: 0.001})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case record := <-queue.told:
		if want := "The background job " + name + " is done.\nTask: nap"; record.Request.LastUser() != want {
			t.Errorf("told %q, want %q", record.Request.LastUser(), want)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it never ends")
	}
}
