package history

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"os"
	"sync"
)

// Schema is the version of the history format this package reads and writes.
const Schema = 1

// Writer streams a history to a file, one JSON line per event, and hashes what
// it writes, so that a report can name the file it was judged from. It is safe
// for concurrent use.
type Writer struct {
	mu     sync.Mutex
	name   string
	file   io.Closer
	buf    *bufio.Writer
	sum    hash.Hash
	events uint64
	err    error // the first failure; everything after it fails too
}

// Create makes the file (mode 0644, truncating what was there) and writes the
// header as its first line, with Seq 0. The schema number is filled in.
func Create(path string, header Header) (*Writer, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("create history: %w", err)
	}
	w := newWriter(path, f, f)
	header.Schema = Schema
	if _, err := w.Append(Event{Kind: KindHeader, Header: &header}); err != nil {
		_ = f.Close()
		return nil, err
	}
	return w, nil
}

func newWriter(name string, out io.Writer, file io.Closer) *Writer {
	sum := sha256.New()
	return &Writer{
		name: name,
		file: file,
		buf:  bufio.NewWriterSize(io.MultiWriter(out, sum), 64<<10),
		sum:  sum,
	}
}

// Append stores the event and returns it as stored. The sequence number is the
// writer's to give, whatever the event came with: a history may be fed by
// several probes one after the other (a recreated pod has a new one), and its
// numbers must rise over all of them.
func (w *Writer) Append(e Event) (Event, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	e.Seq = w.events
	if w.err != nil {
		return e, w.err
	}
	line, err := json.Marshal(e)
	if err != nil {
		return e, fmt.Errorf("history %s: event %d can't be written as JSON: %w", w.name, e.Seq, err)
	}
	if len(line) >= MaxLine {
		return e, fmt.Errorf("history %s: event %d (%s) is %d bytes long, above the limit of %d; shorten its text", w.name, e.Seq, e.Kind, len(line), MaxLine)
	}
	if _, err := w.buf.Write(append(line, '\n')); err != nil {
		w.err = fmt.Errorf("history %s: %w", w.name, err)
		return e, w.err
	}
	w.events++
	return e, nil
}

// Flush hands what was appended to the operating system.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.flush()
}

func (w *Writer) flush() error {
	if w.err != nil {
		return w.err
	}
	if err := w.buf.Flush(); err != nil {
		w.err = fmt.Errorf("history %s: %w", w.name, err)
	}
	return w.err
}

// Close writes out the rest and returns the SHA-256 of the file (lower-case
// hexadecimal) and the number of events in it, the header included. Appending
// after it is an error; so is closing twice.
func (w *Writer) Close() (sum string, events uint64, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	err = w.flush()
	if w.file != nil {
		if cerr := w.file.Close(); cerr != nil && err == nil {
			err = fmt.Errorf("history %s: %w", w.name, cerr)
		}
	}
	w.err = fmt.Errorf("history %s is closed: %w", w.name, os.ErrClosed)
	return hex.EncodeToString(w.sum.Sum(nil)), w.events, err
}

// SHA256 hashes a file, as Close does while writing it.
func SHA256(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("hash history: %w", err)
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", fmt.Errorf("hash history %s: %w", path, err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
