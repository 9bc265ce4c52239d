// Package dashboard serves what a gateway's home says of its gateway, from a
// process of its own, so that it answers when the gateway doesn't:
//
//	GET /api/status   the gateway as somebody outside may rely on it
//	GET /health       200 while the dashboard serves
//
// It imports only status.
package dashboard
