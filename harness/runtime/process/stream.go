package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/drainproof/drainproof/harness/runtime/logtail"
)

// stream is the probe's standard input and output, and the probe itself.
type stream struct {
	life   *life
	in     *os.File // what we write
	out    *os.File // what we read
	words  *logtail.Log
	once   sync.Once
	closed chan struct{}
	err    error
}

func openStream(s *spawner, cmd *exec.Cmd) (*stream, error) {
	childIn, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	out, childOut, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, childIn.Close(), in.Close())
	}
	st := &stream{in: in, out: out, words: logtail.New(), closed: make(chan struct{})}
	stderr := st.words.Writer()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = childIn, childOut, stderr
	st.life, err = s.launch(cmd, stderr)
	_ = childIn.Close()
	_ = childOut.Close()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the probe: %w", err), in.Close(), out.Close())
	}
	return st, nil
}

// Read returns io.EOF only after Close; a probe that ends by itself is an error
// with its last words.
func (s *stream) Read(p []byte) (int, error) {
	n, err := s.out.Read(p)
	if err == nil {
		return n, nil
	}
	select {
	case <-s.closed:
		return n, io.EOF
	case <-s.life.ended:
		said := ""
		if last := s.words.Last(5); len(last) > 0 {
			said = "; its last words: " + strings.Join(last, " | ")
		}
		return n, fmt.Errorf("the probe ended by itself with exit code %d%s", s.life.code, said)
	case <-time.After(cleanupLimit):
		return n, err
	}
}

func (s *stream) Write(p []byte) (int, error) { return s.in.Write(p) }

// Close ends the conversation, and with it the probe.
func (s *stream) Close() error {
	s.once.Do(func() {
		close(s.closed)
		_ = s.in.Close() // the probe takes the end of its input for the end
		select {
		case <-s.life.ended:
		case <-time.After(2 * time.Second):
			ctx, cancel := context.WithTimeout(context.Background(), cleanupLimit)
			defer cancel()
			s.err = s.life.kill(ctx)
		}
		_ = s.out.Close()
	})
	return s.err
}
