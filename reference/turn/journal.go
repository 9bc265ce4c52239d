package turn

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.etcd.io/bbolt"

	"github.com/drainproof/drainproof/reference/model"
)

var (
	bucketOwed    = []byte("owed")    // turns that are not over, by ID
	bucketResults = []byte("results") // what came of those that are, by ID
)

const (
	idPrefix = "run-"
	// keptResults is how many results are kept; the oldest go first.
	keptResults = 10_000
)

// ErrNoRecord is the answer to an ID that the journal does not know.
var ErrNoRecord = errors.New("no turn has this ID, or its result is no longer kept")

// Journal remembers turns across any end of the process: from before their first
// model call until what came of them is stored. What is in it when the gateway
// starts is owed.
type Journal interface {
	// Put adds a turn and gives it its ID. IDs grow, so their order is the order in
	// which the turns were accepted. What also does is done in the same transaction:
	// when it fails, nothing is kept.
	Put(record Record, also ...Also) (Record, error)
	// Begin says that a queued turn is about to be worked on.
	Begin(id string) error
	// Finish stores what came of a turn, and what it adds to its session, and takes
	// it off what is owed, all in one transaction: a turn is never both done and owed.
	Finish(record Record, said ...model.Message) error
	// Owed returns the turns that are not over, oldest first.
	Owed() ([]Record, error)
	// Find returns one turn, or ErrNoRecord.
	Find(id string) (Record, error)
}

// Also is what is to be kept together with a turn, or not at all. It may be called
// more than once; only the last call counts.
type Also func(tx *bbolt.Tx, record Record) error

// Owes says, inside of a transaction, whether the turn of an ID is not over.
func Owes(tx *bbolt.Tx, id string) bool {
	_, err := load(tx, bucketOwed, id)
	return err == nil
}

// journal keeps turns in the database of the sessions.
type journal struct{ db *bbolt.DB }

// Journal returns the journal that is kept with the sessions.
func (s *Sessions) Journal() Journal { return journal{s.db} }

func (j journal) Put(record Record, also ...Also) (Record, error) {
	record.CreatedAt = time.Now().UTC()
	err := j.db.Batch(func(tx *bbolt.Tx) error {
		owed, err := tx.CreateBucketIfNotExists(bucketOwed)
		if err != nil {
			return err
		}
		number, err := owed.NextSequence()
		if err != nil {
			return err
		}
		record.ID = recordID(number)
		for _, keep := range also {
			if err := keep(tx, record); err != nil {
				return err
			}
		}
		return PutJSON(owed, record.ID, record)
	})
	if err != nil {
		return Record{}, fmt.Errorf("cannot store a turn of session %q in the journal: %w", record.Request.Session, err)
	}
	return record, nil
}

func (j journal) Begin(id string) error {
	err := j.db.Batch(func(tx *bbolt.Tx) error {
		record, err := load(tx, bucketOwed, id)
		if err != nil {
			return err
		}
		record.Status = InProgress
		return PutJSON(tx.Bucket(bucketOwed), id, record)
	})
	if err != nil {
		return fmt.Errorf("cannot mark the turn %s as begun: %w", id, err)
	}
	return nil
}

func (j journal) Finish(record Record, said ...model.Message) error {
	record.FinishedAt = time.Now().UTC()
	record.Request.Messages = nil
	err := j.db.Batch(func(tx *bbolt.Tx) error {
		if _, err := load(tx, bucketOwed, record.ID); err != nil {
			return err
		}
		if err := tx.Bucket(bucketOwed).Delete([]byte(record.ID)); err != nil {
			return err
		}
		if record.Request.Session != "" && len(said) > 0 {
			if err := appendTo(tx, record.Request.Session, said); err != nil {
				return err
			}
		}
		if !record.retrievable() {
			return nil
		}
		results, err := tx.CreateBucketIfNotExists(bucketResults)
		if err != nil {
			return err
		}
		if err := PutJSON(results, record.ID, record); err != nil {
			return err
		}
		return forget(results, record.ID)
	})
	if err != nil {
		return fmt.Errorf("cannot store what came of the turn %s: %w", record.ID, err)
	}
	return nil
}

func (j journal) Owed() ([]Record, error) {
	all, err := ReadAll[Record](j.db, bucketOwed)
	if err != nil {
		return nil, fmt.Errorf("cannot read the turns that are owed: %w", err)
	}
	return all, nil
}

func (j journal) Find(id string) (Record, error) {
	var record Record
	err := j.db.View(func(tx *bbolt.Tx) (err error) {
		if record, err = load(tx, bucketOwed, id); errors.Is(err, ErrNoRecord) {
			record, err = load(tx, bucketResults, id)
		}
		return err
	})
	if err != nil {
		return Record{}, fmt.Errorf("turn %q: %w", id, err)
	}
	return record, nil
}

// recordID makes IDs whose order as text is their order as numbers.
func recordID(number uint64) string { return fmt.Sprintf("%s%016x", idPrefix, number) }

// forget drops the results that are older than the newest by keptResults.
func forget(results *bbolt.Bucket, newest string) error {
	var number uint64
	if _, err := fmt.Sscanf(strings.TrimPrefix(newest, idPrefix), "%x", &number); err != nil || number <= keptResults {
		return nil // an ID that is not ours ages nobody
	}
	limit := recordID(number - keptResults)
	cursor := results.Cursor()
	for key, _ := cursor.First(); key != nil && string(key) < limit; key, _ = cursor.First() {
		if err := cursor.Delete(); err != nil {
			return err
		}
	}
	return nil
}

func load(tx *bbolt.Tx, name []byte, id string) (Record, error) {
	var record Record
	bucket := tx.Bucket(name)
	if bucket == nil {
		return record, ErrNoRecord
	}
	stored := bucket.Get([]byte(id))
	if stored == nil {
		return record, ErrNoRecord
	}
	return record, json.Unmarshal(stored, &record)
}
