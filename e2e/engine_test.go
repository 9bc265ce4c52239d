package e2e_test

import (
	"bytes"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/monitor"
)

// between stands between a run and the engine, and can take the engine away, or keep it
// from saying for so long how a container ended.
type between struct {
	listener net.Listener
	slow     time.Duration
	mu       sync.Mutex
	open     map[net.Conn]bool
	gone     bool
}

// engineSocket is where the machine's engine listens.
const engineSocket = "/var/run/docker.sock"

// insteadOf gives the run an engine of its own address.
func insteadOf(t *testing.T, engine string, slow time.Duration) *between {
	t.Helper()
	listener, err := net.Listen("unix", filepath.Join(t.TempDir(), "engine.sock"))
	if err != nil {
		t.Fatal(err)
	}
	b := &between{listener: listener, slow: slow, open: map[net.Conn]bool{}}
	t.Cleanup(b.vanish)
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go b.pass(client, engine)
		}
	}()
	return b
}

func (b *between) address() string { return "unix://" + b.listener.Addr().String() }

// pass copies both ways until either side is over.
func (b *between) pass(client net.Conn, engine string) {
	server, err := net.Dial("unix", engine)
	if err != nil {
		_ = client.Close()
		return
	}
	if !b.keep(client, server) {
		return
	}
	var waits atomic.Bool
	go func() {
		_, _ = io.Copy(server, io.TeeReader(client, seen(func(asked []byte) {
			request, _, _ := bytes.Cut(asked, []byte("\r\n"))
			waits.Store(bytes.Contains(request, []byte("/wait")))
		})))
		// The engine is told that no more comes; what it still says must arrive.
		_ = server.(*net.UnixConn).CloseWrite()
	}()
	_, _ = io.Copy(client, io.TeeReader(server, seen(func([]byte) {
		if waits.Load() {
			time.Sleep(b.slow) // what is tested: the engine takes its time
		}
	})))
	_ = client.Close()
	_ = server.Close()
}

// seen is told what passes, before it does.
type seen func([]byte)

func (s seen) Write(p []byte) (int, error) {
	s(p)
	return len(p), nil
}

func (b *between) keep(conns ...net.Conn) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range conns {
		if b.gone {
			_ = c.Close()
			continue
		}
		b.open[c] = true
	}
	return !b.gone
}

// vanish cuts every connection and takes no more.
func (b *between) vanish() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.gone = true
	_ = b.listener.Close()
	for c := range b.open {
		_ = c.Close()
	}
}

// An engine that disappears in the middle of a run leaves it incomplete, whatever
// was under way; nobody is accused, and the next run removes what is left.
func TestEngineDisappears(t *testing.T) {
	needEngine(t)
	for _, after := range []time.Duration{0, 2 * time.Second} {
		engine := insteadOf(t, engineSocket, 0)
		t.Setenv("DOCKER_HOST", engine.address())
		cmd, out := started(t)
		time.Sleep(after) // any moment will do
		engine.vanish()
		_ = cmd.Wait()
		r := result{out.String(), cmd.ProcessState.ExitCode()}
		r.must(t, 3, "DRAINPROOF_RESULT")
		last := r.last(t)
		if last["verdict"] != "incomplete" || last["failed"] != float64(0) {
			t.Errorf("verdict %v, %v failed", last["verdict"], last["failed"])
		}
		if strings.Contains(r.out, "NON-CONFORMANT") {
			t.Error("the gateway was accused")
		}
	}
	t.Setenv("DOCKER_HOST", "unix://"+engineSocket)
	gate(t, "--label-filter", "point:a", "--report", report(t)).must(t, 0)
	if ids := left(t); len(ids) > 0 {
		t.Errorf("left behind: %v", ids)
	}
}

// Of an engine that takes longer to say how a gateway ended than a gateway may take to end,
// no gateway is to blame.
func TestEngineIsSlow(t *testing.T) {
	needEngine(t)
	const bound = 500 * time.Millisecond
	engine := insteadOf(t, engineSocket, (monitor.Grace+2)*bound)
	t.Setenv("DOCKER_HOST", engine.address())
	drainproof(t, "certify", "--runtime", "docker", "--observe", bound.String(), "--label-filter", "spec:restart-dead", "--report", report(t)).
		must(t, 0, `"verdict":"passed, not certifying"`)
}
