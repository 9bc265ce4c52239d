package probe

import (
	"bytes"
	"encoding/binary"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// witness has the kernel note whether a file was made, which no look can miss that
// comes too late. Where the kernel can't, it saw nothing.
type witness struct {
	fd   int
	name string
}

func watchFor(path string) *witness {
	w := &witness{fd: -1, name: filepath.Base(path)}
	fd, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err != nil {
		return w
	}
	if _, err := unix.InotifyAddWatch(fd, filepath.Dir(path), unix.IN_CREATE|unix.IN_MOVED_TO); err != nil {
		_ = unix.Close(fd)
		return w
	}
	w.fd = fd
	return w
}

// appeared says whether the file was made since, and ends the watch.
func (w *witness) appeared() (seen bool) {
	if w.fd < 0 {
		return false
	}
	defer unix.Close(w.fd)
	buf := make([]byte, 64<<10)
	for {
		n, err := ignoringEINTR(func() (int, error) { return unix.Read(w.fd, buf) })
		if err != nil || n <= 0 {
			return seen
		}
		for rest := buf[:n]; len(rest) >= unix.SizeofInotifyEvent; {
			length := int(binary.NativeEndian.Uint32(rest[12:])) // of the name, padded with NULs
			name := rest[unix.SizeofInotifyEvent : unix.SizeofInotifyEvent+length]
			seen = seen || string(bytes.TrimRight(name, "\x00")) == w.name
			rest = rest[unix.SizeofInotifyEvent+length:]
		}
	}
}
