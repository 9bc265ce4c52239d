package probe

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/drainproof/drainproof/harness/wire"
)

// danglingTarget is where a dangling link leads; nobody makes a file of that name.
const danglingTarget = ".dp-nowhere"

// checkMaking refuses ways of making a marker that there are not.
func checkMaking(p wire.MarkerParams) error {
	switch p.How {
	case "", wire.WayInPlace, wire.WayRename, wire.WayLink, wire.WayDir, wire.WayFIFO, wire.WayDangling, wire.WayLoop:
	default:
		return fmt.Errorf("unknown way %q; there are %s, %s, %s, %s, %s, %s, %s", p.How,
			wire.WayInPlace, wire.WayRename, wire.WayLink, wire.WayDir, wire.WayFIFO, wire.WayDangling, wire.WayLoop)
	}
	if (p.Epoch != "" || p.Age != 0 || p.Suppress != nil) && (len(p.Content) > 0 || len(p.Pieces) > 0 || !wire.Regular(p.How)) {
		return errors.New("a marker with content of its own, or with none, is given neither epoch nor age, and asks for no silence")
	}
	if p.Mode != "" {
		if _, err := strconv.ParseUint(p.Mode, 8, 9); err != nil {
			return fmt.Errorf("mode %q is no mode of a file in octal: %w", p.Mode, err)
		}
		if !wire.Regular(p.How) {
			return fmt.Errorf("a %s is given no mode", p.How)
		}
	}
	_, err := contentSize(p.Pieces)
	return err
}

// modeOf is the mode of the file to be made; checkMaking has parsed it before.
func modeOf(p wire.MarkerParams) os.FileMode {
	mode, err := strconv.ParseUint(p.Mode, 8, 9)
	if err != nil {
		return markerMode
	}
	return os.FileMode(mode)
}

// contentOf is the content as given, as put together from its pieces, or that of
// an ordinary marker.
func contentOf(p wire.MarkerParams) ([]byte, error) {
	switch {
	case len(p.Pieces) > 0:
		size, err := contentSize(p.Pieces)
		if err != nil {
			return nil, err
		}
		content := make([]byte, 0, size)
		for _, piece := range p.Pieces {
			content = append(content, bytes.Repeat(piece.Bytes, piece.Times)...)
		}
		return content, nil
	case len(p.Content) > 0:
		return p.Content, nil
	}
	return ordinary(time.Now(), p.Epoch, p.Age, p.Suppress), nil
}

func contentSize(pieces []wire.Piece) (int, error) {
	size := 0
	for _, piece := range pieces {
		if piece.Times < 0 {
			return 0, fmt.Errorf("a piece of content can't be repeated %d times", piece.Times)
		}
		if n := len(piece.Bytes); n > 0 && piece.Times > (wire.MaxContent-size)/n {
			return 0, fmt.Errorf("the content is longer than %d bytes", wire.MaxContent)
		}
		size += len(piece.Bytes) * piece.Times
	}
	return size, nil
}

// makeBeside makes what shall be the marker under a temporary name. name is the
// marker's own, which a link in a loop must lead to.
func makeBeside(temp, name, how string, mode os.FileMode, content []byte) error {
	switch how {
	case wire.WayDir:
		return os.Mkdir(temp, 0o755)
	case wire.WayFIFO:
		return unix.Mkfifo(temp, markerMode)
	case wire.WayDangling:
		return os.Symlink(danglingTarget, temp)
	case wire.WayLoop:
		return os.Symlink(name, temp)
	}
	if err := os.WriteFile(temp, content, markerMode); err != nil {
		return err
	}
	return os.Chmod(temp, mode) // the mode given is the mode meant, whatever the umask is
}

// takePlace puts what lies at temp where the marker belongs, in one step: there is
// no instant without a marker, if there was one. A directory and what is none
// can't replace each other by a rename; they change places.
func takePlace(temp, path string) error {
	before, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return os.Rename(temp, path)
	}
	if err != nil {
		return err
	}
	own, err := os.Lstat(temp)
	if err != nil {
		return err
	}
	if before.IsDir() == own.IsDir() {
		// os.Rename refuses what the system does: an empty directory over another.
		if err := unix.Rename(temp, path); err != nil {
			return fmt.Errorf("put %s in the marker's place: %w", temp, err)
		}
		return nil
	}
	if before.IsDir() {
		if inside, err := os.ReadDir(path); err != nil || len(inside) > 0 {
			return errors.Join(fmt.Errorf("the marker %s is a directory with %d entries, which are not the suite's to remove", path, len(inside)), err)
		}
	}
	if err := unix.Renameat2(unix.AT_FDCWD, temp, unix.AT_FDCWD, path, unix.RENAME_EXCHANGE); err != nil {
		return fmt.Errorf("exchange %s with the marker: %w", temp, err)
	}
	return os.Remove(temp)
}
