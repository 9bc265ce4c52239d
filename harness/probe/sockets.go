package probe

import (
	"bytes"
	"context"
	"maps"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/drainproof/drainproof/harness/history"
)

// watchSockets follows the listening sockets of the ingress ports: one that
// changes its inode was closed and opened again, whatever else stayed (STATE-006).
func (ps *processes) watchSockets(ctx context.Context) {
	if len(ps.ports) == 0 {
		return
	}
	look, every, done := socketLook()
	defer done()
	tick := time.NewTicker(every)
	defer tick.Stop()
	before := map[int]map[uint64]bool{}
	since := now()
	for {
		at := now()
		found := map[int]map[uint64]bool{}
		for _, port := range ps.ports {
			found[port] = map[uint64]bool{}
		}
		if look(found) { // after a look that failed nothing is known to have vanished
			ps.compare(before, found, since, now())
			before, since = found, at
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// tablesEvery is how often sockets are looked at where only the tables in /proc
// tell of them, which are dear to read.
const tablesEvery = 250 * time.Millisecond

// socketLook returns how to look at the listening sockets, and how often. A look
// says whether it saw everything.
func socketLook() (look func(map[int]map[uint64]bool) bool, every time.Duration, done func()) {
	if l, err := newListeners(); err == nil {
		if l.add(map[int]map[uint64]bool{}) == nil {
			return func(found map[int]map[uint64]bool) bool { return l.add(found) == nil }, pollEvery, l.close
		}
		l.close()
	}
	buf := make([]byte, 64<<10)
	return func(found map[int]map[uint64]bool) bool {
		whole := true
		for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
			part, ok := readListeners(table, buf)
			whole = whole && ok
			listening(part, found)
		}
		return whole
	}, tablesEvery, func() {}
}

func (ps *processes) compare(before, found map[int]map[uint64]bool, call, ret history.Stamp) {
	for _, port := range ps.ports {
		for _, inode := range slices.Sorted(maps.Keys(before[port])) {
			if !found[port][inode] {
				ps.recordSocket(history.ProcessClosed, port, inode, call, ret)
			}
		}
		for _, inode := range slices.Sorted(maps.Keys(found[port])) {
			if !before[port][inode] {
				ps.recordSocket(history.ProcessListening, port, inode, call, ret)
			}
		}
	}
}

// recordSocket names the process watched at the moment. Whose a socket really is
// could only be told with the right to trace the gateway.
func (ps *processes) recordSocket(phase string, port int, inode uint64, call, ret history.Stamp) {
	p := &history.Process{Phase: phase, Port: port, Inode: inode}
	ps.mu.Lock()
	if ps.last != nil {
		p.PID, p.StartTime = ps.last.pid, ps.last.startTime
	}
	ps.mu.Unlock()
	ps.rec.record(history.Event{Kind: history.KindProcess, Call: call, Return: ret, Process: p})
}

// readListeners reads the beginning of a socket table, as far as listening
// sockets go: the kernel lists them first, and the rest may be long. A table that
// does not exist (no IPv6) is empty.
func readListeners(path string, buf []byte) ([]byte, bool) {
	fd, err := ignoringEINTR(func() (int, error) {
		return unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return nil, os.IsNotExist(err)
	}
	defer unix.Close(fd)
	n := 0
	for n < len(buf) {
		k, err := ignoringEINTR(func() (int, error) { return unix.Read(fd, buf[n:]) })
		if err != nil {
			return nil, false
		}
		if k == 0 || !endsListening(buf[:n+k]) {
			return buf[:n+k], true
		}
		n += k
	}
	return buf, true
}

// endsListening says whether the last whole line of a table is a listening
// socket's (or the heading), so that more of them may follow.
func endsListening(table []byte) bool {
	end := bytes.LastIndexByte(table, '\n')
	if end < 0 {
		return true
	}
	f := bytes.Fields(table[bytes.LastIndexByte(table[:end], '\n')+1 : end])
	return len(f) < 4 || string(f[3]) == tcpListen || string(f[3]) == "st"
}
