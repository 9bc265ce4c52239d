package turn

import (
	"time"

	"github.com/drainproof/drainproof/reference/model"
)

// Origin is how a turn came about.
type Origin string

// The origins of turns that have a record.
const (
	OriginChat Origin = "chat" // a client waits for the reply
	OriginRun  Origin = "run"  // a client comes back for it
	// OriginFollowUp is a message to a session that was busy when it came.
	OriginFollowUp Origin = "follow-up"
	// OriginJob is a turn that is started by the clock.
	OriginJob Origin = "job"
	// OriginBackground is the news that a background job is done.
	OriginBackground Origin = "background"
)

// Status is how far a turn with a record is.
type Status string

// The statuses.
const (
	Queued      Status = "queued"      // accepted, and not begun
	InProgress  Status = "in_progress" // begun: its model has been called, or may have been
	Completed   Status = "completed"
	Failed      Status = "failed"
	Interrupted Status = "interrupted" // cut off; it is owed when the gateway starts again
)

// Record is a turn as the journal keeps it.
type Record struct {
	ID      string  `json:"id"`
	Origin  Origin  `json:"origin"`
	Status  Status  `json:"status"`
	Request Request `json:"request"` // without its messages once the turn is over
	// Output is the whole reply of a turn that completed, Problem the reason of one
	// that failed.
	Output     string    `json:"output,omitempty"`
	Problem    string    `json:"problem,omitempty"`
	CreatedAt  time.Time `json:"created_at"`
	FinishedAt time.Time `json:"finished_at,omitzero"`
}

// Over says whether nothing is owed any more.
func (r Record) Over() bool { return r.Status == Completed || r.Status == Failed }

// retrievable says whether anybody can ask for what came of the turn later. The
// client of a chat turn had its reply, or its session has.
func (r Record) retrievable() bool { return r.Origin != OriginChat }

// LastUser is the user's text that the turn is about.
func (r Request) LastUser() string {
	return model.Request{Messages: r.Messages}.LastUser()
}
