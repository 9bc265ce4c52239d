package wire

import (
	"encoding/json"
	"time"

	"github.com/drainproof/drainproof/harness/history"
)

// Version of the protocol; Hello fails when probe and suite differ.
const Version = 1

// Request asks the probe to do one thing.
type Request struct {
	ID     uint64          `json:"id"`
	Verb   Verb            `json:"verb"`
	Params json.RawMessage `json:"params,omitempty"`
}

// Message is what the probe says: a reply (ID set) or an event.
type Message struct {
	ID     uint64          `json:"id,omitempty"`
	Result json.RawMessage `json:"result,omitempty"`
	Error  string          `json:"error,omitempty"` // a reply that failed
	Event  *history.Event  `json:"event,omitempty"`
}

// Verb names what the probe can do.
type Verb string

// The verbs, each with its parameter and result type.
const (
	VerbHello       Verb = "hello"       // HelloParams -> HelloResult
	VerbConfigure   Verb = "configure"   // ConfigureParams -> nothing; prepares the home, starts model and observers
	VerbMarker      Verb = "marker"      // MarkerParams -> nothing; returns when done (or armed)
	VerbControl     Verb = "control"     // ControlParams -> history.Control; returns when it is answered
	VerbLend        Verb = "lend"        // LendParams -> nothing; another hand moves the marker for the controller now
	VerbReclaim     Verb = "reclaim"     // nothing -> ReclaimResult; what it did is recorded, the marker is the probe's again
	VerbSubmit      Verb = "submit"      // SubmitParams -> SubmitResult; returns at once, the turn goes on
	VerbExpect      Verb = "expect"      // ExpectParams -> SubmitResult; announces a turn that the gateway starts by itself
	VerbArrange     Verb = "arrange"     // ArrangeParams -> ArrangeResult; makes the request that leads to such a turn
	VerbSweep       Verb = "sweep"       // SweepParams -> SweepResult; returns when the sweep is over
	VerbSession     Verb = "session"     // SessionParams -> nothing; reads a session's history into ours
	VerbLoad        Verb = "load"        // LoadParams -> nothing; returns when the load is in place, which lasts until unload
	VerbUnload      Verb = "unload"      // nothing -> nothing; returns when nothing of the load is left
	VerbRelease     Verb = "release"     // TurnsParams -> nothing; opens the model's latch
	VerbEmit        Verb = "emit"        // EmitParams -> nothing; streams tokens while the latch stays shut
	VerbResume      Verb = "resume"      // TurnsParams -> nothing; a stalled client reads again
	VerbAbort       Verb = "abort"       // TurnsParams -> nothing; clients hang up
	VerbRead        Verb = "read"        // ReadParams -> history.State; one read, now
	VerbWatch       Verb = "watch"       // WatchParams -> WatchResult; find and follow the gateway's process
	VerbSignal      Verb = "signal"      // SignalParams -> nothing; to the watched process
	VerbNote        Verb = "note"        // NoteParams -> history.Stamp; the suite's own event, stamped by the probe
	VerbStamp       Verb = "stamp"       // nothing -> history.Stamp
	VerbConnections Verb = "connections" // ConnectionsParams -> nothing; opens idle keep-alive connections
	VerbReady       Verb = "ready"       // ReadyParams -> ReadyResult; polls the ready check until it passes or the time is over
	VerbFile        Verb = "file"        // FileParams -> FileResult; lay, read or remove a file of the home
)

// HelloParams opens the conversation.
type HelloParams struct {
	Version int `json:"version"`
}

// HelloResult tells who answers.
type HelloResult struct {
	Version    int           `json:"version"`
	PID        int           `json:"pid"`
	Stamp      history.Stamp `json:"stamp"`
	StampError time.Duration `json:"stamp_error_ns"` // longest of 200 pairs of stamps around a no-op through the event path
}

