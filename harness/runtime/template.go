package runtime

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/drainproof/drainproof/harness/target"
)

// Expand replaces every {{name}} in s by its value. Spaces inside the braces are
// allowed. A name that is not in vars, and braces that do not close, are errors.
func Expand(s string, vars map[string]string) (string, error) {
	var out strings.Builder
	rest := s
	for {
		before, after, found := strings.Cut(rest, "{{")
		out.WriteString(before)
		if !found {
			return out.String(), nil
		}
		name, tail, closed := strings.Cut(after, "}}")
		if !closed {
			return "", fmt.Errorf("template %q: {{ without }}; close it", s)
		}
		value, known := vars[strings.TrimSpace(name)]
		if !known {
			return "", fmt.Errorf("template %q: unknown name {{%s}}; known are %s", s, strings.TrimSpace(name), knownNames(vars))
		}
		out.WriteString(value)
		rest = tail
	}
}

func knownNames(vars map[string]string) string {
	names := make([]string, 0, len(vars))
	for n := range vars {
		names = append(names, "{{"+n+"}}")
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// Listeners are the ports on which the probe itself listens, on loopback; 0 is the
// target's.
type Listeners struct {
	Model    int
	Notify   int
	Callback int
	Driver   int
}

// Resolve makes a target concrete for one pod: home is where the home lies (as
// probe and gateway see it), ports what each named port is, own where the probe
// listens, bin the folder of built binaries ("" where there is none to speak of:
// the docker runtime).
//
// Every template of the target is tried, so that a mistake in it is an error
// here, which names the field, and not later. UID and GID are left at -1.
func Resolve(t *target.Target, home string, ports map[string]int, own Listeners, bin string) (*Resolved, error) {
	modelPort := cmp.Or(own.Model, t.Model.Port, target.DefaultPort)
	if !filepath.IsAbs(home) {
		return nil, fmt.Errorf("target %s: home.path %q is not absolute; write where the home lies inside the container", t.Name, home)
	}
	marker := t.Home.Marker
	if marker == "" {
		marker = ".drain_request.json"
	}
	address := "127.0.0.1:" + strconv.Itoa(modelPort)
	vars := map[string]string{
		"home":      home,
		"model_url": "http://" + address + "/v1",
		"bound":     t.Bounds.Observe.String(),
	}
	for name, port := range ports {
		vars["port."+name] = strconv.Itoa(port)
	}
	if bin != "" {
		vars["bin"] = bin
	}
	for _, later := range target.FilledLater() {
		vars[later] = "{{" + later + "}}"
	}
	notify := ""
	if t.Notify != nil {
		notify = "127.0.0.1:" + strconv.Itoa(cmp.Or(own.Notify, t.Notify.Port, target.DefaultNotify))
		vars["notify_url"] = "http://" + notify
	}
	callback := ""
	if port := t.CallbackPort(); port != 0 {
		callback = "127.0.0.1:" + strconv.Itoa(cmp.Or(own.Callback, port))
		vars["callback_url"] = "http://" + callback
	}
	driver := ""
	if port := t.DriverPort(); port != 0 {
		driver = "127.0.0.1:" + strconv.Itoa(cmp.Or(own.Driver, port))
		vars["driver_address"] = driver
	}
	r := &Resolved{
		Target:          t,
		Home:            home,
		Marker:          filepath.Join(home, marker),
		Ports:           ports,
		ModelAddress:    address,
		ModelURL:        vars["model_url"],
		NotifyAddress:   notify,
		CallbackAddress: callback,
		DriverAddress:   driver,
		UID:             -1,
		GID:             -1,
		vars:            vars,
		// All templates of the target were tried below; what still cannot be
		// filled in was never one, and is left as it is.
		Expand: func(s string) string {
			if out, err := Expand(s, vars); err == nil {
				return out
			}
			return s
		},
	}
	for _, f := range templates(t, bin != "") {
		if _, err := Expand(f.text, with(vars, f.also)); err != nil {
			return nil, fmt.Errorf("target %s: %s: %w", t.Name, f.where, err)
		}
	}
	return r, nil
}

type field struct {
	where, text string
	also        []string // names that are filled in when it is used
}

// with adds names to those that have a value.
func with(vars map[string]string, names []string) map[string]string {
	if len(names) == 0 {
		return vars
	}
	all := maps.Clone(vars)
	for _, name := range names {
		all[name] = name
	}
	return all
}

// templates lists every string of a target that may hold a template, of those
// the runtime at hand uses.
func templates(t *target.Target, process bool) []field {
	var out []field
	add := func(where, text string) { out = append(out, field{where: where, text: text}) }
	list := func(where string, texts []string) {
		for i, s := range texts {
			add(fmt.Sprintf("%s[%d]", where, i), s)
		}
	}
	table := func(where string, texts map[string]string) {
		keys := make([]string, 0, len(texts))
		for k := range texts {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			add(where+"."+k, texts[k])
		}
	}
	if process && t.Process != nil {
		list("process.command", t.Process.Command)
	}
	if !process {
		list("command", t.Command)
	}
	if t.Init != nil && !process {
		list("init.respawn", t.Init.Respawn)
		list("init.leave", t.Init.Leave)
		list("init.exit", t.Init.Exit)
	}
	if t.Epoch != nil {
		if process {
			list("epoch.process", t.Epoch.Process)
		} else {
			list("epoch.command", t.Epoch.Command)
		}
	}
	table("env", t.Env)
	if t.Shutdown != nil && t.Shutdown.Short != nil {
		table("shutdown.short.env", t.Shutdown.Short.Env)
	}
	add("ready.url", t.Ready.URL)
	for _, f := range t.Home.Files {
		add("home.files."+f.Path, f.Content)
	}
	for _, in := range t.Ingresses {
		add("ingresses."+in.Name+".url", in.URL)
		table("ingresses."+in.Name+".header", in.Header)
		add("ingresses."+in.Name+".body", in.Body)
		if in.Poll != nil {
			add("ingresses."+in.Name+".poll.url", in.Poll.URL)
			table("ingresses."+in.Name+".poll.header", in.Poll.Header)
		}
	}
	if s := t.Sessions; s != nil && s.History != nil {
		add("sessions.history.url", s.History.URL)
		table("sessions.history.header", s.History.Header)
		add("sessions.history.body", s.History.Body)
	}
	for _, p := range t.Publications {
		add("state."+p.Name+".file", p.File)
		add("state."+p.Name+".url", p.URL)
		table("state."+p.Name+".header", p.Header)
	}
	if c := t.Control; c != nil {
		add("control.url", c.URL)
		table("control.header", c.HeaderWith("token"))
	}
	request := func(where string, r target.Request, names ...string) {
		before := len(out)
		add(where+".url", r.URL)
		add(where+".body", r.Body)
		table(where+".header", r.Header)
		for i := range out[before:] {
			out[before+i].also = names
		}
	}
	if t.Jobs != nil {
		request("jobs.create", t.Jobs.Create, "prompt", "at")
	}
	if t.Background != nil {
		request("background.complete", t.Background.Complete, "prompt", "job")
	}
	for _, s := range t.Sidecars {
		if process {
			list("sidecars."+s.Name+".process", s.Process)
		} else {
			list("sidecars."+s.Name+".command", s.Command)
		}
		table("sidecars."+s.Name+".env", s.Env)
	}
	return out
}

// Environment returns the target's environment, templates filled in, with the
// entries of more over it, as sorted KEY=value strings.
func (r *Resolved) Environment(more ...map[string]string) []string {
	all := map[string]string{}
	for _, m := range append([]map[string]string{r.Target.Env}, more...) {
		for k, v := range m {
			all[k] = r.Expand(v)
		}
	}
	out := make([]string, 0, len(all))
	for k, v := range all {
		out = append(out, k+"="+v)
	}
	slices.Sort(out)
	return out
}

// Command fills in the templates of an argument list.
func (r *Resolved) Command(args []string) []string {
	out := make([]string, len(args))
	for i, a := range args {
		out[i] = r.Expand(a)
	}
	return out
}
