// Package dashboard serves what a gateway's home says of its gateway, and moves the
// drain marker in it, from a process of its own, so that it answers when the gateway
// doesn't:
//
//	GET  /api/status          the gateway as somebody outside may rely on it
//	POST /api/gateway/drain   {"action":"drain"} or {"action":"cancel"}; an empty body drains
//	GET  /health              200 while the dashboard serves
//
// The second is for whoever has the token (Authorization: Bearer TOKEN), and is off
// while that is missing or weak. It moves the marker and does nothing else.
//
// The package imports only status and drain.
package dashboard
