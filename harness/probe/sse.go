package probe

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// eventReader reads server-sent events. Comments and ids are of no interest here.
type eventReader struct{ r *bufio.Reader }

// streamEvent is one of them.
type streamEvent struct {
	name string
	data []byte
}

func newEventReader(r io.Reader) *eventReader {
	return &eventReader{r: bufio.NewReaderSize(r, 32<<10)}
}

// next returns the next event that has a name or data. io.EOF says that the stream
// ended between events, io.ErrUnexpectedEOF that it ended within one.
func (e *eventReader) next() (streamEvent, error) {
	var ev streamEvent
	some := false
	for {
		line, err := e.r.ReadBytes('\n')
		if err != nil {
			if errors.Is(err, io.EOF) && (some || len(line) > 0) {
				err = io.ErrUnexpectedEOF
			}
			return streamEvent{}, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			if some {
				return ev, nil
			}
			continue
		}
		field, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(field) {
		case "event":
			ev.name = string(value)
		case "data":
			if ev.data != nil {
				ev.data = append(ev.data, '\n')
			}
			ev.data = append(ev.data, value...)
			if ev.data == nil {
				ev.data = []byte{}
			}
		default:
			continue
		}
		some = true
	}
}
