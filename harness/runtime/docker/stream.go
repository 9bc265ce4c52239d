package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	dc "github.com/ory/dockertest/v3/docker"

	"github.com/drainproof/drainproof/harness/runtime/logtail"
)

// tellLimit is how long the engine may take to tell how the probe ended.
const tellLimit = time.Second

// stream is the probe's standard input and output, by way of the engine. The probe is
// PID 1 of the pod, so its input stays open when the engine is lost: or it would end, and
// with it a gateway that had done nothing wrong.
type stream struct {
	client    *dc.Client
	container string
	in        *io.PipeWriter
	out       *io.PipeReader
	log       *logtail.Log // standard error
	closed    chan struct{}
	once      sync.Once
}

// startProbe starts the infra container with a conversation that nothing can precede.
func (p *pod) startProbe(ctx context.Context, id string) (*stream, error) {
	inRead, inWrite := io.Pipe()
	outRead, outWrite := io.Pipe()
	stderr := p.infraLog.Writer()
	s := &stream{
		client: p.r.engine.pool.Client, container: id, in: inWrite, out: outRead, log: p.infraLog,
		closed: make(chan struct{}),
	}
	over := func(err error) {
		if err == nil {
			err = io.EOF
		}
		_ = stderr.Close()
		_ = outWrite.CloseWithError(err)
		_ = inRead.CloseWithError(io.ErrClosedPipe)
	}
	err := p.startAttached(ctx, "infra", dc.AttachToContainerOptions{
		Container: id, Stdin: true, Stdout: true, Stderr: true,
		InputStream: inRead, OutputStream: outWrite, ErrorStream: stderr,
	}, over)
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Read returns io.EOF only after Close; a probe that ends by itself is an error with
// its last words.
func (s *stream) Read(p []byte) (int, error) {
	n, err := s.out.Read(p)
	if err != nil && n == 0 {
		err = s.over(err)
	}
	return n, err
}

// over says why the conversation has ended.
func (s *stream) over(cause error) error {
	select {
	case <-s.closed:
		return io.EOF
	default:
	}
	words := ""
	if last := s.log.Last(5); len(last) > 0 {
		words = "; its last words: " + strings.Join(last, " | ")
	}
	ctx, cancel := context.WithTimeout(context.Background(), tellLimit)
	defer cancel()
	code, err := s.client.WaitContainerWithContext(s.container, ctx) // its output is over a moment before it is
	if err != nil {
		return fmt.Errorf("the conversation with the probe broke off (%w)%s", errors.Join(cause, err), words)
	}
	return fmt.Errorf("the probe ended by itself with exit code %d%s", code, words)
}

func (s *stream) Write(p []byte) (int, error) { return s.in.Write(p) }

// Close hangs up, and a Read that waits returns. The connection ends with the container.
func (s *stream) Close() error {
	s.once.Do(func() {
		close(s.closed)
		_ = s.in.Close()
		_ = s.out.CloseWithError(io.EOF) // what is still said is for nobody
	})
	return nil
}
