package probe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

// aDriver listens for a driver, and connects as one that says these lines.
func aDriver(t *testing.T, lines ...string) (*driver, net.Conn) {
	t.Helper()
	d, err := newDriver(slog.New(slog.DiscardHandler), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { d.serve(ctx); close(done) }()
	t.Cleanup(func() { stop(); <-done })
	conn, err := net.Dial("tcp", d.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	for _, line := range lines {
		if _, err := fmt.Fprintln(conn, line); err != nil {
			t.Fatal(err)
		}
	}
	return d, conn
}

const hello = `{"drainproof_driver": 1, "name": "test"}`

// A driver that breaks the protocol is not used, and the error says what it did.
func TestBadDrivers(t *testing.T) {
	for name, c := range map[string]struct {
		lines  []string
		leaves bool
		want   string
	}{
		"says nothing":             {nil, true, "it connected and said nothing"},
		"no JSON":                  {[]string{"hello"}, false, "its first line must be"},
		"another object":           {[]string{`{"name": "test"}`}, false, "its first line must be"},
		"another version":          {[]string{`{"drainproof_driver": 2}`}, false, "it speaks version 2 of the protocol, this suite speaks 1"},
		"garbage later":            {[]string{hello, "oops"}, false, "a line of it is no JSON object: \"oops\""},
		"a request that never was": {[]string{hello, `{"id": 7, "event": "done"}`}, false, "it speaks of a request 7 that was never made"},
		"goes away":                {[]string{hello}, true, "it went away"},
		"an endless line":          {[]string{hello, strings.Repeat("x", maxDriverLine+1)}, false, "it went away"},
	} {
		t.Run(name, func(t *testing.T) {
			d, conn := aDriver(t, c.lines...)
			if c.leaves {
				_ = conn.Close()
			}
			for until := time.Now().Add(10 * time.Second); d.lost() == nil && time.Now().Before(until); {
				time.Sleep(time.Millisecond)
			}
			if err := d.lost(); !errors.Is(err, errNoDriver) || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			if _, _, err := d.ask(t.Context(), wire.DriverRequest{Do: wire.DriverReady}); !errors.Is(err, errNoDriver) {
				t.Errorf("it is used: %v", err)
			}
		})
	}
}

func TestADriverThatDoesNotCome(t *testing.T) {
	d, err := newDriver(slog.New(slog.DiscardHandler), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, _, err := d.ask(ctx, wire.DriverRequest{Do: wire.DriverReady}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if s := d.publisher(&wire.Publication{Name: "p"})(t.Context()); !strings.Contains(s.state.Error, "has not come yet") {
		t.Errorf("got %+v", s.state)
	}
}

// Whoever waits when the driver goes is told so, and nobody is told that a turn ended.
func TestADriverThatDies(t *testing.T) {
	d, conn := aDriver(t, hello)
	_, events, err := d.ask(t.Context(), wire.DriverRequest{Do: wire.DriverSubmit})
	if err != nil {
		t.Fatal(err)
	}
	var r wire.DriverRequest
	if err := json.NewDecoder(conn).Decode(&r); err != nil || r.ID != 1 || r.Do != wire.DriverSubmit {
		t.Fatalf("asked %+v, %v", r, err)
	}
	_ = conn.Close()
	<-events.ready
	if ev, ok := events.take(); ok {
		t.Errorf("got %+v", ev)
	}
}

// What it said before it went is heard all the same.
func TestADriverThatSaysAWordAndDies(t *testing.T) {
	d, conn := aDriver(t, hello)
	_, events, err := d.ask(t.Context(), wire.DriverRequest{Do: wire.DriverSubmit})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintln(conn, `{"id": 1, "event": "sent"}`)
	fmt.Fprintln(conn, `{"id": 1, "event": "done"}`)
	_ = conn.Close()
	for _, want := range []string{wire.DriverSent, wire.DriverDone, ""} {
		<-events.ready
		if ev, ok := events.take(); ev.Event != want || ok != (want != "") {
			t.Errorf("got %+v, %t, want %q", ev, ok, want)
		}
	}
}

// Whoever finds a driver out does so while it goes on speaking.
func TestADriverThatIsLostWhileItSpeaks(_ *testing.T) {
	for range 200 {
		d := &driver{log: slog.New(slog.DiscardHandler), come: make(chan struct{}), next: 1, waiting: map[uint64]*inbox{1: newInbox()}}
		var speaks sync.WaitGroup
		speaks.Go(func() {
			for range 100 {
				_ = d.give(wire.DriverEvent{ID: 1, Event: wire.DriverText})
			}
		})
		d.fail(errors.New("found out"))
		speaks.Wait()
	}
}

// A state is asked for 50 times a second: it must cost next to nothing.
func TestQuestionsAreCheap(t *testing.T) {
	d, conn := aDriver(t, hello)
	go func() {
		asked := json.NewDecoder(conn)
		for {
			var r wire.DriverRequest
			if asked.Decode(&r) != nil {
				return
			}
			fmt.Fprintf(conn, "{\"id\": %d, \"event\": \"ready\"}\n", r.ID)
		}
	}()
	const n = 100
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range n {
		if ok, why := d.ready(t.Context()); !ok {
			t.Fatal(why)
		}
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / n; each > 64<<10 {
		t.Errorf("a question takes %d bytes", each)
	}
}

// A state that takes longer to be told than an HTTP answer may is not known: a gateway that
// is late could hide in such a reading.
func TestADriverThatTakesItsTime(t *testing.T) {
	d, _ := aDriver(t, hello)
	<-d.come
	r := d.publisher(&wire.Publication{Name: "p"})(t.Context())
	if took := r.ret.Sub(r.call); took > driverReads+patience || r.state.Problem != history.ProblemUnreachable {
		t.Errorf("after %s: %+v", took, r.state)
	}
}

// notes is a sink that keeps what it is told.
type notes struct {
	mu     sync.Mutex
	events []history.Event
}

func (n *notes) record(e history.Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.events = append(n.events, e)
}

// A turn that was not handed over reaches no model. A driver that says so of one that did
// could hide a gateway that lets turns in during a drain.
func TestADriverThatHidesATurn(t *testing.T) {
	for called, lost := range map[int]bool{0: false, 1: true} {
		d, conn := aDriver(t, hello)
		kept := &notes{}
		s := &session{driver: d, turns: newTurns(), rec: kept}
		turn := newTurn(t.Context(), wire.SubmitParams{}, &ingress{Ingress: wire.Ingress{Name: "socket", Wire: wire.Driver}})
		turn.calls = called
		if err := s.turns.add(turn); err != nil {
			t.Fatal(err)
		}
		go func() {
			var r wire.DriverRequest
			if json.NewDecoder(conn).Decode(&r) == nil {
				fmt.Fprintf(conn, "{\"id\": %d, \"event\": \"unreachable\"}\n", r.ID)
			}
		}()
		newClient(s, turn).drive()
		if got := d.lost() != nil; got != lost || lost == (len(kept.events) > 0) {
			t.Errorf("called %d times: lost %v, recorded %+v", called, d.lost(), kept.events)
		}
	}
}

// One that is silent is not waited for beyond what is asked of it.
func TestADriverThatIsSilent(t *testing.T) {
	d, _ := aDriver(t, hello)
	<-d.come
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := d.question(ctx, wire.DriverRequest{Do: wire.DriverState}, driverAnswers); !errors.Is(err, errNoDriver) || !strings.Contains(err.Error(), "did not answer") {
		t.Errorf("got %v", err)
	}
}

// A gateway may hang up on its model when its client goes away, and a driver that dies is one.
func TestTurnsOfADriverThatDies(t *testing.T) {
	d, conn := aDriver(t, hello)
	kept := &notes{}
	s := &session{driver: d, turns: newTurns(), rec: kept}
	turn := newTurn(t.Context(), wire.SubmitParams{}, &ingress{Ingress: wire.Ingress{Name: "socket", Wire: wire.Driver}})
	if err := s.turns.add(turn); err != nil {
		t.Fatal(err)
	}
	go func() {
		var r wire.DriverRequest
		if json.NewDecoder(conn).Decode(&r) == nil {
			fmt.Fprintf(conn, "{\"id\": %d, \"event\": \"accepted\"}\n", r.ID)
		}
		_ = conn.Close()
	}()
	newClient(s, turn).drive()
	var phases []history.TurnPhase
	for _, e := range kept.events {
		phases = append(phases, e.Turn.Phase)
	}
	if want := []history.TurnPhase{history.TurnSent, history.TurnAnswered, history.TurnAborted}; !slices.Equal(phases, want) {
		t.Errorf("recorded %v, want %v", phases, want)
	}
}
