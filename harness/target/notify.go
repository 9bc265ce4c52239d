package target

import (
	"slices"
	"strings"

	"github.com/drainproof/drainproof/harness/yamlfile"
)

// Notify says by which requests the gateway announces its shutdown. They are sent
// to {{notify_url}}, where the suite listens.
type Notify struct {
	Port      int         `json:"port"`      // of the listener, inside the pod; default 9472
	Broadcast []Broadcast `json:"broadcast"` // a request that matches any of them is one
}

// Broadcast matches a request when all that is set matches; see wire.Broadcast.
type Broadcast struct {
	Method string            `json:"method,omitempty"`
	Path   string            `json:"path,omitempty"`
	Header map[string]string `json:"header,omitempty"`
	JSON   map[string]string `json:"json,omitempty"`
	Text   string            `json:"text,omitempty"`
}

// takesCallbacks says whether the reply of some turn comes as a request to
// {{callback_url}}.
func (t *Target) takesCallbacks() bool {
	return slices.ContainsFunc(t.Ingresses, func(in Ingress) bool { return in.Wire == CallbackWire })
}

// CallbackPort is that of the listener for such replies, inside the pod; 0: none is needed.
func (t *Target) CallbackPort() int {
	if t.takesCallbacks() {
		return t.Callbacks.Port
	}
	return 0
}

// callbackURL is the placeholder for the address of that listener.
const callbackURL = "callback_url"

// notifyURL is the placeholder for the address of that listener.
const notifyURL = "notify_url"

// checkNotify: a gateway that is not told the address announces nothing there.
func checkNotify(t *Target, doc *yamlfile.Document) {
	if !t.Declares("notify") {
		return
	}
	if !doc.Has(at("notify")) {
		doc.Report(featureAt(t, "notify"), `feature "notify" is declared, but there is no notify section`,
			`add notify: {broadcast: [{method: POST}]}, which says how its announcement of a shutdown is recognised`)
		return
	}
	if !tells(doc, notifyURL) {
		doc.Report(featureAt(t, "notify"), `feature "notify" is declared, but the gateway is not told {{notify_url}}`,
			`pass it on, for example by env: {GATEWAY_NOTIFY_URL: "{{notify_url}}"}`)
	}
}

// checkCallbacks: a gateway that is not told the address hands nothing over there.
func checkCallbacks(t *Target, doc *yamlfile.Document) {
	i := slices.IndexFunc(t.Ingresses, func(in Ingress) bool { return in.Wire == CallbackWire })
	if i >= 0 && !doc.Broken(at("ingresses", i)) && !tells(doc, callbackURL) {
		doc.Report(at("ingresses", i), "its reply comes as a request, but the gateway is not told {{callback_url}}",
			`pass it on, in the body of the request or by env`)
	}
}

// tells says whether some string of the file holds a placeholder.
func tells(doc *yamlfile.Document, name string) bool {
	told := false
	doc.Strings(func(_ yamlfile.Path, s string) {
		for _, m := range placeholder.FindAllStringSubmatch(s, -1) {
			told = told || strings.TrimSpace(m[1]) == name
		}
	})
	return told
}
