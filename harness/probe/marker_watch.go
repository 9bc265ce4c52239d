package probe

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/drainproof/drainproof/harness/history"
)

// maxHashed bounds the part of a found marker that is hashed.
const maxHashed = 64 << 20

// watch notices what the probe did not do itself: the marker belongs to the
// controller, so whoever else touches it is caught here (MARKER-008).
func (m *marker) watch(ctx context.Context, log *slog.Logger) {
	dir := watchDir(log, filepath.Dir(m.path))
	defer dir.close()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			dir.retry()
		case ev := <-dir.events:
			if ev.Name != m.path {
				continue
			}
		}
		m.mu.Lock()
		m.lookLocked()
		m.mu.Unlock()
	}
}

// lookLocked compares the marker with its last known shape. Our own operations
// hold the lock until they have taken its new shape, so a difference is foreign.
func (m *marker) lookLocked() {
	if m.loan != nil {
		return // whoever has it moves it for the controller
	}
	at := now()
	found := identify(m.path)
	before, since := m.known, m.seen
	m.known, m.seen = found, at
	if found == before {
		return
	}
	ev := history.Marker{Op: history.OpFound, Existed: before.exists, Present: found.exists}
	switch {
	case !found.exists:
		ev.How = "removed"
	case !before.exists:
		ev.How = "appeared"
	case found.ino != before.ino:
		ev.How = "replaced"
	case found.size != before.size || found.mtime != before.mtime:
		ev.How = "rewritten"
	default:
		ev.How = "touched" // mode, owner or links
	}
	if found.exists {
		ev.SHA256 = hashOf(m.path)
	}
	m.rec.record(history.Event{Kind: history.KindMarker, Call: since, Return: now(), Marker: &ev})
}

// hashOf hashes a regular file; anything else has no hash, and is never waited for.
func hashOf(path string) string {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return ""
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return ""
	}
	h := sha256.New()
	if _, err := io.Copy(h, io.LimitReader(f, maxHashed)); err != nil {
		return ""
	}
	return hex.EncodeToString(h.Sum(nil))
}
