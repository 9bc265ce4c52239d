package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/drainproof/drainproof/harness/wire"
)

// handover is how long a new conversation waits for the one before to end. The
// probe learns of a conversation's end a little later than the suite does.
const handover = 2 * time.Second

// Serve answers on a unix socket, one conversation at a time, until ctx ends. The
// socket is made new and removed at the end.
func Serve(ctx context.Context, log *slog.Logger, socket string) error {
	if err := os.Remove(socket); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("probe: remove the old socket: %w", err)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "unix", socket)
	if err != nil {
		return fmt.Errorf("probe: listen: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	defer l.Close()

	p := New(log)
	defer p.Close()
	var open sync.WaitGroup
	defer open.Wait()
	turn := make(chan struct{}, 1)
	for {
		conn, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("probe: accept: %w", err)
		}
		open.Go(func() {
			wait, cancel := context.WithTimeout(ctx, handover)
			defer cancel()
			select {
			case turn <- struct{}{}:
				defer func() { <-turn }()
			case <-wait.Done():
				refuse(conn, "another conversation with this probe is open")
				return
			}
			if err := p.Converse(ctx, conn); err != nil {
				log.Warn("a conversation broke", "error", err)
			}
		})
	}
}

// refuse says why and lets the other end hang up first: closing while its request
// is unread would reset the connection, and what was said might be lost with it.
func refuse(conn net.Conn, why string) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(politeness))
	if line, err := wire.EncodeLine(wire.Message{Error: why}); err == nil {
		_, _ = conn.Write(line) // it is told if it listens
	}
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	_, _ = io.Copy(io.Discard, conn)
}

// Stdio serves one conversation and stops everything when it ends, as when the
// suite that started this process has died.
func Stdio(ctx context.Context, log *slog.Logger, in io.ReadCloser, out io.WriteCloser) error {
	p := New(log)
	defer p.Close()
	return p.Converse(ctx, duplex{in, out})
}

type duplex struct {
	io.ReadCloser
	w io.WriteCloser
}

func (d duplex) Write(b []byte) (int, error) { return d.w.Write(b) }
func (d duplex) Close() error                { return errors.Join(d.ReadCloser.Close(), d.w.Close()) }

// Connect copies in and out to the probe's socket and back, until the probe ends
// the conversation, in ends, or ctx does. A probe that is just starting is waited
// for.
func Connect(ctx context.Context, socket string, in io.Reader, out io.Writer) error {
	conn, err := dialSocket(ctx, socket)
	if err != nil {
		return fmt.Errorf("probe: connect: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	defer conn.Close()
	go func() {
		_, _ = io.Copy(conn, in) // either end's death shows in the other copy
		if half, ok := conn.(interface{ CloseWrite() error }); ok {
			_ = half.CloseWrite()
		}
	}()
	_, err = io.Copy(out, conn)
	if errors.Is(err, syscall.ECONNRESET) { // the probe ended with a request unread
		return nil
	}
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("probe: connect: %w", err)
	}
	return nil
}

func dialSocket(ctx context.Context, socket string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	var d net.Dialer
	for {
		conn, err := d.DialContext(ctx, "unix", socket)
		if err == nil || !pause(ctx, pollEvery) {
			return conn, err
		}
	}
}
