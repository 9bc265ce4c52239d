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
	above := ephemeral()
	var out []int
	for tries := 0; len(out) < n; tries++ {
		candidate := 0 // the kernel's choice, when ours have failed
		if tries < 100 && above-lowest > 1000 {
			candidate = lowest + rand.IntN(above-lowest)
		}
		l, err := p.take(candidate, net.Listen)
		if err != nil {
			if tries < 200 {
				continue
			}
			p.release(out)
			return nil, fmt.Errorf("found no free port on 127.0.0.1: %w", err)
		}
		// Held until all are picked, so that the kernel gives no port twice.
		defer l.Close()
		out = append(out, l.Addr().(*net.TCPAddr).Port)
	}
	return out, nil
}

// take claims a port and listens on it, which shows that it is free; 0 leaves the choice to
// the kernel. Nobody may listen on a port of somebody else's, not even for a moment: that
// one's gateway may be starting, and its observer takes the socket for the gateway's.
func (p *ports) take(port int, listen func(network, address string) (net.Listener, error)) (net.Listener, error) {
	if port != 0 {
		if err := p.claim(port); err != nil {
			return nil, err
		}
	}
	l, err := listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
	if err != nil {
		p.release([]int{port})
		return nil, err
	}
	if port == 0 {
		if err := p.claim(l.Addr().(*net.TCPAddr).Port); err != nil {
			_ = l.Close()
			return nil, err
		}
	}
	return l, nil
}

// claim takes a port for as long as its pod has it: a gateway that is down between two lives
// still needs it, and other processes of this run, and other runs, pick theirs meanwhile.
func (p *ports) claim(port int) error {
	claim, err := claimPort(port)
	if err != nil {
		return err
	}
	if p.taken == nil {
		p.taken = map[int]io.Closer{}
	}
	p.taken[port] = claim
	return nil
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
