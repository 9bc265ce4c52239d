package probe

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

func TestMarkerOperations(t *testing.T) {
	for _, how := range []string{"", wire.WayInPlace, wire.WayRename, wire.WayLink} {
		t.Run("how "+how, func(t *testing.T) {
			r, _ := newObserver(t)
			content := []byte(`{"action":"drain"}`)
			begin := wire.MarkerParams{Op: history.OpBegin, How: how, Content: content}
			r.must(r.Marker(r.ctx, begin))
			begin.Content = []byte(`not JSON`)
			r.must(r.Marker(r.ctx, begin))
			if got, err := os.ReadFile(r.config.Marker); err != nil || !bytes.Equal(got, begin.Content) {
				t.Errorf("the marker holds %q, %v", got, err)
			}
			info, err := os.Stat(r.config.Marker)
			r.must(err)
			if info.Mode().Perm() != 0o644 {
				t.Errorf("mode %v", info.Mode())
			}
			r.must(r.Marker(r.ctx, wire.MarkerParams{Op: history.OpCancel}))
			r.must(r.Marker(r.ctx, wire.MarkerParams{Op: history.OpCancel}))

			way := how
			if way == "" {
				way = wire.WayInPlace
			}
			want := []history.Marker{
				{Op: history.OpBegin, How: way, SHA256: sum(content), Present: true},
				{Op: history.OpRewrite, How: way, SHA256: sum(begin.Content), Existed: true, Present: true},
				{Op: history.OpCancel, How: howRemove, Existed: true},
				{Op: history.OpCancel, How: howRemove},
			}
			got := r.all(func(ev history.Event) bool { return ev.Marker != nil })
			if len(got) != len(want) {
				t.Fatalf("%d marker events, want %d: an operation of our own must not be found again", len(got), len(want))
			}
			for i := range want {
				if *got[i].Marker != want[i] {
					t.Errorf("event %d: %+v, want %+v", i, *got[i].Marker, want[i])
				}
			}
			if left, err := os.ReadDir(r.config.Home); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v, %v", left, err)
			}
			r.checkHistory()
		})
	}
}

func TestRewritingNeverShowsAnAbsentMarker(t *testing.T) {
	r, _ := newObserver(t)
	for _, how := range []string{wire.WayInPlace, wire.WayRename, wire.WayLink} {
		r.must(r.Marker(r.ctx, wire.MarkerParams{Op: history.OpBegin, How: how}))
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
		for range 50 {
			r.must(r.Marker(r.ctx, wire.MarkerParams{Op: history.OpBegin, How: how}))
		}
		close(stop)
		if <-missing {
			t.Errorf("%s: the marker was absent for a moment, which is a cancel", how)
		}
	}
}

func TestTheDefaultMarker(t *testing.T) {
	r, _ := newObserver(t)
	r.must(r.Marker(r.ctx, wire.MarkerParams{Op: history.OpBegin}))
	raw, err := os.ReadFile(r.config.Marker)
	r.must(err)
	var m map[string]string
	r.must(json.Unmarshal(raw, &m))
	at, err := time.Parse(time.RFC3339, m["requested_at"])
	if err != nil || time.Since(at).Abs() > time.Minute || m["action"] != "drain" || m["principal"] == "" {
		t.Errorf("%s, %v", raw, err)
	}
}

func TestForeignHandsAreFound(t *testing.T) {
	r, _ := newObserver(t)
	path := r.config.Marker
	found := func(how string) history.Event {
		t.Helper()
		return r.await(how, func(ev history.Event) bool { return markerIs(history.OpFound)(ev) && ev.Marker.How == how })
	}
	r.must(r.Marker(r.ctx, wire.MarkerParams{Op: history.OpBegin}))
	before := now()
	r.must(os.WriteFile(path, []byte("rewritten by another"), 0o644))
	// In place means truncated first: either shape may be found, the last one is.
	r.await("rewritten", func(ev history.Event) bool {
		return markerIs(history.OpFound)(ev) && ev.Marker.SHA256 == sum([]byte("rewritten by another"))
	})
	r.must(os.Remove(path))
	removed := found("removed")
	if !removed.Marker.Existed || removed.Marker.Present || removed.Return < before {
		t.Errorf("removed: %+v", removed)
	}
	r.must(os.WriteFile(path, nil, 0o600))
	found("appeared")
	r.must(os.Chmod(path, 0o644))
	found("touched")
	r.must(os.WriteFile(path+".new", []byte("x"), 0o644))
	r.must(os.Rename(path+".new", path))
	found("replaced")
	r.checkHistory()
}

func TestMarkerOperationsThatFail(t *testing.T) {
	r, _ := newObserver(t)
	r.must(os.MkdirAll(r.config.Marker+"/full", 0o700))
	r.await("found", markerIs(history.OpFound))
	for _, p := range []wire.MarkerParams{
		{Op: history.OpBegin}, {Op: history.OpBegin, How: wire.WayRename}, {Op: history.OpCancel},
	} {
		if err := r.Marker(r.ctx, p); err == nil {
			t.Errorf("%+v on a directory: no error", p)
		}
	}
	if got := r.all(func(ev history.Event) bool { return ev.Marker != nil && ev.Marker.Error != "" }); len(got) != 3 {
		t.Errorf("%d failures in the history, want 3", len(got))
	}
	for _, p := range []wire.MarkerParams{
		{Op: "sing"}, {Op: history.OpBegin, How: "shouting"}, {Op: history.OpFound}, {},
		{Op: history.OpCancel, When: &wire.When{State: "resting"}},
	} {
		if err := r.Marker(r.ctx, p); err == nil {
			t.Errorf("%+v: no error", p)
		}
	}
	r.checkHistory()
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// A hurry is carried out in its order, and what can't be is refused before any of it.
func TestHurry(t *testing.T) {
	r, _ := newObserver(t)
	hurry := wire.MarkerParams{Op: history.OpBegin, Then: []wire.MarkerParams{{Op: history.OpCancel}, {Op: history.OpBegin}}}
	r.must(r.Marker(r.ctx, hurry))
	for _, wrong := range []wire.MarkerParams{
		{Op: "no such operation"}, {Op: history.OpCancel, When: &wire.When{State: history.Draining}},
		{Op: history.OpCancel, Then: []wire.MarkerParams{{Op: history.OpBegin}}},
	} {
		if err := r.Marker(r.ctx, wire.MarkerParams{Op: history.OpCancel, Then: []wire.MarkerParams{wrong}}); err == nil {
			t.Errorf("%+v was taken", wrong)
		}
	}
	var got []history.Op
	for _, ev := range r.all(func(ev history.Event) bool { return ev.Marker != nil }) {
		got = append(got, ev.Marker.Op)
	}
	if want := []history.Op{history.OpBegin, history.OpCancel, history.OpBegin}; !slices.Equal(got, want) {
		t.Errorf("performed %v, want %v", got, want)
	}
}
