// Package ingress is the way in: an OpenAI-compatible HTTP interface.
//
//	POST /v1/chat/completions   one turn; with "stream": true as server-sent events
//	POST /v1/runs               one turn that nobody waits for: 202 and an ID
//	GET  /v1/runs/{id}          how far it is, and its output
//	POST /v1/jobs               a turn that the clock starts; GET and DELETE /v1/jobs/{id}
//	GET  /v1/background         jobs that go on in the background
//	POST /v1/background/{name}/complete   one is done
//	GET  /v1/sessions/{id}      what was said in a session
//	GET  /health                200 while the process serves, in any state
//	GET  /metrics               Prometheus
//
// A message to a busy session is refused, or, where the configuration says so,
// answered with 202 and an ID, and started when the session is free.
//
// A request is read and checked, then admitted, and from there on it holds a slot
// until the last byte of its reply was handed to the operating system. What that
// takes with net/http is told in delivery.go.
//
// It imports admission, background, detached, model, schedule, turn and lifecycle.
package ingress