// ConfigureParams tell the probe all it must know of the target. Everything is
// resolved already: no templates, no relative paths.
type ConfigureParams struct {
	Home         string        `json:"home"` // as the probe sees it
	UID          int           `json:"uid"`  // owner of the home; -1 leaves it as it is
	GID          int           `json:"gid"`
	Marker       string        `json:"marker"` // absolute path
	Publications []Publication `json:"publications"`
	Ingresses    []Ingress     `json:"ingresses"`
	ModelAddress string        `json:"model_address"` // host:port to listen on
	IngressPorts []int         `json:"ingress_ports"` // whose listening sockets are watched
	Sessions     *Sessions     `json:"sessions,omitempty"`
	Bound        time.Duration `json:"bound_ns"`
	Redact       []string      `json:"redact,omitempty"` // strings that must never reach the history
	// Gateway is a regular expression over the command line, its words joined by spaces, of
	// a gateway that an init of its own starts, in a PID namespace of its own; "" for one
	// that shares the probe's.
	Gateway string `json:"gateway,omitempty"`

	// NotifyAddress is where the gateway's announcements are taken, host:port; "" for
	// nowhere. Broadcasts are those of them that announce a shutdown.
	NotifyAddress string `json:"notify_address,omitempty"`
	// CallbackAddress is where replies arrive that come as requests, host:port; "" for
	// nowhere.
	CallbackAddress string `json:"callback_address,omitempty"`
	// DriverAddress is where the driver connects, host:port; "" for none.
	DriverAddress string      `json:"driver_address,omitempty"`
	Broadcasts    []Broadcast `json:"broadcasts,omitempty"`
}

// Publication is a place where the gateway publishes its state.
type Publication struct {
	Name   string            `json:"name"`
	File   string            `json:"file,omitempty"`   // absolute path, or
	URL    string            `json:"url,omitempty"`    // or
	Driver bool              `json:"driver,omitempty"` // the driver says
	Header map[string]string `json:"header,omitempty"`
	State  string            `json:"state"` // dotted JSON path of the state field
	Count  string            `json:"count"` // dotted JSON path of the count field
	// Busy and Drainable are the paths of what a status endpoint derives; not looked
	// for when empty.
	Busy      string            `json:"busy,omitempty"`
	Drainable string            `json:"drainable,omitempty"`
	States    map[string]string `json:"states"` // published word -> canonical state
	// EveryMS is the poll interval of an HTTP publication, 20 by default; files
	// are read on every change the kernel reports, and every 10 ms besides.
	EveryMS int `json:"every_ms,omitempty"`
}

// Ingress is a way in, resolved.
type Ingress struct {
	Name          string            `json:"name"`
	Wire          string            `json:"wire"` // one of Wires
	Method        string            `json:"method"`
	URL           string            `json:"url"`
	Header        map[string]string `json:"header,omitempty"`
	SessionHeader string            `json:"session_header,omitempty"`
	Stream        bool              `json:"stream"`
	Durable       bool              `json:"durable,omitempty"` // what comes in here is owed after a crash
	Model         string            `json:"model,omitempty"`
	Body          string            `json:"body,omitempty"`     // in place of a chat completion request; see Fill
	Reply         string            `json:"reply,omitempty"`    // of JSON and SSE: dotted path of the text
	Done          []StreamEvent     `json:"done,omitempty"`     // of SSE: the reply is whole
	Failed        []StreamEvent     `json:"failed,omitempty"`   // of SSE: there will be no reply
	Poll          *Poll             `json:"poll,omitempty"`     // of CreateThenPoll
	Callback      *Callback         `json:"callback,omitempty"` // of PostThenCallback
	Refused       []Recognise       `json:"refused"`            // any of them
	Busy          []Recognise       `json:"busy,omitempty"`
	Queued        []Recognise       `json:"queued,omitempty"`
}

// Recognise matches an answer when every field that is set matches.
type Recognise struct {
	Status int               `json:"status,omitempty"`
	Header map[string]string `json:"header,omitempty"` // name -> regular expression
	JSON   map[string]string `json:"json,omitempty"`   // dotted path -> regular expression
	Text   string            `json:"text,omitempty"`   // regular expression over the body
}

// Broadcast matches a request when every field that is set matches.
type Broadcast struct {
	Method string            `json:"method,omitempty"`
	Path   string            `json:"path,omitempty"`   // regular expression
	Header map[string]string `json:"header,omitempty"` // name -> regular expression
	JSON   map[string]string `json:"json,omitempty"`   // dotted path -> regular expression
	Text   string            `json:"text,omitempty"`   // regular expression over the body
}

