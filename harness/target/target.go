package target

import (
	"slices"
	"time"

	"github.com/drainproof/drainproof/harness/history"
)

// Target is a target file, validated and with defaults filled in. Strings marked
// "template" may hold {{home}}, {{port.NAME}}, {{model_url}}, {{notify_url}} (with
// a notify section), {{callback_url}} (with an ingress that has a callback), {{bound}}
// and, in what the process runtime runs, {{bin}}; a runtime fills them in when it makes
// a pod.
type Target struct {
	Path   string `json:"-"` // the file it came from, as it was named
	SHA256 string `json:"-"` // of that file's bytes, hex
	// Overrides are the entries of env that a spec gave other values; see WithEnv.
	Overrides []string `json:"-"`

	APIVersion   string            `json:"apiVersion"` // drainproof/v1
	Name         string            `json:"name"`
	Image        *Image            `json:"image,omitempty"`
	Process      *Process          `json:"process,omitempty"`
	Command      []string          `json:"command,omitempty"` // overrides the image's entrypoint and command
	User         string            `json:"user,omitempty"`    // uid[:gid], overrides the image's
	Init         *Init             `json:"init,omitempty"`
	Home         Home              `json:"home"`
	Env          map[string]string `json:"env,omitempty"`     // template values
	Secrets      []string          `json:"secrets,omitempty"` // names of env variables whose values are redacted everywhere
	Ports        map[string]int    `json:"ports"`             // name -> port inside the pod; the process runtime picks free ones instead
	Ready        Ready             `json:"ready"`
	Model        Model             `json:"model"`
	Ingresses    []Ingress         `json:"ingresses"`
	Callbacks    Callbacks         `json:"callbacks"`
	Driver       *Driver           `json:"driver,omitempty"`
	Publications []Publication     `json:"state"`
	Features     []string          `json:"features,omitempty"`
	Bounds       Bounds            `json:"bounds"`
	Capacity     int               `json:"capacity,omitempty"` // turns in flight the gateway takes; default 10
	WarmUp       bool              `json:"warmUp,omitempty"`   // its first turns take longer: one on every ingress is sent before anything is asked of it
	Shutdown     *Shutdown         `json:"shutdown,omitempty"`
	Epoch        *Program          `json:"epoch,omitempty"`  // writes a stamped marker, as a controller would
	Expiry       *Expiry           `json:"expiry,omitempty"` // never nil where expiry is declared
	Notify       *Notify           `json:"notify,omitempty"`
	Sidecars     []Sidecar         `json:"sidecars,omitempty"`
	Control      *Control          `json:"control,omitempty"`
	Sessions     *Sessions         `json:"sessions,omitempty"`
	Tools        *Tools            `json:"tools,omitempty"`
	Jobs         *Jobs             `json:"jobs,omitempty"`
	Background   *Background       `json:"background,omitempty"`
}

// Image is what the docker runtime runs: an image the engine has already, or one
// assembled from a static binary by a recipe.
type Image struct {
	Name   string `json:"name,omitempty"`   // repository:tag or ID; never pulled
	Recipe string `json:"recipe,omitempty"` // path of an image recipe, relative to the target file
}

// Process is what the process runtime runs.
type Process struct {
	Command []string `json:"command"`       // template; {{bin}} is the folder of built binaries
	Dir     string   `json:"dir,omitempty"` // relative to the target file
}

// Home is the gateway's state directory.
type Home struct {
	Path   string     `json:"path"`            // inside the container
	Marker string     `json:"marker"`          // file name in it, default .drain_request.json
	Files  []HomeFile `json:"files,omitempty"` // laid before the first start
	Clear  []string   `json:"clear,omitempty"` // removed before every start after the first
}

// HomeFile is a file that the gateway finds in its home.
type HomeFile struct {
	Path    string `json:"path"`    // relative to the home
	Content string `json:"content"` // template
}

