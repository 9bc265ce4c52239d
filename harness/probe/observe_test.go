package probe

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

// newObserver is a probe that watches one file, which the test writes.
func newObserver(t *testing.T) (r *rig, file string) {
	t.Helper()
	r = newProbe(t)
	home := t.TempDir()
	file = filepath.Join(home, "gateway_state.json")
	r.config = wire.ConfigureParams{
		Home: home, UID: -1, GID: -1, Marker: filepath.Join(home, ".drain_request.json"),
		Publications: []wire.Publication{{Name: "file", File: file, State: "gateway_state", Count: "active_agents"}},
		ModelAddress: "127.0.0.1:0",
	}
	r.must(r.Configure(r.ctx, r.config))
	return r, file
}

func document(state string, count int) []byte {
	return fmt.Appendf(nil, `{"gateway_state":%q,"active_agents":%d}`, state, count)
}

// flash publishes three values, the second of which lives for 150 µs. The thread
// it runs on keeps time to a microsecond, and sleeps rather than burns, as the
// processors are the observer's to use.
func flash(t *testing.T, file string, first, second []byte) {
	var over sync.WaitGroup
	over.Go(func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with its odd timer
		if err := unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0); err != nil {
			t.Errorf("timer slack: %v", err)
		}
		rest := unix.NsecToTimespec(int64(150 * time.Microsecond))
		publish(t, file, first)
		_ = unix.Nanosleep(&rest, nil) // a shorter rest only makes it harder
		publish(t, file, second)
		_ = unix.Nanosleep(&rest, nil)
		publish(t, file, first)
	})
	over.Wait()
}

// TestShortLivedValuesAreSeen publishes a value for 150 µs only. On a quiet
// machine nearly all are seen (the log says how many); the bound is low, because
// a busy machine may not run the observer at all within such a time.
func TestShortLivedValuesAreSeen(t *testing.T) {
	const rounds, floor = 100, 10
	for name, hard := range map[string]bool{"woken by the kernel": false, "looking hard": true} {
		t.Run(name, func(t *testing.T) {
			old := runtime.GOMAXPROCS(max(4, runtime.NumCPU())) // as the command does
			defer runtime.GOMAXPROCS(old)
			r, file := newObserver(t)
			seen := 0
			for i := range rounds {
				if hard { // as after any operation of the probe's own
					r.must(r.Marker(r.ctx, wire.MarkerParams{Op: history.OpCancel}))
				}
				flash(t, file, document(history.Running, 2*i), document(history.Running, 2*i+1))
				r.await("the last value", countIs(history.Running, 2*i))
				// A read that was asked for is a barrier: the flash is over and recorded.
				_, err := r.Read(r.ctx, "file")
				r.must(err)
				if len(r.all(countIs(history.Running, 2*i+1))) > 0 {
					seen++
				}
			}
			t.Logf("%d of %d values that lived 150 µs were seen", seen, rounds)
			if seen < floor {
				t.Errorf("only %d of %d values were seen", seen, rounds)
			}
			r.checkHistory()
		})
	}
}

