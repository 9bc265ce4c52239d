package probe

import (
	"os"
	"path/filepath"
	"testing"
)

// What was moved before the first look began was moved since the marker was last known.
func TestAMoveBeforeTheFirstLookIsNotLaterThanItWas(t *testing.T) {
	path := filepath.Join(t.TempDir(), "marker")
	if err := os.WriteFile(path, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	before, known := now(), identify(path)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	removed := now()
	seen := watchOver(path, known, before, hard, func() {})()
	if len(seen.moves) != 1 || seen.moves[0].to.exists {
		t.Fatalf("moves %+v, want one removal", seen.moves)
	}
	if m := seen.moves[0]; m.call > removed || m.ret < removed {
		t.Errorf("the removal was before %d, and is said to lie between %d and %d", removed, m.call, m.ret)
	}
}

// A directory that is on its way out is not one that was laid again.
func TestADirectoryIsMovedOnlyByItsGoing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "marker")
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	before := identify(path)
	going := before
	going.size, going.mtime, going.ctime = 0, before.mtime+1, before.ctime+1
	another := before
	another.ino++
	for name, c := range map[string]struct {
		to   identity
		want bool
	}{"the same": {before, false}, "on its way out": {going, false}, "gone": {identity{}, true}, "another": {another, true}} {
		if got := c.to.moved(before); got != c.want {
			t.Errorf("%s: moved %t", name, got)
		}
	}
}
