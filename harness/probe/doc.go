// Package probe is the one thing that stands next to the gateway under test.
//
// It writes and removes the marker, is the model behind the gateway, submits the
// turns, and watches the published state, the process and its sockets. It
// stamps all of it with one clock and sends it as one history over the
// conversation that package wire defines. It has no opinion: what is right and
// wrong is for the monitors to say.
//
// The ways to run it are the commands of harness/cmd/probe:
//
//	probe stdio                       // PID 1 of the pod, or a child of the suite
//	probe burn --threads N --for 30s  // a child of the probe, under a load
//
// How it is put together: a [Probe] holds the recorder (one ordered queue for
// events and replies) and, once configured, a session with the model, the
// observers, the turns and the watched processes. A reconfiguration replaces the
// session as a whole.
//
// The package imports history, wire, the standard library, golang.org/x/sys and
// fsnotify, and runs on Linux only.
package probe
