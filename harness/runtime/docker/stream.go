package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	dc "github.com/ory/dockertest/v3/docker"

	"github.com/drainproof/drainproof/harness/runtime/logtail"
)

const (
	// answerLimit is how long a probe may take until it listens.
	answerLimit = 15 * time.Second
	// tryAgain is the pace at which it is tried.
	tryAgain = 20 * time.Millisecond
)

// stream is the probe's standard input and output, through a process the engine
// runs in the infra container.
//
// That process may come before the probe listens, and then ends at once. Nobody
// but the probe's first byte can tell that it does listen, so until then what
// was written is kept, and said again to the next such process. Reading drives
// this: a stream that is written but never read stays silent.
type stream struct {
	client    *dc.Client
	container string
	command   []string
	log       *logtail.Log // standard error
	deadline  time.Time
	closed    chan struct{}
	once      sync.Once

	heard atomic.Bool          // the probe has answered
	talk  atomic.Pointer[talk] // the conversation at present

	mu   sync.Mutex // until heard, held by whoever writes or replaces the talk
	sent []byte     // until heard
}

func openStream(ctx context.Context, client *dc.Client, container string, command []string, log *logtail.Log) (*stream, error) {
	s := &stream{client: client, container: container, command: command, log: log, deadline: time.Now().Add(answerLimit), closed: make(chan struct{})}
	t, err := s.begin(ctx)
	if err != nil {
		return nil, err
	}
	s.talk.Store(t)
	return s, nil
}

func (s *stream) Read(p []byte) (int, error) {
	for {
		n, err := s.talk.Load().out.Read(p)
		if s.heard.Load() {
			if err != nil && n == 0 {
				err = s.over(err)
			}
			return n, err
		}
		if n > 0 && p[0] == '{' {
			s.heard.Store(true)
			s.mu.Lock()
			s.sent = nil
			s.mu.Unlock()
			return n, err
		}
		if n > 0 {
			// An engine that cannot run the process says so in its place. The
			// probe speaks in JSON objects, so this was not the probe.
			s.log.Add("the engine: " + strings.TrimSpace(string(p[:n])))
		}
		if err == nil {
			continue
		}
		if err := s.again(err); err != nil {
			return 0, err
		}
	}
}

// over says why a conversation that had begun has ended: io.EOF if we hung up,
// else what became of the probe.
func (s *stream) over(cause error) error {
	if isClosed(s.closed) {
		return io.EOF
	}
	c, err := s.client.InspectContainer(s.container)
	switch {
	case err != nil:
		return fmt.Errorf("the probe's container is gone: %w", err)
	case !c.State.Running:
		return fmt.Errorf("the probe ended by itself with exit code %d%s", c.State.ExitCode, s.words())
	}
	return fmt.Errorf("the conversation with the probe broke off (%w)%s", cause, s.words())
}

// again replaces a conversation that ended before the probe said anything.
func (s *stream) again(cause error) error {
	select {
	case <-s.closed:
		return io.EOF
	case <-time.After(tryAgain):
	}
	c, err := s.client.InspectContainer(s.container)
	if err != nil {
		return fmt.Errorf("the probe's container is gone: %w", err)
	}
	if !c.State.Running {
		return fmt.Errorf("the probe ended with exit code %d before it answered%s", c.State.ExitCode, s.words())
	}
	if time.Now().After(s.deadline) {
		return fmt.Errorf("the probe did not answer within %s (%w)%s", answerLimit, cause, s.words())
	}
	ctx, cancel := context.WithDeadline(context.Background(), s.deadline)
	defer cancel()
	next, err := s.begin(ctx)
	if err != nil {
		return fmt.Errorf("speak to the probe: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.talk.Swap(next).close()
	if isClosed(s.closed) {
		next.close()
		return io.EOF
	}
	if len(s.sent) > 0 {
		_, _ = next.in.Write(s.sent) // if this fails too, reading tells
	}
	return nil
}

func (s *stream) words() string {
	if last := s.log.Last(5); len(last) > 0 {
		return "; its last words: " + strings.Join(last, " | ")
	}
	return ""
}

func (s *stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	if s.heard.Load() {
		s.mu.Unlock() // a probe that reads slowly must not keep us from reading
		return s.talk.Load().in.Write(p)
	}
	defer s.mu.Unlock()
	if isClosed(s.closed) {
		return 0, io.ErrClosedPipe
	}
	s.sent = append(s.sent, p...)
	_, _ = s.talk.Load().in.Write(p) // said again if it was lost
	return len(p), nil
}

// Close ends the conversation; a Read that waits returns.
func (s *stream) Close() error {
	s.once.Do(func() {
		close(s.closed)
		s.talk.Load().close()
	})
	return nil
}

func isClosed(c chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// talk is one process the engine runs for us, and the ends of its pipes.
type talk struct {
	in    *io.PipeWriter
	out   *io.PipeReader
	conn  dc.CloseWaiter
	ended chan struct{}
	once  sync.Once
}

func (s *stream) begin(ctx context.Context) (*talk, error) {
	made, err := s.client.CreateExec(dc.CreateExecOptions{
		Container: s.container, Cmd: s.command,
		AttachStdin: true, AttachStdout: true, AttachStderr: true, Context: ctx,
	})
	if err != nil {
		return nil, err
	}
	inRead, inWrite := io.Pipe()
	outRead, outWrite := io.Pipe()
	stderr := s.log.Writer()
	conn, err := s.client.StartExecNonBlocking(made.ID, dc.StartExecOptions{
		InputStream: inRead, OutputStream: outWrite, ErrorStream: stderr, Context: ctx,
	})
	if err != nil {
		return nil, err
	}
	t := &talk{in: inWrite, out: outRead, conn: conn, ended: make(chan struct{})}
	go func() {
		defer close(t.ended)
		err := conn.Wait()
		if err == nil || errors.Is(err, io.ErrClosedPipe) {
			err = io.EOF
		}
		_ = stderr.Close()
		_ = outWrite.CloseWithError(err)
		_ = inRead.CloseWithError(io.ErrClosedPipe)
	}()
	return t, nil
}

// close hangs up: the process sees the end of its input and ends; if it does
// not, the connection is cut.
func (t *talk) close() {
	t.once.Do(func() {
		_ = t.in.Close()
		_ = t.out.CloseWithError(io.EOF)
		select {
		case <-t.ended:
		case <-time.After(time.Second):
			_ = t.conn.Close()
		}
	})
}