// When arms an action: the probe performs it itself, at the moment its observer
// reads a state, so that no round trip lies between. Nil means now.
type When struct {
	Publication string        `json:"publication,omitempty"` // default: any
	State       string        `json:"state"`                 // canonical state; fires at the first read, begun after arming, that shows it
	After       time.Duration `json:"after_ns,omitempty"`    // and then this much later
}

// MarkerParams is one operation on the marker. Begin on an existing marker is
// recorded as a rewrite.
type MarkerParams struct {
	Op      history.Op `json:"op"` // begin, cancel, or decoy; a decoy is removed by a cancel with its place
	Content []byte     `json:"content,omitempty"`
	Pieces  []Piece    `json:"pieces,omitempty"` // content in place of Content, put together by the probe
	How     string     `json:"how,omitempty"`    // a Way; in place by default
	Mode    string     `json:"mode,omitempty"`   // of the file, in octal, 0644 by default; only of regular files
	// Epoch stamps the marker, and Age is how long ago it says that it was requested
	// (below 0: in the future). Suppress is its suppress_notification; nil leaves the
	// field out. Only of a marker without content of its own.
	Epoch    string        `json:"epoch,omitempty"`
	Age      time.Duration `json:"age_ns,omitempty"`
	Suppress *bool         `json:"suppress,omitempty"`
	Place    string        `json:"place,omitempty"` // of a decoy: PlaceWorkingDirectory or PlaceParent
	When     *When         `json:"when,omitempty"`
	// Then follows at once, without a round trip in between: a hurry. Only with
	// When nil.
	Then []MarkerParams `json:"then,omitempty"`
	history.Expectation
}

// Ways of making a marker. Those below Link are no regular files; they appear,
// and replace each other, in one step.
const (
	WayInPlace  = "in-place"
	WayRename   = "rename" // written beside it, then renamed
	WayLink     = "link"   // written beside it, then linked
	WayDir      = "directory"
	WayFIFO     = "fifo"
	WayDangling = "symlink-dangling"
	WayLoop     = "symlink-loop"
)

// Hands a marker is lent to; How of what they do.
const (
	HandCommand = "command" // a command of the target
)

// LendParams name the hand that moves the marker until it is reclaimed. Nothing
// that happens to the marker meanwhile is taken for the gateway's doing, and the
// probe does nothing to it itself.
type LendParams struct {
	Hand string `json:"hand"` // HandCommand
}

// ReclaimResult is what became of a marker that was lent.
type ReclaimResult struct {
	Changed bool   `json:"changed"`         // it was laid, written or removed
	Present bool   `json:"present"`         // it lies there, or did until somebody else took it
	Taken   bool   `json:"taken,omitempty"` // somebody else took it, maybe before its stamp was read
	Epoch   string `json:"epoch,omitempty"` // with which it is stamped
}

// Places of a decoy, neither of which is the gateway's home.
const (
	PlaceWorkingDirectory = "working-directory" // of the gateway's process
	PlaceParent           = "parent"            // of the home, as the gateway sees it
)

// Regular says whether a way of making a marker makes a regular file.
func Regular(way string) bool {
	switch way {
	case WayDir, WayFIFO, WayDangling, WayLoop:
		return false
	}
	return true
}

// MaxContent bounds what pieces may add up to, in bytes.
const MaxContent = 64 << 20

// Piece is a part of a marker's content that is written so many times over:
// large contents are described, not sent.
type Piece struct {
	Bytes []byte `json:"bytes,omitempty"`
	Times int    `json:"times"`
}

