package turn

import (
	"context"
	"errors"
	"slices"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/drainproof/drainproof/reference/model"
)

func owedIDs(t *testing.T, journal Journal) []string {
	t.Helper()
	owed, err := journal.Owed()
	if err != nil {
		t.Fatal(err)
	}
	ids := []string{}
	for _, record := range owed {
		ids = append(ids, record.ID)
	}
	return ids
}

func TestJournal(t *testing.T) {
	sessions := open(t)
	journal := sessions.Journal()
	var ids []string
	for _, origin := range []Origin{OriginRun, OriginChat, OriginRun} {
		record, err := journal.Put(Record{Origin: origin, Status: Queued, Request: Request{Session: "s", Messages: say("x")}})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, record.ID)
	}
	if got := owedIDs(t, journal); !slices.Equal(got, ids) {
		t.Errorf("owed %v, want %v", got, ids)
	}
	if err := journal.Begin(ids[0]); err != nil {
		t.Fatal(err)
	}
	begun, err := journal.Find(ids[0])
	if err != nil || begun.Status != InProgress || begun.Request.LastUser() != "x" {
		t.Errorf("begun: %+v %v", begun, err)
	}
	for i, id := range ids[:2] {
		record, err := journal.Find(id)
		if err != nil {
			t.Fatal(err)
		}
		record.Status, record.Output = Completed, "y"
		if err := journal.Finish(record, model.Message{Role: model.Assistant, Content: "y"}); err != nil {
			t.Fatal(err)
		}
		if err := journal.Finish(record, model.Message{Role: model.Assistant, Content: "again"}); !errors.Is(err, ErrNoRecord) {
			t.Errorf("finished twice: %v", err)
		}
		if history, err := sessions.History("s"); err != nil || len(history) != i+1 {
			t.Errorf("the session holds %v, %v", history, err)
		}
	}
	if got := owedIDs(t, journal); !slices.Equal(got, ids[2:]) {
		t.Errorf("owed %v, want %v", got, ids[2:])
	}
	if over, err := journal.Find(ids[0]); err != nil || !over.Over() || over.Output != "y" || over.Request.Messages != nil {
		t.Errorf("over: %+v %v", over, err)
	}
	for _, id := range []string{ids[1], "", "run-x"} { // nobody comes back for a chat's
		if _, err := journal.Find(id); !errors.Is(err, ErrNoRecord) {
			t.Errorf("%q: %v", id, err)
		}
	}
	if err := journal.Begin("run-x"); !errors.Is(err, ErrNoRecord) {
		t.Errorf("an unknown turn was begun: %v", err)
	}
}

func TestOldResultsAreForgotten(t *testing.T) {
	sessions := open(t)
	err := sessions.db.Update(func(tx *bbolt.Tx) error {
		results, err := tx.CreateBucketIfNotExists(bucketResults)
		if err != nil {
			return err
		}
		for _, number := range []uint64{1, 2, 3, keptResults + 2} {
			if err := PutJSON(results, recordID(number), Record{}); err != nil {
				return err
			}
		}
		return forget(results, recordID(keptResults+2))
	})
	if err != nil {
		t.Fatal(err)
	}
	for number, want := range map[uint64]error{1: ErrNoRecord, 2: nil, 3: nil, keptResults + 2: nil} {
		if _, err := sessions.Journal().Find(recordID(number)); !errors.Is(err, want) {
			t.Errorf("result %d: %v, want %v", number, err, want)
		}
	}
}

// What is in the journal at the model's call, and after it (RESTART-004, SHUTDOWN-002).
func TestOwedTurns(t *testing.T) {
	broken := errors.New("broken")
	cases := map[string]struct {
		session string
		fail    error
		during  int // records owed while the model works
		after   int
	}{
		"finished":    {"s", nil, 1, 0},
		"failed":      {"s", broken, 1, 0},
		"gone":        {"s", context.Canceled, 1, 0},
		"interrupted": {"s", ErrInterrupted, 1, 1},
		"stateless":   {"", nil, 0, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			sessions := open(t)
			journal := sessions.Journal()
			ctx, hangUp := context.WithCancel(t.Context())
			defer hangUp()
			var runner *Runner
			runner = NewRunner(scripted(func(ctx context.Context, _ model.Request) (string, error) {
				if got := len(owedIDs(t, journal)); got != c.during {
					t.Errorf("%d turns owed during the call, want %d", got, c.during)
				}
				switch {
				case errors.Is(c.fail, ErrInterrupted):
					runner.InterruptAll()
					return "", ctx.Err()
				case errors.Is(c.fail, context.Canceled):
					hangUp()
					return "", ctx.Err()
				}
				return "reply", c.fail
			}), sessions, journal)
			_, err := complete(ctx, runner, Request{Session: c.session, Messages: say("x")})
			if !errors.Is(err, c.fail) {
				t.Errorf("got %v, want %v", err, c.fail)
			}
			if got := len(owedIDs(t, journal)); got != c.after {
				t.Errorf("%d turns owed afterwards, want %d", got, c.after)
			}
		})
	}
}

func TestFindSaysInterrupted(t *testing.T) {
	sessions := open(t)
	runner := NewRunner(model.Echo{}, sessions, sessions.Journal())
	claim, err := runner.Claim(t.Context(), "s")
	if err != nil {
		t.Fatal(err)
	}
	record, err := runner.Accept(claim, OriginRun, Request{Session: "s", Messages: say("x")})
	if err != nil {
		t.Fatal(err)
	}
	status := func() Status {
		found, err := runner.Find(record.ID)
		if err != nil {
			t.Error(err)
		}
		return found.Status
	}
	if got := status(); got != InProgress {
		t.Errorf("worked on: %s", got)
	}
	runner.InterruptAll()
	if err := runner.Perform(claim, record); !errors.Is(err, ErrInterrupted) {
		t.Errorf("got %v", err)
	}
	claim.End()
	claim.End()
	if got := status(); got != Interrupted {
		t.Errorf("cut off: %s", got)
	}
	again, err := runner.Claim(t.Context(), "s")
	if err != nil {
		t.Fatal(err)
	}
	if err := runner.Perform(again, record); err != nil {
		t.Error(err)
	}
	again.End()
	if got := status(); got != Completed {
		t.Errorf("replayed: %s", got)
	}
}
