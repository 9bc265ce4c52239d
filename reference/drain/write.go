package drain

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Write puts a marker into a home, whole or not at all: it is written beside its
// place, synced, and renamed onto it. It replaces the marker that may be there
// and says whether there was one. The home must exist.
func Write(home string, request Request) (replaced bool, err error) {
	content, err := json.Marshal(request)
	if err != nil {
		return false, fmt.Errorf("cannot encode the drain request: %w", err)
	}
	path := filepath.Join(home, MarkerName)
	if _, err := os.Lstat(path); err == nil {
		replaced = true
	}
	file, err := os.CreateTemp(home, MarkerName+".*.tmp")
	if err != nil {
		return false, fmt.Errorf("cannot write a drain request into %s: %w", home, err)
	}
	defer os.Remove(file.Name()) // fails when renamed, as it should
	_, err = file.Write(append(content, '\n'))
	err = errors.Join(err, file.Chmod(0o644), file.Sync(), file.Close())
	if err != nil {
		return false, fmt.Errorf("cannot write the drain request %s: %w", file.Name(), err)
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return false, fmt.Errorf("cannot put the drain request into place: %w", err)
	}
	return replaced, syncDir(home)
}

// Remove takes the marker away and says whether there was one. Removing an
// absent marker is no error: a cancel is idempotent.
func Remove(home string) (existed bool, err error) {
	err = os.Remove(filepath.Join(home, MarkerName))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Stat(home); err != nil {
			return false, fmt.Errorf("cannot look into the home %s: %w", home, err)
		}
		return false, nil
	case err != nil:
		return false, fmt.Errorf("cannot remove the drain request: %w", err)
	}
	return true, syncDir(home)
}

// syncDir makes a change to a directory's entries survive a power cut: a drain
// that was acknowledged must not be undone by one.
func syncDir(dir string) error {
	file, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("cannot sync %s: %w", dir, err)
	}
	defer file.Close()
	if err := file.Sync(); err != nil {
		return fmt.Errorf("cannot sync %s: %w", dir, err)
	}
	return nil
}
