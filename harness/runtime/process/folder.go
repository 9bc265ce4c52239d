package process

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/drainproof/drainproof/harness/runtime/lease"
)

const (
	prefix    = "drainproof-pod-"
	leaseFile = "lease.json"
)

// child is a process a pod has started; its PID alone would not name it for good.
type child struct {
	PID   int    `json:"pid"`
	Start uint64 `json:"start"`
}

// claim is what a pod's folder says of itself.
type claim struct {
	lease.Lease
	Children []child `json:"children"`
}

// folder is the temporary folder of one pod.
type folder struct {
	path string
	mu   sync.Mutex
	held claim
}

func newFolder(l lease.Lease) (*folder, error) {
	path, err := os.MkdirTemp("", prefix+"*") // mode 0700
	if err != nil {
		return nil, fmt.Errorf("cannot make a folder for the pod: %w; set TMPDIR to one that is writable", err)
	}
	f := &folder{path: path, held: claim{Lease: l}}
	if err := f.write(); err != nil {
		return nil, errors.Join(err, removeTree(path))
	}
	for _, d := range []string{"home", "work", "tmp"} {
		if err := os.Mkdir(filepath.Join(path, d), 0o700); err != nil {
			return nil, errors.Join(err, removeTree(path))
		}
	}
	return f, nil
}

func (f *folder) sub(name string) string { return filepath.Join(f.path, name) }

// note records processes, so that who finds the folder orphaned can end them.
func (f *folder) note(children []child) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held.Children = children
	return f.write()
}

func (f *folder) write() error {
	data, err := json.Marshal(f.held)
	if err != nil {
		return err
	}
	next := f.sub("." + leaseFile)
	if err := os.WriteFile(next, data, 0o600); err != nil {
		return fmt.Errorf("cannot write the pod's lease: %w", err)
	}
	return os.Rename(next, f.sub(leaseFile))
}

// sweep removes the folders, and ends the processes, of pods for which doomed
// says so, and tells how many. Folders of other users are not even read.
func sweep(doomed func(claim) bool) (int, error) {
	dirs, err := filepath.Glob(filepath.Join(os.TempDir(), prefix+"*"))
	if err != nil {
		return 0, err
	}
	here, err := lease.Here()
	if err != nil {
		return 0, err
	}
	var errs []error
	count := 0
	for _, dir := range dirs {
		c, ok := read(dir)
		if !ok || !doomed(c) {
			continue
		}
		count++
		if c.Host == here.Host && c.Boot == here.Boot {
			end(c.Children)
		}
		errs = append(errs, removeTree(dir))
	}
	return count, errors.Join(errs...)
}

// read returns what a folder says of itself, provided that this user made it:
// anybody may make folders next to it, and ask in them for processes to be killed.
func read(dir string) (claim, bool) {
	info, err := os.Lstat(dir)
	if err != nil || !info.IsDir() || info.Mode().Perm()&0o077 != 0 {
		return claim{}, false
	}
	if st, ok := info.Sys().(*syscall.Stat_t); !ok || int(st.Uid) != os.Geteuid() {
		return claim{}, false
	}
	data, err := os.ReadFile(filepath.Join(dir, leaseFile))
	if err != nil {
		return claim{}, false
	}
	var c claim
	if err := json.Unmarshal(data, &c); err != nil || c.Run == "" || c.Host == "" || c.Owner <= 0 {
		return claim{}, false
	}
	return c, true
}

// end kills those of the processes that are still the ones that were recorded,
// with their groups, and waits until they are gone, two seconds at most.
func end(children []child) {
	deadline := time.Now().Add(2 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for _, c := range children {
		for c.alive() && time.Now().Before(deadline) {
			target := c.PID
			if group, err := unix.Getpgid(c.PID); err == nil && group == c.PID {
				target = -c.PID
			}
			if unix.Kill(target, unix.SIGKILL) != nil {
				break
			}
			<-tick.C
		}
	}
}

func (c child) alive() bool {
	start, err := lease.StartTime(c.PID)
	return c.PID > 1 && c.Start != 0 && err == nil && start == c.Start
}

// removeTree removes a folder even if the gateway or a spec took its permissions
// away.
func removeTree(path string) error {
	if os.RemoveAll(path) == nil {
		return nil
	}
	_ = filepath.WalkDir(path, func(p string, d fs.DirEntry, _ error) error {
		if d != nil && d.IsDir() {
			_ = os.Chmod(p, 0o700) // before it is read; what fails here fails below
		}
		return nil
	})
	return os.RemoveAll(path)
}
