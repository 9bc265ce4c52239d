package target

import (
	"fmt"
	"path"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/yamlfile"
)

var at = yamlfile.At

// check holds the rules a schema can't say. It reports into doc and goes on, so
// that all problems of a file come out at once.
func check(t *Target, doc *yamlfile.Document) {
	checkRun(t, doc)
	checkPorts(t, doc)
	checkIngresses(t, doc)
	checkPublications(t, doc)
	checkDurations(t, doc)
	checkShutdown(t, doc)
	checkFeatures(t, doc)
	checkControl(t, doc)
	checkNotify(t, doc)
	checkCallbacks(t, doc)
	checkDriver(t, doc)
	checkInit(t, doc)
	checkTemplates(t, doc)
	for i, name := range t.Secrets {
		if _, ok := t.Env[name]; !ok && name != "" && !doc.Broken(at("env")) {
			doc.Report(at("secrets", i), fmt.Sprintf("secret %q is no entry of env", name), didYouMean(name, keys(t.Env), "name an entry of env"))
		}
	}
}

func checkRun(t *Target, doc *yamlfile.Document) {
	if !doc.Has(at("image")) && !doc.Has(at("process")) {
		doc.ReportKey(nil, "neither image nor process is given", "add image (docker runtime), process (process runtime) or both")
	}
	if doc.Has(at("image")) && !doc.Broken(at("image")) {
		name, recipe := doc.Has(at("image", "name")), doc.Has(at("image", "recipe"))
		switch {
		case name && recipe:
			doc.ReportKey(at("image", "recipe"), "image has both a name and a recipe", "keep one: name for an image the engine has, recipe for one that is assembled")
		case !name && !recipe:
			doc.ReportKey(at("image"), "image has neither a name nor a recipe", "add name (an image the engine has) or recipe (a path)")
		}
	}
	if p := t.Home.Path; p != "" && path.Clean(p) != p {
		doc.Report(at("home", "path"), fmt.Sprintf("home.path %q is not in its shortest form", p), "write "+path.Clean(p))
	}
	checkHome(t, doc)
	if m := t.Home.Marker; m == "." || m == ".." {
		doc.Report(at("home", "marker"), fmt.Sprintf("home.marker %q is a directory", m), "write a file name")
	}
	seen := map[string]bool{}
	for i, s := range t.Sidecars {
		if s.Name != "" && seen[s.Name] {
			doc.Report(at("sidecars", i, "name"), fmt.Sprintf("two sidecars are named %q", s.Name), "give each a name of its own")
		}
		seen[s.Name] = true
	}
}

// checkHome: what is laid or removed lies in the home, and is neither the marker nor the state.
func checkHome(t *Target, doc *yamlfile.Document) {
	own := map[string]string{t.Home.Marker: "the marker"}
	for _, p := range t.Publications {
		own[p.File] = "what the gateway publishes"
	}
	look := func(where yamlfile.Path, p string) {
		switch clean := path.Clean(p); {
		case doc.Broken(where) || p == "":
		case clean == "." || clean == ".." || strings.HasPrefix(clean, "../"):
			doc.Report(where, fmt.Sprintf("%s %q is outside the home", where, p), "write a path below the home")
		case own[clean] != "":
			doc.Report(where, fmt.Sprintf("%s %q is %s", where, p, own[clean]), "leave it to the suite and the gateway")
		}
	}
	for i, f := range t.Home.Files {
		look(at("home", "files", i, "path"), f.Path)
	}
	for i, p := range t.Home.Clear {
		look(at("home", "clear", i), p)
	}
}

