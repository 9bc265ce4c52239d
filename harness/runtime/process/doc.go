// Package process runs gateways as child processes on this machine's loopback,
// for machines without a container engine and for gateways that have no image.
// It never certifies: nothing isolates the gateway from the machine.
//
// A pod is a temporary folder (home, working folder, lease), the probe, and the
// gateway in a process group of its own. Ports are free ones, picked per pod.
// Children die with the harness; what a killed run leaves all the same is
// recorded in its lease and removed by the next Prepare. It runs on Linux.
//
// It imports runtime, its lease and log helpers, artifact and target.
package process
