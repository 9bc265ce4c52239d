// Package schedule starts turns by the clock: once at a time, or again and again.
//
//	jobs, err := schedule.Open(sessions, queue, log)
//	job, err := jobs.Add(schedule.Job{Request: request, Every: time.Hour})
//	jobs.Start()
//
// A job that falls due does not start its turn by itself. It puts it with those
// that wait, and there it goes through the same gate as every other: during a drain
// it waits, and after the cancel it runs, once, however often the job fell due
// meanwhile (SCHEDULED-001, SCHEDULED-003).
//
// Jobs are in the database, with the time at which they are due next. What fell due
// while the gateway was down is due when it starts.
//
// It imports model and turn.
package schedule
