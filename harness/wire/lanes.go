package wire

import "strings"

// The wires on which turns are sent.
const (
	OpenAIChat       = "openai-chat"        // the reply is the answer, whole or streamed
	JSON             = "json"               // the answer is JSON of any shape that holds the reply
	SSE              = "sse"                // the answer is a stream of events of any shape that hold pieces of the reply
	CreateThenPoll   = "create-then-poll"   // the answer names a run, which is asked for until it is over
	PostThenCallback = "post-then-callback" // the answer acknowledges the turn, and the reply comes as a request
)

// Wires lists them.
func Wires() []string {
	return []string{OpenAIChat, JSON, SSE, CreateThenPoll, PostThenCallback, Driver}
}

// StreamEvent matches an event of a stream when every field that is set matches.
type StreamEvent struct {
	Event string            `json:"event,omitempty"` // regular expression over its name
	JSON  map[string]string `json:"json,omitempty"`  // dotted path in its data -> regular expression
	Text  string            `json:"text,omitempty"`  // regular expression over its data
}

// Callback says how the request is read by which a gateway hands a reply over.
type Callback struct {
	Reply  string      `json:"reply,omitempty"`  // dotted path of the reply's text in its body; "": the body is the text
	Failed []Recognise `json:"failed,omitempty"` // requests that tell of a failure; the turn's token must be in them
}

// Poll says how a run is asked for after it was created. Paths are dotted.
type Poll struct {
	URL    string            `json:"url"` // {{run}} stands for the run's ID
	Header map[string]string `json:"header,omitempty"`
	ID     string            `json:"id"`     // path of the ID in the answer to the creation
	Status string            `json:"status"` // path of the status, and
	Reply  string            `json:"reply"`  // of the reply's text, in the answer to a poll
	Done   []string          `json:"done"`   // statuses of a run whose reply is there
	Failed []string          `json:"failed,omitempty"`
}

// Sessions says how the history of a session is read.
type Sessions struct {
	Method   string            `json:"method"`
	URL      string            `json:"url"` // {{session}} stands for its name
	Header   map[string]string `json:"header,omitempty"`
	Body     string            `json:"body,omitempty"`
	Messages string            `json:"messages"` // dotted path of the list of messages in the answer
}

// SessionParams name a session.
type SessionParams struct {
	Name string `json:"name"`
}

// Placeholders that only the probe can fill in, for each turn, run or session.
const (
	RunPlaceholder     = "{{run}}"
	SessionPlaceholder = "{{session}}"
	PromptPlaceholder  = "{{prompt}}"
	ModelPlaceholder   = "{{model}}"
)

// Fill replaces placeholders by values: pairs of one and the other.
func Fill(template string, pairs ...string) string {
	return strings.NewReplacer(pairs...).Replace(template)
}
