package probe

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/drainproof/drainproof/harness/wire"
)

// ingress is a way in, with its patterns compiled.
type ingress struct {
	wire.Ingress
	address string // host:port
	refused []recogniser
	busy    []recogniser
	queued  []recogniser

	shape shape        // of its answers
	lost  []recogniser // requests to the callback that tell of a failure
}

// detached says whether the reply comes otherwise than over the connection over which
// the turn was sent.
func (in *ingress) detached() bool {
	return in.Poll != nil || in.Callback != nil || in.Wire == wire.Driver
}

// stalls says whether the probe can keep a reply from being handed over, by not reading it.
func (in *ingress) stalls() bool { return !in.detached() || in.Callback != nil }

func newIngresses(list []wire.Ingress) (map[string]*ingress, error) {
	all := map[string]*ingress{}
	for _, spec := range list {
		in, err := newIngress(spec)
		if err != nil {
			return nil, fmt.Errorf("ingress %q: %w", spec.Name, err)
		}
		if all[spec.Name] != nil {
			return nil, fmt.Errorf("ingress %q is named twice", spec.Name)
		}
		all[spec.Name] = in
	}
	return all, nil
}

func newIngress(spec wire.Ingress) (*ingress, error) {
	if err := checkWire(spec); err != nil {
		return nil, err
	}
	if spec.Wire == wire.Driver {
		return &ingress{Ingress: spec}, nil
	}
	if err := checkURL(spec.URL); err != nil {
		return nil, err
	}
	if spec.Method == "" {
		spec.Method = http.MethodPost
	}
	in := &ingress{Ingress: spec, address: hostPort(spec.URL)}
	var err error
	if in.refused, err = compileAll(spec.Refused); err != nil {
		return nil, fmt.Errorf("refused: %w", err)
	}
	if in.busy, err = compileAll(spec.Busy); err != nil {
		return nil, fmt.Errorf("busy: %w", err)
	}
	if in.queued, err = compileAll(spec.Queued); err != nil {
		return nil, fmt.Errorf("queued: %w", err)
	}
	if in.shape, err = newShape(spec); err != nil {
		return nil, err
	}
	if spec.Callback != nil {
		if in.lost, err = compileAll(spec.Callback.Failed); err != nil {
			return nil, fmt.Errorf("callback: failed: %w", err)
		}
	}
	return in, nil
}

func checkWire(spec wire.Ingress) error {
	own := spec.Wire == wire.JSON || spec.Wire == wire.SSE
	switch {
	case !slices.Contains(wire.Wires(), spec.Wire):
		return fmt.Errorf("this probe does not speak %q; it speaks %s", spec.Wire, strings.Join(wire.Wires(), ", "))
	case (spec.Wire == wire.CreateThenPoll) != (spec.Poll != nil):
		return fmt.Errorf("the wire %s needs poll, and no other has it", wire.CreateThenPoll)
	case (spec.Wire == wire.PostThenCallback) != (spec.Callback != nil):
		return fmt.Errorf("the wire %s needs callback, and no other has it", wire.PostThenCallback)
	case own != (spec.Reply != ""):
		return fmt.Errorf("the wires %s and %s need reply, and no other has it", wire.JSON, wire.SSE)
	case (spec.Wire == wire.SSE) != (len(spec.Done) > 0) || spec.Wire != wire.SSE && len(spec.Failed) > 0:
		return fmt.Errorf("the wire %s needs done, and may have failed; no other has them", wire.SSE)
	case spec.Poll == nil:
		return nil
	case spec.Stream:
		return errors.New("a run that is polled is no stream")
	case !strings.Contains(spec.Poll.URL, wire.RunPlaceholder):
		return fmt.Errorf("poll: %q does not hold %s, so every run would be the same", spec.Poll.URL, wire.RunPlaceholder)
	}
	if err := checkURL(spec.Poll.URL); err != nil {
		return fmt.Errorf("poll: %w", err)
	}
	return nil
}

// checkURL takes what the probe can reach: plain HTTP within the pod.
func checkURL(raw string) error {
	u, err := url.Parse(raw)
	if err != nil {
		return err
	}
	if u.Scheme != "http" || u.Host == "" {
		return fmt.Errorf("%q is no http:// URL; within a pod there is nothing else", raw)
	}
	return nil
}

func hostPort(raw string) string {
	u, err := url.Parse(raw)
	if err != nil { // was checked
		return ""
	}
	if u.Port() == "" {
		return net.JoinHostPort(u.Hostname(), "80")
	}
	return u.Host
}

func setHeader(req *http.Request, header map[string]string) {
	for name, value := range header {
		if http.CanonicalHeaderKey(name) == "Host" {
			req.Host = value
			continue
		}
		req.Header.Set(name, value)
	}
}

// request is the whole request of a turn, as it goes over the connection.
func (in *ingress) request(t *turn) (*http.Request, []byte, error) {
	body, err := in.body(t)
	if err != nil {
		return nil, nil, err
	}
	req, err := http.NewRequest(in.Method, in.URL, bytes.NewReader(body))
	if err != nil {
		return nil, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "drainproof")
	if in.Stream {
		req.Header.Set("Accept", "text/event-stream")
	}
	setHeader(req, in.Header)
	if in.SessionHeader != "" {
		req.Header.Set(in.SessionHeader, t.session)
	}
	req.Close = t.params.KeepAs == "" // no turn is sent over a connection another left behind, unless it was left for it
	var raw bytes.Buffer
	if err := req.Write(&raw); err != nil {
		return nil, nil, err
	}
	return req, raw.Bytes(), nil
}

// body is a chat completion request, unless the target has a shape of its own.
func (in *ingress) body(t *turn) ([]byte, error) {
	model := cmp.Or(in.Model, modelName)
	if in.Body != "" {
		return []byte(wire.Fill(in.Body, wire.PromptPlaceholder, t.prompt(), wire.SessionPlaceholder, t.session, wire.ModelPlaceholder, model)), nil
	}
	return json.Marshal(map[string]any{
		"model":    model,
		"stream":   in.Stream,
		"messages": []any{map[string]any{"role": "user", "content": t.prompt()}},
	})
}
