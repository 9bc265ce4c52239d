package probe

import (
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

// What another hand of the controller does to the marker is one operation of the
// controller, whatever it did on the way, and is not found as somebody else's.
func TestLending(t *testing.T) {
	r, _ := newObserver(t)
	write := func(content string) func() error {
		return func() error {
			temp := r.config.Marker + ".new"
			return errors.Join(os.WriteFile(temp, []byte(content), 0o644), os.Rename(temp, r.config.Marker))
		}
	}
	remove := func() error { return os.Remove(r.config.Marker) }
	first, second := `{"action":"drain","epoch":"one"}`, `{"action":"drain","epoch":7}`
	var want []history.Marker
	for _, c := range []struct {
		name   string
		do     func() error
		result wire.ReclaimResult
		event  history.Marker
	}{
		{"nothing", func() error { return nil }, wire.ReclaimResult{}, history.Marker{}},
		{"begin", write(first), wire.ReclaimResult{Changed: true, Present: true, Epoch: "one"},
			history.Marker{Op: history.OpBegin, SHA256: sum([]byte(first)), Present: true, Epoch: "one"}},
		{"rewrite", func() error { return errors.Join(remove(), write(second)()) }, wire.ReclaimResult{Changed: true, Present: true},
			history.Marker{Op: history.OpRewrite, SHA256: sum([]byte(second)), Existed: true, Present: true}},
		{"cancel", remove, wire.ReclaimResult{Changed: true}, history.Marker{Op: history.OpCancel, Existed: true}},
	} {
		r.must(r.Lend(r.ctx, wire.LendParams{Hand: wire.HandCommand}))
		if r.Marker(r.ctx, wire.MarkerParams{Op: history.OpCancel}) == nil || r.Lend(r.ctx, wire.LendParams{Hand: wire.HandCommand}) == nil {
			t.Errorf("%s: the marker is moved, or lent again, while it is lent", c.name)
		}
		r.must(c.do())
		got, err := r.Reclaim(r.ctx)
		r.must(err)
		if got != c.result {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.result)
		}
		if c.result.Changed {
			c.event.How = wire.HandCommand
			want = append(want, c.event)
		}
	}
	if _, err := r.Reclaim(r.ctx); err == nil {
		t.Error("what was lent to nobody was reclaimed")
	}
	if r.Lend(r.ctx, wire.LendParams{Hand: "of fate"}) == nil {
		t.Error("it was lent to nobody knows whom")
	}
	r.must(r.Marker(r.ctx, wire.MarkerParams{Op: history.OpCancel})) // looks once more before
	got := r.all(func(ev history.Event) bool { return ev.Marker != nil })
	if len(got) != len(want)+1 {
		t.Fatalf("%d marker events, want %d: %+v", len(got), len(want)+1, got)
	}
	for i := range want {
		if *got[i].Marker != want[i] {
			t.Errorf("event %d: %+v, want %+v", i, *got[i].Marker, want[i])
		}
	}
	r.checkHistory()
}

// A marker that goes once another hand has laid it was taken by somebody else.
func TestLentMarkerTaken(t *testing.T) {
	r, _ := newObserver(t)
	content := []byte(`{"action":"drain","epoch":"one"}`)
	r.must(r.Lend(r.ctx, wire.LendParams{Hand: wire.HandCommand}))
	r.must(os.WriteFile(r.config.Marker+".new", content, 0o644))
	r.must(os.Rename(r.config.Marker+".new", r.config.Marker))
	r.must(os.Remove(r.config.Marker))
	got, err := r.Reclaim(r.ctx)
	r.must(err)
	// Whether anybody came to read it is a matter of luck; that it was there is not.
	want := []history.Marker{
		{Op: history.OpBegin, How: wire.HandCommand, Present: true},
		{Op: history.OpFound, How: "removed", Existed: true},
	}
	if got.Epoch != "" {
		want[0].Epoch = "one"
	}
	if want := (wire.ReclaimResult{Changed: true, Present: true, Taken: true, Epoch: want[0].Epoch}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	events := r.all(func(ev history.Event) bool { return ev.Marker != nil })
	if len(events) == 2 && events[0].Marker.SHA256 == sum(content) {
		want[0].SHA256 = sum(content)
	}
	if len(events) != 2 || *events[0].Marker != want[0] || *events[1].Marker != want[1] {
		t.Errorf("%+v", events)
	}
	r.checkHistory()
}

// A marker can be stamped, can be as old as one likes, and can ask for silence.
func TestStampAndAge(t *testing.T) {
	r, _ := newObserver(t)
	yes, no := true, false
	for _, c := range []wire.MarkerParams{
		{Epoch: "an epoch"}, {Age: 2 * time.Hour}, {Age: -time.Hour, Epoch: "an epoch", How: wire.WayRename},
		{Suppress: &yes}, {Suppress: &no, Epoch: "an epoch"},
	} {
		c.Op = history.OpBegin
		r.must(r.Marker(r.ctx, c))
		raw, err := os.ReadFile(r.config.Marker)
		r.must(err)
		var m struct {
			At       time.Time `json:"requested_at"`
			Epoch    string    `json:"epoch"`
			Suppress *bool     `json:"suppress_notification"`
		}
		r.must(json.Unmarshal(raw, &m))
		if off := time.Since(m.At) - c.Age; off.Abs() > time.Minute || m.Epoch != c.Epoch || !reflect.DeepEqual(m.Suppress, c.Suppress) {
			t.Errorf("%+v is %s", c, raw)
		}
		marks := r.all(func(ev history.Event) bool { return ev.Marker != nil })
		if last := marks[len(marks)-1].Marker; last.Epoch != c.Epoch || last.Age != c.Age {
			t.Errorf("%+v is recorded as %+v", c, last)
		}
	}
	for _, c := range []wire.MarkerParams{
		{Epoch: "an epoch", Content: []byte("{}")}, {Age: time.Hour, Pieces: []wire.Piece{{Times: 1}}}, {Age: time.Hour, How: wire.WayDir},
		{Suppress: &yes, Content: []byte("{}")},
	} {
		c.Op = history.OpBegin
		if r.Marker(r.ctx, c) == nil {
			t.Errorf("%+v: no error", c)
		}
	}
}
