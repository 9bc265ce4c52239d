package cli

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/drainproof/drainproof/reference/model/modeltest"
	"github.com/drainproof/drainproof/reference/status"
)

// A reply that its client does not read is not delivered: the turn keeps its slot
// (COUNT-006), through a drain as well.
func TestStalledReaderKeepsItsSlot(t *testing.T) {
	const size = 8 << 20
	for _, stream := range []bool{false, true} {
		t.Run(fmt.Sprintf("stream=%t", stream), func(t *testing.T) {
			m := modeltest.New(t)
			p := start(t, t.TempDir(), []string{"MODEL_BASE_URL=" + m.URL})
			conn := stalled(t, p.url, stream)
			call := m.Next(t)
			replied := make(chan struct{})
			go func() {
				defer close(replied)
				call.Reply(strings.Repeat("x", size))
			}()
			// The first bytes show that the model is done and the delivery has begun.
			reader := bufio.NewReaderSize(conn, 64<<10)
			if _, err := reader.Peek(8); err != nil {
				t.Fatal(err)
			}
			begin(t, p.home)
			p.awaitState("draining", 1)
			if v, err := status.Read(p.home); err != nil || v.ActiveAgents != 1 {
				t.Errorf("a reply is stuck, and counted %+v %v", v, err)
			}
			response, err := http.ReadResponse(reader, nil)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(response.Body)
			if err != nil || strings.Count(string(body), "x") < size {
				t.Errorf("the reply is not whole: %d bytes, %v", len(body), err)
			}
			<-replied
			p.awaitState("draining", 0)
		})
	}
}

// stalled sends a turn on a connection with little room for the reply.
func stalled(t *testing.T, url string, stream bool) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(2 * modeltest.Patience))
	_ = conn.(*net.TCPConn).SetReadBuffer(256 << 10)
	body := fmt.Sprintf(`{"stream":%t,"messages":[{"role":"user","content":"big"}]}`, stream)
	fmt.Fprintf(conn, "POST /v1/chat/completions HTTP/1.1\r\nHost: gateway\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	return conn
}

// Whatever becomes of a turn, its slot comes back (COUNT-004).
func TestNoTurnLeaksItsSlot(t *testing.T) {
	m := modeltest.New(t)
	p := start(t, t.TempDir(), []string{"MODEL_BASE_URL=" + m.URL})
	for _, stream := range []bool{false, true} {
		failed := send(p.url, "fails", stream)
		m.Next(t).Fail(http.StatusInternalServerError)
		if a := await(t, failed); a.status != http.StatusBadGateway || !strings.Contains(a.body, `"model_error"`) {
			t.Errorf("stream=%t: a failing model: %+v", stream, a)
		}
		p.awaitState("running", 0)

		conn := stalled(t, p.url, stream)
		call := m.Next(t)
		p.awaitState("running", 1)
		_ = conn.Close()
		<-call.Gone()
		p.awaitState("running", 0)
	}
	cut := send(p.url, "cut", true)
	call := m.Next(t)
	call.Emit("only this")
	call.End()
	if a := await(t, cut); !strings.Contains(a.body, `"model_error"`) || strings.Contains(a.body, "[DONE]") {
		t.Errorf("a cut stream was passed off as whole: %+v", a)
	}
	p.awaitState("running", 0)
	if want := 5; m.Count() != want {
		t.Errorf("the model was called %d times for %d turns: somebody tries again", m.Count(), want)
	}
	for _, body := range []string{"", "{}", `{"messages":[]}`, `{"messages":[{"role":"king","content":"x"}]}`, "[1", `{"messages":[{"role":"user","content":7}]}`} {
		response, err := http.Post(p.url+"/v1/chat/completions", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusBadRequest {
			t.Errorf("%q: status %d", body, response.StatusCode)
		}
	}
	p.awaitState("running", 0)
}

func TestSessions(t *testing.T) {
	m := modeltest.New(t)
	dir := t.TempDir()
	p := start(t, dir, []string{"MODEL_BASE_URL=" + m.URL})
	texts := func(call *modeltest.Call) string {
		var all []string
		for _, message := range call.Messages {
			all = append(all, message.Role+":"+message.Content)
		}
		return strings.Join(all, " ")
	}
	first := p.chat("one", "X-Session-Id", "s")
	call := m.Next(t)
	if busy := await(t, p.chat("two", "X-Session-Id", "s")); busy.status != http.StatusConflict || !strings.Contains(busy.body, `"session_busy"`) {
		t.Errorf("a second turn of a busy session: %+v", busy)
	}
	call.Reply("eins")
	await(t, first)

	failed := p.chat("fails", "X-Session-Id", "s")
	m.Next(t).Fail(http.StatusInternalServerError)
	await(t, failed)

	begin(t, dir)
	p.awaitState("draining", 0)
	await(t, p.chat("refused", "X-Session-Id", "s"))
	p.signal(syscall.SIGKILL)
	p.exit()
	cancel(t, dir)

	p = start(t, dir, []string{"MODEL_BASE_URL=" + m.URL})
	next := send(p.url, "three", true, "X-Session-Id", "s")
	call = m.Next(t)
	if got, want := texts(call), "user:one assistant:eins user:three"; got != want {
		t.Errorf("the history after a restart: %s, want %s", got, want)
	}
	call.Reply("drei")
	await(t, next)
	other := p.chat("alone")
	call = m.Next(t)
	if got := texts(call); got != "user:alone" {
		t.Errorf("a turn without a session has a history: %s", got)
	}
	call.Reply("x")
	await(t, other)
}
