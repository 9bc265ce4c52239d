package status

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/drainproof/drainproof/reference/admission"
	"github.com/drainproof/drainproof/reference/home"
	"github.com/drainproof/drainproof/reference/lifecycle"
)

// memory is a Store that remembers every record, or fails.
type memory struct {
	records []Record
	err     error
}

func (m *memory) Write(record Record) error {
	if m.err != nil {
		return m.err
	}
	m.records = append(m.records, record)
	return nil
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// Many publish at once, and what is written never goes back in time: while turns
// only start, the count only grows.
func TestPublicationsNeverGoBack(t *testing.T) {
	ledger, store := admission.NewLedger(), &memory{}
	publisher := NewPublisher(ledger, store, home.Holder{PID: 7}, quiet())
	var work sync.WaitGroup
	const turns = 200
	for range turns {
		work.Go(func() {
			now := ledger.Update((*admission.Book).Claim)
			if err := publisher.Publish(now.Version); err != nil {
				t.Error(err)
			}
		})
	}
	work.Wait()
	if len(store.records) > turns {
		t.Errorf("%d writes for %d turns", len(store.records), turns)
	}
	last := 0
	for _, record := range store.records {
		if record.ActiveAgents <= last {
			t.Fatalf("after %d came %d", last, record.ActiveAgents)
		}
		last = record.ActiveAgents
	}
	if last != turns {
		t.Errorf("the last publication says %d", last)
	}
}

func TestFailedPublicationIsMadeGood(t *testing.T) {
	ledger, store := admission.NewLedger(), &memory{err: errors.New("disk full")}
	publisher := NewPublisher(ledger, store, home.Holder{}, quiet())
	version := ledger.Snapshot().Version
	if publisher.Publish(version) == nil {
		t.Fatal("a failed write was called a publication")
	}
	store.err = nil
	if err := publisher.Publish(version); err != nil || len(store.records) != 1 {
		t.Errorf("not made good: %v, %d records", err, len(store.records))
	}
}

func TestNothingAfterStopped(t *testing.T) {
	ledger, store := admission.NewLedger(), &memory{}
	publisher := NewPublisher(ledger, store, home.Holder{}, quiet())
	now := ledger.Update(func(book *admission.Book) { book.Claim(); book.Apply(lifecycle.Ended) })
	if err := publisher.Publish(now.Version); err != nil {
		t.Fatal(err)
	}
	now = ledger.Update((*admission.Book).Release)
	if err := publisher.Publish(now.Version); err != nil || len(store.records) != 1 {
		t.Errorf("%d publications, %v", len(store.records), err)
	}
}

// Readers see whole publications, however fast they are replaced (STATE-001).
func TestFileIsAlwaysWhole(t *testing.T) {
	dir := t.TempDir()
	store := File{Dir: dir}
	if err := store.Write(Record{State: lifecycle.Running}); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for count := range 500 {
			if err := store.Write(Record{State: lifecycle.Draining, ActiveAgents: count}); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	for reading := true; reading; {
		select {
		case <-done:
			reading = false
		default:
		}
		if _, err := Load(dir); err != nil {
			t.Fatal(err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v %v", entries, err)
	}
}

func TestParse(t *testing.T) {
	cases := map[string]struct {
		content string
		ok      bool
	}{
		"good":          {`{"gateway_state":"running","active_agents":3,"more":true}`, true},
		"empty":         {``, false},
		"torn":          {`{"gateway_state":"runn`, false},
		"no state":      {`{"active_agents":0}`, false},
		"unknown state": {`{"gateway_state":"happy","active_agents":0}`, false},
		"no count":      {`{"gateway_state":"running"}`, false},
		"below zero":    {`{"gateway_state":"running","active_agents":-1}`, false},
		"a fraction":    {`{"gateway_state":"running","active_agents":0.5}`, false},
		"a word":        {`{"gateway_state":"running","active_agents":"0"}`, false},
		"null":          {`null`, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			record, err := Parse([]byte(c.content))
			if (err == nil) != c.ok {
				t.Fatalf("got %+v, %v", record, err)
			}
			if c.ok && (record.State != lifecycle.Running || record.ActiveAgents != 3) {
				t.Errorf("got %+v", record)
			}
		})
	}
}

func TestViewOfALiveGateway(t *testing.T) {
	self := home.Holder{PID: 5, StartTime: 77}
	record := func(state lifecycle.State, count int) Record {
		return Record{State: state, ActiveAgents: count, PID: 5, StartTime: 77}
	}
	cases := map[string]struct {
		record                   Record
		state                    lifecycle.State
		busy, drainable, drained bool
	}{
		"idle":               {record(lifecycle.Running, 0), lifecycle.Running, false, true, false},
		"busy":               {record(lifecycle.Running, 2), lifecycle.Running, true, true, false},
		"draining":           {record(lifecycle.Draining, 2), lifecycle.Draining, true, false, false},
		"drained":            {record(lifecycle.Draining, 0), lifecycle.Draining, false, false, true},
		"stopping":           {record(lifecycle.Stopping, 0), lifecycle.Stopping, false, false, false},
		"nothing yet":        {Record{}, lifecycle.Starting, false, false, false},
		"another's, drained": {Record{State: lifecycle.Draining, PID: 5, StartTime: 76}, lifecycle.Starting, false, false, false},
		"another's, running": {Record{State: lifecycle.Running, ActiveAgents: 4, PID: 4, StartTime: 77}, lifecycle.Starting, false, false, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			v := derive(self, c.record)
			if !v.Alive || v.State != c.state || v.Busy != c.busy || v.Drainable != c.drainable || v.Drained() != c.drained {
				t.Errorf("got %+v", v)
			}
		})
	}
}

// A file that says running means nothing once its gateway is gone (RESTART-003).
func TestReadTellsTheDeadFromTheLiving(t *testing.T) {
	dir := t.TempDir()
	if v, err := Read(filepath.Join(dir, "gone")); err != nil || v.Alive || v.State != lifecycle.Stopped {
		t.Errorf("no home: %+v %v", v, err)
	}
	lock, err := home.Acquire(dir)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := Read(dir); err != nil || v.State != lifecycle.Starting {
		t.Errorf("locked, nothing published: %+v %v", v, err)
	}
	mine := Record{State: lifecycle.Running, ActiveAgents: 3, PID: lock.Holder.PID, StartTime: lock.Holder.StartTime, UpdatedAt: time.Now()}
	if err := (File{Dir: dir}).Write(mine); err != nil {
		t.Fatal(err)
	}
	if v, err := Read(dir); err != nil || !v.Alive || !v.Busy {
		t.Errorf("alive: %+v %v", v, err)
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	if v, err := Read(dir); err != nil || v.Alive || v.Busy || v.Drainable || v.State != lifecycle.Stopped || v.ActiveAgents != 0 {
		t.Errorf("dead: %+v %v", v, err)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{``, `null`, `{"gateway_state":"running","active_agents":3}`, `{"gateway_state":7}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		record, err := Parse(content)
		if err == nil && (!record.State.Known() || record.ActiveAgents < 0) {
			t.Errorf("%q was read as %+v", content, record)
		}
	})
}