// checkPorts refuses two listeners on one port: in a pod all share one network.
func checkPorts(t *Target, doc *yamlfile.Document) {
	used := map[int]string{t.Model.Port: "the suite's model (model.port)"}
	if t.Notify != nil {
		const by = "the suite's listener for announcements (notify.port)"
		if other, taken := used[t.Notify.Port]; taken {
			doc.Report(at("notify", "port"), fmt.Sprintf("port %d is used twice, by %s and by %s", t.Notify.Port, other, by), "give each its own")
		}
		used[t.Notify.Port] = by
	}
	if t.takesCallbacks() {
		const by = "the suite's listener for replies (callbacks.port)"
		if other, taken := used[t.Callbacks.Port]; taken {
			doc.Report(at("callbacks", "port"), fmt.Sprintf("port %d is used twice, by %s and by %s", t.Callbacks.Port, other, by), "give each its own")
		}
		used[t.Callbacks.Port] = by
	}
	if port := t.DriverPort(); port != 0 {
		const by = "the suite's listener for the driver (driver.port)"
		if other, taken := used[port]; taken {
			doc.Report(at("driver", "port"), fmt.Sprintf("port %d is used twice, by %s and by %s", port, other, by), "give each its own")
		}
		used[port] = by
	}
	for _, name := range keys(t.Ports) {
		port := t.Ports[name]
		if port == 0 {
			continue
		}
		if by, taken := used[port]; taken {
			doc.Report(at("ports", name), fmt.Sprintf("port %d is used twice, by %s and by ports.%s", port, by, name), "give each its own")
			continue
		}
		used[port] = "ports." + name
	}
}

func checkIngresses(t *Target, doc *yamlfile.Document) {
	seen := map[string]bool{}
	for i, in := range t.Ingresses {
		if in.Name != "" && seen[in.Name] {
			doc.Report(at("ingresses", i, "name"), fmt.Sprintf("two ingresses are named %q", in.Name), "give each a name of its own")
		}
		seen[in.Name] = true
		checkWire(in, i, doc)
	}
}

func checkPublications(t *Target, doc *yamlfile.Document) {
	seen := map[string]bool{}
	for i, p := range t.Publications {
		if doc.Broken(at("state", i)) {
			continue
		}
		if p.Name != "" && seen[p.Name] {
			doc.Report(at("state", i, "name"), fmt.Sprintf("two publications are named %q", p.Name), "give each a name of its own")
		}
		seen[p.Name] = true
		file, url := doc.Has(at("state", i, "file")), doc.Has(at("state", i, "url"))
		switch {
		case p.Driver && (file || url):
			doc.ReportKey(at("state", i, "driver"), fmt.Sprintf("state[%d] is read by the driver, and from elsewhere", i), "make two publications of it")
		case p.Driver:
		case file && url:
			doc.ReportKey(at("state", i, "url"), fmt.Sprintf("state[%d] has both a file and a url", i), "make two publications of it")
		case !file && !url:
			doc.ReportKey(at("state", i), fmt.Sprintf("state[%d] has neither a file nor a url", i), "add file (relative to the home) or url")
		}
		if c := path.Clean(p.File); p.File != "" && (c == "." || c == ".." || strings.HasPrefix(c, "../")) {
			doc.Report(at("state", i, "file"), fmt.Sprintf("state[%d].file %q is outside the home", i, p.File), "write a path below the home")
		}
		if p.State == p.Count {
			doc.Report(at("state", i, "count"), fmt.Sprintf("state[%d] reads state and count from one field, %q", i, p.State), "name two different fields")
		}
		checkStates(p, i, doc)
	}
}

// checkStates: without a word for running and one for draining no requirement
// could be judged on this publication.
func checkStates(p Publication, i int, doc *yamlfile.Document) {
	where := at("state", i, "states")
	if !doc.Has(where) || doc.Broken(where) {
		return
	}
	for word := range p.States {
		if doc.Broken(at("state", i, "states", word)) {
			return
		}
	}
	for _, needed := range []string{history.Running, history.Draining} {
		if !slices.Contains(values(p.States), needed) {
			doc.ReportKey(where, fmt.Sprintf("state[%d].states has no word for %q", i, needed), "add the word this gateway publishes: WORD: "+needed)
		}
	}
}

func checkDurations(t *Target, doc *yamlfile.Document) {
	positive(doc, t.Bounds.Observe, at("bounds", "observe"))
	positive(doc, t.Ready.Within, at("ready", "within"))
	if t.Expiry != nil {
		where := at("expiry", "maxAge")
		positive(doc, t.Expiry.MaxAge, where)
		if age := t.Expiry.MaxAge; age > 0 && age < LeastMaxAge {
			doc.Report(where, fmt.Sprintf("expiry.maxAge %s is less than %s, so the suite's own drains would grow stale", age, LeastMaxAge),
				"configure the gateway to let markers hold for longer, and write that here")
		}
	}
	if t.Jobs != nil {
		positive(doc, t.Jobs.Soonest, at("jobs", "soonest"))
		positive(doc, t.Jobs.Late, at("jobs", "late"))
	}
}

