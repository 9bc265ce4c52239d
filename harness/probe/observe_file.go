package probe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

const (
	pollEvery = 10 * time.Millisecond // besides the kernel's events
	spinFor   = 2 * time.Millisecond  // after one of them: a change seldom comes alone
)

// observeFile reads at every change the kernel reports and every 10 ms besides,
// and without a break while there is a reason to look hard.
func (p *publication) observeFile(ctx context.Context, log *slog.Logger, f *focus) {
	dir := watchDir(log, filepath.Dir(p.spec.File))
	defer dir.close()
	name := filepath.Base(p.spec.File)
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		p.read(ctx, false)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			dir.retry()
		case <-f.kick:
		case ev := <-dir.events:
			// A temporary file of a like name is the herald of a publication.
			if !strings.Contains(filepath.Base(ev.Name), name) {
				continue
			}
			f.extend(now().Add(spinFor))
		}
		for f.hard(now()) && ctx.Err() == nil {
			p.read(ctx, false)
			dir.skip(func(changed string) {
				if strings.Contains(filepath.Base(changed), name) {
					f.extend(now().Add(spinFor))
				}
			})
			runtime.Gosched()
		}
	}
}

// fileReader reads a file publication. It makes as few system calls as it can,
// and parses only what it has not just parsed: it is called some ten thousand
// times a second. It is used under the publication's lock.
type fileReader struct {
	spec    *wire.Publication
	folder  near
	buf     []byte
	seen    []byte // the content last parsed
	state   history.State
	ino     uint64 // of the version last written out
	mtime   int64
	version string
}

func newFileReader(spec *wire.Publication) *fileReader {
	return &fileReader{spec: spec, folder: near{dir: filepath.Dir(spec.File)}, buf: make([]byte, 16<<10)}
}

func (f *fileReader) fetch(context.Context) reading {
	var r reading
	r.call = now()
	data, version, err := f.readFile()
	r.ret = now()
	switch {
	case err != nil:
		r.state = history.State{Publication: f.spec.Name, Problem: problemOf(err), Error: err.Error()}
	case f.state.Publication != "" && bytes.Equal(data, f.seen):
		r.state = f.state
	default:
		f.state = parsePublished(f.spec, data)
		f.seen = append(f.seen[:0], data...)
		r.state = f.state
	}
	r.state.Version = version
	return r
}

func problemOf(err error) string {
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) {
		return history.ProblemAbsent
	}
	var errno unix.Errno
	if errors.As(err, &errno) {
		return history.ProblemUnreachable
	}
	return history.ProblemUnparseable // there, but nothing to be read as a state
}

// readFile returns the content, valid until the next call, and the identity of
// what was read. It never blocks, whatever the path leads to.
func (f *fileReader) readFile() ([]byte, string, error) {
	fd, err := f.folder.open(filepath.Base(f.spec.File), unix.O_RDONLY|unix.O_NONBLOCK)
	if err != nil {
		return nil, "", err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, "", err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		return nil, "", fmt.Errorf("%s is no regular file (mode %o)", f.spec.File, st.Mode)
	}
	version := f.identity(st.Ino, st.Mtim.Nano())
	n := 0
	for {
		if n == len(f.buf) {
			if n >= maxPublished {
				return nil, version, fmt.Errorf("%s is larger than %d bytes", f.spec.File, maxPublished)
			}
			f.buf = append(f.buf, make([]byte, len(f.buf))...)
		}
		k, err := ignoringEINTR(func() (int, error) { return unix.Read(fd, f.buf[n:]) })
		if err != nil {
			return nil, version, err
		}
		n += k
		if k == 0 || int64(n) == st.Size { // at its size: spare the read that says so
			return f.buf[:n], version, nil
		}
	}
}

func (f *fileReader) identity(ino uint64, mtime int64) string {
	if f.version == "" || f.ino != ino || f.mtime != mtime {
		f.ino, f.mtime = ino, mtime
		f.version = fmt.Sprintf("%d:%d", ino, mtime)
	}
	return f.version
}

func ignoringEINTR(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}
