package target

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/drainproof/drainproof/harness/yamlfile"
)

var placeholder = regexp.MustCompile(`\{\{\s*([^{}]*?)\s*\}\}`)

// placeholders a template may hold, besides port.NAME.
func placeholders() []string { return []string{"home", "model_url", "bin", "bound"} }

// Values are what a pod puts in the place of placeholders.
type Values struct {
	Home     string         // {{home}}: the home as the gateway sees it
	Bin      string         // {{bin}}: folder of built binaries, process runtime
	ModelURL string         // {{model_url}}: http://host:port/v1
	Bound    time.Duration  // {{bound}}: B
	Ports    map[string]int // {{port.NAME}}
}

// Expand fills in a template that Load accepted; what it does not know stays.
func (v Values) Expand(s string) string {
	return placeholder.ReplaceAllStringFunc(s, func(m string) string {
		name := placeholder.FindStringSubmatch(m)[1]
		switch name {
		case "home":
			return v.Home
		case "bin":
			return v.Bin
		case "model_url":
			return v.ModelURL
		case "bound":
			return v.Bound.String()
		}
		if port, ok := v.Ports[strings.TrimPrefix(name, "port.")]; ok && strings.HasPrefix(name, "port.") {
			return strconv.Itoa(port)
		}
		return m
	})
}

// checkTemplates looks at every string of the file, also where no template is
// filled in: a placeholder that stays as it is never does what was meant.
func checkTemplates(t *Target, doc *yamlfile.Document) {
	doc.Strings(func(p yamlfile.Path, s string) {
		extra := extraPlaceholders(p)
		allowed := templated(p)
		for _, m := range placeholder.FindAllStringSubmatch(s, -1) {
			if !allowed {
				doc.Report(p, fmt.Sprintf("%s holds %s, but nothing is filled in here", p, m[0]), "write the value out")
				continue
			}
			checkPlaceholder(t, doc, p, m[1], extra)
		}
		if rest := placeholder.ReplaceAllString(s, ""); allowed && strings.Contains(rest, "{{") {
			doc.Report(p, fmt.Sprintf("%s holds a {{ that is not closed", p), "write {{name}}")
		}
	})
}

func checkPlaceholder(t *Target, doc *yamlfile.Document, p yamlfile.Path, name string, extra []string) {
	known := append(placeholders(), extra...)
	for _, k := range known {
		if name == k {
			return
		}
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
	case has(0, "command", "env", "tools", "sessions", "jobs"):
		return true
	case has(0, "process"):
		return has(1, "command")
	case has(0, "ready"):
		return has(1, "url")
	case has(0, "ingresses", "state"):
		return has(2, "url", "header")
	case has(0, "sidecars"):
		return has(2, "command", "process", "env")
	}
	return false
}

// extraPlaceholders are filled in per session or job, by the specs that use them.
func extraPlaceholders(p yamlfile.Path) []string {
	switch p[0] {
	case "sessions":
		return []string{"session"}
	case "jobs":
		return []string{"job", "prompt", "at"}
	}
	return nil
}
