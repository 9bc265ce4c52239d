package home

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPrepare(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	made := filepath.Join(dir, "a", "b")
	if err := Prepare(made); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(made)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("made with %v, %v", info.Mode(), err)
	}
	if entries, err := os.ReadDir(made); err != nil || len(entries) != 0 {
		t.Errorf("left behind: %v %v", entries, err)
	}
	for _, bad := range []string{file, filepath.Join(file, "below")} {
		if err := Prepare(bad); err == nil || !strings.Contains(err.Error(), EnvHome) {
			t.Errorf("%s: the error does not say what to do: %v", bad, err)
		}
	}
}

func TestPrepareUnwritable(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root writes everywhere")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	if err := Prepare(dir); err == nil {
		t.Error("a home that can't be written was taken")
	}
}

func TestLock(t *testing.T) {
	dir := t.TempDir()
	if alive, _, err := Alive(dir); alive || err != nil {
		t.Fatalf("an empty home lives: %v", err)
	}
	lock, err := Acquire(dir)
	if err != nil {
		t.Fatal(err)
	}
	alive, holder, err := Alive(dir)
	if err != nil || !alive || holder.PID != os.Getpid() || holder.StartTime != lock.Holder.StartTime {
		t.Errorf("alive=%t %+v %v", alive, holder, err)
	}
	var held *HeldError
	if _, err := Acquire(dir); !errors.As(err, &held) || held.Holder.PID != os.Getpid() {
		t.Errorf("a second lock: %v", err)
	}
	if err := lock.Release(); err != nil {
		t.Fatal(err)
	}
	if alive, _, err := Alive(dir); alive || err != nil {
		t.Errorf("alive=%t after the release, %v", alive, err)
	}
	if !holder.Here() {
		t.Errorf("%+v is not of this PID namespace", holder)
	}
	if elsewhere := (Holder{PID: holder.PID, StartTime: holder.StartTime + 1}); elsewhere.Here() {
		t.Errorf("%+v is of this PID namespace", elsewhere)
	}
	again, err := Acquire(dir)
	if err != nil {
		t.Fatal(err)
	}
	_ = again.Release()
}

// A gateway that has the home but has not said yet who it is must not pass for the
// one before it, which was killed and left its name behind (RESTART-003).
func TestNamelessHolder(t *testing.T) {
	dir := t.TempDir()
	left := []byte(`{"pid":4711,"start_time":42}`)
	if err := os.WriteFile(filepath.Join(dir, LockName), left, 0o644); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(filepath.Join(dir, LockName), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := hold(file, owned); err != nil {
		t.Fatal(err)
	}
	if alive, holder, err := Alive(dir); !alive || holder != (Holder{}) || err != nil {
		t.Errorf("alive=%t %+v %v", alive, holder, err)
	}
	if err := hold(file, named); err != nil {
		t.Fatal(err)
	}
	if _, holder, err := Alive(dir); holder.PID != 4711 || err != nil {
		t.Errorf("named, it is %+v %v", holder, err)
	}
}

func TestHeldByAStranger(t *testing.T) {
	err := &HeldError{Dir: "/h"}
	if text := err.Error(); strings.Contains(text, "pid 0") || !strings.Contains(text, "/h") {
		t.Error(text)
	}
}

func FuzzStartTime(f *testing.F) {
	f.Add([]byte("1 (a) b) c) S 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 4242 23"))
	f.Add([]byte(""))
	f.Add([]byte(")"))
	f.Fuzz(func(_ *testing.T, stat []byte) {
		_, _ = StartTime(stat) // must not panic
	})
}

func TestStartTime(t *testing.T) {
	const line = "17 (odd ) name) S 1 17 17 0 -1 4194304 1 0 0 0 1 1 0 0 20 0 1 0 4242 1000 100"
	if ticks, err := StartTime([]byte(line)); err != nil || ticks != 4242 {
		t.Errorf("got %d, %v", ticks, err)
	}
	if _, err := StartTime([]byte("17 (x) S 1")); err == nil {
		t.Error("a short line was read")
	}
}
