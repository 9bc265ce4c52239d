// Package epoch names the instantiation a process lives in: the life of PID 1 of
// its container or virtual machine. A gateway that is respawned finds the same
// epoch, one whose container was recreated finds another, and so can tell a drain
// request that was meant for it from one that was meant for its predecessor.
//
// An epoch is opaque: it is compared, never taken apart.
//
//	own, err := epoch.Instantiation{}.Epoch()
//
// It imports only home.
package epoch
