package history

import "time"

// Stamp is a reading of CLOCK_BOOTTIME in nanoseconds.
type Stamp int64

// Sub returns the duration from u to s.
func (s Stamp) Sub(u Stamp) time.Duration { return time.Duration(s - u) }

// Add returns the stamp d after s.
func (s Stamp) Add(d time.Duration) Stamp { return s + Stamp(d) }

// Kind says which of an Event's bodies is set.
type Kind string

// The kinds of event. Exactly one body pointer, the one of the same name, is set.
const (
	KindHeader  Kind = "header"  // first line of a history
	KindStep    Kind = "step"    // the spec says what it does next
	KindMarker  Kind = "marker"  // the controller touched the marker file
	KindControl Kind = "control" // the controller asked the control endpoint to
	KindState   Kind = "state"   // one read of one publication
	KindTurn    Kind = "turn"    // a turn as its client sees it
	KindModel   Kind = "model"   // a turn as the model sees it: the ground truth of "in flight"
	KindSession Kind = "session" // what the gateway says of a session's history
	KindProcess Kind = "process" // the gateway's process appeared, vanished, or changed its socket
	KindAction  Kind = "action"  // the harness did something to the gateway's process
	KindStall   Kind = "stall"   // the 10 ms heartbeat came late: noise
	KindMemory  Kind = "memory"  // how much memory the gateway's process had at the most; it is measured, and never judged
	KindNotice  Kind = "notice"  // the gateway told something to whom it announces things
	KindLog     Kind = "log"     // a line the gateway wrote, kept because it is a receipt or the last words
	KindOutcome Kind = "outcome" // last line: how the spec ended
)

// Event is one line of a history. Call is the last instant at which what it
// tells had certainly not happened yet, Return the first at which it certainly
// had; both are on one clock.
type Event struct {
	Seq    uint64 `json:"seq"`
	Kind   Kind   `json:"kind"`
	Call   Stamp  `json:"call"`
	Return Stamp  `json:"return"`

	Header  *Header  `json:"header,omitempty"`
	Step    *Step    `json:"step,omitempty"`
	Marker  *Marker  `json:"marker,omitempty"`
	Control *Control `json:"control,omitempty"`
	State   *State   `json:"state,omitempty"`
	Turn    *Turn    `json:"turn,omitempty"`
	Model   *Model   `json:"model,omitempty"`
	Session *Session `json:"session,omitempty"`
	Process *Process `json:"process,omitempty"`
	Action  *Action  `json:"action,omitempty"`
	Stall   *Stall   `json:"stall,omitempty"`
	Memory  *Memory  `json:"memory,omitempty"`
	Notice  *Notice  `json:"notice,omitempty"`
	Log     *Log     `json:"log,omitempty"`
	Outcome *Outcome `json:"outcome,omitempty"`
}

// Header opens a history and holds all a judge needs besides the events.
type Header struct {
	Schema       int           `json:"schema"` // 1
	Spec         string        `json:"spec"`   // full text of the spec
	Point        string        `json:"point,omitempty"`
	Requirements []string      `json:"requirements"` // IDs the spec is bound to
	Seed         int64         `json:"seed"`
	Bound        time.Duration `json:"bound_ns"` // B, the observation bound
	Target       string        `json:"target"`
	Runtime      string        `json:"runtime"` // docker or process
	Features     []string      `json:"features,omitempty"`
	Overrides    []string      `json:"overrides,omitempty"` // entries of the target's env to which the spec gave other values
	Image        string        `json:"image,omitempty"`     // image ID, docker runtime
	Lacks        []string      `json:"lacks,omitempty"`     // what the target has none of, so that it can't be judged on it: the Lacks words
	Root         bool          `json:"root,omitempty"`      // the gateway runs as root, from whom no file can be kept
	// MaxAge is how old a marker may grow until it is stale, for a target that
	// declares expiry; 0 for one that does not.
	MaxAge time.Duration `json:"max_age_ns,omitempty"`
	// ShutdownDeadline is how long the gateway lets turns finish after a SIGTERM, as
	// it was configured here; 0: the target says nothing of it.
	ShutdownDeadline time.Duration `json:"shutdown_deadline_ns,omitempty"`
	// StampError is the probe's own error: the longest distance of two stamps
	// around a no-op sent through the same path, in nanoseconds.
	StampError time.Duration `json:"stamp_error_ns"`
	// Since is when the history before this one was cut, for one that goes on with the same
	// gateway: of what happened earlier it holds only what was still true. 0: it is the first.
	Since Stamp `json:"since,omitempty"`
}

