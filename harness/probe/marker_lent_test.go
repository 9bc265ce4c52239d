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
