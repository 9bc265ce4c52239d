package home

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// LockName is the lock's file name in the home.
const LockName = "gateway.lock"

// The bytes of the lock's file that a gateway locks: the first makes the home its
// own, the second says that the file holds its name by now, and no longer that of
// a gateway before it.
const (
	owned = 0
	named = 1
)

// Lock is the right to be the gateway of a home.
type Lock struct {
	file   *os.File
	Holder Holder
}

// Holder tells who has a lock.
type Holder struct {
	PID int `json:"pid"`
	// StartTime is the process's start in clock ticks since boot, as in field 22 of
	// /proc/PID/stat: with the PID it names one process for as long as the machine runs.
	StartTime uint64    `json:"start_time"`
	StartedAt time.Time `json:"started_at"`
}

// HeldError is returned when another gateway has the home.
type HeldError struct {
	Dir    string
	Holder Holder // zero when the holder has not said who it is yet
}

// Error implements error.
func (e *HeldError) Error() string {
	who := "another gateway"
	if e.Holder.PID != 0 {
		who = fmt.Sprintf("another gateway (pid %d, started %s)", e.Holder.PID, e.Holder.StartedAt.Format(time.RFC3339))
	}
	return fmt.Sprintf("the home %s is in use by %s; stop that one first, or set %s to another directory", e.Dir, who, EnvHome)
}

// Acquire locks a home for this process, or returns a *HeldError. The file stays
// behind when the lock is gone; only the lock means anything.
func Acquire(dir string) (*Lock, error) {
	path := filepath.Join(dir, LockName)
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("cannot open the lock %s: %w", path, cause(err))
	}
	if err := hold(file, owned); err != nil {
		defer file.Close()
		if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EACCES) {
			return nil, &HeldError{Dir: dir, Holder: readHolder(path)}
		}
		return nil, fmt.Errorf("cannot lock %s: %w", path, err)
	}
	self, err := Self()
	if err == nil {
		err = writeHolder(file, self)
	}
	if err == nil {
		err = hold(file, named)
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("cannot write the lock %s: %w", path, err)
	}
	return &Lock{file: file, Holder: self}, nil
}

// Release gives the home up.
func (l *Lock) Release() error { return l.file.Close() }

// Alive says whether a gateway lives in a home, and which: a zero Holder when it
// has not said yet. It takes no lock and writes nothing. A home or lock that does
// not exist has no gateway.
func Alive(dir string) (bool, Holder, error) {
	path := filepath.Join(dir, LockName)
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, Holder{}, nil
	}
	if err != nil {
		return false, Holder{}, fmt.Errorf("cannot tell whether a gateway is running: %w", err)
	}
	defer file.Close()
	alive, err := held(file, owned)
	if err != nil || !alive {
		return false, Holder{}, err
	}
	// Asked in this order, and the name read last: it can only be of one who holds both.
	if known, err := held(file, named); err != nil || !known {
		return true, Holder{}, err
	}
	return true, readHolder(path), nil
}

// hold locks one byte of a file, or returns EAGAIN or EACCES. An open-file-
// description lock: unlike flock it can be asked about without being taken, so a
// dashboard never stands in a starting gateway's way.
func hold(file *os.File, at int64) error {
	lock := unix.Flock_t{Type: unix.F_WRLCK, Start: at, Len: 1}
	return unix.FcntlFlock(file.Fd(), unix.F_OFD_SETLK, &lock)
}

// held says whether somebody holds a byte of a file.
func held(file *os.File, at int64) (bool, error) {
	asked := unix.Flock_t{Type: unix.F_RDLCK, Start: at, Len: 1}
	if err := unix.FcntlFlock(file.Fd(), unix.F_OFD_GETLK, &asked); err != nil {
		return false, fmt.Errorf("cannot ask about the lock %s: %w", file.Name(), err)
	}
	return asked.Type != unix.F_UNLCK, nil
}

func writeHolder(file *os.File, holder Holder) error {
	content, err := json.Marshal(holder)
	if err != nil {
		return err
	}
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err = file.WriteAt(append(content, '\n'), 0)
	return err
}

// readHolder returns what the lock's file says, or nothing when it says nothing
// sensible: it is only ever used to tell a person or to compare.
func readHolder(path string) Holder {
	var holder Holder
	content, err := os.ReadFile(path)
	if err != nil || json.Unmarshal(content, &holder) != nil {
		return Holder{}
	}
	return holder
}