// Ready says when a started gateway can be spoken to.
type Ready struct {
	URL    string        `json:"url"`    // template; any 2xx; "": the driver says
	Within time.Duration `json:"within"` // in files a string such as "15s", the default
}

// Model is the model's wire as the gateway speaks it.
type Model struct {
	Wire string `json:"wire"` // openai-chat or openai-responses; the suite's model speaks both
	Port int    `json:"port"` // inside the pod, default 9471
}

// Ingress is one way in.
type Ingress struct {
	Name          string            `json:"name"`
	Wire          string            `json:"wire"` // openai-chat, json, sse, create-then-poll or post-then-callback
	Method        string            `json:"method,omitempty"`
	URL           string            `json:"url"` // template
	Header        map[string]string `json:"header,omitempty"`
	SessionHeader string            `json:"sessionHeader,omitempty"`
	Stream        bool              `json:"stream,omitempty"`
	Durable       bool              `json:"durable,omitempty"` // with recovery: a turn that a crash cut off is run again
	Model         string            `json:"model,omitempty"`
	Body          string            `json:"body,omitempty"`     // template with {{prompt}}; default: a chat completion request
	Reply         string            `json:"reply,omitempty"`    // of json and sse: dotted path of the text
	Done          []StreamEvent     `json:"done,omitempty"`     // of sse: events that say the reply is whole
	Failed        []StreamEvent     `json:"failed,omitempty"`   // of sse: events that say there will be none
	Poll          *Poll             `json:"poll,omitempty"`     // of create-then-poll
	Callback      *Callback         `json:"callback,omitempty"` // of post-then-callback
	Refused       []Recognise       `json:"refused"`
	Busy          []Recognise       `json:"busy,omitempty"`
	Queued        []Recognise       `json:"queued,omitempty"` // with the feature queue
}

// Poll says how a run is asked for after it was created; see wire.Poll.
type Poll struct {
	URL    string            `json:"url"` // template with {{run}}
	Header map[string]string `json:"header,omitempty"`
	ID     string            `json:"id"`
	Status string            `json:"status"`
	Reply  string            `json:"reply"`
	Done   []string          `json:"done"`
	Failed []string          `json:"failed,omitempty"`
}

// Detached says whether a reply comes otherwise than as the answer to the request that
// sent the turn, so that nobody can keep it from being handed over by not reading.
func (in Ingress) Detached() bool {
	return in.Wire == PolledWire || in.Wire == CallbackWire || in.Wire == DriverWire
}

// Stalls says whether the suite can keep a reply of it from being handed over, by not
// reading it.
func (in Ingress) Stalls() bool { return !in.Detached() || in.Wire == CallbackWire }

// StreamEvent matches an event of a stream; see wire.StreamEvent.
type StreamEvent struct {
	Event string            `json:"event,omitempty"`
	JSON  map[string]string `json:"json,omitempty"`
	Text  string            `json:"text,omitempty"`
}

// Callback says how a request to {{callback_url}} is read; see wire.Callback.
type Callback struct {
	Reply  string      `json:"reply,omitempty"`
	Failed []Recognise `json:"failed,omitempty"`
}

// Callbacks is where the suite takes replies that come as requests.
type Callbacks struct {
	Port int `json:"port"` // inside the pod, default 9473
}

// Driver is where the suite waits for the program that sends turns where no HTTP goes, and
// that may say whether the gateway is ready and what it publishes. A sidecar starts it.
type Driver struct {
	Port int `json:"port"` // inside the pod, default 9474
}

// Lacks are the history.Lacks words that are true of the target.
func (t *Target) Lacks() []string {
	var out []string
	if !slices.ContainsFunc(t.Ingresses, func(in Ingress) bool { return in.Wire != DriverWire }) {
		out = append(out, history.LacksHTTP)
	}
	if !slices.ContainsFunc(t.Ingresses, Ingress.Stalls) {
		out = append(out, history.LacksDelivery)
	}
	if !slices.ContainsFunc(t.Publications, func(p Publication) bool { return p.File != "" }) {
		out = append(out, history.LacksFile)
	}
	if !t.Respawns() {
		out = append(out, history.LacksRespawn)
	}
	return out
}

