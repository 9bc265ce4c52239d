package probe

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

// expect registers a turn that no client sends. The model knows it by its token,
// like any other; it never has a client's side.
func (s *session) expect(p wire.ExpectParams) (*turn, error) {
	switch p.Origin {
	case history.OriginJob, history.OriginBackground:
	default:
		return nil, fmt.Errorf("origin %q is none of %s, %s", p.Origin, history.OriginJob, history.OriginBackground)
	}
	at := now()
	t := newTurn(s.ctx, wire.SubmitParams{Purpose: p.Purpose, Script: p.Script}, nil)
	t.origin = p.Origin
	t.begun.Store(true)
	close(t.sent)
	close(t.over)
	s.turns.expect(t)
	s.recordExpected(t, history.Turn{Phase: history.TurnExpected, Origin: t.origin, Purpose: p.Purpose}, at, now())
	return t, nil
}

func (s *session) recordExpected(t *turn, ev history.Turn, call, ret history.Stamp) {
	ev.ID = t.id
	s.rec.record(history.Event{Kind: history.KindTurn, Call: call, Return: ret, Turn: &ev})
}

// arrange makes the request that leads to an expected turn, and records how it was
// answered. An answer that never came is an error, and recorded as well.
func (s *session) arrange(ctx context.Context, p wire.ArrangeParams) (wire.ArrangeResult, error) {
	t := s.turns.get(p.Turn)
	if t == nil || t.origin == "" {
		return wire.ArrangeResult{}, fmt.Errorf("turn %q is not expected; announce it with expect first", p.Turn)
	}
	if err := checkURL(p.URL); err != nil {
		return wire.ArrangeResult{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, max(p.Within, time.Second))
	defer cancel()
	call := now()
	ev := history.Turn{Phase: history.TurnArranged, Late: p.Late}
	if p.DueIn > 0 {
		ev.Due = call.Add(p.DueIn)
		at := inWholeMilliseconds(time.Now().Add(p.DueIn))
		p.URL = strings.ReplaceAll(p.URL, wire.AtPlaceholder, at)
		p.Body = strings.ReplaceAll(p.Body, wire.AtPlaceholder, at)
	}
	a, err := exchange(ctx, p)
	if err != nil {
		ev.Outcome, ev.Detail = history.Failed, err.Error()
		s.recordExpected(t, ev, call, now())
		return wire.ArrangeResult{}, fmt.Errorf("%s %s: %w", p.Method, p.URL, err)
	}
	ev.Status, ev.Code, ev.RetryAfter = a.status, a.code(), a.header.Get("Retry-After")
	if a.status/100 != 2 {
		ev.Outcome, ev.Detail = history.Failed, excerpt(a.text)
		for _, in := range s.ingresses {
			if matchesAny(in.refused, a) {
				ev.Outcome = history.Refused
			}
		}
	}
	s.recordExpected(t, ev, call, now())
	return wire.ArrangeResult{Status: a.status, Body: s.tape.rec.redacted(excerpt(a.text))}, nil
}

// inWholeMilliseconds writes an instant as RFC 3339 has it, and never an earlier one.
func inWholeMilliseconds(at time.Time) string {
	return at.Add(time.Millisecond - 1).UTC().Truncate(time.Millisecond).Format("2006-01-02T15:04:05.000Z07:00")
}

// exchange makes one request on a connection of its own and reads the answer.
func exchange(ctx context.Context, p wire.ArrangeParams) (*answer, error) {
	req, err := http.NewRequestWithContext(ctx, p.Method, p.URL, bytes.NewReader([]byte(p.Body)))
	if err != nil {
		return nil, err
	}
	if p.Body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	setHeader(req, p.Header)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxMatched))
	if err != nil {
		return nil, err
	}
	a := &answer{status: resp.StatusCode, header: resp.Header, text: text}
	if a.json, err = decodeJSON(text); err != nil {
		a.json = nil // no JSON: the status and the text tell
	}
	return a, nil
}
