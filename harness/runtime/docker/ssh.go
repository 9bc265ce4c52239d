package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/docker/cli/cli/connhelper"
	"github.com/ory/dockertest/v3"
	dc "github.com/ory/dockertest/v3/docker"
)

// Connections over ssh are a process each, and a handshake with another machine: those
// that are idle are worth keeping for a while.
const (
	sshIdle    = 16
	sshIdleFor = 30 * time.Second
)

// lastWordsLimit is how long a connection that cannot be written to any more is given to
// say why.
const lastWordsLimit = time.Second

// sshHost is the host in requests that go over ssh; nobody looks it up.
const sshHost = "http://engine.invalid"

// connectSSH prepares the way to an engine on another machine as the docker command does:
// every connection is `ssh HOST docker system dial-stdio`. Nothing is dialled yet.
func connectSSH(endpoint string) (*engine, error) {
	helper, err := connhelper.GetConnectionHelper(endpoint)
	if err != nil {
		if u, parse := url.Parse(endpoint); parse == nil {
			endpoint = u.Redacted() // it may hold a password, which is what is wrong with it
		}
		return nil, &EngineError{What: fmt.Sprintf("no engine can be at %q: %v", endpoint, err), Next: "set DOCKER_HOST to ssh://USER@HOST", Err: err}
	}
	if _, err := exec.LookPath("ssh"); err != nil {
		return nil, &EngineError{
			What: "DOCKER_HOST is " + endpoint + ", and there is no ssh on PATH",
			Next: "install an ssh client, or set DOCKER_HOST to an engine that is reached without one", Err: err,
		}
	}
	dial := func(ctx context.Context) (net.Conn, error) {
		conn, err := helper.Dialer(ctx, "", "")
		if err != nil {
			return nil, err
		}
		return &sshConn{Conn: conn, endpoint: endpoint, ended: make(chan struct{})}, nil
	}
	client := func() (*dc.Client, error) {
		c, err := dc.NewClient(sshHost)
		if err != nil {
			return nil, err
		}
		c.Dialer = dialer(dial) // of connections that are no longer HTTP once they stand
		c.HTTPClient = &http.Client{Transport: &http.Transport{
			DialContext:         func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
			MaxIdleConnsPerHost: sshIdle, IdleConnTimeout: sshIdleFor,
		}}
		return c, nil
	}
	short, err := client()
	if err != nil {
		return nil, err
	}
	long, err := client()
	if err != nil {
		return nil, err
	}
	short.SetTimeout(callLimit)
	return &engine{endpoint: endpoint, pool: &dockertest.Pool{Client: short}, wait: long}, nil
}

// dialer makes a function what the engine's client wants for connections of its own.
type dialer func(context.Context) (net.Conn, error)

// Dial implements dc.Dialer.
func (d dialer) Dial(string, string) (net.Conn, error) { return d(context.Background()) }

// sshConn is the standard input and output of an ssh that ends in an engine. When that
// fails, its errors are what ssh, or the other machine, said last.
type sshConn struct {
	net.Conn
	endpoint string
	closing  atomic.Bool // by whoever uses it, and not since ssh ended
	once     sync.Once
	ended    chan struct{} // closed when err is set
	err      error
}

func (c *sshConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, os.ErrClosed) {
		return n, err
	}
	c.once.Do(func() {
		c.err = sshFailed(c.endpoint, err)
		close(c.ended)
	})
	return n, c.err
}

// Write fails with what Read fails with, where that is more than a broken pipe, or than one
// that was closed once ssh was seen to end: it may have ended before it was spoken to.
func (c *sshConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	if err == nil {
		return n, nil
	}
	if !c.closing.Load() {
		select {
		case <-c.ended:
		case <-time.After(lastWordsLimit):
		}
	}
	select {
	case <-c.ended: // before it was closed, if at all: what was read comes first
		return n, c.err
	default:
		return n, err
	}
}

// Close ends ssh.
func (c *sshConn) Close() error {
	c.closing.Store(true)
	return c.Conn.Close()
}

// CloseWrite tells the engine that no more comes; what it still says can be read.
func (c *sshConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// shownWords is how many of its last lines an ssh that failed is quoted with.
const shownWords = 3

// sshFailed is the error of an ssh that ended by itself.
func sshFailed(endpoint string, err error) error {
	words := strings.Join(strings.Fields(err.Error()), " ")
	// The helper's error ends with all that ssh wrote to its standard error.
	if _, said, ok := strings.Cut(err.Error(), "stderr="); ok && strings.TrimSpace(said) != "" {
		var lines []string
		for line := range strings.Lines(said) {
			if line = strings.TrimSpace(line); line != "" {
				lines = append(lines, line)
			}
		}
		words = strings.Join(lines[max(0, len(lines)-shownWords):], " | ")
	}
	host := endpoint
	if u, err := url.Parse(endpoint); err == nil {
		u.Path = "" // of the engine's socket, which is nothing to ssh
		host = u.String()
	}
	return &EngineError{
		What: "the container engine at " + endpoint + " cannot be reached over ssh: " + words,
		Next: "see whether `ssh " + host + " docker version` works without a password",
		Err:  err,
	}
}
