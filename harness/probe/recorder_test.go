package probe

import (
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/redact"
	"github.com/drainproof/drainproof/harness/wire"
)

func TestHelloAndStamps(t *testing.T) {
	r := newProbe(t)
	hello, err := r.Hello(r.ctx)
	r.must(err)
	if hello.Version != wire.Version || hello.PID == 0 || hello.StampError <= 0 || hello.StampError > time.Second {
		t.Errorf("%+v", hello)
	}
	s, err := r.Stamp(r.ctx)
	if err != nil || s <= hello.Stamp {
		t.Errorf("stamp %d after %d, %v", s, hello.Stamp, err)
	}
	if err := r.Call(r.ctx, wire.VerbHello, wire.HelloParams{Version: 99}, nil); err == nil || !strings.Contains(err.Error(), "99") {
		t.Errorf("another version: %v", err)
	}
	for verb, params := range map[wire.Verb]any{
		wire.VerbMarker: wire.MarkerParams{Op: history.OpCancel}, // before configure
		wire.VerbNote:   map[string]any{"nonsense": 1},
		"sing":          nil,
	} {
		if err := r.Call(r.ctx, verb, params, nil); err == nil {
			t.Errorf("%s: no error", verb)
		}
	}
}

func TestNotesAreStampedByTheProbe(t *testing.T) {
	r := newProbe(t)
	note := history.Event{Kind: history.KindStep, Step: &history.Step{Text: "begin the drain"}}
	at, err := r.Stamp(r.ctx)
	r.must(err)
	ret, err := r.Note(r.ctx, wire.NoteParams{Event: note, CallAt: at})
	r.must(err)
	got := r.all(func(ev history.Event) bool { return ev.Step != nil })
	if len(got) != 1 || got[0].Call != at || got[0].Return != ret || got[0].Step.Text != note.Step.Text {
		t.Errorf("%+v", got)
	}
	if _, err := r.Note(r.ctx, wire.NoteParams{Event: note, CallAt: ret.Add(time.Hour)}); err == nil {
		t.Error("a note from the future")
	}
	if _, err := r.Note(r.ctx, wire.NoteParams{}); err == nil {
		t.Error("a note without a kind")
	}
}

func TestSecretsDoNotLeaveTheProbe(t *testing.T) {
	r, file := newObserver(t)
	r.config.Redact = []string{"sesame", "sesame-street", ""}
	r.must(r.Configure(r.ctx, r.config))
	header := &history.Header{Spec: "about sesame-street", Requirements: []string{"X-1", "sesame"}}
	_, err := r.Note(r.ctx, wire.NoteParams{Event: history.Event{Kind: history.KindHeader, Header: header}})
	r.must(err)
	_, err = r.Note(r.ctx, wire.NoteParams{Event: history.Event{Kind: history.KindLog, Log: &history.Log{Line: "key=sesame!"}}})
	r.must(err)
	publish(t, file, document("sesame", 0))
	r.await("the state", func(ev history.Event) bool { return ev.State != nil && ev.State.Problem == history.ProblemUnknownState })
	s, err := r.Read(r.ctx, "file")
	r.must(err)
	_, submitErr := r.Submit(r.ctx, wire.SubmitParams{Ingress: "sesame"})
	all, err := json.Marshal([]any{r.history(), s, submitErr.Error()})
	r.must(err)
	if strings.Contains(string(all), "sesame") || strings.Contains(string(all), "street") {
		t.Errorf("a secret got out: %s", all)
	}
	if n := strings.Count(string(all), redact.Mark); n < 6 {
		t.Errorf("%d redactions: %s", n, all)
	}
}

// TestEventsOutliveAConversation closes one conversation and opens another: what
// was recorded between must arrive, in order, and nothing may be missing.
func TestEventsOutliveAConversation(t *testing.T) {
	p := New(slog.New(slog.NewTextHandler(io.Discard, nil)))
	defer p.Close()
	ctx := testContext(t)
	var mu sync.Mutex
	seen := map[uint64]string{}
	open := func() (*wire.Client, chan error) {
		near, far := net.Pipe()
		over := make(chan error, 1)
		go func() { over <- p.Converse(ctx, far) }()
		return wire.NewClient(near, func(ev history.Event) {
			mu.Lock()
			defer mu.Unlock()
			if ev.Step != nil {
				seen[ev.Seq] = ev.Step.Text
			}
		}), over
	}
	step := func(text string) history.Event {
		return history.Event{Kind: history.KindStep, Call: 1, Return: 1, Step: &history.Step{Text: text}}
	}
	first, over := open()
	if _, err := first.Note(ctx, wire.NoteParams{Event: step("a")}); err != nil {
		t.Fatal(err)
	}
	first.Close()
	if err := <-over; err != nil {
		t.Fatalf("the first conversation: %v", err)
	}
	for range 1000 {
		p.rec.record(step("between"))
	}
	second, over := open()
	if _, err := second.Note(ctx, wire.NoteParams{Event: step("b")}); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	if len(seen) != 1002 {
		t.Errorf("%d events arrived, want 1002", len(seen))
	}
	mu.Unlock()
	second.Close()
	<-over
}

func TestAFullQueueMakesRecordersWait(t *testing.T) {
	rec := newRecorder()
	rec.capacity = 10
	ctx := testContext(t)
	all := make(chan struct{})
	go func() {
		defer close(all)
		for range 100 {
			rec.record(history.Event{Kind: history.KindStep, Step: &history.Step{}})
		}
	}()
	c := &conversation{}
	var last uint64
	for last < 100 {
		batch := rec.batch(c, 3)
		for _, q := range batch {
			if q.msg.Event.Seq != last+1 {
				t.Fatalf("event %d after %d", q.msg.Event.Seq, last)
			}
			last++
		}
		rec.mu.Lock()
		if len(rec.queue) > rec.capacity {
			t.Errorf("%d in a queue for %d", len(rec.queue), rec.capacity)
		}
		rec.mu.Unlock()
		rec.sent(len(batch))
	}
	select {
	case <-all:
	case <-ctx.Done():
		t.Fatal("a recorder waits for ever")
	}
	for range rec.capacity {
		rec.record(history.Event{})
	}
	freed := make(chan struct{})
	go func() { rec.record(history.Event{}); close(freed) }()
	rec.close()
	select {
	case <-freed:
	case <-ctx.Done():
		t.Fatal("closing does not free who waits")
	}
}

func TestTheStopwatchStandsStill(t *testing.T) {
	rang := make(chan struct{})
	w := newStopwatch(50 * time.Millisecond)
	w.halt()
	w.start(func() { close(rang) })
	w.halt()
	w.resume()
	if pause(testContext(t), 100*time.Millisecond); w.timer != nil {
		t.Error("it runs though it is halted")
	}
	select {
	case <-rang:
		t.Fatal("it rang while it stood still")
	default:
	}
	w.resume()
	select {
	case <-rang:
	case <-time.After(patience):
		t.Fatal("it never rang")
	}
	silent := newStopwatch(time.Millisecond)
	silent.halt()
	silent.start(func() { t.Error("it rang after it was stopped") })
	silent.stop()
	silent.resume()
	silent.rang()
}
