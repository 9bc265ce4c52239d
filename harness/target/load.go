package target

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/yamlfile"
)

// Problem is one thing that is wrong with a target file.
type Problem = yamlfile.Problem

// Errors is what Load returns: all that is wrong with a target file.
type Errors = yamlfile.Errors

// Version is the only apiVersion this package reads.
const Version = "drainproof/v1"

// Defaults of a target file.
const (
	DefaultMarker   = ".drain_request.json"
	DefaultReady    = 15 * time.Second
	DefaultBound    = 2 * time.Second
	MaxBound        = 5 * time.Second // above it a run certifies nothing
	DefaultCapacity = 10
	DefaultMaxAge   = time.Hour       // of a marker, for gateways that let them expire
	LeastMaxAge     = 5 * time.Minute // below it the suite's own drains would grow stale
	DefaultPort     = 9471            // of the suite's model, inside the pod
	DefaultNotify   = 9472            // of its listener for announcements
	DefaultWire     = "openai-chat"
	DefaultCallback = 9473 // of its listener for replies that come as requests
	PolledWire      = "create-then-poll"
	CallbackWire    = "post-then-callback"
	DriverWire      = "driver"
	DefaultDriver   = 9474 // where the suite waits for one
	JSONWire        = "json"
	StreamWire      = "sse"
	DefaultMessages = "messages"
	DefaultState    = "gateway_state"
	DefaultCount    = "active_agents"
	DefaultSoonest  = time.Second // of a job
)

// Schema is the published JSON Schema (draft 2020-12) of target files.
//
//go:embed target.schema.json
var schemaJSON []byte

// Schema returns the JSON Schema of target files, for publishing.
func Schema() []byte { return append([]byte(nil), schemaJSON...) }

var schema = sync.OnceValue(func() *yamlfile.Schema { return yamlfile.MustCompile(schemaJSON) })

// Features lists what a target may declare, in the order of the specification.
func Features() []string {
	return []string{
		"control", "status-http", "epoch", "expiry", "recovery", "background",
		"async", "scheduled", "shutdown", "notify", "sessions", "queue",
	}
}

// Load reads a target file. The error is an Errors with everything that is wrong
// with the file: nothing is run against a gateway whose description is in doubt.
func Load(path string) (*Target, error) {
	data, err := yamlfile.Read(path)
	if err != nil {
		return nil, err
	}
	filled, problems := fillEnvironment(path, data, os.LookupEnv)
	if len(problems) > 0 {
		return nil, problems
	}
	t, err := Parse(path, filled)
	if err != nil {
		return nil, err
	}
	// The hash is the file's own: what was filled in may be a secret, and nobody
	// else could compute it.
	sum := sha256.Sum256(data)
	t.SHA256 = hex.EncodeToString(sum[:])
	return t, nil
}

// Parse is Load on bytes; name stands for the file in messages, and relative
// paths are relative to its folder.
func Parse(name string, data []byte) (*Target, error) {
	t := &Target{}
	doc, err := yamlfile.ParseStrict(name, data, schema(), t)
	if err != nil {
		return nil, err
	}
	return finish(t, doc)
}

func finish(t *Target, doc *yamlfile.Document) (*Target, error) {
	t.Path, t.SHA256 = doc.File, doc.SHA256
	t.fillDefaults(doc)
	check(t, doc)
	if err := doc.Err(); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *Target) fillDefaults(doc *yamlfile.Document) {
	set := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	set(&t.Home.Marker, DefaultMarker)
	set(&t.Model.Wire, DefaultWire)
	if t.Model.Port == 0 {
		t.Model.Port = DefaultPort
	}
	if t.Notify != nil && t.Notify.Port == 0 {
		t.Notify.Port = DefaultNotify
	}
	if t.Ready.Within == 0 && !doc.Has(yamlfile.At("ready", "within")) {
		t.Ready.Within = DefaultReady
	}
	if t.Bounds.Observe == 0 && !doc.Has(yamlfile.At("bounds", "observe")) {
		t.Bounds.Observe = DefaultBound
	}
	if t.Declares("expiry") && t.Expiry == nil {
		t.Expiry = &Expiry{}
	}
	if t.Expiry != nil && t.Expiry.MaxAge == 0 && !doc.Has(yamlfile.At("expiry", "maxAge")) {
		t.Expiry.MaxAge = DefaultMaxAge
	}
	if t.Capacity == 0 {
		t.Capacity = DefaultCapacity
	}
	for i := range t.Ingresses {
		in := &t.Ingresses[i]
		set(&in.Wire, DefaultWire)
		set(&in.Method, "POST")
		in.Stream = in.Stream || in.Wire == StreamWire
	}
	if t.Callbacks.Port == 0 {
		t.Callbacks.Port = DefaultCallback
	}
	if t.Driver != nil && t.Driver.Port == 0 {
		t.Driver.Port = DefaultDriver
	}
	if s := t.Sessions; s != nil {
		set(&s.Followup, FollowupRefuse)
		if s.History != nil {
			set(&s.History.Method, "GET")
			set(&s.Messages, DefaultMessages)
		}
	}
	t.fillOwed(doc)
	for i := range t.Publications {
		p := &t.Publications[i]
		set(&p.State, DefaultState)
		set(&p.Count, DefaultCount)
		if len(p.States) == 0 {
			p.States = map[string]string{}
			for _, s := range canonical() {
				p.States[s] = s
			}
		}
	}
	t.fillControl()
}

// fillOwed fills in what turns without a client need.
func (t *Target) fillOwed(doc *yamlfile.Document) {
	method := func(r *Request) {
		if r.Method == "" {
			r.Method = "POST"
		}
	}
	if t.Tools != nil && t.Tools.CallsPerTurn == 0 {
		t.Tools.CallsPerTurn = 1
	}
	if t.Background != nil {
		method(&t.Background.Complete)
	}
	if t.Jobs == nil {
		return
	}
	method(&t.Jobs.Create)
	if t.Jobs.Soonest == 0 && !doc.Has(yamlfile.At("jobs", "soonest")) {
		t.Jobs.Soonest = DefaultSoonest
	}
	if t.Jobs.Late == 0 && !doc.Has(yamlfile.At("jobs", "late")) {
		t.Jobs.Late = t.Bounds.Observe
	}
}

func canonical() []string {
	return []string{history.Starting, history.Running, history.Draining, history.Stopping, history.Stopped}
}

// Declares says whether the target declares a feature.
func (t *Target) Declares(feature string) bool {
	for _, f := range t.Features {
		if f == feature {
			return true
		}
	}
	return false
}

// Rel resolves a path of the target file, which is relative to that file.
func (t *Target) Rel(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(t.Path), path)
}
