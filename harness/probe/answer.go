package probe

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"github.com/drainproof/drainproof/harness/history"
)

// maxMatched bounds the part of a body that text patterns are held against.
const maxMatched = 64 << 10

// answer is what a client got, as far as it got it.
type answer struct {
	status int
	header http.Header
	text   []byte // the beginning of the body
	json   any    // the body, or the event of a stream that tells of an error
	stream bool
	done   bool   // the stream said that it is whole
	reply  []byte // the model's text
	err    error  // why there is no more; nil: the answer is complete
}

// readBody reads the rest of a response of some shape. onText is told of every growth of
// the reply.
func (a *answer) readBody(resp *http.Response, s shape, onText func(total int)) {
	seen := &head{max: maxMatched}
	limited := &io.LimitedReader{R: resp.Body, N: maxBody + 1}
	body := io.TeeReader(limited, seen)
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")) // a wrong one is no stream
	if a.stream = resp.StatusCode/100 == 2 && kind == "text/event-stream"; a.stream {
		a.readStream(body, s.event, onText)
	} else {
		a.readWhole(body, s.reply)
	}
	a.text = seen.bytes
	if limited.N <= 0 {
		a.err = fmt.Errorf("the body is longer than %d bytes", maxBody)
	}
}

func (a *answer) readWhole(body io.Reader, reply string) {
	var all []byte
	if all, a.err = io.ReadAll(body); a.err != nil {
		return
	}
	v, err := decodeJSON(all)
	if err != nil {
		return // no JSON: the patterns and the detail will tell
	}
	a.json = v
	a.reply = textAt(v, reply)
}

func (a *answer) readStream(body io.Reader, says func(streamEvent) eventSays, onText func(int)) {
	events := newEventReader(body)
	for {
		event, err := events.next()
		if errors.Is(err, io.EOF) {
			return // ended in good order; whether it was whole is another question
		}
		if err != nil {
			a.err = err
			return
		}
		read := says(event)
		if read.failure != nil {
			a.json = read.failure
		}
		if len(read.text) > 0 {
			a.reply = append(a.reply, read.text...)
			onText(len(a.reply))
		}
		if read.done {
			a.done = true
			return
		}
	}
}

// code is the machine-readable code of an error, where there is one.
func (a *answer) code() string {
	for _, path := range []string{"error.code", "code"} {
		if v, ok := lookup(a.json, path); ok && v != nil {
			return asText(v)
		}
	}
	return ""
}

// judge says how the turn ended, given that the answer came to its end.
func (a *answer) judge(in *ingress, want string) (history.TurnOutcome, string) {
	good := a.status/100 == 2
	reply := string(a.reply)
	switch {
	case good && reply == want && (a.done || !a.stream):
		return history.Finished, ""
	case matchesAny(in.refused, a):
		return history.Refused, ""
	case matchesAny(in.busy, a):
		return history.Busy, ""
	case matchesAny(in.queued, a):
		return history.Queued, ""
	case !good:
		return history.Failed, fmt.Sprintf("status %d: %s", a.status, excerpt(a.text))
	case a.stream && a.json != nil:
		return history.Failed, "an error within the stream: " + excerpt([]byte(asText(a.json)))
	case reply == want:
		return history.Cut, "the stream ended without the event that says that it is whole"
	case a.stream && reply == "":
		return history.Cut, fmt.Sprintf("the reply ended after 0 of %d bytes", len(want))
	}
	return a.notWhole(want)
}

// notWhole says how a reply that is not the whole reply of the model ended a turn.
func (a *answer) notWhole(want string) (history.TurnOutcome, string) {
	reply := string(a.reply)
	switch {
	case reply == "":
		return history.Failed, "no reply in the answer: " + excerpt(a.text)
	case strings.HasPrefix(want, reply):
		return history.Cut, fmt.Sprintf("the reply ended after %d of %d bytes", len(reply), len(want))
	}
	at := differsAt(reply, want)
	told := fmt.Sprintf("the reply is not the model's: it differs at byte %d of %d", at, len(want))
	if at == 0 {
		told += ", begins with " + excerpt(a.reply) + ", and the answer is none that \"refused\" describes"
	}
	return history.Failed, told
}

func differsAt(a, b string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// head keeps the beginning of what is written to it.
type head struct {
	bytes []byte
	max   int
}

func (h *head) Write(b []byte) (int, error) {
	if room := h.max - len(h.bytes); room > 0 {
		h.bytes = append(h.bytes, b[:min(room, len(b))]...)
	}
	return len(b), nil
}