func TestWhatCanBeWrongWithAFile(t *testing.T) {
	r, file := newObserver(t)
	read := func() history.State {
		t.Helper()
		s, err := r.Read(r.ctx, "file")
		r.must(err)
		if !s.Asked {
			t.Error("a read that was asked for is not marked so")
		}
		return s
	}
	if s := read(); s.Problem != history.ProblemAbsent {
		t.Errorf("no file: %+v", s)
	}
	for content, want := range map[string]history.State{
		`{"gateway_state":"running","active_agents":3}`:                {State: history.Running, Count: 3},
		`{"gateway_state":"draining","active_agents":0,"more":[1,{}]}`: {State: history.Draining},
		`{"gateway_state":"running","active_agents":2.0}`:              {State: history.Running, Count: 2},
		``:                                      {Problem: history.ProblemUnparseable},
		`{"gateway_state":"runn`:                {Problem: history.ProblemUnparseable},
		`{"gateway_state":"running"} {}`:        {Problem: history.ProblemUnparseable},
		`null`:                                  {Problem: history.ProblemWrongType},
		`{"active_agents":1}`:                   {Problem: history.ProblemWrongType, Count: 1},
		`{"gateway_state":"running"}`:           {State: history.Running, Problem: history.ProblemWrongType},
		`{"gateway_state":7,"active_agents":1}`: {Problem: history.ProblemWrongType, Count: 1},
		`{"gateway_state":"running","active_agents":"1"}`: {State: history.Running, Problem: history.ProblemWrongType},
		`{"gateway_state":"running","active_agents":-1}`:  {State: history.Running, Problem: history.ProblemWrongType},
		`{"gateway_state":"running","active_agents":1.5}`: {State: history.Running, Problem: history.ProblemWrongType},
		`{"gateway_state":"resting","active_agents":1}`:   {Raw: "resting", Problem: history.ProblemUnknownState, Count: 1},
	} {
		publish(t, file, []byte(content))
		got := read()
		if got.State != want.State || got.Count != want.Count || got.Raw != want.Raw || got.Problem != want.Problem {
			t.Errorf("%s: got %+v, want %+v", content, got, want)
		}
		if (got.Problem != "") != (got.Error != "") {
			t.Errorf("%s: problem %q, error %q", content, got.Problem, got.Error)
		}
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(file, 0o644); err != nil {
		t.Fatal(err)
	}
	if s := read(); s.Problem != history.ProblemUnparseable || !strings.Contains(s.Error, "regular") {
		t.Errorf("a FIFO: %+v", s)
	}
	r.checkHistory()
}

func TestEqualReadsAreThinned(t *testing.T) {
	r, file := newObserver(t)
	publish(t, file, document(history.Running, 1))
	first := r.await("1", countIs(history.Running, 1))
	r.await("the same, later", func(ev history.Event) bool {
		return countIs(history.Running, 1)(ev) && ev.Call.Sub(first.Call) > 500*time.Millisecond
	})
	written := now()
	publish(t, file, document(history.Running, 2))
	r.await("2", countIs(history.Running, 2))

	var ones []history.Event
	var two history.Event
	for _, ev := range r.all(stateIs(history.Running)) {
		if ev.State.Count == 1 {
			ones = append(ones, ev)
		} else if two.Seq == 0 {
			two = ev
		}
	}
	span := ones[len(ones)-1].Call.Sub(ones[0].Call)
	if most := int(span/scaleFor(0).record) + 3; len(ones) > most {
		t.Errorf("%d reads recorded in %v, at most %d expected", len(ones), span, most)
	}
	last := ones[len(ones)-1]
	if last.State.Version == two.State.Version || two.State.Version == "" {
		t.Errorf("two publications of one version: %+v, then %+v", last, two)
	}
	if two.Return < written {
		t.Errorf("read at %d what was written from %d on", two.Return, written)
	}
	t.Logf("the change lies within %v; seen %v after the writing began", two.Return.Sub(last.Call), two.Return.Sub(written))
	r.checkHistory()
}

func TestTheReadBeforeAChangeIsKept(t *testing.T) {
	const ms = history.Stamp(time.Millisecond)
	kept := &notes{}
	p := &publication{rec: kept, recordEvery: time.Second}
	for _, r := range []struct {
		at    history.Stamp
		count int
	}{{1, 1}, {2, 1}, {3, 1}, {4, 2}, {5, 2}, {1004, 2}, {1005, 3}, {1006, 3}} {
		p.keep(reading{state: history.State{State: history.Running, Count: r.count}, call: r.at * ms, ret: r.at*ms + 1})
	}
	var at []history.Stamp
	for _, ev := range kept.events {
		at = append(at, ev.Call/ms)
	}
	if want := []history.Stamp{1, 3, 4, 1004, 1005}; !slices.Equal(at, want) {
		t.Errorf("recorded are the reads of %v ms, want %v", at, want)
	}
}

func TestAnEqualValueOfAnotherFileIsANewPublication(t *testing.T) {
	r, file := newObserver(t)
	publish(t, file, document(history.Running, 0))
	first := r.await("the first", stateIs(history.Running))
	publish(t, file, document(history.Running, 0))
	r.await("the second", func(ev history.Event) bool {
		return stateIs(history.Running)(ev) && ev.State.Version != first.State.Version
	})
}

func TestAnHTTPPublication(t *testing.T) {
	var body atomic.Pointer[string]
	var status atomic.Int32
	set := func(code int, text string) { status.Store(int32(code)); body.Store(&text) }
	set(200, `{"gw":{"s":"UP","n":[0,4]}}`)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Header.Get("Authorization") != "Bearer sesame" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.WriteHeader(int(status.Load()))
		_, _ = w.Write([]byte(*body.Load()))
	}))
	defer server.Close()
	r, _ := newObserver(t)
	r.config.Publications = []wire.Publication{{
		Name: "http", URL: server.URL, Header: map[string]string{"Authorization": "Bearer sesame"},
		State: "gw.s", Count: "gw.n.1", EveryMS: 5,
		States: map[string]string{"UP": history.Running, "GOING": history.Draining},
	}}
	r.must(r.Configure(r.ctx, r.config))
	r.await("running", countIs(history.Running, 4))
	set(200, `{"gw":{"s":"GOING","n":[0,0]}}`)
	r.await("draining", countIs(history.Draining, 0))
	set(503, "starting")
	problem := func(class string) func(history.Event) bool {
		return func(ev history.Event) bool { return ev.State != nil && ev.State.Problem == class }
	}
	r.await("unreachable", problem(history.ProblemUnreachable))
	set(200, `{"gw":{"s":"running","n":[0,0]}}`) // not in the map, so unknown
	r.await("unknown", problem(history.ProblemUnknownState))
	seq := r.history()[len(r.history())-1].Seq
	server.CloseClientConnections()
	server.Close()
	r.await("unreachable again", after(seq, problem(history.ProblemUnreachable)))
	r.checkHistory()
}

