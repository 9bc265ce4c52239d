// Package lifecycle is the gateway's state machine, written as a table one can
// read. It is pure: it holds no state, takes no lock and does no work. Whoever
// owns the state asks Next what follows, under its own lock.
//
//	             absent     present    terminate   ended
//	starting  →  running    draining   stopping    stopped
//	running   →  ·          draining   stopping    stopped
//	draining  →  running    ·          stopping    stopped
//	stopping  →  ·          ·          ·           stopped
//	stopped   →  ·          ·          ·           ·
//
// Two drains live in it that must not be confused. The external one (draining)
// is driven by the marker, can be taken back, and never ends the process. The
// shutdown (stopping) is driven by a signal and is final: no look at the marker
// leads out of it (STATE-007).
//
// The package imports nothing of the project.
package lifecycle
