package probe

import (
	"context"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

// Reap buries the children a PID 1 inherits, until ctx ends. A process that runs it
// can't rely on learning how children of its own ended (see [burner], which doesn't).
func Reap(ctx context.Context) {
	died := make(chan os.Signal, 1)
	signal.Notify(died, unix.SIGCHLD)
	defer signal.Stop(died)
	for {
		for { // one signal may stand for many
			pid, err := unix.Wait4(-1, nil, unix.WNOHANG, nil)
			if err == unix.EINTR {
				continue
			}
			if err != nil || pid <= 0 {
				break
			}
		}
		select {
		case <-died:
		case <-ctx.Done():
			return
		}
	}
}