// What a target may have none of.
const (
	LacksHTTP     = "http"     // no turn goes by HTTP
	LacksDelivery = "delivery" // no client waits for its reply, so that nobody can keep one from being handed over
	LacksRespawn  = "respawn"  // nothing starts its gateway again in the same instantiation
	LacksFile     = "file"     // no state is published in a file, which is there when the gateway is gone
)

// Step is a movement of the spec, in the words of the checklist.
type Step struct {
	Text string `json:"text"`
}

// Op is what the controller did to the marker.
type Op string

// Marker operations. Rewrite is a Begin on a marker that is already there.
const (
	OpBegin   Op = "begin"
	OpRewrite Op = "rewrite"
	OpCancel  Op = "cancel" // remove; also when there was none (Existed false)
	OpFound   Op = "found"  // the probe noticed, unasked, that the marker appeared, changed or vanished
	// OpDecoy is a marker that lies (Present) or no longer lies where it is no
	// marker of this gateway: outside its home. How says where.
	OpDecoy Op = "decoy"
)

// Levels of an expectation.
const (
	Must   = "MUST"
	Should = "SHOULD"
	May    = "MAY" // either way is right
	// MustNot is of a stale marker: it lies there and requests nothing, as if there
	// were none.
	MustNot = "MUST NOT"
)

// Expectation says what must become of a gateway that meets a marker out of the
// ordinary, and who answers for it. The zero value is an ordinary marker.
type Expectation struct {
	Case   string `json:"case,omitempty"`   // its entry in the corpus
	Tests  string `json:"tests,omitempty"`  // the requirement that is charged when the marker is not heeded
	Drains string `json:"drains,omitempty"` // laid where there was none, it begins a drain: MUST, SHOULD, MAY or MUST NOT
	Keeps  string `json:"keeps,omitempty"`  // laid over another, it keeps the drain in effect: MUST, SHOULD, MAY or MUST NOT
	// Silences says that it asks for a shutdown that is not announced.
	Silences bool `json:"silences,omitempty"`
}

// Marker is one operation on the marker file, or its discovery in a new shape.
type Marker struct {
	Op      Op     `json:"op"`
	How     string `json:"how,omitempty"`  // in-place, rename, link, remove, directory, fifo, control, command, ...
	Mode    string `json:"mode,omitempty"` // of the file, in octal, when it is not the usual 0644
	SHA256  string `json:"sha256,omitempty"`
	Existed bool   `json:"existed"`         // before the operation
	Present bool   `json:"present"`         // after it
	Error   string `json:"error,omitempty"` // the operation failed; nothing may be derived from it
	// Epoch is the instantiation that the marker is stamped with, where that is known.
	Epoch string `json:"epoch,omitempty"`
	// Age is how long before it was laid the marker says that it was requested, where
	// the suite chose that; below 0: how far in the future.
	Age time.Duration `json:"age_ns,omitempty"`
	Expectation
}

// Classes of what can be wrong with a publication that was read; see [State.Problem].
const (
	ProblemAbsent       = "absent"
	ProblemUnparseable  = "unparseable"
	ProblemWrongType    = "wrong-type"
	ProblemUnknownState = "unknown-state"
	ProblemUnreachable  = "unreachable" // nothing answered; it says nothing about the gateway
)

// State is one read of one publication. Equal consecutive reads are thinned by
// the observer, but the last read of a value before it changed is always kept,
// so the intervals stay tight.
type State struct {
	Publication string `json:"publication"`       // name from the target file: file, http, ...
	State       string `json:"state,omitempty"`   // canonical: starting running draining stopping stopped; "" when unreadable
	Raw         string `json:"raw,omitempty"`     // as published, when it is not a known state
	Count       int    `json:"count"`             // active_agents
	Version     string `json:"version,omitempty"` // identity of the file read (inode and mtime): tells a new process's publication from its predecessor's
	Error       string `json:"error,omitempty"`   // absent, torn, wrong types, unknown state, unreachable; see Problem
	Problem     string `json:"problem,omitempty"` // class of Error: absent, unparseable, wrong-type, unknown-state, unreachable
	Asked       bool   `json:"asked,omitempty"`   // read because a spec asked, not by the observer
	// Busy and Drainable are what a status endpoint derives from the two: "true",
	// "false", or what stands in their place. Empty where nobody looks for them.
	Busy      string `json:"busy,omitempty"`
	Drainable string `json:"drainable,omitempty"`
}

// The canonical published states.
const (
	Starting = "starting"
	Running  = "running"
	Draining = "draining"
	Stopping = "stopping"
	Stopped  = "stopped"
)

// TurnPhase is a moment in a turn's life on the client's side.
type TurnPhase string

