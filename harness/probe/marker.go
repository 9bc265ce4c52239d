package probe

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

// howRemove is how a marker goes; how it comes is one of wire's ways.
const howRemove = "remove"

const markerMode = 0o644

// marker is the controller's hand: it alone moves the marker, and notices when
// somebody else did.
type marker struct {
	path    string
	rec     sink
	focus   *focus
	process func() (dir string, ok bool) // where the gateway's is told of

	mu    sync.Mutex // an operation, with its recording; a look
	known identity   // after our last operation or look
	seen  history.Stamp
	loan  *loan // nil while it is the probe's alone
	// decoys are the folders outside the home in which a marker of ours lies.
	decoys map[string]*os.Root
}

// identity tells one shape of the marker from another.
type identity struct {
	exists       bool
	dev, ino     uint64
	mode         uint32
	size         int64
	mtime, ctime int64
}

func newMarker(path string, rec sink, f *focus, process func() (string, bool)) (*marker, error) {
	if !filepath.IsAbs(path) {
		return nil, fmt.Errorf("marker path %q is not absolute", path)
	}
	m := &marker{path: path, rec: rec, focus: f, process: process, decoys: map[string]*os.Root{}}
	// One that is there already was laid before this probe began; the suite knows.
	m.seen = now()
	m.known = identify(path)
	return m, nil
}

func identify(path string) identity {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return identity{}
	}
	return identity{
		exists: true, dev: st.Dev, ino: st.Ino, mode: st.Mode, size: st.Size,
		mtime: st.Mtim.Nano(), ctime: st.Ctim.Nano(),
	}
}

// check refuses what perform could not do.
func (m *marker) check(p wire.MarkerParams) error {
	switch p.Op {
	case history.OpBegin, history.OpRewrite:
		if p.Place != "" {
			return fmt.Errorf("a marker that lies elsewhere is a %s, not a %s", history.OpDecoy, p.Op)
		}
		return checkMaking(p)
	case history.OpCancel:
		if p.Place == "" {
			return nil
		}
		return checkDecoy(p)
	case history.OpDecoy:
		return checkDecoy(p)
	}
	return fmt.Errorf("unknown operation %q; there are %s, %s and %s", p.Op, history.OpBegin, history.OpCancel, history.OpDecoy)
}

// perform does one operation now and records it, failed or not. It returns the
// stamp before its first effect.
func (m *marker) perform(p wire.MarkerParams) (history.Stamp, error) {
	if err := m.check(p); err != nil {
		return 0, err
	}
	if p.Place != "" {
		return m.decoy(p)
	}
	content, err := contentOf(p)
	if err != nil {
		return 0, err
	}
	m.focus.look()
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.loan != nil {
		return 0, errLent
	}
	m.lookLocked() // what somebody else did before must not pass for ours
	ev := history.Marker{Op: p.Op, How: p.How, Existed: m.known.exists}
	var span [2]history.Stamp
	if p.Op == history.OpCancel {
		ev.How = howRemove
		span, err = m.remove()
	} else {
		ev.Op = history.OpBegin
		if ev.Existed {
			ev.Op = history.OpRewrite
		}
		ev.How = m.way(p)
		ev.Mode, ev.Epoch, ev.Age, ev.Expectation = p.Mode, p.Epoch, p.Age, p.Expectation
		if wire.Regular(ev.How) {
			sum := sha256.Sum256(content)
			ev.SHA256 = hex.EncodeToString(sum[:])
		}
		span, err = m.write(ev.How, modeOf(p), content)
	}
	m.seen = now() // before the look: what happens after it is not ours
	m.known = identify(m.path)
	ev.Present = m.known.exists
	if err != nil {
		ev.Error = err.Error()
		err = fmt.Errorf("%s %s: %w", ev.Op, ev.How, err)
	}
	m.rec.record(history.Event{Kind: history.KindMarker, Call: span[0], Return: span[1], Marker: &ev})
	m.focus.look()
	return span[0], err
}

// way is how a marker is really made. In place means into the file that is there:
// what is no regular file, or has another mode, can only be replaced.
func (m *marker) way(p wire.MarkerParams) string {
	if p.How != "" && p.How != wire.WayInPlace {
		return p.How
	}
	if m.known.exists && m.known.mode != unix.S_IFREG|uint32(modeOf(p)) {
		return wire.WayRename
	}
	return wire.WayInPlace
}

// write lays the marker; the span covers what others can see of it, not the
// preparation of a temporary file.
func (m *marker) write(how string, mode os.FileMode, content []byte) (span [2]history.Stamp, err error) {
	if how == wire.WayInPlace {
		span[0] = now()
		err = writeInPlace(m.path, mode, content)
		span[1] = now()
		return span, err
	}
	temp := filepath.Join(filepath.Dir(m.path), ".dp-"+rand.Text())
	defer os.Remove(temp) // gone already after a rename
	span[0] = now()
	if err = makeBeside(temp, filepath.Base(m.path), how, mode, content); err != nil {
		span[1] = now()
		return span, err
	}
	if how == wire.WayLink {
		span[0] = now()
		err = os.Link(temp, m.path)
		span[1] = now()
		if !errors.Is(err, os.ErrExist) {
			return span, err
		}
		// A link can't replace, and removing first would be a cancel: link beside it,
		// then rename that over it.
		second := temp + "-link"
		defer os.Remove(second)
		if err = os.Link(temp, second); err != nil {
			return span, err
		}
		temp = second
	}
	span[0] = now()
	err = takePlace(temp, m.path)
	span[1] = now()
	return span, err
}

// writeInPlace truncates and writes. It never waits, should the path be a FIFO.
func writeInPlace(path string, mode os.FileMode, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|unix.O_NONBLOCK, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Close())
}

// remove cancels; that there was nothing to remove is no error.
func (m *marker) remove() (span [2]history.Stamp, err error) {
	span[0] = now()
	err = os.Remove(m.path)
	span[1] = now()
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return span, err
}

// ordinary is the content of an ordinary marker, laid at that time. The second is
// exact enough for it; where its age is to the point, the millisecond is.
func ordinary(at time.Time, epoch string, age time.Duration, suppress *bool) []byte {
	layout := time.RFC3339
	if age != 0 {
		layout = "2006-01-02T15:04:05.000Z07:00"
	}
	fields := map[string]any{
		"action":       "drain",
		"requested_at": at.Add(-age).UTC().Format(layout),
		"principal":    "drainproof",
	}
	if epoch != "" {
		fields["epoch"] = epoch
	}
	if suppress != nil {
		fields["suppress_notification"] = *suppress
	}
	content, err := json.Marshal(fields)
	if err != nil { // what is in it can't fail to be JSON
		panic(err)
	}
	return content
}
