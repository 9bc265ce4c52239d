package background

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"github.com/drainproof/drainproof/reference/model"
	"github.com/drainproof/drainproof/reference/turn"
)

const (
	// MaxSeconds is the longest time a job may take of its own, in seconds: a week.
	MaxSeconds = 7 * 24 * 60 * 60
	maxName    = 128 // bytes
)

var bucket = []byte("background")

// ErrUnknown is the answer to a name that no job has, or no longer.
var ErrUnknown = errors.New("no background job of this name is going on")

// Order is what a job is to be.
type Order struct {
	Name    string  `json:"name"` // unique among those going on; made up when empty
	Task    string  `json:"task"`
	Seconds float64 `json:"seconds"` // how long it takes; 0: until somebody says it is done
}

// Job is work that goes on.
type Job struct {
	Name    string    `json:"name"`
	Task    string    `json:"task"`
	Session string    `json:"session,omitempty"`
	Model   string    `json:"model,omitempty"`
	Due     time.Time `json:"due,omitzero"` // when it is done by itself
}

// Queue starts turns when they may start.
type Queue interface {
	// Queue keeps a turn, in one transaction with what else is to be kept, and starts
	// it when it may.
	Queue(origin turn.Origin, request turn.Request, also ...turn.Also) (turn.Record, error)
}

// Jobs is all work that goes on.
type Jobs struct {
	db    *bbolt.DB
	queue Queue
	log   *slog.Logger

	mu     sync.Mutex
	closed bool
	clocks map[string]*time.Timer
}

// Open takes up the jobs that the database holds.
func Open(sessions *turn.Sessions, queue Queue, log *slog.Logger) (*Jobs, error) {
	j := &Jobs{db: sessions.Database(), queue: queue, log: log, clocks: map[string]*time.Timer{}}
	all, err := j.All()
	if err != nil {
		return nil, err
	}
	for _, job := range all {
		j.watch(job)
	}
	return j, nil
}

// Close stops the clocks. What is not done then goes on when the gateway starts
// again.
func (j *Jobs) Close() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.closed = true
	for _, clock := range j.clocks {
		clock.Stop()
	}
}

// Start starts a job for the turn of a request and returns its name. A session that
// starts the same job again gets the one it has: its turn was cut off and is run
// again.
func (j *Jobs) Start(request turn.Request, order Order) (string, error) {
	if order.Seconds < 0 || order.Seconds > MaxSeconds {
		return "", fmt.Errorf("seconds is %g; it may be 0 to %d", order.Seconds, MaxSeconds)
	}
	if len(order.Name) > maxName || strings.ContainsAny(order.Name, "/?#%") {
		return "", fmt.Errorf("the name is longer than %d bytes or holds one of / ? # %%", maxName)
	}
	job := Job{Name: order.Name, Task: order.Task, Session: request.Session, Model: request.Model}
	if order.Seconds > 0 {
		job.Due = time.Now().UTC().Add(time.Duration(order.Seconds * float64(time.Second)))
	}
	err := j.db.Batch(func(tx *bbolt.Tx) error {
		jobs, err := tx.CreateBucketIfNotExists(bucket)
		if err != nil {
			return err
		}
		if order.Name == "" {
			number, err := jobs.NextSequence()
			if err != nil {
				return err
			}
			job.Name = fmt.Sprintf("job-%d", number)
		}
		if stored := jobs.Get([]byte(job.Name)); stored != nil {
			var other Job
			if err := json.Unmarshal(stored, &other); err != nil {
				return err
			}
			if other.Session != job.Session || other.Task != job.Task {
				return fmt.Errorf("another job is named %q; give this one another name", job.Name)
			}
			job = other
			return nil
		}
		return turn.PutJSON(jobs, job.Name, job)
	})
	if err != nil {
		return "", fmt.Errorf("cannot start the background job: %w", err)
	}
	j.watch(job)
	return job.Name, nil
}

// Complete ends a job and has its session hear of it. The job is off the database in
// the transaction that owes the turn: it is heard of once, whatever happens.
func (j *Jobs) Complete(name, result string) (turn.Record, error) {
	job, err := j.find(name)
	if err != nil {
		return turn.Record{}, err
	}
	text := fmt.Sprintf("The background job %s is done.\nTask: %s", job.Name, job.Task)
	if result != "" {
		text += "\nResult: " + result
	}
	request := turn.Request{Session: job.Session, Model: job.Model, Messages: []model.Message{{Role: model.User, Content: text}}}
	record, err := j.queue.Queue(turn.OriginBackground, request, func(tx *bbolt.Tx, _ turn.Record) error {
		jobs := tx.Bucket(bucket)
		if jobs == nil || jobs.Get([]byte(name)) == nil {
			return ErrUnknown // somebody was faster
		}
		return jobs.Delete([]byte(name))
	})
	if err != nil {
		return turn.Record{}, err
	}
	j.forget(name)
	return record, nil
}

// All returns the jobs that go on, by name.
func (j *Jobs) All() ([]Job, error) {
	all, err := turn.ReadAll[Job](j.db, bucket)
	if err != nil {
		return nil, fmt.Errorf("cannot read the background jobs: %w", err)
	}
	return all, nil
}

func (j *Jobs) find(name string) (Job, error) {
	all, err := j.All()
	if err != nil {
		return Job{}, err
	}
	for _, job := range all {
		if job.Name == name {
			return job, nil
		}
	}
	return Job{}, fmt.Errorf("background job %q: %w", name, ErrUnknown)
}

// watch ends a job when its time is over.
func (j *Jobs) watch(job Job) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if job.Due.IsZero() || j.closed || j.clocks[job.Name] != nil {
		return
	}
	j.clocks[job.Name] = time.AfterFunc(time.Until(job.Due), func() {
		if _, err := j.Complete(job.Name, ""); err != nil && !errors.Is(err, ErrUnknown) {
			j.log.Error("a background job is done, and its session could not be told; it is told at the next start", "job", job.Name, "error", err)
		}
	})
}

func (j *Jobs) forget(name string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if clock := j.clocks[name]; clock != nil {
		clock.Stop()
		delete(j.clocks, name)
	}
}
