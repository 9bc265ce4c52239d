package wire

import "encoding/json"

// The driver protocol: what a program says that sends turns where no HTTP goes. The
// driver connects to the probe over TCP and both sides write JSON values, one a line. It
// is published, and versioned: docs/driver.md describes it.

// Driver is the wire of turns that a driver hands over.
const Driver = "driver"

// DriverVersion is the version of the protocol.
const DriverVersion = 1

// What the probe asks of a driver.
const (
	DriverReady  = "ready"  // whether the gateway takes turns; answered by one event
	DriverState  = "state"  // what the gateway publishes; answered by one event
	DriverSubmit = "submit" // a turn; answered by events until one that ends it
	DriverAbort  = "abort"  // the client of a turn goes away; not answered
)

// DriverHello is the first line of a driver.
type DriverHello struct {
	Version int    `json:"drainproof_driver"`
	Name    string `json:"name,omitempty"`
}

// DriverRequest is a line of the probe's.
type DriverRequest struct {
	ID          uint64 `json:"id"` // of the request; of a turn to the end of it
	Do          string `json:"do"`
	Ingress     string `json:"ingress,omitempty"`
	Session     string `json:"session,omitempty"`
	Prompt      string `json:"prompt,omitempty"`
	Publication string `json:"publication,omitempty"` // of DriverState
}

// What a driver answers.
const (
	DriverIsReady     = "ready"       // to DriverReady: it takes turns
	DriverNotReady    = "not-ready"   // to DriverReady, with a detail
	DriverPublished   = "state"       // to DriverState, with what is published
	DriverUnreachable = "unreachable" // to DriverState; and to DriverSubmit: the turn was not handed over, and may be sent again
	DriverSent        = "sent"        // the turn was handed over
	DriverAccepted    = "accepted"    // and taken
	DriverQueued      = "queued"      // and is kept until its session is free and nothing drains
	DriverText        = "text"        // a piece of the reply
	DriverDone        = "done"        // the reply is whole; ends the turn, as do those below
	DriverRefused     = "refused"     // as draining
	DriverBusy        = "busy"        // for lack of room, or for a busy session
	DriverFailed      = "failed"      // the gateway says that there will be no reply
	DriverCut         = "cut"         // the gateway broke off
)

// DriverEvent is a line of a driver's.
type DriverEvent struct {
	ID        uint64          `json:"id"`
	Event     string          `json:"event"`
	Text      string          `json:"text,omitempty"`      // of DriverText; of DriverDone: the rest of the reply
	Detail    string          `json:"detail,omitempty"`    // for people
	Published json.RawMessage `json:"published,omitempty"` // of DriverPublished: an object with the fields that the target file names
}
