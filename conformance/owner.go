package conformance

import (
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/drainproof/drainproof/harness/runtime/lease"
)

// ownerPoll is how often a process of the suite looks whether the one that
// started the run still lives.
const ownerPoll = 500 * time.Millisecond

// endWithOwner interrupts this process, as Ctrl-C would, when the process that
// started the run is gone: it was killed and could tell nobody. What this process
// made is then removed in the ordinary way instead of going on for nobody.
func endWithOwner() {
	pid, err := strconv.Atoi(os.Getenv(OwnerEnv))
	if err != nil {
		return // started by hand: there is no owner but this process
	}
	began, err := lease.StartTime(pid)
	if err != nil {
		return // gone already, or on a system without /proc
	}
	go func() {
		tick := time.NewTicker(ownerPoll)
		defer tick.Stop()
		for range tick.C {
			// A PID can be given to another process; its start time cannot.
			if now, err := lease.StartTime(pid); err != nil || now != began {
				_ = syscall.Kill(os.Getpid(), syscall.SIGINT)
				return
			}
		}
	}()
}
