package probe

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/drainproof/drainproof/harness/history"
)

// doorway measures how long the gateway's way to a file takes, by going through its root
// again and again. In a container that root may be served by a process of the engine
// (fuse-overlayfs), and when the machine gives that one no processor, the gateway waits
// in what looks like an ordinary sleep.
type doorway struct {
	mu    sync.Mutex
	began history.Stamp // of the walk under way, or of what is not told of it yet; 0: none is
	lost  time.Duration // by walks that are over, and not told yet
}

// stand walks through the root of the process that dir tells of until it is gone, or may not be looked into.
func (d *doorway) stand(ctx context.Context, dir string, gone <-chan struct{}) {
	// From here the walk leads through no root but the gateway's.
	fd, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	everyTick(ctx, gone, func() bool {
		// Asked for what is true now, and not for what the kernel still knows, as the gateway
		// has to where it is not the root's owner.
		return d.walk(func() error {
			return unix.Statx(fd, "root/.", unix.AT_STATX_FORCE_SYNC, unix.STATX_BASIC_STATS, &unix.Statx_t{})
		}) == nil
	})
}

func (d *doorway) walk(through func() error) error {
	d.mu.Lock()
	d.began = now()
	d.mu.Unlock()
	err := through()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lost += now().Sub(d.began)
	d.began = 0
	return err
}

// take returns how much of the time until the instant was lost, since it was last asked.
func (d *doorway) take(at history.Stamp) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	lost := d.lost
	if d.began != 0 && at > d.began {
		lost += at.Sub(d.began)
		d.began = at
	}
	d.lost = 0
	return lost
}
