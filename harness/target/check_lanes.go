package target

import (
	"fmt"
	"slices"
	"strings"

	"github.com/drainproof/drainproof/harness/yamlfile"
)

// checkWire: each wire needs what says where its replies are, and no other has it.
func checkWire(in Ingress, i int, doc *yamlfile.Document) {
	if doc.Broken(at("ingresses", i, "wire")) {
		return
	}
	for _, part := range []struct {
		key   string
		wires []string // that need it
		maybe []string // that may have it
		add   string
	}{
		{"url", []string{DefaultWire, JSONWire, StreamWire, PolledWire, CallbackWire}, nil, "add url: where a turn is sent, such as http://127.0.0.1:{{port.ingress}}/v1/chat/completions"},
		{"refused", []string{DefaultWire, JSONWire, StreamWire, PolledWire, CallbackWire}, nil, "add refused: how an answer is recognised that refuses because of a drain"},
		{"method", nil, []string{DefaultWire, JSONWire, StreamWire, PolledWire, CallbackWire}, ""},
		{"header", nil, []string{DefaultWire, JSONWire, StreamWire, PolledWire, CallbackWire}, ""},
		{"busy", nil, []string{DefaultWire, JSONWire, StreamWire, PolledWire, CallbackWire}, ""},
		{"queued", nil, []string{DefaultWire, JSONWire, StreamWire, PolledWire, CallbackWire}, ""},
		{"poll", []string{PolledWire}, nil, "add poll: its url, and where id, status and reply are"},
		{"callback", []string{CallbackWire}, nil, "add callback: {reply: PATH}, where the reply is in the request that brings it"},
		{"reply", []string{JSONWire, StreamWire}, nil, "add reply: the dotted path of the reply's text"},
		{"done", []string{StreamWire}, nil, "add done: which event says that the reply is whole"},
		{"failed", nil, []string{StreamWire}, ""},
		{"body", []string{JSONWire, StreamWire}, []string{DefaultWire, PolledWire, CallbackWire}, "add body: the request, with {{prompt}} where the user's text belongs"},
	} {
		where := at("ingresses", i, part.key)
		has, needs := doc.Has(where), slices.Contains(part.wires, in.Wire)
		switch {
		case needs && !has:
			doc.ReportKey(at("ingresses", i), fmt.Sprintf("ingress %q has the wire %s, but no %s", in.Name, in.Wire, part.key), part.add)
		case has && !needs && !slices.Contains(part.maybe, in.Wire):
			doc.ReportKey(where, fmt.Sprintf("ingress %q has a %s, but the wire %s", in.Name, part.key, in.Wire),
				fmt.Sprintf("write wire: %s, or leave %s out", strings.Join(slices.Concat(part.wires, part.maybe), " or "), part.key))
		}
	}
	if in.Stream && (in.Detached() || in.Wire == JSONWire) {
		doc.ReportKey(at("ingresses", i, "stream"), fmt.Sprintf("ingress %q streams, but a reply of the wire %s comes whole", in.Name, in.Wire), "leave stream out")
	}
	if p := in.Poll; p != nil && !doc.Broken(at("ingresses", i, "poll")) {
		needs(doc, at("ingresses", i, "poll", "url"), p.URL, "run")
		for j, word := range p.Failed {
			if slices.Contains(p.Done, word) {
				doc.Report(at("ingresses", i, "poll", "failed", j), fmt.Sprintf("the status %q means both done and failed", word), "keep it in one of the lists")
			}
		}
	}
	if in.Body != "" {
		needs(doc, at("ingresses", i, "body"), in.Body, "prompt")
	}
	for j, r := range in.Refused {
		if r.Status/100 == 2 && len(r.Header) == 0 && len(r.JSON) == 0 && r.Text == "" {
			doc.Report(at("ingresses", i, "refused", j), fmt.Sprintf("whatever is answered with %d and is not the model's reply would count as a refusal", r.Status),
				"add json, text or header: what a refusal says")
		}
	}
}

// needs reports a template without the one placeholder that makes it useful.
func needs(doc *yamlfile.Document, where yamlfile.Path, template, name string) {
	if doc.Broken(where) || slices.ContainsFunc(placeholder.FindAllStringSubmatch(template, -1), func(m []string) bool { return m[1] == name }) {
		return
	}
	doc.Report(where, fmt.Sprintf("%s does not hold {{%s}}, so it is always the same", where, name), fmt.Sprintf("write {{%s}} where it belongs", name))
}

// checkSessions: what is said of follow-ups in several places must be one thing.
func checkSessions(t *Target, doc *yamlfile.Document) {
	if s := t.Sessions; s != nil && s.History != nil {
		needs(doc, at("sessions", "history", "url"), s.History.URL+s.History.Body, "session")
	}
	if doc.Broken(at("features")) || doc.Broken(at("sessions", "followup")) || doc.Broken(at("ingresses")) {
		return
	}
	declared := slices.Index(t.Features, "queue")
	queues := t.Sessions != nil && t.Sessions.Followup == FollowupQueue
	recognised := -1
	for i := range t.Ingresses {
		if recognised < 0 && doc.Has(at("ingresses", i, "queued")) {
			recognised = i
		}
	}
	var missing []string
	if declared < 0 {
		missing = append(missing, "declare the feature queue")
	}
	if !queues {
		missing = append(missing, "write sessions: {followup: queue}")
	}
	if recognised < 0 {
		missing = append(missing, "add to an ingress how an answer is recognised that means queued")
	}
	if len(missing) == 3 || len(missing) == 0 {
		return
	}
	next := strings.Join(missing, ", and ")
	switch {
	case declared >= 0:
		doc.Report(at("features", declared), `feature "queue" is declared, but not described`, next)
	case queues:
		doc.Report(at("sessions", "followup"), "follow-ups are queued, but that is not declared", next)
	default:
		doc.ReportKey(at("ingresses", recognised, "queued"), fmt.Sprintf("ingress %q says how queued looks, but that is not declared", t.Ingresses[recognised].Name), next)
	}
}
