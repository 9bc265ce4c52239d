package docker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ory/dockertest/v3"
	dc "github.com/ory/dockertest/v3/docker"

	"github.com/drainproof/drainproof/harness/runtime"
	"github.com/drainproof/drainproof/harness/target"
)

// TestEngineErrors: each way of having no engine is told in words, with what to
// do next.
func TestEngineErrors(t *testing.T) {
	dir := t.TempDir()
	// A socket nobody listens on, as a daemon that crashed leaves it.
	stale := filepath.Join(dir, "stale.sock")
	l, err := net.Listen("unix", stale)
	if err != nil {
		t.Fatal(err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	_ = l.Close()

	fake := func(name, version string) string {
		path := filepath.Join(dir, name)
		l, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/version") {
				fmt.Fprint(w, version)
			}
		})}
		go func() { _ = server.Serve(l) }()
		t.Cleanup(func() { _ = server.Close() })
		return "unix://" + path
	}
	for _, c := range []struct{ name, endpoint, what, next string }{
		{"no socket", "unix://" + filepath.Join(dir, "none.sock"), "none.sock does not exist", "./scripts/setup-docker"},
		{"not running", "unix://" + stale, "is not running (connection refused)", "systemctl start docker"},
		{"too old", fake("old.sock", `{"Version":"1.13.1","ApiVersion":"1.26","Os":"linux"}`), "too old: version 1.13.1, API 1.26", "19.03 or later"},
		{"not an engine", fake("other.sock", `{"hello":"world"}`), "no container engine", "DOCKER_HOST"},
		{"other containers", fake("windows.sock", `{"Version":"28.0.0","ApiVersion":"1.48","Os":"windows"}`), "runs windows containers", "Linux"},
		{"over ssh, nowhere", "ssh://", "no engine can be at", "ssh://USER@HOST"},
		{"over ssh, with a password", "ssh://me:secret@far", `no engine can be at "ssh://me:xxxxx@far"`, "ssh://USER@HOST"},
		{"nonsense", "nonsense://x", "no engine can be at", "correct DOCKER_HOST"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("DOCKER_HOST", c.endpoint)
			_, err := Check(t.Context())
			var e *EngineError
			if !errors.As(err, &e) {
				t.Fatalf("error %T %v, want an *EngineError", err, err)
			}
			if !strings.Contains(e.What, c.what) || !strings.Contains(e.Next, c.next) {
				t.Errorf("says %q; %q, want %q and %q", e.What, e.Next, c.what, c.next)
			}
		})
	}
}

func TestExplain(t *testing.T) {
	dial := func(err error) error {
		return &net.OpError{Op: "dial", Net: "unix", Err: os.NewSyscallError("connect", err)}
	}
	for _, c := range []struct {
		name string
		err  error
		want string // "" = unchanged
	}{
		{"permission", dial(syscall.EACCES), "permission denied"},
		{"refused", dc.ErrConnectionRefused, "is not running"},
		{"time-out", fmt.Errorf("ping: %w", context.DeadlineExceeded), "does not answer"},
		{"gone mid-way", dial(syscall.EPIPE), "does not answer"},
		{"interrupted by the user", fmt.Errorf("x: %w", context.Canceled), ""},
		{"about the call", errors.New("no such container"), ""},
		{"explained already", &EngineError{What: "w", Next: "n", Err: fs.ErrNotExist}, ""},
	} {
		got := explain("unix:///x", c.err)
		if c.want == "" {
			if !errors.Is(got, c.err) {
				t.Errorf("%s: became %v", c.name, got)
			}
			continue
		}
		if !strings.Contains(got.Error(), c.want) || !errors.Is(got, c.err) {
			t.Errorf("%s: %v, want one with %q that wraps the cause", c.name, got, c.want)
		}
	}
	if explain("x", nil) != nil {
		t.Error("no error became one")
	}
}

// TestEngineLostInACall: an engine that is cut off after it was asked has not refused.
func TestEngineLostInACall(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/version") {
			fmt.Fprint(w, `{"Version":"20.10.24","ApiVersion":"1.41","Os":"linux"}`)
			return
		}
		panic(http.ErrAbortHandler)
	}))
	defer server.Close()
	client, err := dc.NewClient(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	p := &pod{r: &Runtime{engine: &engine{endpoint: server.URL, pool: &dockertest.Pool{Client: client}}}, resolved: &runtime.Resolved{Target: &target.Target{}}, gateway: "g"}
	if err := p.Signal(t.Context(), "KILL"); !errors.Is(err, runtime.ErrUnanswered) {
		t.Errorf("got %v, want %v", err, runtime.ErrUnanswered)
	}
}

// TestCheckTellsTheEngine: where there is one, doctor learns which.
func TestCheckTellsTheEngine(t *testing.T) {
	needEngine(t)
	info, err := Check(t.Context())
	if err != nil || info.Version == "" || info.APIVersion == "" || info.OS != "linux" || info.CPUs < 1 || info.Memory == 0 {
		t.Errorf("%+v, %v", info, err)
	}
}
