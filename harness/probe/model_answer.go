package probe

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

// pieceBytes bounds what is written to the gateway at once, and the text of one
// chunk of a stream.
const pieceBytes = 16 << 10

// answer gives the whole reply, or what is left of it.
func (c *modelCall) answer() {
	var call history.Stamp
	var err error
	if c.streamed {
		call, err = c.answerStream()
	} else {
		call, err = c.answerWhole()
	}
	if err != nil {
		c.gone()
		return
	}
	c.record(history.ModelDone, call, now())
}

// answerWhole and the others that write return the stamp before the last piece.
func (c *modelCall) answerWhole() (history.Stamp, error) {
	return c.writeBody(http.StatusOK, c.dialect.whole(c, nil))
}

// fail answers with the status the turn's script asks for.
func (c *modelCall) fail(status int) {
	if status == wire.FailHangUp {
		c.hangUp()
		return
	}
	call, err := c.writeBody(status, errorBody("model_failure", fmt.Sprintf("this model call was told to fail with %d", status)))
	if err != nil {
		c.gone()
		return
	}
	c.record(history.ModelDone, call, now())
}

// hangUp ends the connection without an answer, as a model does that is cut off.
func (c *modelCall) hangUp() {
	call := now()
	conn, _, err := c.flush.Hijack()
	if err == nil {
		err = conn.Close()
	}
	if err != nil {
		c.gone()
		return
	}
	c.record(history.ModelDone, call, now())
}

func (c *modelCall) writeBody(status int, v any) (history.Stamp, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return 0, err
	}
	c.w.Header().Set("Content-Type", "application/json")
	c.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	c.w.WriteHeader(status)
	var call history.Stamp
	for len(body) > 0 {
		n := min(len(body), pieceBytes)
		call = now()
		if _, err := c.w.Write(body[:n]); err != nil {
			return call, err
		}
		body = body[n:]
	}
	return call, c.flush.Flush()
}

// beginStream sends the headers and what begins a stream.
func (c *modelCall) beginStream() error {
	if c.begun {
		return nil
	}
	c.begun = true
	c.w.Header().Set("Content-Type", "text/event-stream")
	c.w.Header().Set("Cache-Control", "no-cache")
	c.w.WriteHeader(http.StatusOK)
	return c.dialect.begin(c)
}

func (c *modelCall) answerStream() (history.Stamp, error) {
	if err := c.beginStream(); err != nil {
		return 0, err
	}
	text := c.reply()
	for c.written < len(text) {
		if err := c.writeText(text[c.written:min(c.written+pieceBytes, len(text))]); err != nil {
			return 0, err
		}
	}
	return c.dialect.end(c, nil)
}

// writeText sends the next piece of the reply.
func (c *modelCall) writeText(text string) error {
	if err := c.dialect.text(c, text); err != nil {
		return err
	}
	c.written += len(text)
	return nil
}

// event sends one event of the stream; the name may be empty.
func (c *modelCall) event(name string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if name != "" {
		name = "event: " + name + "\n"
	}
	if _, err := fmt.Fprintf(c.w, "%sdata: %s\n\n", name, data); err != nil {
		return err
	}
	return c.flush.Flush()
}
