package probe

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/drainproof/drainproof/harness/wire"
)

func TestFilesOfTheHome(t *testing.T) {
	r, _ := newObserver(t)
	r.must(os.Symlink("/etc", r.path("out")))
	file := func(op, path string, content string) (wire.FileResult, error) {
		return r.File(r.ctx, wire.FileParams{Op: op, Path: path, Content: []byte(content), Mode: 0o640})
	}
	_, err := file("write", "deep/er/file", "hello")
	r.must(err)
	if got, err := file("read", "deep/er/file", ""); err != nil || !got.Exists || string(got.Content) != "hello" {
		t.Errorf("read: %+v, %v", got, err)
	}
	if info, err := os.Stat(r.path("deep/er/file")); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode: %v, %v", info.Mode(), err)
	}
	if got, err := file("stat", "deep", ""); err != nil || !got.Exists {
		t.Errorf("stat: %+v, %v", got, err)
	}
	for range 2 { // the second time there is nothing to remove
		_, err := file("remove", "deep", "")
		r.must(err)
	}
	for _, op := range []string{"stat", "read"} {
		if got, err := file(op, "deep/er/file", ""); err != nil || got.Exists {
			t.Errorf("%s of what is not there: %+v, %v", op, got, err)
		}
	}
	for _, path := range []string{"../x", "/etc/hostname", "out/hostname", "a/../../x", ""} {
		for _, op := range []string{"read", "write", "remove"} {
			if got, err := file(op, path, "x"); err == nil && got.Exists {
				t.Errorf("%s %q left the home", op, path)
			} else if err == nil && op == "write" {
				t.Errorf("%s %q: no error", op, path)
			}
		}
	}
	if _, err := file("sing", "x", ""); err == nil {
		t.Error("an unknown operation")
	}
	if _, err := os.Stat("/etc"); err != nil {
		t.Fatal("the home was left")
	}
}

// room is a place that takes so many bytes; below 0: without end.
type room int

func (r *room) Write(p []byte) (int, error) {
	if *r < 0 || len(p) <= int(*r) {
		if *r >= 0 {
			*r -= room(len(p))
		}
		return len(p), nil
	}
	n := int(*r)
	*r = 0
	return n, syscall.ENOSPC
}

// A home is filled to the last byte, and only one that has an end.
func TestTheHomeIsFilled(t *testing.T) {
	for _, size := range []int{0, 1, 4095, 1 << 20, 5<<20 + 7} {
		left := room(size)
		if written, err := takeAll(&left); err != nil || written != size || left != 0 {
			t.Errorf("of %d bytes %d were taken, %v", size, written, err)
		}
	}
	endless := room(-1)
	if written, err := takeAll(&endless); err != nil || written != maxBallast {
		t.Errorf("of a place without end %d bytes were taken, %v", written, err)
	}
}

func TestTheHomeIsPrepared(t *testing.T) {
	uid, gid := os.Getuid(), os.Getgid()
	base := t.TempDir()
	fresh := filepath.Join(base, "a", "b")
	empty, full := filepath.Join(base, "empty"), filepath.Join(base, "full")
	for _, dir := range []string{empty, full} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(full, "x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for dir, mode := range map[string]os.FileMode{fresh: 0o700, empty: 0o700, full: 0o755} {
		if err := prepareHome(dir, uid, gid); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v; want %v", dir, info.Mode(), err, mode)
		}
	}
	for _, bad := range []string{"relative", "", filepath.Join(full, "x")} {
		if err := prepareHome(bad, -1, -1); err == nil {
			t.Errorf("%q was taken for a home", bad)
		}
	}
}
