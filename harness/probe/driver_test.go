package probe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

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
	if ev, ok := <-events; ok {
		t.Errorf("got %+v", ev)
	}
}

// One that is silent is not waited for beyond what is asked of it.
func TestADriverThatIsSilent(t *testing.T) {
	d, _ := aDriver(t, hello)
	<-d.come
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := d.question(ctx, wire.DriverRequest{Do: wire.DriverState}); !errors.Is(err, errNoDriver) || !strings.Contains(err.Error(), "did not answer") {
		t.Errorf("got %v", err)
	}
}
