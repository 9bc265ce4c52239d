package drain

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Observation is what one look at the marker's place found.
type Observation struct {
	// Known is false when presence could not be decided; Problem then says why,
	// and what is in effect stays in effect (MARKER-010).
	Known   bool
	Present bool
	// Stale is why a marker that is there counts as absent; empty when none is
	// there, and when the one that is there counts. A look at a Home never says so.
	Stale Staleness
	// Identity changes when the marker is written again or replaced: device,
	// inode, size and modification time of the directory entry.
	Identity string
	// Hash is the SHA-256 of the content read (at most MaxContent bytes), in hex;
	// empty when the marker is no regular file or can't be read.
	Hash string
	// Request is what could be understood of the content.
	Request Request
	// Problem tells what was odd: unreadable, no regular file, invalid content,
	// stale. With Known it never changes the decision.
	Problem error
}

// Source is where a gateway learns whether a drain is requested.
type Source interface {
	Look(ctx context.Context) Observation
}

// Home looks for the marker in one gateway's home, and nowhere else (MARKER-002).
type Home struct {
	Dir string
}

// Look decides the marker's presence by its directory entry and then reads what
// can be read without waiting. It never blocks on a FIFO, never follows a link,
// and never changes the marker (MARKER-005, MARKER-006, MARKER-008).
func (h Home) Look(context.Context) Observation {
	path := filepath.Join(h.Dir, MarkerName)
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return h.missing()
	case err != nil:
		return Observation{Problem: fmt.Errorf("cannot tell whether %s is there: %w", path, err)}
	}
	seen := Observation{Known: true, Present: true, Identity: identity(info)}
	content, err := readRegular(path, info)
	if err != nil {
		seen.Problem = err
		return seen
	}
	sum := sha256.Sum256(content)
	seen.Hash = hex.EncodeToString(sum[:])
	seen.Request, seen.Problem = Parse(content)
	return seen
}

// missing tells an absent marker from an absent home. A home that is gone (not
// mounted, being moved) says nothing about whether a drain is requested.
func (h Home) missing() Observation {
	info, err := os.Stat(h.Dir)
	switch {
	case err != nil:
		return Observation{Problem: fmt.Errorf("cannot look into the home %s: %w", h.Dir, err)}
	case !info.IsDir():
		return Observation{Problem: fmt.Errorf("the home %s is not a directory", h.Dir)}
	}
	return Observation{Known: true}
}

// readRegular reads a regular file and nothing else. O_NONBLOCK covers the case
// that a FIFO took the file's place since it was looked at.
func readRegular(path string, info fs.FileInfo) ([]byte, error) {
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("the marker %s is no regular file (%s); it drains all the same", path, info.Mode().Type())
	}
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot read the marker, it drains all the same: %w", err)
	}
	defer file.Close()
	if info, err = file.Stat(); err != nil {
		return nil, fmt.Errorf("cannot read the marker, it drains all the same: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("the marker %s was replaced by a %s; it drains all the same", path, info.Mode().Type())
	}
	content, err := io.ReadAll(io.LimitReader(file, MaxContent))
	if err != nil {
		return nil, fmt.Errorf("cannot read the marker, it drains all the same: %w", err)
	}
	return content, nil
}

func identity(info fs.FileInfo) string {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return fmt.Sprintf("%d:%d:%d:%d", stat.Dev, stat.Ino, info.Size(), info.ModTime().UnixNano())
	}
	return fmt.Sprintf("%d:%d", info.Size(), info.ModTime().UnixNano())
}