// DriverPort is where the suite waits for a driver, inside the pod; 0: there is none.
func (t *Target) DriverPort() int {
	if t.Driver == nil {
		return 0
	}
	return t.Driver.Port
}

// Recognise matches an answer when all that is set matches; see wire.Recognise.
type Recognise struct {
	Status int               `json:"status,omitempty"`
	Header map[string]string `json:"header,omitempty"`
	JSON   map[string]string `json:"json,omitempty"`
	Text   string            `json:"text,omitempty"`
}

// Publication is one place where state is published; file or http.
type Publication struct {
	Name   string            `json:"name"`
	File   string            `json:"file,omitempty"`   // relative to the home
	URL    string            `json:"url,omitempty"`    // template
	Driver bool              `json:"driver,omitempty"` // the driver says what is published
	Header map[string]string `json:"header,omitempty"`
	State  string            `json:"state,omitempty"`  // default gateway_state
	Count  string            `json:"count,omitempty"`  // default active_agents
	States map[string]string `json:"states,omitempty"` // published -> canonical; default: the canonical words
	// What a status endpoint derives; default gateway_busy and gateway_drainable in
	// publications with a url of targets that declare status-http, else not looked for.
	Busy      string `json:"busy,omitempty"`
	Drainable string `json:"drainable,omitempty"`
}

// Bounds are the target's own bounds.
type Bounds struct {
	Observe time.Duration `json:"observe"` // B, default 2s, at most 5s (above: runs, but never certifies)
}

// What becomes of a message to a session that is busy with a turn.
const (
	FollowupRefuse   = "refuse" // the default
	FollowupQueue    = "queue"
	FollowupRedirect = "redirect"
)

// Sessions says how sessions behave and can be looked at.
type Sessions struct {
	Followup string   `json:"followup,omitempty"`
	History  *Request `json:"history,omitempty"`  // reads one session; template with {{session}}
	Messages string   `json:"messages,omitempty"` // dotted path of the messages in its answer
}

// Request is a request that is no turn; all but the method are templates.
type Request struct {
	Method string            `json:"method,omitempty"`
	URL    string            `json:"url"`
	Header map[string]string `json:"header,omitempty"`
	Body   string            `json:"body,omitempty"`
}

// Control is the endpoint by which the marker is moved over HTTP.
type Control struct {
	URL       string            `json:"url"` // template
	Method    string            `json:"method"`
	Token     string            `json:"token"`     // name of the entry of env that holds the secret
	Principal string            `json:"principal"` // whom it stands for
	Header    map[string]string `json:"header"`    // template, with {{token}}; default Authorization: Bearer {{token}}
	Drain     string            `json:"drain"`     // body, default {"action":"drain"}
	Cancel    string            `json:"cancel"`    // body, default {"action":"cancel"}
	Cancelled []Recognise       `json:"cancelled"` // answers to a cancel that say there was a marker
	Idle      []Recognise       `json:"idle"`      // and those that say there was none
}

// Program is what the suite runs next to the gateway, in its environment.
type Program struct {
	Command []string `json:"command,omitempty"` // template; in the gateway's container
	Process []string `json:"process,omitempty"` // template; process runtime
}

// Expiry says when a marker is too old.
type Expiry struct {
	MaxAge time.Duration `json:"maxAge"` // default 1h
}

// Sidecar is a further container of the pod (or process), from the same image
// unless it names another; or a further process of the gateway's container.
type Sidecar struct {
	Name    string            `json:"name"`
	Image   string            `json:"image,omitempty"`
	Command []string          `json:"command"`           // template
	Process []string          `json:"process,omitempty"` // template, process runtime
	Env     map[string]string `json:"env,omitempty"`
	Inside  bool              `json:"inside,omitempty"` // it is run in the gateway's container, with an init section
}
