package probe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

// ask makes one request to the gateway and reads the whole answer.
func (s *session) ask(ctx context.Context, method, address string, header map[string]string, body string) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	setHeader(req, header)
	resp, err := s.asking.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	a := &answer{status: resp.StatusCode, header: resp.Header}
	a.readBody(resp, chatShape, func(int) {})
	return a, a.err
}

// readSession writes down whose turns the gateway keeps in a session (GATE-002). A
// session that it does not know holds none.
func (s *session) readSession(ctx context.Context, p wire.SessionParams) error {
	how := s.config.Sessions
	if how == nil {
		return errors.New("the target does not say how a session's history is read")
	}
	fill := func(template string) string {
		return wire.Fill(template, wire.SessionPlaceholder, url.PathEscape(p.Name))
	}
	call := now()
	a, err := s.ask(ctx, cmp.Or(how.Method, http.MethodGet), fill(how.URL), how.Header, wire.Fill(how.Body, wire.SessionPlaceholder, p.Name))
	ret := now()
	if err != nil {
		return fmt.Errorf("the history of session %q: %w", p.Name, err)
	}
	found := &history.Session{Name: p.Name}
	if a.status != http.StatusNotFound {
		messages, ok := lookup(a.json, how.Messages)
		if a.status/100 != 2 || !ok {
			return fmt.Errorf("the history of session %q: status %d, and no messages at %s: %s", p.Name, a.status, how.Messages, excerpt(a.text))
		}
		found.Turns = tokensIn(asText(messages))
	}
	s.rec.record(history.Event{Kind: history.KindSession, Call: call, Return: ret, Session: found})
	return nil
}

// tokensIn lists the turns that a text speaks of, each once.
func tokensIn(text string) []string {
	var all []string
	known := map[string]bool{}
	for _, token := range tokenPattern.FindAllString(text, -1) {
		if !known[token] {
			known[token] = true
			all = append(all, token)
		}
	}
	return all
}