// ControlParams is one request to the control endpoint. The probe makes it itself,
// with the marker held: it alone can tell what the endpoint made of it.
type ControlParams struct {
	Action     string             `json:"action,omitempty"`
	Case       string             `json:"case,omitempty"`
	Credential history.Credential `json:"credential"`
	Principal  string             `json:"principal,omitempty"`

	Method    string            `json:"method"`
	URL       string            `json:"url"`
	Header    map[string]string `json:"header,omitempty"`
	Body      string            `json:"body,omitempty"`
	Hide      []string          `json:"hide,omitempty"`      // what must not be told of the answer, besides what is redacted anyway
	Cancelled []Recognise       `json:"cancelled,omitempty"` // answers to a cancel that say there was a marker
	Idle      []Recognise       `json:"idle,omitempty"`      // and those that say there was none

	Lock     bool          `json:"lock,omitempty"`         // nothing can be made or removed in the home until the answer is there
	RetryFor time.Duration `json:"retry_for_ns,omitempty"` // keep trying to connect this long
	GiveUp   time.Duration `json:"give_up_ns"`             // from when it is connected
}

// Script tells the model what to do with a turn's call.
type Script struct {
	Hold       bool `json:"hold"`                  // wait for release before answering
	ReplyBytes int  `json:"reply_bytes,omitempty"` // length of the reply's text; at least the token's
	Fail       int  `json:"fail,omitempty"`        // answer with this HTTP status instead; FailHangUp: not at all
	// Tools are called by the model, one per call of it, before it gives its reply.
	Tools []ToolCall `json:"tools,omitempty"`
}

// FailHangUp is the status that no model answers with: the connection is ended instead, as
// if the model had been cut off.
const FailHangUp = 444

// ToolCall is a model's wish to have a tool called.
type ToolCall struct {
	Name      string `json:"name"`
	Arguments string `json:"arguments"` // a JSON object
}

// SubmitParams is one turn.
type SubmitParams struct {
	Ingress    string        `json:"ingress"`
	Session    string        `json:"session,omitempty"` // default: one of its own
	Purpose    string        `json:"purpose,omitempty"`
	Script     Script        `json:"script"`
	Stall      bool          `json:"stall,omitempty"`        // do not read the reply before Resume; tiny receive buffer
	Connection string        `json:"connection,omitempty"`   // name of an opened idle connection; default: a fresh one
	KeepAs     string        `json:"keep_as,omitempty"`      // name under which its connection is kept, for one more turn, once its answer is whole
	Halves     bool          `json:"halves,omitempty"`       // the first half of its body is sent at once, before Submit returns; When is the other's moment
	RetryFor   time.Duration `json:"retry_for_ns,omitempty"` // keep trying to connect (every 1 ms) this long: for turns thrown at a gateway that is starting
	GiveUp     time.Duration `json:"give_up_ns"`             // when neither an end nor a piece of the reply is seen for so long, after the turn was sent and not counting time the latch holds it: hung
	When       *When         `json:"when,omitempty"`
}

// SubmitResult names the turn.
type SubmitResult struct {
	Turn string `json:"turn"`
}

// ExpectParams announce a turn that no client sends.
type ExpectParams struct {
	Origin  string `json:"origin"` // one of history's
	Purpose string `json:"purpose,omitempty"`
	Script  Script `json:"script"`
}

// AtPlaceholder in an arranging request stands for the time at which a job is due.
// The probe fills it in: the suite's clock may be another machine's.
const AtPlaceholder = "{{at}}"

// ArrangeParams are a request to the gateway that leads to an expected turn: one
// that schedules a job, or ends a background process.
type ArrangeParams struct {
	Turn   string            `json:"turn"` // the expected one
	Method string            `json:"method"`
	URL    string            `json:"url"`
	Header map[string]string `json:"header,omitempty"`
	Body   string            `json:"body,omitempty"`
	DueIn  time.Duration     `json:"due_in_ns,omitempty"` // from now, in place of AtPlaceholder in URL and body
	Late   time.Duration     `json:"late_ns,omitempty"`   // how much later the gateway may start it
	Within time.Duration     `json:"within_ns"`           // for the answer
}

// ArrangeResult is the gateway's answer.
type ArrangeResult struct {
	Status int    `json:"status"`
	Body   string `json:"body,omitempty"` // the beginning of it
}