func positive(doc *yamlfile.Document, d time.Duration, p yamlfile.Path) {
	if doc.Has(p) && !doc.Broken(p) && d <= 0 {
		doc.Report(p, fmt.Sprintf("%s must be more than 0", p), `write a duration such as "2s"`)
	}
}

// checkFeatures: what a target declares must be drivable.
func checkFeatures(t *Target, doc *yamlfile.Document) {
	where := func(feature string) yamlfile.Path { return featureAt(t, feature) }
	if t.Declares("shutdown") && !doc.Has(at("shutdown")) {
		doc.Report(where("shutdown"), `feature "shutdown" is declared, but there is no shutdown.deadline`, `add shutdown: {deadline: "20s"}, for how long your gateway lets turns in flight go on after SIGTERM`)
	}
	if t.Declares("epoch") {
		for _, r := range []struct{ runtime, key string }{{"image", "command"}, {"process", "process"}} {
			if doc.Has(at(r.runtime)) && !doc.Has(at("epoch", r.key)) && !doc.Broken(at("epoch")) {
				doc.Report(where("epoch"), fmt.Sprintf(`feature "epoch" is declared, but there is no epoch.%s`, r.key),
					"add it: the program that writes a stamped marker into the home, as a list of words")
			}
		}
	}
	if t.Declares("sessions") && !slices.ContainsFunc(t.Ingresses, func(in Ingress) bool { return in.SessionHeader != "" }) && !doc.Broken(at("ingresses")) {
		doc.Report(where("sessions"), `feature "sessions" is declared, but no ingress has a sessionHeader`, "add sessionHeader to an ingress that takes a session's name in a header; a gateway that keeps no history of a session, or runs its turns side by side, leaves sessions out")
	}
	if t.Declares("async") && !slices.ContainsFunc(t.Ingresses, Ingress.Detached) && !doc.Broken(at("ingresses")) {
		doc.Report(where("async"), fmt.Sprintf(`feature "async" is declared, but no ingress has the wire %s or %s`, PolledWire, CallbackWire), "add the ingress by which a turn is submitted now, and its reply comes later")
	}
	checkSessions(t, doc)
	if t.Declares("recovery") && !slices.ContainsFunc(t.Ingresses, func(in Ingress) bool { return in.Durable }) && !doc.Broken(at("ingresses")) {
		doc.Report(where("recovery"), `feature "recovery" is declared, but no ingress is durable`, "add durable: true to an ingress whose turns are run again when a crash cut them off")
	}
	if t.Declares("background") && !doc.Has(at("background")) {
		doc.Report(where("background"), `feature "background" is declared, but there is no background`, "add background: {tool: {name: ...}, complete: {url: ...}}, how a background process is started and completed")
	}
	if t.Declares("scheduled") && !doc.Has(at("jobs")) {
		doc.Report(where("scheduled"), `feature "scheduled" is declared, but there is no jobs`, "add jobs: {create: {url: ..., body: ...}}, how a job is scheduled")
	}
	if t.Declares("status-http") && !slices.ContainsFunc(t.Publications, func(p Publication) bool { return p.URL != "" }) && !doc.Broken(at("state")) {
		doc.Report(where("status-http"), `feature "status-http" is declared, but no publication has a url`, "add a publication with the url of the status endpoint, which must also say whether it is busy and drainable; a url that does not needs no feature")
	}
}

// featureAt is where the target file declares a feature.
func featureAt(t *Target, feature string) yamlfile.Path {
	return at("features", slices.Index(t.Features, feature))
}

func keys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

func values(m map[string]string) []string {
	out := make([]string, 0, len(m))
	for _, v := range m {
		out = append(out, v)
	}
	return out
}

func didYouMean(got string, known []string, otherwise string) string {
	if n := yamlfile.Nearest(got, known); n != "" {
		return fmt.Sprintf("did you mean %q?", n)
	}
	return otherwise
}
