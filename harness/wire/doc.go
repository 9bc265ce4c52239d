// Package wire is the language between the suite and its probe.
//
// One JSON object per line, in both directions, over the probe's standard input
// and output: no port, no token, nothing to reach from outside the pod, and it
// works with an engine on another machine. The suite sends [Request]s; the probe
// sends [Message]s, which are either the reply to one request or an event of the
// history. Events are sent in the order in which they are recorded, and always
// before the reply to a request that caused them, so a reply is a barrier: when
// it is read, everything that happened before it has been read too.
//
// It imports only history.
package wire
