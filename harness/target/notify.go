package target

import (
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
	told := false
	doc.Strings(func(_ yamlfile.Path, s string) {
		for _, m := range placeholder.FindAllStringSubmatch(s, -1) {
			told = told || strings.TrimSpace(m[1]) == notifyURL
		}
	})
	if !told {
		doc.Report(featureAt(t, "notify"), `feature "notify" is declared, but the gateway is not told {{notify_url}}`,
			`pass it on, for example by env: {GATEWAY_NOTIFY_URL: "{{notify_url}}"}`)
	}
}
