// Package logtail keeps what a gateway writes: the last lines for whoever asks
// later, and every line, in order, for whoever follows. Both runtimes use it, so
// lines look the same and outlive the process that wrote them.
//
// It imports nothing of the project.
package logtail

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
)

const (
	keep     = 20_000   // lines held, so that a follower may fall behind by as many
	longest  = 64 << 10 // bytes of a line; the rest becomes the next line
	leftover = "[drainproof: the reader fell behind, %d lines of the log are missing here]"
)

// Log holds lines. The zero value is not usable; see New.
type Log struct {
	mu    sync.Mutex
	lines []string // ring
	total int      // lines ever added; line i is at i % keep
	more  chan struct{}
}

// New returns an empty log.
func New() *Log { return &Log{more: make(chan struct{})} }

// Add appends one line.
func (l *Log) Add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.lines) < keep {
		l.lines = append(l.lines, line)
	} else {
		l.lines[l.total%keep] = line
	}
	l.total++
	close(l.more)
	l.more = make(chan struct{})
}

// Last returns the last n lines, oldest first.
func (l *Log) Last(n int) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	n = max(0, min(n, len(l.lines)))
	out := make([]string, 0, n)
	for i := l.total - n; i < l.total; i++ {
		out = append(out, l.lines[i%keep])
	}
	return out
}

// Follow calls line for every line of the log, the old ones first, until ctx
// ends; it returns nil then. A follower that falls behind by more than the log
// holds is told so in a line of its own.
func (l *Log) Follow(ctx context.Context, line func(string)) error {
	next := 0
	for {
		l.mu.Lock()
		if oldest := l.total - len(l.lines); next < oldest {
			lost := oldest - next
			next = oldest
			l.mu.Unlock()
			line(fmt.Sprintf(leftover, lost))
			continue
		}
		batch := make([]string, 0, l.total-next)
		for ; next < l.total; next++ {
			batch = append(batch, l.lines[next%keep])
		}
		more := l.more
		l.mu.Unlock()
		for _, s := range batch {
			if ctx.Err() != nil {
				return nil
			}
			line(s)
		}
		if len(batch) > 0 {
			continue
		}
		select {
		case <-more:
		case <-ctx.Done():
			return nil
		}
	}
}

// Writer returns a writer that adds what is written to it line by line; Close
// adds the last line when no newline ended it. One writer per stream: the
// writer itself is safe for use by one goroutine at a time.
func (l *Log) Writer() io.WriteCloser { return &writer{log: l} }

type writer struct {
	mu   sync.Mutex
	log  *Log
	rest []byte
}

func (w *writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rest = append(w.rest, p...)
	for {
		i := bytes.IndexByte(w.rest, '\n')
		skip := 1
		if i > longest || (i < 0 && len(w.rest) >= longest) {
			i, skip = longest, 0
		}
		if i < 0 {
			return len(p), nil
		}
		w.log.Add(string(bytes.TrimSuffix(w.rest[:i], []byte("\r"))))
		w.rest = w.rest[i+skip:]
	}
}

func (w *writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.rest) > 0 {
		w.log.Add(string(w.rest))
		w.rest = nil
	}
	return nil
}
