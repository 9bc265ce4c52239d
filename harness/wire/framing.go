package wire

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// MaxLine bounds one line in either direction, its newline not counted.
const MaxLine = 64 << 20

// ErrLineTooLong is returned for a line above MaxLine, read or to be written.
var ErrLineTooLong = errors.New("wire: a line is longer than 64 MiB; send the content in smaller pieces")

// LineReader reads newline-delimited JSON. It is not safe for concurrent use.
type LineReader struct {
	r   *bufio.Reader
	max int
}

// NewLineReader reads lines of at most MaxLine bytes from r.
func NewLineReader(r io.Reader) *LineReader {
	return &LineReader{r: bufio.NewReaderSize(r, 64<<10), max: MaxLine}
}

// Next returns the next line that holds more than white space, without its
// newline. The slice is the caller's. A last line without a newline was cut off
// by the writer's death: it is reported as io.ErrUnexpectedEOF, never as a line.
func (l *LineReader) Next() ([]byte, error) {
	for {
		line, err := l.line()
		if err != nil {
			return nil, err
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			return line, nil
		}
	}
}

func (l *LineReader) line() ([]byte, error) {
	var line []byte
	for {
		piece, err := l.r.ReadSlice('\n')
		if len(line)+len(piece) > l.max+1 {
			return nil, ErrLineTooLong
		}
		line = append(line, piece...)
		switch {
		case err == nil:
			line = line[:len(line)-1]
			return line, nil
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF) && len(bytes.TrimSpace(line)) > 0:
			return nil, io.ErrUnexpectedEOF
		default:
			return nil, err
		}
	}
}

// DecodeRequest reads one line the suite sent.
func DecodeRequest(line []byte) (Request, error) {
	var r Request
	if err := json.Unmarshal(line, &r); err != nil {
		return Request{}, fmt.Errorf("wire: the line is no request: %w", err)
	}
	if r.ID == 0 {
		return Request{}, errors.New("wire: the request has no id; ids count from 1")
	}
	if r.Verb == "" {
		return Request{}, fmt.Errorf("wire: request %d has no verb", r.ID)
	}
	return r, nil
}

// DecodeMessage reads one line the probe sent: an event, a reply, or, with
// neither, the reason why the probe ends the conversation.
func DecodeMessage(line []byte) (Message, error) {
	var m Message
	if err := json.Unmarshal(line, &m); err != nil {
		return Message{}, fmt.Errorf("wire: the line is no message of a probe: %w", err)
	}
	switch {
	case m.Event != nil && (m.ID != 0 || m.Error != "" || len(m.Result) > 0):
		return Message{}, errors.New("wire: a message is both an event and a reply")
	case m.Event == nil && m.ID == 0 && m.Error == "":
		return Message{}, errors.New("wire: a message is neither an event nor a reply")
	}
	return m, nil
}

// EncodeLine is v as one line, newline included.
func EncodeLine(v any) ([]byte, error) {
	line, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("wire: encode: %w", err)
	}
	if len(line) > MaxLine {
		return nil, ErrLineTooLong
	}
	return append(line, '\n'), nil
}