// SweepParams send a turn every so often, from now until the state was read and
// a while longer, so that some of them lie right across the flip.
type SweepParams struct {
	Submit  SubmitParams  `json:"submit"`
	Every   time.Duration `json:"every_ns"`
	Until   string        `json:"until"`      // canonical state to wait for; "" = only Lasting
	Past    time.Duration `json:"past_ns"`    // and go on this long
	Lasting time.Duration `json:"lasting_ns"` // at the latest, stop after this
	// MaxHeld bounds the turns in flight: beyond it the oldest is released
	// before the next is sent, so a gateway's capacity is not what is tested.
	MaxHeld     int           `json:"max_held"`
	Marker      *MarkerParams `json:"marker,omitempty"` // performed MarkerAfter into the sweep
	MarkerAfter time.Duration `json:"marker_after_ns,omitempty"`
}

// SweepResult names the turns, in the order in which they were sent.
type SweepResult struct {
	Turns   []string `json:"turns"`
	Reached bool     `json:"reached"` // the state was read
}

// LoadParams keep the gateway and its machine busy: a turn every so often, and a
// thread per processor that computes at the lowest priority. The turns the model
// holds meanwhile are submitted beforehand. A load ends with the time it was given,
// with its session, and with the probe.
type LoadParams struct {
	Submit  SubmitParams  `json:"submit"`
	Every   time.Duration `json:"every_ns"`
	MaxHeld int           `json:"max_held"` // of these turns under way at once; when there is no room, one is left out
	Turns   int           `json:"turns"`    // held by the model, for the history
	Lasting time.Duration `json:"lasting_ns"`
}

// TurnsParams names turns; none means all.
type TurnsParams struct {
	Turns []string `json:"turns,omitempty"`
}

// EmitParams streams tokens of a held turn.
type EmitParams struct {
	Turn   string `json:"turn"`
	Tokens int    `json:"tokens"`
}

// ReadParams asks for one read of a publication.
type ReadParams struct {
	Publication string `json:"publication"`
}

// WatchParams says how to find the gateway's process: by PID (process runtime),
// or, with PID 0, as the youngest process of the pod's PID namespace that has no
// parent in it and is not the probe's; or by its command line (ConfigureParams.Gateway).
type WatchParams struct {
	PID int `json:"pid,omitempty"`
	// Others are the command lines of what else the target runs, such as sidecars:
	// without parents as well, and no gateways.
	Others [][]string    `json:"others,omitempty"`
	Within time.Duration `json:"within_ns"`
}

// WatchResult is the process found.
type WatchResult struct {
	PID       int    `json:"pid"`
	StartTime uint64 `json:"start_time"`
}

// SignalParams is a signal by number.
type SignalParams struct {
	Signal int `json:"signal"`
}

// NoteParams records an event of the suite's own. Return is stamped by the
// probe; Call too, unless CallAt is given (a stamp taken before the action).
type NoteParams struct {
	Event  history.Event `json:"event"`
	CallAt history.Stamp `json:"call_at,omitempty"`
}

// ConnectionsParams opens idle connections to an ingress, to be used later.
type ConnectionsParams struct {
	Ingress string   `json:"ingress"`
	Names   []string `json:"names"`
	// Warm sends one complete request (to the ready URL) over each first, so that
	// the gateway has it among its keep-alive connections.
	WarmURL string `json:"warm_url,omitempty"`
}

// ReadyParams polls a URL (any 2xx) or a publication that must show a state.
type ReadyParams struct {
	URL    string            `json:"url,omitempty"`
	Header map[string]string `json:"header,omitempty"`
	Within time.Duration     `json:"within_ns"`
}

// ReadyResult says whether, and what was seen last.
type ReadyResult struct {
	Ready bool   `json:"ready"`
	Last  string `json:"last,omitempty"`
}

// FileParams handles a file of the home; Path is relative to it and may not leave it.
type FileParams struct {
	Op      string `json:"op"` // write, read, remove, stat; fill: a file that takes all the room that is left
	Path    string `json:"path"`
	Content []byte `json:"content,omitempty"`
	Mode    uint32 `json:"mode,omitempty"`
}

// FileResult answers read and stat.
type FileResult struct {
	Exists  bool   `json:"exists"`
	Content []byte `json:"content,omitempty"`
}
