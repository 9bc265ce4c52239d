package probe

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"

	"github.com/drainproof/drainproof/harness/wire"
)

const wireOpenAIChat = "openai-chat"

// ingress is a way in, with its patterns compiled.
type ingress struct {
	wire.Ingress
	address string // host:port
	refused []recogniser
	busy    []recogniser
}

// recogniser is one wire.Recognise, compiled.
type recogniser struct {
	status int
	header map[string]*regexp.Regexp
	json   map[string]*regexp.Regexp
	text   *regexp.Regexp
}

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
	if spec.Wire != wireOpenAIChat {
		return nil, fmt.Errorf("this probe does not speak %q; it speaks %s", spec.Wire, wireOpenAIChat)
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
	return in, nil
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
	model := in.Model
	if model == "" {
		model = modelName
	}
	body, err := json.Marshal(map[string]any{
		"model":    model,
		"stream":   in.Stream,
		"messages": []any{map[string]any{"role": "user", "content": t.id + " please answer"}},
	})
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
	req.Close = true // no turn is sent over a connection another turn left behind
	var raw bytes.Buffer
	if err := req.Write(&raw); err != nil {
		return nil, nil, err
	}
	return req, raw.Bytes(), nil
}

func compileAll(list []wire.Recognise) ([]recogniser, error) {
	var all []recogniser
	for i, spec := range list {
		r, err := compile(spec)
		if err != nil {
			return nil, fmt.Errorf("pattern %d: %w", i+1, err)
		}
		all = append(all, r)
	}
	return all, nil
}

func compile(spec wire.Recognise) (recogniser, error) {
	r := recogniser{status: spec.Status}
	if spec.Status == 0 && len(spec.Header) == 0 && len(spec.JSON) == 0 && spec.Text == "" {
		return r, fmt.Errorf("nothing is set, so it would match every answer")
	}
	var err error
	if r.header, err = compileMap(spec.Header); err != nil {
		return r, err
	}
	if r.json, err = compileMap(spec.JSON); err != nil {
		return r, err
	}
	if spec.Text != "" {
		r.text, err = regexp.Compile(spec.Text)
	}
	return r, err
}

func compileMap(patterns map[string]string) (map[string]*regexp.Regexp, error) {
	compiled := map[string]*regexp.Regexp{}
	for name, pattern := range patterns {
		re, err := regexp.Compile(pattern)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		compiled[name] = re
	}
	return compiled, nil
}

// matches says whether all that is set matches.
func (r recogniser) matches(a *answer) bool {
	if r.status != 0 && r.status != a.status {
		return false
	}
	for name, re := range r.header {
		if values := a.header.Values(name); len(values) == 0 || !re.MatchString(values[0]) {
			return false
		}
	}
	for path, re := range r.json {
		v, ok := lookup(a.json, path)
		if !ok || !re.MatchString(asText(v)) {
			return false
		}
	}
	return r.text == nil || r.text.Match(a.text)
}

func matchesAny(list []recogniser, a *answer) bool {
	for _, r := range list {
		if r.matches(a) {
			return true
		}
	}
	return false
}