// Turn phases.
const (
	TurnExpected TurnPhase = "expected" // no client sends it: the gateway is to start it by itself; Origin says why
	TurnArranged TurnPhase = "arranged" // the request that leads to it was answered: Call before it was sent, Return after
	TurnSent     TurnPhase = "sent"     // Call: before the first byte of the request left; Return: after the last was handed over
	TurnAnswered TurnPhase = "answered" // response headers read; of a run that is created now and polled later: it was accepted
	TurnQueued   TurnPhase = "queued"   // acknowledged in the shape the target declares for queued: it is to run later
	TurnProgress TurnPhase = "progress" // a streamed token arrived (thinned)
	TurnStalled  TurnPhase = "stalled"  // the client stops reading from here on
	TurnArriving TurnPhase = "arriving" // the first bytes of an answer wait, unread, at a client that stalls
	TurnResumed  TurnPhase = "resumed"  // the client reads again
	TurnAborted  TurnPhase = "aborted"  // the client hung up on purpose
	TurnEnded    TurnPhase = "ended"    // the client saw the end; Outcome says which
)

// Origins of turns that no client sends.
const (
	OriginJob        = "job"        // scheduled: the gateway starts it when it is due
	OriginBackground = "background" // the completion of a background process is told to its session
)

// TurnOutcome is how a turn ended for its client.
type TurnOutcome string

// Turn outcomes. Whether a turn was admitted is not the client's to say: the
// model and the count are.
const (
	Finished TurnOutcome = "finished" // the whole reply, byte for byte as the model gave it
	Refused  TurnOutcome = "refused"  // refused in the shape the target declares for draining
	Busy     TurnOutcome = "busy"     // refused in the shape the target declares for no capacity / busy session
	Failed   TurnOutcome = "failed"   // another complete answer
	Cut      TurnOutcome = "cut"      // connection ended or the reply was not whole
	Aborted  TurnOutcome = "aborted"  // by the client
	Unsent   TurnOutcome = "unsent"   // no connection could be made
	Hung     TurnOutcome = "hung"     // the client gave up waiting
	Queued   TurnOutcome = "queued"   // acknowledged as queued, and its client has nothing more to wait for
)

// Turn is a moment of a turn on the client's side.
type Turn struct {
	ID         string      `json:"id"` // the token in the user's text
	Phase      TurnPhase   `json:"phase"`
	Ingress    string      `json:"ingress"`
	Session    string      `json:"session,omitempty"`
	Purpose    string      `json:"purpose,omitempty"` // why the spec sent it
	Reused     bool        `json:"reused,omitempty"`  // on a connection opened earlier
	Status     int         `json:"status,omitempty"`  // HTTP status
	RetryAfter string      `json:"retry_after,omitempty"`
	Code       string      `json:"code,omitempty"`        // machine-readable error code
	Bytes      int         `json:"bytes,omitempty"`       // of reply text received so far
	Outcome    TurnOutcome `json:"outcome,omitempty"`     // with TurnEnded
	Detail     string      `json:"detail,omitempty"`      // what was wrong with it
	Stalls     bool        `json:"stalls,omitempty"`      // on sent: the client will not read the reply until told
	Streams    bool        `json:"streams,omitempty"`     // on sent: the client asked for a streamed reply
	ReplyBytes int         `json:"reply_bytes,omitempty"` // on sent: length of the reply the model will give
	Durable    bool        `json:"durable,omitempty"`     // on sent: its ingress owes it when a crash cuts it off
	Polled     bool        `json:"polled,omitempty"`      // on sent: its client asks for its reply, on connections of their own
	Origin     string      `json:"origin,omitempty"`      // on expected: who starts it
	// Due, on arranged, is the instant before which a job is not to start; 0 where
	// nothing is waited for. Late is how long after it the gateway may take.
	Due  Stamp         `json:"due,omitempty"`
	Late time.Duration `json:"late_ns,omitempty"`
}

// ModelPhase is a moment of a model call.
type ModelPhase string

// Model phases.
const (
	ModelCalled   ModelPhase = "called"   // the request is read; from here the turn is in flight for certain
	ModelReleased ModelPhase = "released" // the latch opened; until here it was in flight for certain
	ModelEmitted  ModelPhase = "emitted"  // tokens were handed over to the gateway while the latch stayed shut; Bytes is all so far
	ModelDone     ModelPhase = "done"     // the whole reply was handed over to the gateway
	ModelGone     ModelPhase = "gone"     // the gateway hung up before it was done
)

