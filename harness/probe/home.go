package probe

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/drainproof/drainproof/harness/wire"
)

// maxBallast bounds a file that is to take all the room there is: where that is more, the
// home is no small one, and what it lies on must not be filled.
const maxBallast = 1 << 30

// maxFile bounds a file of the home that is sent over the conversation; base64
// and the frame must fit into one line.
const maxFile = 40 << 20

// prepareHome creates the home if it is missing and gives it to the gateway's
// user, because a new volume is root's. The mode of a home that holds something
// is the gateway's affair and stays.
func prepareHome(home string, uid, gid int) error {
	if !filepath.IsAbs(home) {
		return fmt.Errorf("home %q is not absolute", home)
	}
	if err := os.MkdirAll(home, 0o700); err != nil {
		return fmt.Errorf("create the home: %w", err)
	}
	entries, err := os.ReadDir(home)
	if err != nil {
		return fmt.Errorf("look into the home: %w", err)
	}
	if len(entries) == 0 {
		if err := os.Chmod(home, 0o700); err != nil {
			return fmt.Errorf("close the home to others: %w", err)
		}
	}
	if uid >= 0 {
		if err := os.Chown(home, uid, gid); err != nil {
			return fmt.Errorf("give the home to user %d:%d: %w", uid, gid, err)
		}
	}
	return nil
}

// file handles a file of the home. os.Root keeps it there: neither ".." nor a
// symbolic link leads out.
func (s *session) file(p wire.FileParams) (any, error) {
	root, err := os.OpenRoot(s.config.Home)
	if err != nil {
		return nil, fmt.Errorf("open the home: %w", err)
	}
	defer root.Close()
	switch p.Op {
	case "write":
		return nil, s.writeFile(root, p)
	case "read":
		return readHomeFile(root, p.Path)
	case "remove":
		return nil, root.RemoveAll(p.Path)
	case "fill":
		return nil, fillHome(root, p.Path)
	case "stat":
		switch _, err := root.Lstat(p.Path); {
		case errors.Is(err, fs.ErrNotExist):
			return wire.FileResult{}, nil
		case err != nil:
			return nil, err
		}
		return wire.FileResult{Exists: true}, nil
	default:
		return nil, fmt.Errorf("unknown operation %q; there are write, read, remove, fill, stat", p.Op)
	}
}

func (s *session) writeFile(root *os.Root, p wire.FileParams) error {
	mode := fs.FileMode(0o644)
	if p.Mode != 0 {
		mode = fs.FileMode(p.Mode).Perm()
	}
	if dir := filepath.Dir(p.Path); dir != "." {
		if err := root.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	f, err := root.OpenFile(p.Path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|syscall.O_NONBLOCK, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(p.Content)
	// The mode given is the mode meant, whatever the umask is.
	err = errors.Join(err, f.Chmod(mode))
	if s.config.UID >= 0 {
		err = errors.Join(err, f.Chown(s.config.UID, s.config.GID))
	}
	return errors.Join(err, f.Close())
}

// fillHome makes a file that takes all the room there is in the home, to the last byte, or
// has it grow to that. What could not be made is taken away again.
func fillHome(root *os.Root, path string) error {
	f, err := root.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	written, err := takeAll(f)
	if err == nil && written >= maxBallast {
		err = fmt.Errorf("there is room for more than %d bytes; only a home of limited size can be filled", maxBallast)
	}
	err = errors.Join(err, f.Close())
	if err != nil {
		err = errors.Join(err, root.Remove(path))
	}
	return err
}

// takeAll writes zeros until there is no room for one more, or there is no end of it.
func takeAll(w io.Writer) (written int, err error) {
	zeros := make([]byte, 1<<20)
	for len(zeros) > 0 && written < maxBallast {
		n, err := w.Write(zeros)
		written += n
		switch {
		case errors.Is(err, syscall.ENOSPC):
			zeros = zeros[:len(zeros)/2]
		case err != nil:
			return written, err
		}
	}
	return written, nil
}

func readHomeFile(root *os.Root, path string) (wire.FileResult, error) {
	f, err := root.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return wire.FileResult{}, nil
	}
	if err != nil {
		return wire.FileResult{}, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil {
		return wire.FileResult{}, err
	} else if !info.Mode().IsRegular() {
		return wire.FileResult{}, fmt.Errorf("%s is no regular file but %s", path, info.Mode().Type())
	}
	content, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return wire.FileResult{}, err
	}
	if len(content) > maxFile {
		return wire.FileResult{}, fmt.Errorf("%s is larger than %d bytes", path, maxFile)
	}
	return wire.FileResult{Exists: true, Content: content}, nil
}
