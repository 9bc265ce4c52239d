package status

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Store keeps the last publication where others can read it.
type Store interface {
	// Write replaces the publication, whole or not at all.
	Write(Record) error
}

// File is the Store in a home. One gateway at a time writes it (the home's lock
// sees to that), one publication at a time (the Publisher sees to that).
type File struct {
	Dir string
}

// Write puts the record beside its place and renames it there.
func (f File) Write(record Record) error {
	content, err := json.Marshal(record)
	if err != nil {
		return fmt.Errorf("cannot encode the published state: %w", err)
	}
	path := filepath.Join(f.Dir, FileName)
	beside := filepath.Join(f.Dir, "."+FileName+".tmp")
	if err := os.WriteFile(beside, append(content, '\n'), 0o644); err != nil {
		return fmt.Errorf("cannot write the published state: %w", err)
	}
	if err := os.Rename(beside, path); err != nil {
		return fmt.Errorf("cannot put the published state into place: %w", err)
	}
	return nil
}
