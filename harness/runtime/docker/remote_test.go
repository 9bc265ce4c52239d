package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/runtime"
)

// dialEnv makes the test's program what an ssh ends in: the engine's socket named by it,
// on standard input and output.
const dialEnv = "DRAINPROOF_TEST_DIAL"

func dialStdio(socket string) int {
	conn, err := net.Dial("unix", socket)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	go func() {
		_, _ = io.Copy(conn, os.Stdin)
		_ = conn.(*net.UnixConn).CloseWrite()
	}()
	if _, err := io.Copy(os.Stdout, conn); err != nil {
		return 1
	}
	return 0
}

// localSocket is where this machine's engine listens; a test that stands in front of it
// needs one on a socket.
func localSocket(t *testing.T) string {
	t.Helper()
	needEngine(t)
	socket, ok := strings.CutPrefix(endpoint(), "unix://")
	if !ok {
		t.Skipf("the engine at %s is remote already", endpoint())
	}
	return socket
}

// fakeSSH puts a script first on PATH, as ssh.
func fakeSSH(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "ssh"), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// A pod does the same at an engine that is only reached over the network.
func TestPodOverTCP(t *testing.T) {
	socket := localSocket(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer client.Close()
				server, err := net.Dial("unix", socket)
				if err != nil {
					return
				}
				defer server.Close()
				go func() {
					_, _ = io.Copy(server, client)
					_ = server.(*net.UnixConn).CloseWrite()
				}()
				_, _ = io.Copy(client, server)
			}()
		}
	}()
	t.Setenv("DOCKER_HOST", "tcp://"+listener.Addr().String())
	remotePod(t)
}

func TestPodOverSSH(t *testing.T) {
	socket := localSocket(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(t.TempDir(), "ssh.log")
	fakeSSH(t, fmt.Sprintf("echo $$ \"$@\" >> %s\n%s=%s exec %s", log, dialEnv, socket, self))
	t.Setenv("DOCKER_HOST", "ssh://me@far:2222")
	remotePod(t)

	said, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for line := range strings.Lines(string(said)) {
		pid, args, _ := strings.Cut(strings.TrimSpace(line), " ")
		if !strings.HasPrefix(args, "-l me -p 2222 ") || !strings.HasSuffix(args, "-- far docker system dial-stdio") {
			t.Errorf("ssh was called with %q", args)
		}
		n, err := strconv.Atoi(pid)
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, n)
	}
	if len(pids) < 3 {
		t.Errorf("only %d connections were made", len(pids))
	}
	// A runtime that is closed leaves no ssh behind.
	deadline := time.Now().Add(10 * time.Second)
	for _, pid := range pids {
		for syscall.Kill(pid, 0) == nil {
			if time.Now().After(deadline) {
				t.Fatalf("ssh %d lives on", pid)
			}
			time.Sleep(10 * time.Millisecond) // a poll with a deadline
		}
	}
}

// remotePod follows a pod through what goes over the engine's connections in different
// ways: calls, the conversation with the probe, output, and a wait.
func remotePod(t *testing.T) {
	t.Helper()
	info, err := Check(t.Context())
	if err != nil || info.Endpoint != os.Getenv("DOCKER_HOST") {
		t.Fatalf("%+v, %v", info, err)
	}
	b, err := sharedBench()
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	o := Options{RunID: "test-" + unique(), Root: b.root, Probe: filepath.Join(b.root, "probe.yaml"), Binaries: b.bins}
	r, err := New(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	closed := false
	defer func() {
		if !closed {
			_ = r.Close(context.Background())
		}
	}()
	pod, p := startPod(t, r, b.target)
	if got := p.ask("pid"); got != "1" {
		t.Errorf("the probe has PID %s", got)
	}
	if err := pod.StartGateway(ctx); err != nil {
		t.Fatal(err)
	}
	if got := p.ask("get " + front); !strings.HasPrefix(got, "uid=65532") {
		t.Errorf("the gateway answered %q", got)
	}
	for _, step := range []func(context.Context) error{pod.Freeze, pod.Thaw} {
		if err := step(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if err := pod.Signal(ctx, "TERM"); err != nil {
		t.Fatal(err)
	}
	if code, err := pod.WaitGateway(ctx); code != 7 || err != nil {
		t.Errorf("ended with %d, %v; want 7", code, err)
	}
	if last, _ := pod.Logs(ctx, 1); len(last) != 1 || last[0] != "bye" {
		t.Errorf("last line %q, want bye", last)
	}
	if err := pod.Respawn(ctx); err != nil {
		t.Fatal(err)
	}
	p.ask("get " + front)
	if err := pod.Close(ctx); err != nil {
		t.Fatal(err)
	}
	if left := ours(t, r, o.RunID); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	closed = true
	if err := r.Close(ctx); err != nil {
		t.Error(err)
	}
}

// Each way in which an ssh leads to no engine is told in one line, with its last words.
func TestSSHErrors(t *testing.T) {
	const at = "the container engine at ssh://me@far cannot be reached over ssh: "
	for name, c := range map[string]struct{ script, what, next string }{
		"refused":   {"echo 'ssh: connect to host far port 22: Connection refused' >&2; exit 255", at + "ssh: connect to host far port 22: Connection refused", "`ssh ssh://me@far docker version`"},
		"denied":    {"echo one >&2; echo two >&2; echo >&2; echo 'me@far: Permission denied (publickey).' >&2; exit 255", "Permission denied (publickey)", "without a password"},
		"no docker": {"echo 'sh: 1: docker: not found' >&2; exit 127", at + "sh: 1: docker: not found", "`ssh ssh://me@far docker version`"},
		"no words":  {"exit 3", "exit status 3", "`ssh ssh://me@far docker version`"},
		"long":      {"for i in 1 2 3 4 5; do echo line $i >&2; done; exit 1", at + "line 3 | line 4 | line 5", "docker version"},
		"in peace":  {"exit 0", "does not answer", "docker version"},
	} {
		t.Run(name, func(t *testing.T) {
			fakeSSH(t, c.script)
			t.Setenv("DOCKER_HOST", "ssh://me@far")
			_, err := Check(t.Context())
			var e *EngineError
			if !errors.As(err, &e) || !errors.Is(err, runtime.ErrUnanswered) {
				t.Fatalf("error %T %v, want an *EngineError", err, err)
			}
			if !strings.Contains(e.What, c.what) || !strings.Contains(e.Next, c.next) || strings.Contains(err.Error(), "\n") {
				t.Errorf("says %q; %q, want %q and %q", e.What, e.Next, c.what, c.next)
			}
		})
	}
	t.Run("no ssh", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		t.Setenv("DOCKER_HOST", "ssh://me@far")
		_, err := New(t.Context(), Options{RunID: "r", Root: t.TempDir()})
		if err == nil || !strings.Contains(err.Error(), "DOCKER_HOST is ssh://me@far, and there is no ssh on PATH; install an ssh client") {
			t.Error(err)
		}
	})
}
