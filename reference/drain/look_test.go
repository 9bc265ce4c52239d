package drain

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Whatever lies at the marker's place, a look decides at once, and says present
// (MARKER-001, 003 to 007).
func TestLookAtHostileMarkers(t *testing.T) {
	content := func(c []byte) func(*testing.T, string) {
		return func(t *testing.T, path string) { must(t, os.WriteFile(path, c, 0o644)) }
	}
	cases := map[string]struct {
		make     func(*testing.T, string)
		readable bool
	}{
		"valid":         {content([]byte(`{"action":"drain","requested_at":"2026-01-02T03:04:05Z","principal":"ann"}`)), true},
		"cancel inside": {content([]byte(`{"action":"cancel"}`)), true},
		"unknown field": {content([]byte(`{"action":"drain","x":[1,{"y":null}]}`)), true},
		"empty":         {content(nil), true},
		"truncated":     {content([]byte(`{"action":"dra`)), true},
		"NULs":          {content(make([]byte, 4096)), true},
		"not UTF-8":     {content([]byte("\xff\xfe{\x80}")), true},
		"a list":        {content([]byte(`[1,2]`)), true},
		"null":          {content([]byte(`null`)), true},
		"wrong types":   {content([]byte(`{"action":7,"requested_at":"yesterday","principal":[]}`)), true},
		"deep":          {content([]byte(strings.Repeat(`{"a":`, 50_000) + `1` + strings.Repeat(`}`, 50_000))), true},
		"10 MB":         {content(bytes.Repeat([]byte("x"), 10<<20)), true},
		"directory":     {func(t *testing.T, path string) { must(t, os.Mkdir(path, 0o755)) }, false},
		"FIFO":          {func(t *testing.T, path string) { must(t, syscall.Mkfifo(path, 0o644)) }, false},
		"dangling link": {func(t *testing.T, path string) { must(t, os.Symlink("nowhere", path)) }, false},
		"loop":          {func(t *testing.T, path string) { must(t, os.Symlink(MarkerName, path)) }, false},
		"socket": {func(t *testing.T, path string) {
			fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
			must(t, err)
			t.Cleanup(func() { _ = syscall.Close(fd) })
			must(t, syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}))
		}, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, MarkerName)
			c.make(t, path)
			before, err := os.Lstat(path)
			must(t, err)

			seen := lookWithin(t, dir)

			if !seen.Known || !seen.Present {
				t.Fatalf("want present, got known=%t present=%t: %v", seen.Known, seen.Present, seen.Problem)
			}
			if readable := seen.Hash != ""; readable != c.readable {
				t.Errorf("hash %q, want readable=%t", seen.Hash, c.readable)
			}
			after, err := os.Lstat(path)
			must(t, err)
			if !os.SameFile(before, after) || before.ModTime() != after.ModTime() || before.Size() != after.Size() {
				t.Error("the look changed the marker (MARKER-008)")
			}
		})
	}
}

func TestLookReadsWhoAsked(t *testing.T) {
	dir := t.TempDir()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	_, err := Write(dir, Request{Action: ActionDrain, RequestedAt: at, Principal: "ann"})
	must(t, err)
	seen := lookWithin(t, dir)
	if seen.Problem != nil || seen.Request.Principal != "ann" || !seen.Request.RequestedAt.Equal(at) {
		t.Errorf("got %+v", seen)
	}
}

func TestLookUnreadable(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root reads every file")
	}
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, MarkerName), []byte(`{}`), 0))
	if seen := lookWithin(t, dir); !seen.Present || seen.Problem == nil {
		t.Errorf("want present with a problem, got %+v", seen)
	}
}

// Only absence in a home that is there is absence (MARKER-010).
func TestLookAbsence(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	must(t, os.WriteFile(file, nil, 0o644))
	cases := map[string]struct {
		home  string
		known bool
	}{
		"empty home":        {dir, true},
		"home gone":         {filepath.Join(dir, "gone"), false},
		"home is a file":    {file, false},
		"home below a file": {filepath.Join(file, "x"), false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			seen := lookWithin(t, c.home)
			if seen.Present || seen.Known != c.known {
				t.Errorf("want known=%t and not present, got %+v", c.known, seen)
			}
			if !seen.Known && seen.Problem == nil {
				t.Error("an unknown observation must say why")
			}
		})
	}
}

func TestIdentityChangesWithEveryWrite(t *testing.T) {
	dir := t.TempDir()
	write := func() string {
		_, err := Write(dir, Request{Action: ActionDrain})
		must(t, err)
		return lookWithin(t, dir).Identity
	}
	if first, second := write(), write(); first == second {
		t.Errorf("both markers are %s", first)
	}
}

func TestWriteAndRemove(t *testing.T) {
	dir := t.TempDir()
	for i, want := range []bool{false, true} {
		replaced, err := Write(dir, Request{Action: ActionDrain})
		if err != nil || replaced != want {
			t.Fatalf("write %d: replaced=%t err=%v", i, replaced, err)
		}
	}
	for i, want := range []bool{true, false} {
		existed, err := Remove(dir)
		if err != nil || existed != want {
			t.Fatalf("remove %d: existed=%t err=%v", i, existed, err)
		}
	}
	entries, err := os.ReadDir(dir)
	must(t, err)
	if len(entries) != 0 {
		t.Errorf("left behind: %v", entries)
	}
	gone := filepath.Join(dir, "gone")
	if _, err := Write(gone, Request{}); err == nil {
		t.Error("a marker was written into a home that does not exist")
	}
	if _, err := Remove(gone); err == nil {
		t.Error("a marker was removed from a home that does not exist")
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "null", "{}", `{"action":"drain"}`, `{"requested_at":1}`, "\x00", `[{}]`, `{"principal":"\ud800"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		request, err := Parse(content)
		if err != nil && err.Error() == "" {
			t.Error("an error says nothing")
		}
		if len(bytes.TrimSpace(content)) == 0 && (err == nil || request != Request{}) {
			t.Error("nothing was read as something")
		}
	})
}

// lookWithin fails the test when a look hangs.
func lookWithin(t *testing.T, dir string) Observation {
	t.Helper()
	done := make(chan Observation, 1)
	go func() { done <- Home{Dir: dir}.Look(t.Context()) }()
	select {
	case seen := <-done:
		return seen
	case <-time.After(10 * time.Second):
		t.Fatal("the look hangs")
		return Observation{}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
