package probe

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

// maxAnswer bounds what is read of an answer of the control endpoint, in bytes.
const maxAnswer = 64 << 10

// ask is one request to the control endpoint.
type ask struct {
	wire.ControlParams
	req             *http.Request
	cancelled, idle []recogniser
}

func newAsk(p wire.ControlParams) (*ask, error) {
	if err := checkURL(p.URL); err != nil {
		return nil, fmt.Errorf("control: %w", err)
	}
	req, err := http.NewRequest(p.Method, p.URL, strings.NewReader(p.Body))
	if err != nil {
		return nil, fmt.Errorf("control: %w", err)
	}
	if p.Body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	setHeader(req, p.Header)
	req.Close = true
	a := &ask{ControlParams: p, req: req}
	if a.cancelled, err = compileAll(p.Cancelled); err != nil {
		return nil, fmt.Errorf("control: cancelled: %w", err)
	}
	if a.idle, err = compileAll(p.Idle); err != nil {
		return nil, fmt.Errorf("control: idle: %w", err)
	}
	return a, nil
}

// control makes a request to the control endpoint and records it, and what became
// of the marker. It holds the marker meanwhile, so that the endpoint's work is not
// taken for the gateway's (MARKER-008).
func (s *session) control(ctx context.Context, p wire.ControlParams) (history.Control, error) {
	a, err := newAsk(p)
	if err != nil {
		return history.Control{}, err
	}
	said := history.Control{Action: p.Action, Case: p.Case, Credential: p.Credential, Principal: p.Principal, Locked: p.Lock}
	call := now()
	link, err := dial(ctx, hostPort(p.URL), p.RetryFor, false)
	if err != nil {
		said.Error = err.Error()
	} else {
		defer link.conn.Close()
	}
	m := s.marker
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.loan != nil {
		return history.Control{}, errLent
	}
	m.lookLocked() // what somebody did before must not pass for the endpoint's
	var seen sightings
	if link != nil {
		call = now()
		if seen, err = m.lend(p.Lock, func() { a.send(link, &said) }); err != nil {
			return history.Control{}, err
		}
	}
	ret := now()
	said.Existed = m.known.exists
	seen.tell(&said)
	for _, ev := range seen.events(m.known) {
		s.rec.record(ev)
	}
	if a.Action == history.AskCancel && said.OK() && !said.Existed && !said.Changed {
		s.rec.record(history.Event{Kind: history.KindMarker, Call: call, Return: ret, Marker: &history.Marker{Op: history.OpCancel, How: history.HowControl}})
	}
	if link != nil {
		m.known, m.seen = seen.last, seen.looked
	}
	said.Present = m.known.exists
	ev := history.Event{Kind: history.KindControl, Call: call, Return: ret, Control: &said}
	s.rec.record(ev)
	s.tape.rec.redactEvent(&ev) // it is recorded, but also told to whoever asked
	return *ev.Control, nil
}

// lend lets somebody else move the marker and watches over it.
func (m *marker) lend(lock bool, do func()) (seen sightings, err error) {
	if lock {
		unlock, err := lockDir(filepath.Dir(m.path))
		if err != nil {
			return seen, fmt.Errorf("keep the home from being written: %w", err)
		}
		defer unlock()
	}
	finish := watchOver(m.path, m.known, m.seen, hard, m.focus.look)
	do()
	return finish(), nil
}

// lockDir keeps everybody but root from making or removing anything in a directory.
func lockDir(dir string) (unlock func(), err error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, info.Mode()&^0o222); err != nil {
		return nil, err
	}
	return func() { _ = os.Chmod(dir, info.Mode()) }, nil // what we took away we may give back
}

// send sends the request and reads its answer, or says why there is none.
func (a *ask) send(l *link, said *history.Control) {
	_ = l.conn.SetDeadline(time.Now().Add(a.GiveUp)) // no deadline: the server ends it
	fail := func(err error) { said.Error = err.Error() }
	if err := a.req.Write(l.conn); err != nil {
		fail(err)
		return
	}
	resp, err := l.response(a.req)
	if err != nil {
		fail(err)
		return
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		fail(err)
		return
	}
	got := &answer{status: resp.StatusCode, header: resp.Header, text: body}
	got.json, _ = decodeJSON(body) // where it is no JSON, no pattern for JSON matches
	said.Status = resp.StatusCode
	said.Answer = newRedactor(a.Hide).text(string(bytes.ToValidUTF8(body[:min(len(body), 200)], nil)))
	if a.Action == history.AskCancel {
		said.Said = a.existed(got)
	}
}

// existed is what the answer to a cancel says of there having been a marker.
func (a *ask) existed(got *answer) string {
	yes, no := matchesAny(a.cancelled, got), matchesAny(a.idle, got)
	switch {
	case yes && !no:
		return "true"
	case no && !yes:
		return "false"
	}
	return "unclear"
}
