package probe

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

// ways is every way of making a marker, with what then lies there.
var ways = []struct {
	how  string
	kind fs.FileMode
}{
	{wire.WayInPlace, 0}, {wire.WayRename, 0}, {wire.WayLink, 0}, {wire.WayDir, fs.ModeDir},
	{wire.WayFIFO, fs.ModeNamedPipe}, {wire.WayDangling, fs.ModeSymlink}, {wire.WayLoop, fs.ModeSymlink},
}

func (r *rig) lies() fs.FileMode {
	r.t.Helper()
	info, err := os.Lstat(r.config.Marker)
	r.must(err)
	return info.Mode().Type()
}

// Every shape replaces every other without an instant in which there is none,
// and is removed by a cancel.
func TestEveryShapeReplacesEveryOther(t *testing.T) {
	for _, first := range ways {
		for _, second := range ways {
			t.Run(first.how+" then "+second.how, func(t *testing.T) {
				r, _ := newObserver(t)
				r.must(r.Marker(r.ctx, wire.MarkerParams{Op: history.OpBegin, How: first.how}))
				if got := r.lies(); got != first.kind {
					t.Fatalf("%s made a %v", first.how, got)
				}
				r.must(r.Marker(r.ctx, wire.MarkerParams{Op: history.OpBegin, How: second.how}))
				if got := r.lies(); got != second.kind {
					t.Errorf("%s made a %v", second.how, got)
				}
				r.must(r.Marker(r.ctx, wire.MarkerParams{Op: history.OpCancel}))
				if left, err := os.ReadDir(r.config.Home); err != nil || len(left) > 0 {
					t.Errorf("left behind: %v, %v", left, err)
				}
				var ops []history.Op
				for _, ev := range r.all(func(ev history.Event) bool { return ev.Marker != nil }) {
					ops = append(ops, ev.Marker.Op)
					if hashed := ev.Marker.SHA256 != ""; ev.Marker.Op != history.OpCancel && hashed != wire.Regular(ev.Marker.How) {
						t.Errorf("%+v: only a regular file has a hash", *ev.Marker)
					}
				}
				if want := []history.Op{history.OpBegin, history.OpRewrite, history.OpCancel}; len(ops) != 3 || ops[0] != want[0] || ops[1] != want[1] || ops[2] != want[2] {
					t.Errorf("recorded %v, want %v: an operation of our own must not be found again", ops, want)
				}
				r.checkHistory()
			})
		}
	}
}

func TestNoInstantWithoutAMarkerWhateverItsShape(t *testing.T) {
	r, _ := newObserver(t)
	r.must(r.Marker(r.ctx, wire.MarkerParams{Op: history.OpBegin}))
	stop, missing := make(chan struct{}), make(chan bool, 1)
	go func() {
		gone := false
		for {
			select {
			case <-stop:
				missing <- gone
				return
			default:
				_, err := os.Lstat(r.config.Marker)
				gone = gone || err != nil
			}
		}
	}()
	for range 30 {
		for _, w := range ways {
			r.must(r.Marker(r.ctx, wire.MarkerParams{Op: history.OpBegin, How: w.how}))
		}
	}
	close(stop)
	if <-missing {
		t.Error("the marker was absent for a moment, which is a cancel")
	}
}

func TestContentsAreMadeFromADescription(t *testing.T) {
	r, _ := newObserver(t)
	want := "[" + strings.Repeat("ab", 5<<20) + "]"
	r.must(r.Marker(r.ctx, wire.MarkerParams{Op: history.OpBegin, Pieces: []wire.Piece{
		{Bytes: []byte("["), Times: 1}, {Bytes: []byte("ab"), Times: 5 << 20}, {Bytes: []byte("]"), Times: 1},
	}}))
	got, err := os.ReadFile(r.config.Marker)
	if err != nil || !bytes.Equal(got, []byte(want)) {
		t.Errorf("%d bytes, %v; want %d", len(got), err, len(want))
	}
	r.must(r.Marker(r.ctx, wire.MarkerParams{Op: history.OpBegin, Pieces: []wire.Piece{{Times: 1}}}))
	if got, err := os.ReadFile(r.config.Marker); err != nil || len(got) > 0 {
		t.Errorf("an empty marker holds %q, %v", got, err)
	}
}

func TestModeAndExpectationAreRecorded(t *testing.T) {
	r, _ := newObserver(t)
	expected := history.Expectation{Case: "unreadable", Tests: "MARKER-005", Drains: history.Must, Keeps: history.Must}
	r.must(r.Marker(r.ctx, wire.MarkerParams{Op: history.OpBegin, Mode: "000", Expectation: expected}))
	info, err := os.Stat(r.config.Marker)
	r.must(err)
	if info.Mode().Perm() != 0 {
		t.Errorf("mode %v, want none", info.Mode())
	}
	ev := r.await("the marker", markerIs(history.OpBegin))
	if ev.Marker.Expectation != expected || ev.Marker.Mode != "000" || ev.Marker.How != wire.WayInPlace {
		t.Errorf("recorded %+v", *ev.Marker)
	}
	// Written in place it would keep its mode, and stay what it was.
	r.must(r.Marker(r.ctx, wire.MarkerParams{Op: history.OpBegin}))
	if info, err = os.Stat(r.config.Marker); err != nil || info.Mode().Perm() != markerMode {
		t.Errorf("repaired, it has mode %v, %v", info.Mode(), err)
	}
	// And one that is there can get another mode only by being replaced.
	r.must(r.Marker(r.ctx, wire.MarkerParams{Op: history.OpBegin, Mode: "000"}))
	if info, err = os.Stat(r.config.Marker); err != nil || info.Mode().Perm() != 0 {
		t.Errorf("laid over another, it has mode %v, %v", info.Mode(), err)
	}
}

