package schedule

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/go-co-op/gocron/v2"
	"go.etcd.io/bbolt"

	"github.com/drainproof/drainproof/reference/turn"
)

// MinEvery is the shortest interval of a job.
const MinEvery = 100 * time.Millisecond

var (
	bucket = []byte("jobs")

	// ErrUnknown is the answer to an ID that no job has.
	ErrUnknown = errors.New("no job has this ID")

	// errOwed says that the job's last turn has not begun or is not over: it is due
	// once, however often the time came meanwhile.
	errOwed = errors.New("the job's last turn is not over")
)

// Job is a turn that is started by the clock.
type Job struct {
	ID      string        `json:"id"`
	Request turn.Request  `json:"request"`
	Every   time.Duration `json:"every,omitempty"` // 0: once
	Next    time.Time     `json:"next,omitzero"`   // when it is due; zero: not any more
	LastRun string        `json:"last_run,omitempty"`
}

// Queue starts turns when they may start.
type Queue interface {
	// Queue keeps a turn, in one transaction with what else is to be kept, and starts
	// it when it may.
	Queue(origin turn.Origin, request turn.Request, also ...turn.Also) (turn.Record, error)
}

// Jobs is all jobs.
type Jobs struct {
	db        *bbolt.DB
	queue     Queue
	log       *slog.Logger
	scheduler gocron.Scheduler
}

// Open takes up the jobs that the database holds. None falls due before Start.
func Open(sessions *turn.Sessions, queue Queue, log *slog.Logger) (*Jobs, error) {
	scheduler, err := gocron.NewScheduler(gocron.WithLocation(time.UTC))
	if err != nil {
		return nil, fmt.Errorf("cannot make a scheduler: %w", err)
	}
	j := &Jobs{db: sessions.Database(), queue: queue, log: log, scheduler: scheduler}
	all, err := turn.ReadAll[Job](j.db, bucket)
	if err != nil {
		return nil, fmt.Errorf("cannot read the jobs: %w", err)
	}
	for _, job := range all {
		if err := j.arm(job); err != nil {
			return nil, err
		}
	}
	return j, nil
}

// Start lets jobs fall due.
func (j *Jobs) Start() { j.scheduler.Start() }

// Close ends that; what is in the database stays.
func (j *Jobs) Close() {
	if err := j.scheduler.Shutdown(); err != nil {
		j.log.Warn("the scheduler did not end in good order", "error", err)
	}
}

// Add keeps a job and returns it with its ID. It is due at Next, or after Every when
// that is zero.
func (j *Jobs) Add(job Job) (Job, error) {
	if job.Next.IsZero() {
		job.Next = time.Now().UTC().Add(job.Every)
	}
	err := j.db.Batch(func(tx *bbolt.Tx) error {
		jobs, err := tx.CreateBucketIfNotExists(bucket)
		if err != nil {
			return err
		}
		number, err := jobs.NextSequence()
		if err != nil {
			return err
		}
		job.ID = fmt.Sprintf("job-%d", number)
		return turn.PutJSON(jobs, job.ID, job)
	})
	if err != nil {
		return Job{}, fmt.Errorf("cannot store the job: %w", err)
	}
	return job, j.arm(job)
}

// Find returns a job, or ErrUnknown.
func (j *Jobs) Find(id string) (job Job, err error) {
	err = j.db.View(func(tx *bbolt.Tx) error {
		job, err = load(tx, id)
		return err
	})
	return job, err
}

// Remove forgets a job, or returns ErrUnknown. A turn that it began, or that waits
// because it fell due, is not taken back.
func (j *Jobs) Remove(id string) error {
	err := j.db.Batch(func(tx *bbolt.Tx) error {
		if _, err := load(tx, id); err != nil {
			return err
		}
		return tx.Bucket(bucket).Delete([]byte(id))
	})
	if err == nil {
		j.scheduler.RemoveByTags(id)
	}
	return err
}

// arm has the scheduler call due when the job is due.
func (j *Jobs) arm(job Job) error {
	if job.Next.IsZero() {
		return nil
	}
	at := func(start gocron.OneTimeJobStartAtOption) error {
		_, err := j.scheduler.NewJob(gocron.OneTimeJob(start), gocron.NewTask(j.due, job.ID), gocron.WithTags(job.ID))
		return err
	}
	err := at(gocron.OneTimeJobStartDateTime(job.Next))
	if errors.Is(err, gocron.ErrOneTimeJobStartDateTimePast) {
		err = at(gocron.OneTimeJobStartImmediately())
	}
	if err != nil {
		return fmt.Errorf("cannot schedule the job %s: %w", job.ID, err)
	}
	return nil
}

// due puts the turn of a job with those that wait, in one transaction with the job's
// next time: it is neither lost nor run twice, whenever the process ends.
func (j *Jobs) due(id string) {
	job, err := j.Find(id)
	if err != nil {
		return // it was removed
	}
	var next Job
	_, err = j.queue.Queue(turn.OriginJob, job.Request, func(tx *bbolt.Tx, record turn.Record) (err error) {
		if job, err = load(tx, id); err != nil {
			return err
		}
		if turn.Owes(tx, job.LastRun) {
			return errOwed
		}
		next = after(job, time.Now().UTC())
		next.LastRun = record.ID
		return turn.PutJSON(tx.Bucket(bucket), id, next)
	})
	if errors.Is(err, errOwed) {
		next, err = j.skip(id)
	}
	if err == nil {
		err = j.arm(next)
	}
	if err != nil && !errors.Is(err, ErrUnknown) {
		j.log.Error("a job fell due and could not be kept; it is tried again at the next start", "job", id, "error", err)
	}
}

// skip passes over one time at which a job is due.
func (j *Jobs) skip(id string) (next Job, err error) {
	err = j.db.Batch(func(tx *bbolt.Tx) error {
		job, err := load(tx, id)
		if err != nil {
			return err
		}
		next = after(job, time.Now().UTC())
		return turn.PutJSON(tx.Bucket(bucket), id, next)
	})
	return next, err
}

// after returns a job that was due at now as it is from then on. Times that were
// missed meanwhile are not made up for.
func after(job Job, now time.Time) Job {
	switch next := job.Next.Add(job.Every); {
	case job.Every == 0:
		job.Next = time.Time{}
	case next.After(now):
		job.Next = next
	default:
		job.Next = now.Add(job.Every)
	}
	return job
}

func load(tx *bbolt.Tx, id string) (Job, error) {
	var job Job
	jobs := tx.Bucket(bucket)
	if jobs == nil {
		return job, fmt.Errorf("job %q: %w", id, ErrUnknown)
	}
	stored := jobs.Get([]byte(id))
	if stored == nil {
		return job, fmt.Errorf("job %q: %w", id, ErrUnknown)
	}
	return job, json.Unmarshal(stored, &job)
}
