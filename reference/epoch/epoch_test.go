package epoch

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/drainproof/drainproof/reference/home"
)

// proc makes the little of a process table that an epoch is made of.
func proc(t *testing.T, boot, namespace, start string) string {
	t.Helper()
	dir := t.TempDir()
	for path, content := range map[string]string{
		"sys/kernel/random/boot_id": boot + "\n",
		"1/stat":                    "1 (init) S 0 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 " + start + " 0 0\n",
	} {
		path = filepath.Join(dir, path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	link := filepath.Join(dir, "self/ns/pid")
	if err := errors.Join(os.MkdirAll(filepath.Dir(link), 0o755), os.Symlink(namespace, link)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// A respawn keeps the epoch; whatever a recreate or a boot changes, changes it.
func TestEpoch(t *testing.T) {
	read := func(dir string) string {
		t.Helper()
		got, err := Instantiation{Proc: dir}.Epoch()
		if err != nil || got == "" {
			t.Fatalf("epoch %q: %v", got, err)
		}
		return got
	}
	first := read(proc(t, "boot-a", "pid:[1]", "100"))
	if again := read(proc(t, "boot-a", "pid:[1]", "100")); again != first {
		t.Errorf("the same instantiation is %s and %s", first, again)
	}
	for what, dir := range map[string]string{
		"another boot":      proc(t, "boot-b", "pid:[1]", "100"),
		"another namespace": proc(t, "boot-a", "pid:[2]", "100"),
		"another PID 1":     proc(t, "boot-a", "pid:[1]", "101"),
	} {
		if read(dir) == first {
			t.Errorf("%s has the same epoch", what)
		}
	}
}

func TestEpochOfThisProcess(t *testing.T) {
	first, err := Instantiation{}.Epoch()
	if err != nil {
		t.Fatal(err)
	}
	if second, err := (Instantiation{}).Epoch(); err != nil || second != first {
		t.Errorf("%s, then %s, %v", first, second, err)
	}
}

// What can't be read is an error and never some epoch.
func TestUnreadable(t *testing.T) {
	for _, missing := range []string{"sys/kernel/random/boot_id", "self/ns/pid", "1/stat"} {
		dir := proc(t, "boot", "pid:[1]", "100")
		if err := os.Remove(filepath.Join(dir, missing)); err != nil {
			t.Fatal(err)
		}
		if got, err := (Instantiation{Proc: dir}).Epoch(); err == nil || got != "" {
			t.Errorf("without %s: %q, %v", missing, got, err)
		}
	}
	if got, err := (Instantiation{Proc: proc(t, "boot", "pid:[1]", "soon")}).Epoch(); err == nil || got != "" {
		t.Errorf("of a start time that is none: %q, %v", got, err)
	}
}

type fixed string

func (f fixed) Epoch() (string, error) { return string(f), nil }

// A marker is stamped unless the gateway is seen to live elsewhere.
func TestStamp(t *testing.T) {
	dir := t.TempDir()
	stamp := Stamp{Home: dir, Own: fixed("mine")}
	if got, err := stamp.Epoch(); got != "mine" || err != nil {
		t.Errorf("for a gateway that is down: %q, %v", got, err)
	}
	lock, err := home.Acquire(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Release()
	if got, err := stamp.Epoch(); got != "mine" || err != nil {
		t.Errorf("for a gateway next to it: %q, %v", got, err)
	}
	elsewhere := []byte(`{"pid":1,"start_time":18446744073709551615}`)
	if err := os.WriteFile(filepath.Join(dir, home.LockName), elsewhere, 0o644); err != nil {
		t.Fatal(err)
	}
	if got, err := stamp.Epoch(); err == nil || got != "" {
		t.Errorf("for a gateway elsewhere: %q, %v", got, err)
	}
}
