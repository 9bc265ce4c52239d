package process

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"sync"
)

// ports hands out free ports of loopback. They lie below the range from which
// the kernel serves outgoing connections: the suite makes many of those, and one
// of them could otherwise sit on a gateway's port while that is respawned.
type ports struct {
	mu    sync.Mutex
	taken map[int]io.Closer // by pods of this process: what keeps the others from it
}

// lowest is the first port handed out; well-known services lie below it.
const lowest = 10_000

func (p *ports) pick(n int) ([]int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.taken == nil {
		p.taken = map[int]io.Closer{}
	}
	above := ephemeral()
	var out []int
	for tries := 0; len(out) < n; tries++ {
		address := "127.0.0.1:0" // the kernel's choice, when ours have failed
		if tries < 100 && above-lowest > 1000 {
			address = "127.0.0.1:" + strconv.Itoa(lowest+rand.IntN(above-lowest))
		}
		l, err := net.Listen("tcp", address)
		if err != nil {
			if tries < 200 {
				continue
			}
			p.release(out)
			return nil, fmt.Errorf("found no free port on 127.0.0.1: %w", err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		// Held until all are picked, so that no two are the same.
		defer l.Close()
		// A gateway that is down between two lives still needs its port, and other
		// processes of this run, and other runs, pick theirs meanwhile.
		if claim, err := claimPort(port); err == nil {
			p.taken[port] = claim
			out = append(out, port)
		}
	}
	return out, nil
}

// claimPort takes a port for as long as this process lives, or the claim is closed: a
// name in the kernel's abstract namespace has one owner at a time, and leaves no file.
func claimPort(port int) (io.Closer, error) {
	return net.Listen("unix", "@drainproof-port-"+strconv.Itoa(port))
}

func (p *ports) giveBack(used []int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.release(used)
}

// release is giveBack for who holds the lock.
func (p *ports) release(used []int) {
	for _, port := range used {
		if claim, ok := p.taken[port]; ok {
			_ = claim.Close()
			delete(p.taken, port)
		}
	}
}

// ephemeral returns the first port of the kernel's own range.
func ephemeral() int {
	data, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	var low, high int
	if err == nil {
		_, err = fmt.Sscan(string(data), &low, &high)
	}
	if err != nil {
		return 32768
	}
	return low
}