// Model is a moment of a model call. A call without a token belongs to no turn
// (titles, summaries): it is auxiliary, answered at once and no evidence.
type Model struct {
	Turn      string     `json:"turn,omitempty"`
	Call      int        `json:"call"` // the how-manieth call of this turn, from 1
	Phase     ModelPhase `json:"phase"`
	Streamed  bool       `json:"streamed,omitempty"`
	Auxiliary bool       `json:"auxiliary,omitempty"`
	// Tool, with ModelDone, is the tool whose call the model answered with; the reply
	// is yet to come.
	Tool string `json:"tool,omitempty"`
	// Fail is the HTTP status with which the model was told to answer instead of a
	// reply: what becomes of the turn then is not an interruption by the gateway.
	Fail  int `json:"fail,omitempty"`
	Bytes int `json:"bytes,omitempty"` // with emitted: of the reply's text, so far
}

// Session is one look at the history the gateway keeps of a session. Its text stays
// where it is: what counts is whose turns are in it.
type Session struct {
	Name  string   `json:"name"`
	Turns []string `json:"turns,omitempty"` // their tokens, in the order in which they first appear
}

// Process is what the probe sees of the gateway's process.
type Process struct {
	Phase     string `json:"phase"` // seen, gone, listening, closed
	PID       int    `json:"pid"`
	StartTime uint64 `json:"start_time,omitempty"` // /proc/PID/stat field 22, clock ticks since boot
	Port      int    `json:"port,omitempty"`       // with listening and closed
	Inode     uint64 `json:"inode,omitempty"`      // of the listening socket
	ExitCode  *int   `json:"exit_code,omitempty"`  // with gone, where the runtime knows it
}

// Process phases.
const (
	ProcessSeen      = "seen"
	ProcessGone      = "gone"
	ProcessListening = "listening"
	ProcessClosed    = "closed"
)

// Action is something the harness did to the gateway, so that what follows from
// it is not charged to the gateway.
type Action struct {
	Name  string `json:"name"`
	Error string `json:"error,omitempty"`
	Load  *Load  `json:"load,omitempty"` // with load

	ExitCode *int `json:"exit_code,omitempty"` // with exited, and with ready when it ended instead; 128+N after signal N
}

// Load is what keeps the gateway and its machine busy from a load to its unload.
type Load struct {
	Turns   int           `json:"turns"`    // the model holds, all the time
	Every   time.Duration `json:"every_ns"` // one more turn is sent, which is answered at once
	Burners int           `json:"burners"`  // threads that compute without a break, at the lowest priority
}

// Actions. Start, Respawn and Recreate return when the process was launched;
// Ready when the target's ready check passed, or with an Error when it was waited for in
// vain; Exited when the runtime was asked how the process had ended, which is some time
// after it did.
const (
	ActionStart    = "start"
	ActionReady    = "ready"
	ActionSIGTERM  = "sigterm"
	ActionSIGKILL  = "sigkill"
	ActionRespawn  = "respawn"  // same PID 1, new gateway process
	ActionRecreate = "recreate" // new PID 1: a new instantiation
	ActionExited   = "exited"
	ActionFreeze   = "freeze"
	ActionThaw     = "thaw"
	ActionLoad     = "load"   // returns when the load is in place
	ActionUnload   = "unload" // begins while it still is
	ActionEnd      = "end"    // the spec is over; nothing after it is judged
)

// Stall is a heartbeat that came Late after its due time; Call and Return span it.
type Stall struct {
	Late time.Duration `json:"late_ns"`
	Of   string        `json:"of,omitempty"` // what stood still: StallGateway, or the probe's heartbeat
}

// StallGateway says that it was the gateway that wanted to run, and was let run by the
// machine for less than half of the time, or waited for its disk; Late is for how long
// it had to wait in all.
const StallGateway = "gateway"

// Memory is how much memory the gateway's process had at the most, from its start until
// the check was over. Processes that it started are not in it.
type Memory struct {
	PID  int   `json:"pid"`
	Peak int64 `json:"peak_bytes"` // resident, VmHWM in /proc/PID/status
}

// Notice is a request that the gateway sent to the address it was given for its
// announcements.
type Notice struct {
	Method    string `json:"method"`
	Path      string `json:"path"`
	Broadcast bool   `json:"broadcast"`      // it announces a shutdown, as the target file says
	Text      string `json:"text,omitempty"` // the beginning of its body, quoted
}

// Log is a line of the gateway's own output.
type Log struct {
	Line    string `json:"line"`
	Receipt string `json:"receipt,omitempty"` // fault ID, when a wrong gateway says that it just misbehaved
}

// Outcome closes a history.
type Outcome struct {
	Result  string `json:"result"` // passed, failed, timedout, interrupted, panicked
	Message string `json:"message,omitempty"`
}
