package probe

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/drainproof/drainproof/harness/history"
)

const (
	dialTimeout = 5 * time.Second
	dialEvery   = time.Millisecond // between attempts at a gateway that is starting
)

// link is a connection to the gateway, with its reads stamped.
type link struct {
	conn  net.Conn
	reads *stampedReader
	r     *bufio.Reader
}

// stampedReader knows when its last read began and ended: what a client sees, it
// saw in that interval.
type stampedReader struct {
	conn      net.Conn
	call, ret history.Stamp
}

func (s *stampedReader) Read(b []byte) (int, error) {
	s.call = now()
	n, err := s.conn.Read(b)
	s.ret = now()
	return n, err
}

func newLink(conn net.Conn) *link {
	reads := &stampedReader{conn: conn}
	return &link{conn: conn, reads: reads, r: bufio.NewReaderSize(reads, 32<<10)}
}

// dial makes a fresh connection, trying again for retryFor. A tiny one has the
// smallest receive buffer the kernel gives, so that little is handed over to a
// client that does not read.
func dial(ctx context.Context, address string, retryFor time.Duration, tiny bool) (*link, error) {
	d := net.Dialer{Timeout: dialTimeout, KeepAlive: -1}
	if tiny {
		d.Control = func(_, _ string, raw syscall.RawConn) error {
			var err error
			return errors.Join(raw.Control(func(fd uintptr) {
				err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUF, 1)
			}), err)
		}
	}
	deadline := time.Now().Add(retryFor)
	for {
		conn, err := d.DialContext(ctx, "tcp", address)
		if err == nil {
			return newLink(conn), nil
		}
		if time.Until(deadline) <= 0 || !pause(ctx, dialEvery) {
			return nil, err
		}
	}
}

// control does something with the connection's socket; it says whether that could be done.
func (l *link) control(do func(fd int)) bool {
	sc, ok := l.conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := sc.SyscallConn()
	return err == nil && raw.Control(func(fd uintptr) { do(int(fd)) }) == nil
}

// pending is how many bytes have come and were not read, without reading them; 0
// also where that cannot be told.
func (l *link) pending() int {
	n := 0
	l.control(func(fd int) {
		if have, err := unix.IoctlGetInt(fd, unix.TIOCINQ); err == nil {
			n = have
		}
	})
	return n
}

// closed says whether the connection, on which nothing is under way, was closed, by the
// gateway or here.
func (l *link) closed() bool {
	over := false
	open := l.control(func(fd int) {
		n, _, err := unix.Recvfrom(fd, make([]byte, 1), unix.MSG_PEEK|unix.MSG_DONTWAIT)
		over = n == 0 && err == nil || errors.Is(err, unix.ECONNRESET)
	})
	return over || !open
}

// widen undoes tiny, so that the rest of a long reply takes no age.
func (l *link) widen() {
	tcp, ok := l.conn.(*net.TCPConn)
	if !ok {
		return
	}
	const enough = 1 << 20
	_ = tcp.SetReadBuffer(enough) // only speed is lost when it fails
	l.control(func(fd int) { _ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_WINDOW_CLAMP, enough) })
}

// reset hangs up as a client that died does.
func (l *link) reset() {
	if tcp, ok := l.conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // it may be gone already
	}
	_ = l.conn.Close()
}

// response reads the headers of the final response.
func (l *link) response(req *http.Request) (*http.Response, error) {
	for {
		resp, err := http.ReadResponse(l.r, req)
		if err != nil || resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols {
			return resp, err
		}
	}
}
