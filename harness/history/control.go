package history

import (
	"fmt"
	"strings"
)

// HowControl is how the marker was moved when the control endpoint did it.
const HowControl = "control"

// What a request to the control endpoint asks for.
const (
	AskDrain  = "drain"
	AskCancel = "cancel"
)

// CaseEmptyBody is a request without a body, which asks for a drain (CONTROL-001).
const CaseEmptyBody = "an empty body"

// Credential is what a request to the control endpoint had to show for itself.
type Credential string

// Credentials.
const (
	RightToken Credential = "right"
	WrongToken Credential = "wrong"
	NoToken    Credential = "none"
	WeakToken  Credential = "weak" // the gateway's own, but one that must switch the endpoint off
)

// Control is one request to the control endpoint, from before it was sent until its
// answer was there, and what became of the marker meanwhile. What moved the marker
// stands in the history as an operation of its own.
type Control struct {
	Action     string     `json:"action,omitempty"` // drain or cancel; empty when it rightly asks for neither
	Case       string     `json:"case,omitempty"`   // what is out of the ordinary about its body
	Credential Credential `json:"credential"`
	Principal  string     `json:"principal,omitempty"` // whom the right token stands for
	Locked     bool       `json:"locked,omitempty"`    // nothing could be made or removed in the home meanwhile

	Status int    `json:"status,omitempty"` // HTTP status; 0: no answer, see Error
	Error  string `json:"error,omitempty"`
	Answer string `json:"answer,omitempty"` // the beginning of its body
	Said   string `json:"said,omitempty"`   // of a cancel: whether there was a marker, "true", "false" or "unclear"

	Existed  bool   `json:"existed"`            // a marker was there before
	Present  bool   `json:"present"`            // and is there afterwards
	Changed  bool   `json:"changed"`            // it was written, removed or replaced
	Appeared bool   `json:"appeared,omitempty"` // a new one was seen
	Torn     string `json:"torn,omitempty"`     // what was seen of it in between, that was not whole
	Flaw     string `json:"flaw,omitempty"`     // what the new one lacks
	By       string `json:"by,omitempty"`       // the principal in the new one
}

// OK says whether the answer says that it was done.
func (c *Control) OK() bool { return c.Status/100 == 2 }

func describeControl(c Control) string {
	var b strings.Builder
	b.WriteString("controller: asks the endpoint")
	switch {
	case c.Action != "" && c.Case != "":
		fmt.Fprintf(&b, " for a %s (%s)", c.Action, c.Case)
	case c.Action != "":
		fmt.Fprintf(&b, " for a %s", c.Action)
	default:
		fmt.Fprintf(&b, " for nothing (%s)", c.Case)
	}
	fmt.Fprintf(&b, ", token: %s", c.Credential)
	if c.Locked {
		b.WriteString(", while the home cannot be written")
	}
	if c.Status != 0 {
		fmt.Fprintf(&b, "; status %d", c.Status)
	} else {
		fmt.Fprintf(&b, "; no answer, %q", c.Error)
	}
	switch {
	case c.Torn != "":
		fmt.Fprintf(&b, "; the marker was not whole for a moment, %q", c.Torn)
	case c.Changed && c.Present:
		b.WriteString("; the marker was written")
	case c.Changed:
		b.WriteString("; the marker was removed")
	default:
		b.WriteString("; the marker is as it was")
	}
	return b.String()
}
