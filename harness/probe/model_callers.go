package probe

import (
	"context"
	"net"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// callers are the model calls under way. Every 10 ms it is noted which callers
// are certainly still there, so that the interval in which one hung up is short:
// a server learns of a hang-up only some time after it happened.
type callers struct {
	mu   sync.Mutex
	open map[*modelCall]struct{}
}

func (cs *callers) add(c *modelCall) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.open == nil {
		cs.open = map[*modelCall]struct{}{}
	}
	cs.open[c] = struct{}{}
}

func (cs *callers) remove(c *modelCall) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	delete(cs.open, c)
}

func (cs *callers) look() {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for c := range cs.open {
		at := now() // before the look: what the kernel says after it held at it
		if established(c.conn) {
			c.alive.Store(int64(at))
		}
	}
}

func (m *model) watchCallers(ctx context.Context) {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			m.callers.look()
		case <-ctx.Done():
			return
		}
	}
}

// tcpEstablished is the kernel's TCP_ESTABLISHED: neither end has hung up.
const tcpEstablished = 1

func established(conn net.Conn) bool {
	sc, ok := conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return false
	}
	state := byte(0)
	_ = raw.Control(func(fd uintptr) { // an error leaves the state unknown
		if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			state = info.State
		}
	})
	return state == tcpEstablished
}
