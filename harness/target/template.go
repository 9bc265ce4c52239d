package target

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/drainproof/drainproof/harness/yamlfile"
)

var placeholder = regexp.MustCompile(`\{\{\s*([^{}]*?)\s*\}\}`)

// placeholders lists what a string at a path may hold, besides port.NAME: what
// every pod has, what only a process has, and what is filled in per session or
// job by the specs that use it.
func placeholders(p yamlfile.Path) []string {
	known := []string{"home", "model_url", "bound"}
	switch {
	case p[0] == "process", p[0] == "epoch" && len(p) > 1 && p[1] == "process", p[0] == "sidecars" && len(p) > 2 && p[2] == "process":
		known = append(known, "bin")
	case p[0] == "control" && len(p) > 1 && p[1] == "header":
		known = append(known, "token")
	case p[0] == "sessions":
		known = append(known, "session")
	case p[0] == "ingresses" && len(p) > 2 && p[2] == "body":
		known = append(known, "prompt", "session", "model")
	case p[0] == "ingresses" && len(p) > 2 && p[2] == "poll":
		known = append(known, "run")
	case p[0] == "jobs":
		known = append(known, "prompt", "at")
	case p[0] == "background":
		known = append(known, "job", "prompt")
	}
	return known
}

// FilledLater are the names that no runtime fills in: they differ from turn to turn
// and from session to session. Which of them may stand where, placeholders says.
func FilledLater() []string { return []string{"model", "prompt", "run", "session"} }

// checkTemplates looks at every string of the file, also where no template is
// filled in: a placeholder that stays as it is never does what was meant.
func checkTemplates(t *Target, doc *yamlfile.Document) {
	doc.Strings(func(p yamlfile.Path, s string) {
		allowed := templated(p)
		for _, m := range placeholder.FindAllStringSubmatch(s, -1) {
			if !allowed {
				doc.Report(p, fmt.Sprintf("%s holds %s, but nothing is filled in here", p, m[0]), "write the value out")
				continue
			}
			checkPlaceholder(t, doc, p, m[1])
		}
		if rest := placeholder.ReplaceAllString(s, ""); allowed && strings.Contains(rest, "{{") {
			doc.Report(p, fmt.Sprintf("%s holds a {{ that is not closed", p), "write {{name}}")
		}
	})
}

func checkPlaceholder(t *Target, doc *yamlfile.Document, p yamlfile.Path, name string) {
	known := placeholders(p)
	if t.Notify != nil {
		known = append(known, notifyURL)
	}
	if t.takesCallbacks() {
		known = append(known, callbackURL)
	}
	if t.Driver != nil {
		known = append(known, driverAddress)
	}
	if slices.Contains(known, name) {
		return
	}
	if name == notifyURL {
		doc.Report(p, fmt.Sprintf("%s uses {{%s}}, but there is no notify section", p, notifyURL), "add one, which says how an announcement is recognised")
		return
	}
	if name == callbackURL {
		doc.Report(p, fmt.Sprintf("%s uses {{%s}}, but no ingress has the wire %s", p, callbackURL, CallbackWire), "give it to the ingress whose replies come as requests")
		return
	}
	if name == driverAddress {
		doc.Report(p, fmt.Sprintf("%s uses {{%s}}, but there is no driver section", p, driverAddress), "add driver: {port: 9474}")
		return
	}
	if name == "bin" {
		doc.Report(p, fmt.Sprintf("%s uses {{bin}}, which only the process runtime has", p), "use it in process.command, epoch.process or a sidecar's process only")
		return
	}
	if port, ok := strings.CutPrefix(name, "port."); ok {
		if _, declared := t.Ports[port]; declared || doc.Broken(at("ports")) {
			return
		}
		otherwise := "declare it: ports: {" + port + ": 8080}"
		if len(t.Ports) > 0 {
			otherwise = "declared: " + strings.Join(keys(t.Ports), ", ")
		}
		doc.Report(p, fmt.Sprintf("%s uses {{port.%s}}, but ports has no %q", p, port, port), didYouMean(port, keys(t.Ports), otherwise))
		return
	}
	for _, port := range keys(t.Ports) {
		known = append(known, "port."+port)
	}
	next := "known: {{" + strings.Join(known, "}}, {{") + "}}"
	if n := yamlfile.Nearest(name, known); n != "" {
		next = fmt.Sprintf("did you mean {{%s}}? %s", n, next)
	}
	doc.Report(p, fmt.Sprintf("%s uses {{%s}}, which nothing fills in", p, name), next)
}

// templated says whether placeholders are filled in at a path.
func templated(p yamlfile.Path) bool {
	has := func(i int, names ...string) bool {
		if i >= len(p) {
			return false
		}
		for _, n := range names {
			if p[i] == n {
				return true
			}
		}
		return false
	}
	switch {
	case has(0, "command", "env", "tools", "sessions", "jobs", "background"):
		return true
	case has(0, "home"):
		return has(1, "files") && has(3, "content")
	case has(0, "epoch"):
		return has(1, "command", "process")
	case has(0, "process"):
		return has(1, "command")
	case has(0, "init"):
		return has(1, "respawn", "leave", "exit")
	case has(0, "ready"):
		return has(1, "url")
	case has(0, "ingresses", "state"):
		return has(2, "url", "header", "body") || has(2, "poll") && has(3, "url", "header")
	case has(0, "control"):
		return has(1, "url", "header")
	case has(0, "sidecars"):
		return has(2, "command", "process", "env")
	case has(0, "shutdown"):
		return has(1, "short") && has(2, "env")
	}
	return false
}
