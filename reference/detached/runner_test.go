package detached

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/drainproof/drainproof/reference/admission"
	"github.com/drainproof/drainproof/reference/lifecycle"
	"github.com/drainproof/drainproof/reference/model"
	"github.com/drainproof/drainproof/reference/turn"
)

// held is a model that says which turns it works on, and answers when told.
type held struct {
	calls chan string
	reply chan string
}

func (h held) Complete(ctx context.Context, request model.Request) (model.Reply, error) {
	h.calls <- request.LastUser()
	select {
	case reply := <-h.reply:
		return model.Reply{Content: reply}, nil
	case <-ctx.Done():
		return model.Reply{}, ctx.Err()
	}
}

func (h held) Stream(ctx context.Context, request model.Request, _ func(string) error) (model.Reply, error) {
	return h.Complete(ctx, request)
}

// books is a journal in memory.
type books struct {
	mu   sync.Mutex
	owed []turn.Record
	over []turn.Record
}

func (b *books) Put(record turn.Record, _ ...turn.Also) (turn.Record, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	record.ID = record.Request.LastUser()
	b.owed = append(b.owed, record)
	return record, nil
}

func (b *books) Begin(id string) error {
	if !slices.Contains(b.ids(), id) {
		return turn.ErrNoRecord
	}
	return nil
}

func (b *books) Finish(record turn.Record, _ ...model.Message) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.owed = slices.DeleteFunc(b.owed, func(other turn.Record) bool { return other.ID == record.ID })
	b.over = append(b.over, record)
	return nil
}

func (b *books) Owed() ([]turn.Record, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.owed), nil
}

func (b *books) Find(string) (turn.Record, error) { return turn.Record{}, turn.ErrNoRecord }

func (b *books) ids() []string {
	owed, _ := b.Owed()
	var ids []string
	for _, record := range owed {
		ids = append(ids, record.ID)
	}
	return ids
}

// silent publishes to nobody.
type silent struct{}

func (silent) Publish(uint64) error { return nil }

type rig struct {
	*Runner
	model held
	books *books
}

func newRig(t *testing.T, owed ...turn.Record) rig {
	t.Helper()
	sessions, err := turn.OpenSessions(filepath.Join(t.TempDir(), turn.FileName))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sessions.Close() })
	r := rig{model: held{make(chan string, 16), make(chan string)}, books: &books{owed: owed}}
	ledger := admission.NewLedger()
	r.Runner = New(Parts{
		Admitter: &admission.Desk{Ledger: ledger, Publisher: silent{}},
		Turns:    turn.NewRunner(r.model, sessions, r.books),
		Journal:  r.books, Ledger: ledger, Log: slog.New(slog.DiscardHandler),
	})
	if err := r.Load(); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r rig) apply(event lifecycle.Event) {
	r.Ledger.Update(func(book *admission.Book) { book.Apply(event) })
}

func record(session, text string, status turn.Status) turn.Record {
	return turn.Record{ID: text, Status: status, Origin: turn.OriginFollowUp, Request: turn.Request{
		Session: session, Messages: []model.Message{{Role: model.User, Content: text}},
	}}
}

// begun is the turns that the model works on, once nothing moves any more.
func (r rig) begun() []string {
	synctest.Wait()
	var all []string
	for {
		select {
		case text := <-r.model.calls:
			all = append(all, text)
		default:
			slices.Sort(all)
			return all
		}
	}
}

// What is owed starts in a drain, what waits does not; of a session there is one
// turn at a time, in the order in which they came.
func TestWhatStartsWhen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t,
			record("s", "waits 1", turn.Queued), record("s", "cut off", turn.InProgress),
			record("s", "waits 2", turn.Queued), record("", "stateless", turn.Queued))
		steps := []struct {
			name   string
			do     func()
			begun  []string
			active int
		}{
			{"starting", func() { r.Dispatch(t.Context()) }, []string{"cut off"}, 1},
			{"draining", func() { r.apply(lifecycle.MarkerPresent); r.Dispatch(t.Context()) }, nil, 1},
			{"the replay is over", func() { r.model.reply <- "x"; synctest.Wait(); r.Dispatch(t.Context()) }, nil, 0},
			{"running", func() { r.apply(lifecycle.MarkerAbsent); r.Dispatch(t.Context()) }, []string{"stateless", "waits 1"}, 2},
			{"one is over", func() { r.model.reply <- "x"; r.model.reply <- "x"; synctest.Wait(); r.Dispatch(t.Context()) }, []string{"waits 2"}, 1},
		}
		for _, step := range steps {
			step.do()
			if got := r.begun(); !slices.Equal(got, step.begun) {
				t.Errorf("%s: begun %v, want %v", step.name, got, step.begun)
			}
			if got := r.Ledger.Snapshot().InFlight; got != step.active {
				t.Errorf("%s: %d counted, want %d", step.name, got, step.active)
			}
		}
		if r.Waiting("s") {
			t.Error("something still waits")
		}
		r.model.reply <- "x"
		synctest.Wait()
		if owed := r.books.ids(); len(owed) != 0 || len(r.books.over) != 4 {
			t.Errorf("owed %v, over %v", owed, r.books.over)
		}
	})
}

// Run needs no help: a change of state and the end of a turn wake it.
func TestRunFollowsEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, record("s", "one", turn.Queued), record("s", "two", turn.Queued))
		ctx, stop := context.WithCancel(t.Context())
		over := make(chan struct{})
		go func() {
			defer close(over)
			r.Run(ctx)
		}()
		if got := r.begun(); got != nil {
			t.Errorf("while starting: %v", got)
		}
		for _, want := range []string{"one", "two"} {
			r.apply(lifecycle.MarkerAbsent)
			if got := r.begun(); !slices.Equal(got, []string{want}) {
				t.Errorf("begun %v, want %s", got, want)
			}
			r.model.reply <- "x"
		}
		stop()
		<-over
	})
}

// In a shutdown nothing starts; what was interrupted or waits stays in the journal.
func TestShutdownStartsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, record("a", "cut off", turn.InProgress), record("b", "cut off too", turn.InProgress))
		r.Dispatch(t.Context())
		r.begun()
		r.apply(lifecycle.Terminate)
		r.Turns.InterruptAll()
		synctest.Wait()
		if got := r.books.ids(); len(got) != 2 || r.Ledger.Snapshot().InFlight != 0 {
			t.Errorf("owed %v, counted %d", got, r.Ledger.Snapshot().InFlight)
		}
		again := newRig(t, r.books.owed...)
		again.apply(lifecycle.Terminate)
		again.Dispatch(t.Context())
		if got := again.begun(); got != nil {
			t.Errorf("begun in a shutdown: %v", got)
		}
	})
}

// A turn that the journal does not know is let go, and its slot with it.
func TestUnknownTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, record("s", "x", turn.Queued))
		r.books.owed = nil
		r.apply(lifecycle.MarkerAbsent)
		r.Dispatch(t.Context())
		if got := r.begun(); got != nil || r.Waiting("s") || r.Ledger.Snapshot().InFlight != 0 || r.Turns.Busy("s") {
			t.Errorf("begun %v, waiting %t", got, r.Waiting("s"))
		}
	})
}

// unreadable is a journal that can't be read.
type unreadable struct{ *books }

func (unreadable) Owed() ([]turn.Record, error) { return nil, errors.New("disk gone") }

func TestUnreadableJournal(t *testing.T) {
	r := newRig(t)
	r.Journal = unreadable{r.books}
	if err := r.Load(); err == nil {
		t.Error("nothing is owed, it says")
	}
}
