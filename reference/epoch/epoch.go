package epoch

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/drainproof/drainproof/reference/home"
)

// Source tells an epoch. It is asked again and again, and must not be slow.
type Source interface {
	// Epoch returns the epoch, never an empty one without an error.
	Epoch() (string, error)
}

// Instantiation is the Source of the instantiation the running process is in.
type Instantiation struct {
	// Proc is where the process table is mounted; /proc when empty.
	Proc string
}

// Epoch is made of the boot of the kernel, the PID namespace, and the start of its
// PID 1. Each alone may come again: the boot stays over all containers, namespaces
// are numbered anew after a boot, and two containers can start in the same tick.
func (i Instantiation) Epoch() (string, error) {
	proc := i.Proc
	if proc == "" {
		proc = "/proc"
	}
	boot, err := os.ReadFile(filepath.Join(proc, "sys/kernel/random/boot_id"))
	if err != nil {
		return "", fmt.Errorf("cannot tell this instantiation's epoch: %w", err)
	}
	// Of the process itself: that of PID 1 is hidden from other users, and is the same.
	namespace, err := os.Readlink(filepath.Join(proc, "self/ns/pid"))
	if err != nil {
		return "", fmt.Errorf("cannot tell this instantiation's epoch: %w", err)
	}
	stat, err := os.ReadFile(filepath.Join(proc, "1/stat"))
	if err != nil {
		return "", fmt.Errorf("cannot tell this instantiation's epoch: %w", err)
	}
	start, err := home.StartTime(stat)
	if err != nil {
		return "", fmt.Errorf("cannot tell this instantiation's epoch: %w", err)
	}
	sum := sha256.Sum256([]byte(strings.TrimSpace(string(boot)) + "\n" + namespace + "\n" + strconv.FormatUint(start, 10)))
	return hex.EncodeToString(sum[:16]), nil
}

// Stamp is the Source of the epoch with which a marker for a home is stamped: that
// of the gateway it is meant for.
type Stamp struct {
	Home string
	Own  Source // of the process that writes the marker
}

// Epoch returns the writer's own epoch, unless a live gateway shows that it is not
// the gateway's as well. A marker that is then left without a stamp is honoured,
// whereas one with the writer's own would be ignored (EPOCH-002).
func (s Stamp) Epoch() (string, error) {
	alive, holder, err := home.Alive(s.Home)
	if err != nil {
		return "", fmt.Errorf("cannot tell the gateway's epoch: %w", err)
	}
	if alive && !holder.Here() {
		return "", fmt.Errorf("cannot tell the gateway's epoch: the gateway of %s runs in another container; ask from within its own, or from one that shares its PID namespace", s.Home)
	}
	return s.Own.Epoch()
}
