package probe

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

// checkDecoy refuses a decoy that can lie nowhere.
func checkDecoy(p wire.MarkerParams) error {
	switch p.Place {
	case wire.PlaceWorkingDirectory, wire.PlaceParent:
		return nil
	}
	return fmt.Errorf("unknown place %q of a decoy; there are %s and %s", p.Place, wire.PlaceWorkingDirectory, wire.PlaceParent)
}

// decoy lays a marker where it is none of this gateway's or, with a cancel,
// removes the one that it laid there. A file that is there already is somebody
// else's and stays.
func (m *marker) decoy(p wire.MarkerParams) (history.Stamp, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, existed := m.decoys[p.Place]
	ev := history.Marker{Op: history.OpDecoy, How: p.Place, Existed: existed}
	span := [2]history.Stamp{now()}
	var err error
	if p.Op == history.OpCancel {
		err = m.removeDecoy(p.Place)
	} else {
		err = m.layDecoy(p.Place)
	}
	_, ev.Present = m.decoys[p.Place]
	span[1] = now()
	if err != nil {
		ev.Error = err.Error()
		err = fmt.Errorf("%s, %s: %w", ev.Op, ev.How, err)
	}
	m.rec.record(history.Event{Kind: history.KindMarker, Call: span[0], Return: span[1], Marker: &ev})
	return span[0], err
}

func (m *marker) layDecoy(place string) error {
	if m.decoys[place] != nil {
		return fmt.Errorf("a decoy lies in the %s already", place)
	}
	dir, err := m.decoyDir(place)
	if err != nil {
		return err
	}
	f, err := dir.OpenFile(filepath.Base(m.path), os.O_WRONLY|os.O_CREATE|os.O_EXCL, markerMode)
	if err != nil {
		return errors.Join(err, dir.Close())
	}
	m.decoys[place] = dir
	_, err = f.Write(ordinary(time.Now(), "", 0, nil))
	return errors.Join(err, f.Close())
}

// removeDecoy takes it away; that there was none is no error.
func (m *marker) removeDecoy(place string) error {
	dir := m.decoys[place]
	if dir == nil {
		return nil
	}
	if err := dir.Remove(filepath.Base(m.path)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	delete(m.decoys, place)
	return dir.Close()
}

// decoyDir opens the place by way of the gateway's process, which may have another
// root than the probe. It is held open: the process may be gone before the decoy.
func (m *marker) decoyDir(place string) (*os.Root, error) {
	proc, ok := m.process()
	if !ok {
		return nil, errors.New("no process of a gateway is watched; start it first")
	}
	home := filepath.Dir(m.path)
	path := proc + "/root" + filepath.Dir(home)
	if place == wire.PlaceWorkingDirectory {
		path = proc + "/cwd"
	}
	dir, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("look into the %s of process %s: %w", place, filepath.Base(proc), err)
	}
	there, err := dir.Stat(".")
	own, failed := os.Stat(home)
	if err = errors.Join(err, failed); err == nil && os.SameFile(there, own) {
		err = fmt.Errorf("the %s of process %s is its home: a marker there is no decoy", place, filepath.Base(proc))
	}
	if err != nil {
		return nil, errors.Join(err, dir.Close())
	}
	return dir, nil
}

// clear removes the decoys that are left: they lie outside everything that is
// removed with a pod.
func (m *marker) clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for place := range m.decoys {
		_ = m.removeDecoy(place)
	}
}
