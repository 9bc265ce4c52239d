// Package home is a gateway's state directory: made when missing, and owned by at
// most one gateway at a time.
//
// Ownership is a lock on <home>/gateway.lock that the kernel drops with the
// process, however it ends, so nobody ever has to clean up after a crash. The lock
// can be asked about without taking it, from another PID namespace as well, which
// is how the dashboard and the operator's commands know a live gateway from a
// dead one's leavings.
//
// The package imports nothing of the project.
package home
