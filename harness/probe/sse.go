package probe

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// eventReader reads the data of server-sent events. All else in the stream
// (comments, ids, event names) is of no interest here.
type eventReader struct{ r *bufio.Reader }

func newEventReader(r io.Reader) *eventReader {
	return &eventReader{r: bufio.NewReaderSize(r, 32<<10)}
}

// next returns the data of the next event that has any. io.EOF says that the
// stream ended between events, io.ErrUnexpectedEOF that it ended within one.
func (e *eventReader) next() ([]byte, error) {
	var data []byte
	some := false
	for {
		line, err := e.r.ReadBytes('\n')
		if err != nil {
			if errors.Is(err, io.EOF) && (some || len(line) > 0) {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			if some {
				return data, nil
			}
			continue
		}
		value, is := bytes.CutPrefix(line, []byte("data:"))
		if !is {
			continue
		}
		if some {
			data = append(data, '\n')
		}
		data = append(data, bytes.TrimPrefix(value, []byte(" "))...)
		some = true
	}
}
