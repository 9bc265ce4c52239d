// Package background keeps the work that goes on after the turn that started it: a
// model starts a job with a tool, its turn ends, and when the job is done the
// session gets a turn of its own about it. That turn is an internal event: the
// gateway owes it, so a drain does not hold it back (GATE-007).
//
//	jobs, err := background.Open(sessions, queue, log) // and starts the clocks again
//	name, err := jobs.Start(turnRequest, background.Order{Task: "render", Seconds: 30})
//	record, err := jobs.Complete(name, "rendered")     // once; ErrUnknown after that
//
// A job is done when its time is over or when somebody says so. Until then it is in
// the database, and outlives the process.
//
// It imports model and turn.
package background
