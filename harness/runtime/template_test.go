package runtime

import (
	"strings"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/target"
)

func TestExpand(t *testing.T) {
	vars := map[string]string{"home": "/h", "port.ingress": "8080"}
	for _, c := range []struct{ in, want, err string }{
		{in: "", want: ""},
		{in: "plain", want: "plain"},
		{in: "{{home}}/x", want: "/h/x"},
		{in: "http://127.0.0.1:{{ port.ingress }}/{{home}}", want: "http://127.0.0.1:8080//h"},
		{in: "}} is no template", want: "}} is no template"},
		{in: "{{port.other}}", err: "unknown name {{port.other}}; known are {{home}}, {{port.ingress}}"},
		{in: "{{home", err: "{{ without }}"},
		{in: "{{}}", err: "unknown name"},
	} {
		got, err := Expand(c.in, vars)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("Expand(%q): error %v, want one with %q", c.in, err, c.err)
			}
			continue
		}
		if err != nil || got != c.want {
			t.Errorf("Expand(%q) = %q, %v; want %q", c.in, got, err, c.want)
		}
	}
}

// FuzzExpand: no input panics, and a text without braces is left alone.
func FuzzExpand(f *testing.F) {
	for _, s := range []string{"", "{{home}}", "{{", "}}{{", "a{{ home }}b{{x}}", "{{{{home}}}}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, err := Expand(s, map[string]string{"home": "/h"})
		if !strings.Contains(s, "{{") && (err != nil || got != s) {
			t.Errorf("Expand(%q) = %q, %v; want it unchanged", s, got, err)
		}
	})
}

func example() *target.Target {
	return &target.Target{
		Name:      "example",
		Process:   &target.Process{Command: []string{"{{bin}}/gateway", "run"}},
		Home:      target.Home{Path: "/home/gateway/state"},
		Env:       map[string]string{"GATEWAY_HOME": "{{home}}", "MODEL_BASE_URL": "{{model_url}}", "DRAINPROOF_BOUND": "{{bound}}"},
		Ports:     map[string]int{"ingress": 8080},
		Ready:     target.Ready{URL: "http://127.0.0.1:{{port.ingress}}/health"},
		Ingresses: []target.Ingress{{Name: "chat", URL: "http://127.0.0.1:{{port.ingress}}/v1", Header: map[string]string{"X": "{{home}}"}}},
		Bounds:    target.Bounds{Observe: 2 * time.Second},
	}
}

func TestResolve(t *testing.T) {
	r, err := Resolve(example(), "/home/gateway/state", map[string]int{"ingress": 8080}, Listeners{}, "")
	if err != nil {
		t.Fatal(err)
	}
	want := "DRAINPROOF_BOUND=2s GATEWAY_HOME=/home/gateway/state MODEL_BASE_URL=http://127.0.0.1:9471/v1"
	if got := strings.Join(r.Environment(), " "); got != want {
		t.Errorf("environment %q, want %q", got, want)
	}
	if r.Marker != "/home/gateway/state/.drain_request.json" {
		t.Errorf("marker %q", r.Marker)
	}
	if got := r.Expand("{{port.ingress}}"); got != "8080" {
		t.Errorf("Expand gave %q", got)
	}
	if got := r.ExpandWith("{{at}} {{port.ingress}}", map[string]string{"at": "{{at}}"}); got != "{{at}} 8080" {
		t.Errorf("ExpandWith gave %q", got)
	}
	if got := r.ExpandWith("{{job}} {{port.ingress}}", nil); got != "{{job}} {{port.ingress}}" {
		t.Errorf("ExpandWith changed what it can't fill in to %q", got)
	}
	if got := strings.Join(r.Environment(map[string]string{"GATEWAY_HOME": "x"}), " "); !strings.Contains(got, "GATEWAY_HOME=x") {
		t.Errorf("a later table does not win: %q", got)
	}
}

// TestResolveNamesTheField: a mistake in a template says where it stands.
func TestResolveNamesTheField(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*target.Target)
		bin    string
		want   string
	}{
		{"env", func(t *target.Target) { t.Env["A"] = "{{hme}}" }, "", "target example: env.A: template \"{{hme}}\": unknown name {{hme}}"},
		{"undeclared port", func(t *target.Target) { t.Ready.URL = "{{port.x}}" }, "", "ready.url"},
		{"ingress header", func(t *target.Target) { t.Ingresses[0].Header["Y"] = "{{y" }, "", "ingresses.chat.header.Y"},
		{"bin without binaries", func(t *target.Target) { t.Command = []string{"{{bin}}/gateway"} }, "", "command[0]"},
		{"process command", func(t *target.Target) { t.Process.Command[1] = "{{z}}" }, "/bin", "process.command[1]"},
		{"job", func(t *target.Target) {
			t.Jobs = &target.Jobs{Create: target.Request{Body: "{{prompt}} {{at}} {{job}}"}}
		}, "", "jobs.create.body"},
		{"completion", func(t *target.Target) {
			t.Background = &target.Background{Complete: target.Request{URL: "{{job}} {{prompt}}", Header: map[string]string{"X": "{{at}}"}}}
		}, "", "background.complete.header.X"},
		{"short deadline", func(t *target.Target) {
			t.Shutdown = &target.Shutdown{Short: &target.ShortDeadline{Env: map[string]string{"B": "{{z}}"}}}
		}, "", "shutdown.short.env.B"},
		{"nobody to be told", func(t *target.Target) { t.Env["C"] = "{{notify_url}}" }, "", "env.C"},
		{"sidecar", func(t *target.Target) { t.Sidecars = []target.Sidecar{{Name: "d", Command: []string{"{{z}}"}}} }, "", "sidecars.d.command[0]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tg := example()
			c.change(tg)
			_, err := Resolve(tg, "/h", map[string]int{"ingress": 1}, Listeners{Model: 1}, c.bin)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
	if _, err := Resolve(example(), "relative", map[string]int{"ingress": 1}, Listeners{Model: 1}, ""); err == nil {
		t.Error("a relative home was accepted")
	}
}

// Where the target has a notify section the probe listens for announcements, on the
// target's port or, with the process runtime, on one that is free.
func TestResolveNotifyAddress(t *testing.T) {
	tg := example()
	tg.Notify = &target.Notify{Port: 9100}
	tg.Env["TELL"] = "{{notify_url}}/hook"
	for own, want := range map[Listeners]string{{}: "127.0.0.1:9100", {Notify: 12345}: "127.0.0.1:12345"} {
		r, err := Resolve(tg, "/h", map[string]int{"ingress": 1}, own, "")
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Expand(tg.Env["TELL"]); r.NotifyAddress != want || got != "http://"+want+"/hook" {
			t.Errorf("%+v: listens on %s, the gateway is told %s", own, r.NotifyAddress, got)
		}
	}
}
