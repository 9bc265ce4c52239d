package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

const patience = 20 * time.Second

// build makes the binary as pods get it.
var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "drainproof-probe-")
	if err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "probe")
	cmd := exec.Command("go", "build", "-o", binary, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return dir, errors.New(string(out))
	}
	return binary, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if binary, _ := build(); binary != "" {
		_ = os.RemoveAll(filepath.Dir(binary))
	}
	os.Exit(code)
}

// process is a started probe.
type process struct {
	*exec.Cmd
	stderr *lockedBuffer
	over   chan error
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

type pipes struct {
	io.Reader
	io.WriteCloser
}

// start runs the probe; the stream is its standard input and output.
func start(t *testing.T, args ...string) (*process, io.ReadWriteCloser) {
	t.Helper()
	binary, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return startCommand(t, exec.Command(binary, args...))
}

func startCommand(t *testing.T, cmd *exec.Cmd) (*process, io.ReadWriteCloser) {
	t.Helper()
	p := &process{Cmd: cmd, stderr: &lockedBuffer{}, over: make(chan error, 1)}
	p.Stderr = p.stderr
	in, err := p.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, w := io.Pipe() // Wait must not close what is still being read
	p.Stdout = w
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.over <- p.Wait()
		close(p.over)
		w.Close()
	}()
	t.Cleanup(func() {
		_ = p.Process.Kill()
		_ = out.Close()
		<-p.over
	})
	return p, pipes{out, in}
}

func (p *process) ends(t *testing.T, code int) {
	t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-p.over:
		if got := p.ProcessState.ExitCode(); got != code {
			t.Errorf("%v: exit code %d, want %d; it said: %s", p.Args[1:], got, code, p.stderr)
		}
	case <-late.C:
		t.Fatalf("%v: did not end; it said: %s", p.Args[1:], p.stderr)
	}
}

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// converse has a short conversation: the marker is laid, and found in the history.
func converse(t *testing.T, stream io.ReadWriteCloser) *wire.Client {
	t.Helper()
	ctx := testContext(t)
	var mu sync.Mutex
	begun := false
	c := wire.NewClient(stream, func(ev history.Event) {
		mu.Lock()
		defer mu.Unlock()
		begun = begun || ev.Marker != nil && ev.Marker.Op == history.OpBegin
	})
	hello, err := c.Hello(ctx)
	if err != nil || hello.StampError <= 0 {
		t.Fatalf("hello: %+v, %v", hello, err)
	}
	home := t.TempDir()
	marker := filepath.Join(home, ".drain_request.json")
	if err := c.Configure(ctx, wire.ConfigureParams{Home: home, UID: -1, GID: -1, Marker: marker, ModelAddress: "127.0.0.1:0"}); err != nil {
		t.Fatal(err)
	}
	if err := c.Marker(ctx, wire.MarkerParams{Op: history.OpBegin}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(marker); err != nil {
		t.Error(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if !begun {
		t.Error("the reply came before the event")
	}
	return c
}

func TestStdioEndsWithItsInput(t *testing.T) {
	p, stream := start(t, "stdio")
	c := converse(t, stream)
	c.Close()
	p.ends(t, 0)
}

func TestStdioEndsOnSIGTERM(t *testing.T) {
	p, stream := start(t, "stdio")
	c := converse(t, stream)
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.ends(t, 0)
	<-c.Done()
	if err := c.Err(); err == nil || !strings.Contains(err.Error(), "the probe is gone") {
		t.Errorf("the suite was told %v", err)
	}
}

func TestWrongUsage(t *testing.T) {
	for _, args := range [][]string{{}, {"sing"}, {"stdio", "--nope"}, {"stdio", "more"}} {
		p, _ := start(t, args...)
		p.ends(t, 2)
		if p.stderr.String() == "" {
			t.Errorf("%v: nothing was said", args)
		}
	}
}
