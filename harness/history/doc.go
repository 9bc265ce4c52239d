// Package history is the one record of what happened to a gateway under test.
//
// A history is a sequence of events, each an interval [Call, Return] on one
// clock: CLOCK_BOOTTIME of the machine that runs the pod, stamped by the probe
// next to the gateway. Nothing is a point, because no observer is infinitely
// fast; rules that judge a history must hold for every instant an interval
// allows. Histories are stored as JSON lines, the header first, and are hashed
// into the report so that a verdict can be derived again from them offline.
//
// The package imports nothing of the project: monitors, probe, pod and report
// all speak in its terms.
package history
