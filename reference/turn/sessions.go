package turn

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/drainproof/drainproof/reference/model"
)

// FileName is the database's file name in the home.
const FileName = "gateway.db"

// shareWithin is how long a transaction waits for others to share its write.
const shareWithin = 2 * time.Millisecond

var bucketSessions = []byte("sessions")

// Sessions is what was said in every session.
type Sessions struct {
	db *bbolt.DB
}

// OpenSessions opens the database, made when missing. It gives up after a second
// when another process has it open.
func OpenSessions(path string) (*Sessions, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second})
	if errors.Is(err, berrors.ErrTimeout) {
		return nil, fmt.Errorf("the database %s is open in another process; stop that one first", path)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot open the database %s: %w", path, err)
	}
	db.MaxBatchDelay = shareWithin
	return &Sessions{db: db}, nil
}

// Database is where the sessions are kept, for what is to be kept with them.
func (s *Sessions) Database() *bbolt.DB { return s.db }

// Close closes the database, after the last transaction.
func (s *Sessions) Close() error { return s.db.Close() }

// History returns a session's messages, oldest first.
func (s *Sessions) History(session string) ([]model.Message, error) {
	var history []model.Message
	err := s.db.View(func(tx *bbolt.Tx) error {
		sessions := tx.Bucket(bucketSessions)
		if sessions == nil {
			return nil
		}
		messages := sessions.Bucket([]byte(session))
		if messages == nil {
			return nil
		}
		return messages.ForEach(func(_, stored []byte) error {
			var message model.Message
			if err := json.Unmarshal(stored, &message); err != nil {
				return err
			}
			history = append(history, message)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("cannot read the history of session %q: %w", session, err)
	}
	return history, nil
}

// Append adds messages to a session, all of them or none, and returns when they
// are on disk. Turns that end together share a transaction.
func (s *Sessions) Append(session string, messages ...model.Message) error {
	err := s.db.Batch(func(tx *bbolt.Tx) error { return appendTo(tx, session, messages) })
	if err != nil {
		return fmt.Errorf("cannot store the turn in session %q: %w", session, err)
	}
	return nil
}

func appendTo(tx *bbolt.Tx, session string, messages []model.Message) error {
	sessions, err := tx.CreateBucketIfNotExists(bucketSessions)
	if err != nil {
		return err
	}
	bucket, err := sessions.CreateBucketIfNotExists([]byte(session))
	if err != nil {
		return err
	}
	for _, message := range messages {
		if err := put(bucket, message); err != nil {
			return err
		}
	}
	return nil
}

func put(bucket *bbolt.Bucket, message model.Message) error {
	number, err := bucket.NextSequence()
	if err != nil {
		return err
	}
	content, err := json.Marshal(message)
	if err != nil {
		return err
	}
	return bucket.Put(binary.BigEndian.AppendUint64(nil, number), content)
}
