// Package e2e tries the drainproof command as its users do: as a process, with
// its exit codes, its last line and what it leaves behind. It holds tests only.
package e2e
