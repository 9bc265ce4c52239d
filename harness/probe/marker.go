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

// Ways of writing the marker.
const (
	howInPlace = "in-place"
	howRename  = "rename"
	howLink    = "link"
	howRemove  = "remove"
)

const markerMode = 0o644

// marker is the controller's hand: it alone moves the marker, and notices when
// somebody else did.
type marker struct {
	path  string
	rec   sink
	focus *focus

	mu    sync.Mutex // an operation, with its recording; a look
	known identity   // after our last operation or look
	seen  history.Stamp
}

// identity tells one shape of the marker from another.
type identity struct {
	exists       bool
	dev, ino     uint64
	mode         uint32
	size         int64
	mtime, ctime int64
}

func newMarker(path string, rec sink, f *focus) (*marker, error) {
	if !filepath.IsAbs(path) {
		return nil, fmt.Errorf("marker path %q is not absolute", path)
	}
	m := &marker{path: path, rec: rec, focus: f}
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
		switch p.How {
		case "", howInPlace, howRename, howLink:
			return nil
		}
		return fmt.Errorf("unknown way %q; there are %s, %s, %s", p.How, howInPlace, howRename, howLink)
	case history.OpCancel:
		return nil
	}
	return fmt.Errorf("unknown operation %q; there are %s and %s", p.Op, history.OpBegin, history.OpCancel)
}

// perform does one operation now and records it, failed or not. It returns the
// stamp before its first effect.
func (m *marker) perform(p wire.MarkerParams) (history.Stamp, error) {
	if err := m.check(p); err != nil {
		return 0, err
	}
	content := p.Content
	if len(content) == 0 {
		content = defaultMarker(time.Now())
	}
	m.focus.look()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lookLocked() // what somebody else did before must not pass for ours
	ev := history.Marker{Op: p.Op, How: p.How, Existed: m.known.exists}
	var span [2]history.Stamp
	var err error
	if p.Op == history.OpCancel {
		ev.How = howRemove
		span, err = m.remove()
	} else {
		ev.Op = history.OpBegin
		if ev.Existed {
			ev.Op = history.OpRewrite
		}
		if ev.How == "" {
			ev.How = howInPlace
		}
		sum := sha256.Sum256(content)
		ev.SHA256 = hex.EncodeToString(sum[:])
		span, err = m.write(ev.How, content)
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

// write lays the marker; the span covers what others can see of it, not the
// preparation of a temporary file.
func (m *marker) write(how string, content []byte) (span [2]history.Stamp, err error) {
	if how == howInPlace {
		span[0] = now()
		err = writeInPlace(m.path, content)
		span[1] = now()
		return span, err
	}
	temp := filepath.Join(filepath.Dir(m.path), ".dp-"+rand.Text())
	defer os.Remove(temp) // gone already after a rename
	span[0] = now()
	if err = os.WriteFile(temp, content, markerMode); err != nil {
		span[1] = now()
		return span, err
	}
	if how == howLink {
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
	err = os.Rename(temp, m.path)
	span[1] = now()
	return span, err
}

// writeInPlace truncates and writes. It never waits, should the path be a FIFO.
func writeInPlace(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|unix.O_NONBLOCK, markerMode)
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

func defaultMarker(at time.Time) []byte {
	content, err := json.Marshal(map[string]string{
		"action":       "drain",
		"requested_at": at.UTC().Format(time.RFC3339),
		"principal":    "drainproof",
	})
	if err != nil { // strings can't fail to be JSON
		panic(err)
	}
	return content
}