func TestMarkersThatCannotBeMade(t *testing.T) {
	r, _ := newObserver(t)
	for name, p := range map[string]wire.MarkerParams{
		"mode of a directory":   {Op: history.OpBegin, How: wire.WayDir, Mode: "000"},
		"no mode":               {Op: history.OpBegin, How: wire.WayRename, Mode: "rw-"},
		"more than a mode":      {Op: history.OpBegin, How: wire.WayRename, Mode: "7777"},
		"too long":              {Op: history.OpBegin, Pieces: []wire.Piece{{Bytes: []byte("ab"), Times: wire.MaxContent}}},
		"too long in all":       {Op: history.OpBegin, Pieces: []wire.Piece{{Bytes: []byte("a"), Times: wire.MaxContent}, {Bytes: []byte("a"), Times: 1}}},
		"less than once":        {Op: history.OpBegin, Pieces: []wire.Piece{{Bytes: []byte("a"), Times: -1}}},
		"elsewhere":             {Op: history.OpBegin, Place: wire.PlaceParent},
		"decoy nowhere":         {Op: history.OpDecoy},
		"cancel of a decoy":     {Op: history.OpCancel, Place: "moon"},
		"decoy without process": {Op: history.OpDecoy, Place: wire.PlaceParent},
	} {
		if err := r.Marker(r.ctx, p); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := os.Lstat(r.config.Marker); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("something was made all the same: %v", err)
	}
}

// child is a process with a working directory of its own, as a gateway's is.
type child struct {
	dir string
	pid int
	end func()
}

func startChild(t *testing.T) child {
	t.Helper()
	cmd := exec.Command("sleep", "60")
	cmd.Dir = t.TempDir()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	end := sync.OnceFunc(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	t.Cleanup(end)
	return child{dir: cmd.Dir, pid: cmd.Process.Pid, end: end}
}

func TestDecoys(t *testing.T) {
	r, _ := newObserver(t)
	child := startChild(t)
	_, err := r.Watch(r.ctx, wire.WatchParams{PID: child.pid, Within: patience})
	r.must(err)
	for place, dir := range map[string]string{
		wire.PlaceWorkingDirectory: child.dir,
		wire.PlaceParent:           filepath.Dir(r.config.Home),
	} {
		path := filepath.Join(dir, filepath.Base(r.config.Marker))
		r.must(r.Marker(r.ctx, wire.MarkerParams{Op: history.OpDecoy, Place: place}))
		if _, err := os.Stat(path); err != nil {
			t.Errorf("%s: %v", place, err)
		}
		if err := r.Marker(r.ctx, wire.MarkerParams{Op: history.OpDecoy, Place: place}); err == nil {
			t.Errorf("%s: two decoys in one place", place)
		}
		r.must(r.Marker(r.ctx, wire.MarkerParams{Op: history.OpCancel, Place: place}))
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s: the decoy is still there", place)
		}
		r.must(os.WriteFile(path, []byte("not the suite's"), 0o600))
		if err := r.Marker(r.ctx, wire.MarkerParams{Op: history.OpDecoy, Place: place}); err == nil {
			t.Errorf("%s: somebody else's file was overwritten", place)
		}
		r.must(os.Remove(path))
	}
	got := r.all(markerIs(history.OpDecoy))
	if len(got) != 8 || !got[0].Marker.Present || got[2].Marker.Present || got[1].Marker.Error == "" {
		t.Errorf("recorded %d: %+v", len(got), got)
	}
	if found := r.all(markerIs(history.OpFound)); len(found) > 0 {
		t.Errorf("a decoy was taken for the marker: %+v", found)
	}
}

// What is left when the session ends lies outside everything a pod removes.
func TestDecoysGoWithTheSession(t *testing.T) {
	r, _ := newObserver(t)
	child := startChild(t)
	_, err := r.Watch(r.ctx, wire.WatchParams{PID: child.pid, Within: patience})
	r.must(err)
	r.must(r.Marker(r.ctx, wire.MarkerParams{Op: history.OpDecoy, Place: wire.PlaceWorkingDirectory}))
	child.end()
	r.must(r.Configure(r.ctx, r.config))
	if _, err := os.Stat(filepath.Join(child.dir, filepath.Base(r.config.Marker))); !errors.Is(err, unix.ENOENT) {
		t.Errorf("the decoy is still there: %v", err)
	}
}
