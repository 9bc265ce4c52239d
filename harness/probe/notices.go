package probe

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

// maxNotice bounds the body of an announcement, in bytes.
const maxNotice = 1 << 20

// notices takes what the gateway announces, and says which of it announces a
// shutdown (NOTIFY-001, NOTIFY-002). It answers at once: it is not the one that
// holds a shutdown up.
type notices struct {
	*server
	rec        sink
	broadcasts []broadcast
}

// broadcast is one wire.Broadcast, compiled.
type broadcast struct {
	method string
	path   *regexp.Regexp
	rest   recogniser
}

func newNotices(log *slog.Logger, address string, broadcasts []wire.Broadcast, rec sink) (*notices, error) {
	n := &notices{rec: rec}
	for i, spec := range broadcasts {
		b, err := compileBroadcast(spec)
		if err != nil {
			return nil, fmt.Errorf("broadcast %d: %w", i+1, err)
		}
		n.broadcasts = append(n.broadcasts, b)
	}
	var err error
	if n.server, err = listen(log, address, "announcements are no longer taken", http.HandlerFunc(n.take)); err != nil {
		return nil, fmt.Errorf("nobody can listen for announcements on %s: %w", address, err)
	}
	return n, nil
}

func compileBroadcast(spec wire.Broadcast) (broadcast, error) {
	b := broadcast{method: spec.Method}
	var err error
	if spec.Path != "" {
		if b.path, err = regexp.Compile(spec.Path); err != nil {
			return b, err
		}
	}
	if len(spec.Header) == 0 && len(spec.JSON) == 0 && spec.Text == "" {
		if b.method == "" && b.path == nil {
			return b, errors.New("nothing is set, so it would match every request")
		}
		return b, nil
	}
	b.rest, err = compile(wire.Recognise{Header: spec.Header, JSON: spec.JSON, Text: spec.Text})
	return b, err
}

// matches says whether all that is set matches; seen is the request's header and
// body in the shape in which answers are matched.
func (b broadcast) matches(r *http.Request, seen *answer) bool {
	if b.method != "" && b.method != r.Method || b.path != nil && !b.path.MatchString(r.URL.Path) {
		return false
	}
	return b.rest.matches(seen)
}

// take records a request that arrived whole. What the gateway broke off in the
// middle told nobody anything.
func (n *notices) take(w http.ResponseWriter, r *http.Request) {
	call := now()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxNotice))
	if err != nil {
		n.log.Warn("an announcement did not arrive whole", "method", r.Method, "path", r.URL.Path, "error", err)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	seen := &answer{header: r.Header, text: body}
	seen.json, _ = decodeJSON(body) // what is no JSON matches no pattern of it
	notice := &history.Notice{Method: r.Method, Path: r.URL.Path}
	if len(body) > 0 {
		notice.Text = excerpt(body)
	}
	for _, b := range n.broadcasts {
		notice.Broadcast = notice.Broadcast || b.matches(r, seen)
	}
	n.rec.record(history.Event{Kind: history.KindNotice, Call: call, Return: now(), Notice: notice})
	w.WriteHeader(http.StatusNoContent)
}
