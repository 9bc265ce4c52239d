package wire

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/history"
)

// peer is the probe's end, in the hands of a test.
type peer struct {
	t     *testing.T
	conn  net.Conn
	lines *LineReader
}

func newPair(t *testing.T, onEvent func(history.Event)) (*Client, *peer) {
	t.Helper()
	near, far := net.Pipe()
	c := NewClient(near, onEvent)
	t.Cleanup(func() { c.Close(); far.Close() })
	return c, &peer{t: t, conn: far, lines: NewLineReader(far)}
}

func (p *peer) next() Request {
	line, err := p.lines.Next()
	if err != nil {
		p.t.Errorf("the peer reads a request: %v", err)
		return Request{}
	}
	r, err := DecodeRequest(line)
	if err != nil {
		p.t.Error(err)
	}
	return r
}

func (p *peer) say(text string) {
	if _, err := io.WriteString(p.conn, text); err != nil {
		p.t.Errorf("the peer writes: %v", err)
	}
}

func (p *peer) send(m Message) {
	line, err := EncodeLine(m)
	if err != nil {
		p.t.Error(err)
	}
	p.say(string(line))
}

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func TestEventsComeBeforeTheReply(t *testing.T) {
	var seen []uint64 // unguarded on purpose: the reply is the barrier
	c, p := newPair(t, func(ev history.Event) { seen = append(seen, ev.Seq) })
	go func() {
		r := p.next()
		for seq := uint64(1); seq <= 100; seq++ {
			p.send(Message{Event: &history.Event{Seq: seq, Kind: history.KindStep}})
		}
		p.send(Message{ID: r.ID, Result: []byte(`42`)})
	}()
	stamp, err := c.Stamp(testContext(t))
	if err != nil || stamp != 42 {
		t.Fatalf("got %d, %v", stamp, err)
	}
	if len(seen) != 100 || seen[0] != 1 || seen[99] != 100 {
		t.Fatalf("events before the reply: %v", seen)
	}
}

func TestRepliesFindTheirCallersInAnyOrder(t *testing.T) {
	c, p := newPair(t, nil)
	const n = 20
	go func() {
		var got []Request
		for range n {
			got = append(got, p.next())
		}
		for i := n - 1; i >= 0; i-- {
			p.send(Message{ID: got[i].ID, Result: got[i].Params})
		}
	}()
	ctx := testContext(t)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			var back int
			if err := c.Call(ctx, "echo", i, &back); err != nil || back != i {
				t.Errorf("call %d: got %d, %v", i, back, err)
			}
		})
	}
	all.Wait()
}

func TestAFailedRequestIsAProbeError(t *testing.T) {
	c, p := newPair(t, nil)
	go func() { p.send(Message{ID: p.next().ID, Error: "no such turn"}) }()
	err := c.Release(testContext(t), "dp-x")
	var pe *ProbeError
	if !errors.As(err, &pe) || pe.Verb != VerbRelease || pe.Message != "no such turn" {
		t.Fatalf("got %v", err)
	}
	if c.Err() != nil {
		t.Fatalf("one failed request ended the conversation: %v", c.Err())
	}
}

func TestTheEndOfTheProbeFailsEveryCall(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(p *peer)
		want string
	}{
		"it closes":         {func(*peer) {}, "the probe is gone"},
		"it dies mid-line":  {func(p *peer) { p.say(`{"id":1,"res`) }, "middle of a message"},
		"it talks nonsense": {func(p *peer) { p.say("panic: oh no\n") }, "panic: oh no"},
		"it refuses":        {func(p *peer) { p.say(`{"error":"another conversation"}` + "\n") }, "another conversation"},
	} {
		t.Run(name, func(t *testing.T) {
			client, p := newPair(t, nil)
			go func() {
				p.next()
				p.next()
				c.end(p)
				p.conn.Close()
			}()
			ctx := testContext(t)
			var both sync.WaitGroup
			for range 2 {
				both.Go(func() {
					if _, err := client.Stamp(ctx); err == nil || !strings.Contains(err.Error(), c.want) {
						t.Errorf("a pending call: %v, want one with %q", err, c.want)
					}
				})
			}
			both.Wait()
			<-client.Done()
			if err := client.Err(); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Err: %v", err)
			}
			if _, err := client.Stamp(ctx); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("a later call: %v", err)
			}
		})
	}
}

func TestAContextEndsACallOnly(t *testing.T) {
	c, p := newPair(t, nil)
	ctx, cancel := context.WithCancel(testContext(t))
	go func() {
		late := p.next()
		cancel()
		next := p.next()
		p.send(Message{ID: late.ID, Result: []byte(`1`)}) // nobody waits for it any more
		p.send(Message{ID: next.ID, Result: []byte(`2`)})
	}()
	if _, err := c.Stamp(ctx); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	if s, err := c.Stamp(testContext(t)); err != nil || s != 2 {
		t.Fatalf("the next call: %d, %v", s, err)
	}
}

func TestHelloRefusesAnotherVersion(t *testing.T) {
	c, p := newPair(t, nil)
	go func() { p.send(Message{ID: p.next().ID, Result: []byte(`{"version":99}`)}) }()
	if _, err := c.Hello(testContext(t)); err == nil || !strings.Contains(err.Error(), "version 99") {
		t.Fatalf("got %v", err)
	}
}

func TestCloseEndsWhatWaits(t *testing.T) {
	c, p := newPair(t, nil)
	go func() {
		p.next()
		c.Close()
		c.Close()
	}()
	if _, err := c.Stamp(testContext(t)); !errors.Is(err, ErrClosed) {
		t.Fatalf("got %v", err)
	}
}
