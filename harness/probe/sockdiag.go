package probe

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// listeners asks the kernel for listening sockets over its socket diagnostics
// (sock_diag(7)). The tables in /proc tell the same, but to read them the kernel
// walks every bucket of its table of connections, which on a large machine takes
// milliseconds of a processor: too much to do a hundred times a second beside a
// gateway whose delays are measured.
type listeners struct {
	fd  int
	buf []byte
}

// The layout of a request and an answer, in bytes (linux/inet_diag.h).
const (
	diagRequest  = unix.SizeofNlMsghdr + 56 // struct inet_diag_req_v2
	diagAnswer   = 72                       // struct inet_diag_msg
	diagByFamily = 20                       // SOCK_DIAG_BY_FAMILY
	tcpListening = 1 << 10                  // 1 << TCP_LISTEN
)

func newListeners() (*listeners, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_INET_DIAG)
	if err != nil {
		return nil, fmt.Errorf("socket diagnostics: %w", err)
	}
	// An answer is ready when the request returns; the limit is for a kernel that
	// has none to give.
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 1}); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("socket diagnostics: %w", err)
	}
	return &listeners{fd: fd, buf: make([]byte, 64<<10)}, nil
}

func (l *listeners) close() { _ = unix.Close(l.fd) }

// add puts the inodes of sockets that listen on ports into them, port by port.
func (l *listeners) add(ports map[int]map[uint64]bool) error {
	for _, family := range []byte{unix.AF_INET, unix.AF_INET6} {
		if err := l.ask(family); err != nil {
			return err
		}
		for done := false; !done; {
			n, err := ignoringEINTR(func() (int, error) {
				n, _, err := unix.Recvfrom(l.fd, l.buf, 0)
				return n, err
			})
			if err != nil {
				return fmt.Errorf("socket diagnostics: %w", err)
			}
			if done, err = parseDiag(l.buf[:n], ports); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *listeners) ask(family byte) error {
	req := make([]byte, diagRequest)
	order := binary.NativeEndian
	order.PutUint32(req[0:], diagRequest)
	order.PutUint16(req[4:], diagByFamily)
	order.PutUint16(req[6:], unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	order.PutUint32(req[8:], 1)
	body := req[unix.SizeofNlMsghdr:]
	body[0], body[1] = family, unix.IPPROTO_TCP
	order.PutUint32(body[4:], tcpListening)
	if err := unix.Sendto(l.fd, req, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return fmt.Errorf("socket diagnostics: %w", err)
	}
	return nil
}

// parseDiag reads the messages of one datagram and says whether it was the last.
func parseDiag(data []byte, ports map[int]map[uint64]bool) (done bool, err error) {
	order := binary.NativeEndian
	for len(data) >= unix.SizeofNlMsghdr {
		size := int(order.Uint32(data))
		if size < unix.SizeofNlMsghdr || size > len(data) {
			return true, errors.New("socket diagnostics: a message is longer than the datagram it came in")
		}
		body := data[unix.SizeofNlMsghdr:size]
		switch order.Uint16(data[4:]) {
		case unix.NLMSG_DONE:
			return true, nil
		case unix.NLMSG_ERROR:
			if len(body) >= 4 {
				if errno := int32(order.Uint32(body)); errno < 0 {
					return true, fmt.Errorf("socket diagnostics: %w", unix.Errno(-errno))
				}
			}
			return true, nil
		case diagByFamily:
			if len(body) < diagAnswer {
				return true, errors.New("socket diagnostics: an answer is too short")
			}
			port := int(binary.BigEndian.Uint16(body[4:]))
			if inode := uint64(order.Uint32(body[68:])); ports[port] != nil && inode != 0 {
				ports[port][inode] = true
			}
		}
		data = data[min((size+3)&^3, len(data)):]
	}
	return false, nil
}
