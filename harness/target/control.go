package target

import (
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/drainproof/drainproof/harness/yamlfile"
)

// Defaults of the control section, and of what a status endpoint derives.
const (
	DefaultDrain     = `{"action":"drain"}`
	DefaultCancel    = `{"action":"cancel"}`
	DefaultBusy      = "gateway_busy"
	DefaultDrainable = "gateway_drainable"
)

var tokenPlace = regexp.MustCompile(`\{\{\s*token\s*\}\}`)

// HeaderWith is the header of a request that shows a token, still with its other
// templates. Without a token, what would carry it is left away.
func (c *Control) HeaderWith(token string) map[string]string {
	out := map[string]string{}
	for name, value := range c.Header {
		if !tokenPlace.MatchString(value) {
			out[name] = value
		} else if token != "" {
			out[name] = tokenPlace.ReplaceAllLiteralString(value, token)
		}
	}
	return out
}

// WithEnv is the target with other values in its environment, and in that of its
// sidecars where they set them too.
func (t *Target) WithEnv(env map[string]string) *Target {
	other := *t
	if other.Env = maps.Clone(t.Env); other.Env == nil {
		other.Env = map[string]string{}
	}
	maps.Copy(other.Env, env)
	other.Overrides = slices.Sorted(maps.Keys(env))
	other.Sidecars = slices.Clone(t.Sidecars)
	for i := range other.Sidecars {
		own := maps.Clone(other.Sidecars[i].Env)
		for name, value := range env {
			if _, set := own[name]; set {
				own[name] = value
			}
		}
		other.Sidecars[i].Env = own
	}
	return &other
}

func (t *Target) fillControl() {
	if t.Declares("status-http") {
		for i := range t.Publications {
			if p := &t.Publications[i]; p.URL != "" {
				p.Busy, p.Drainable = orDefault(p.Busy, DefaultBusy), orDefault(p.Drainable, DefaultDrainable)
			}
		}
	}
	c := t.Control
	if c == nil {
		return
	}
	c.Method = orDefault(c.Method, "POST")
	c.Drain, c.Cancel = orDefault(c.Drain, DefaultDrain), orDefault(c.Cancel, DefaultCancel)
	if len(c.Header) == 0 {
		c.Header = map[string]string{"Authorization": "Bearer {{token}}"}
	}
}

func orDefault(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

// checkControl: the endpoint can only be judged with a token that is known, kept
// secret, and sent.
func checkControl(t *Target, doc *yamlfile.Document) {
	if t.Declares("control") && !doc.Has(at("control")) {
		doc.Report(at("features", slices.Index(t.Features, "control")), `feature "control" is declared, but there is no control section`, "add control: {url, token, principal, cancelled, idle}")
	}
	c := t.Control
	if c == nil || doc.Broken(at("control")) || doc.Broken(at("env")) {
		return
	}
	switch _, known := t.Env[c.Token]; {
	case !known:
		doc.Report(at("control", "token"), fmt.Sprintf("control.token %q is no entry of env", c.Token), didYouMean(c.Token, keys(t.Env), "name the entry of env that holds the secret"))
	case !slices.Contains(t.Secrets, c.Token):
		doc.Report(at("control", "token"), fmt.Sprintf("control.token %q is not among the secrets", c.Token), "add it to secrets, so that its value appears nowhere")
	}
	carries := func(value string) bool { return tokenPlace.MatchString(value) }
	if !slices.ContainsFunc(slices.Collect(maps.Values(c.Header)), carries) {
		doc.Report(at("control", "header"), "no header of control holds {{token}}", `write one such as Authorization: "Bearer {{token}}", or leave header away`)
	}
}
