package probe

import (
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A directory that another one takes the place of is left before long.
func TestNear(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "home")
	lay := func(content string) {
		t.Helper()
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "state"), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	n := near{dir: dir}
	defer n.close()
	read := func() string {
		t.Helper()
		fd, err := n.open("state", unix.O_RDONLY)
		if err != nil {
			t.Fatal(err)
		}
		f := os.NewFile(uintptr(fd), "state")
		defer f.Close()
		content, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		return string(content)
	}
	if _, err := n.open("state", unix.O_RDONLY); err != unix.ENOENT {
		t.Errorf("without the directory: %v", err)
	}
	lay("first")
	if got := read(); got != "first" {
		t.Errorf("read %q", got)
	}
	if err := os.Rename(dir, dir+".old"); err != nil {
		t.Fatal(err)
	}
	lay("second")
	for end := time.Now().Add(10 * time.Second); read() != "second"; {
		if time.Now().After(end) {
			t.Fatal("the directory that was there before is still read")
		}
	}
}