func TestArmedActionsFireAtTheFirstReadThatBeganLater(t *testing.T) {
	r := newRig(t)
	first := now() // what fires the second fires the first as well
	late := r.send(wire.SubmitParams{When: &wire.When{State: history.Draining, Publication: "file", After: 20 * time.Millisecond}})
	armed := now()
	r.must(r.Marker(r.ctx, wire.MarkerParams{Op: history.OpCancel, When: &wire.When{State: history.Draining, Publication: "file"}}))
	never := r.send(wire.SubmitParams{When: &wire.When{State: history.Stopped}})
	if got := r.all(markerIs(history.OpCancel)); len(got) > 0 {
		t.Fatal("an armed operation was performed at once")
	}
	r.must(r.Marker(r.ctx, wire.MarkerParams{Op: history.OpBegin}))
	cancel := r.await("the armed cancel", markerIs(history.OpCancel))
	inFile := func(since history.Stamp) history.Event {
		return r.await("draining in the file", func(ev history.Event) bool {
			return stateIs(history.Draining)(ev) && ev.State.Publication == "file" && ev.Call >= since
		})
	}
	if draining := inFile(armed); cancel.Call < draining.Call {
		t.Errorf("draining read from %d, cancelled from %d, armed at %d", draining.Call, cancel.Call, armed)
	}
	sent := r.await("the armed turn", turnIs(late, history.TurnSent))
	if d := sent.Call.Sub(inFile(first).Call); d < 20*time.Millisecond {
		t.Errorf("sent %v after the read, not 20 ms", d)
	}
	r.await("running", after(cancel.Seq, stateIs(history.Running)))
	if got := r.all(turnIs(never, history.TurnSent)); len(got) > 0 {
		t.Error("a turn was sent whose state was never read")
	}
	r.checkHistory()
}

func TestAReadOfNoPublication(t *testing.T) {
	r, _ := newObserver(t)
	if _, err := r.Read(r.ctx, "nope"); err == nil || !strings.Contains(err.Error(), "file") {
		t.Errorf("got %v; it should name those that are configured", err)
	}
}
