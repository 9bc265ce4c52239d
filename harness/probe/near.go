package probe

import (
	"golang.org/x/sys/unix"

	"github.com/drainproof/drainproof/harness/history"
)

// nearFor is how long a directory is taken to be where it was.
const nearFor = pollEvery

// near opens what lies in a directory without going there from the root each time: a
// container's root may be served by a process of the engine, which every such walk has
// to ask. The directory is looked for anew every nearFor, for another one may have come
// into its place. It is not safe for use by several goroutines at once.
type near struct {
	dir  string
	fd   int           // of the directory
	good history.Stamp // until when; 0: it is not open
}

func (n *near) open(name string, flags int) (int, error) {
	if at := now(); at >= n.good {
		n.close()
		fd, err := ignoringEINTR(func() (int, error) {
			return unix.Open(n.dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		})
		if err != nil {
			return -1, err
		}
		n.fd, n.good = fd, at.Add(nearFor)
	}
	return ignoringEINTR(func() (int, error) { return unix.Openat(n.fd, name, flags|unix.O_CLOEXEC, 0) })
}

func (n *near) close() {
	if n.good != 0 {
		_ = unix.Close(n.fd)
		n.good = 0
	}
}
