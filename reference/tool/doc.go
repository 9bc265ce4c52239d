// Package tool holds the tools that are built in: clock, which does nothing but
// tell the time, and background_job, which starts work that outlasts its turn.
//
//	set, err := tool.New("clock,background_job", jobs)
//
// A tool never fails a turn: what goes wrong is told to the model.
//
// It imports background, model and turn.
package tool
