package history

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// MaxLine is the length of the longest line a history may hold, in bytes.
const MaxLine = 64 << 20

// DecodeError says where a history is broken.
type DecodeError struct {
	Name string // of the file, when there is one
	Line int    // from 1
	Err  error
}

// Error names file and line.
func (e *DecodeError) Error() string {
	name := e.Name
	if name == "" {
		name = "history"
	}
	return fmt.Sprintf("%s:%d: %v", name, e.Line, e.Err)
}

// Unwrap returns the cause.
func (e *DecodeError) Unwrap() error { return e.Err }

// Read decodes a file; see Decode.
func Read(path string) ([]Event, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read history: %w", err)
	}
	defer f.Close()
	return decode(path, f)
}

// Decode reads a history as strictly as evidence deserves: the first line must
// be a header of a known schema, every line one whole event with exactly the
// body its kind announces, sequence numbers must rise, and no interval may end
// before it begins. Anything else is a *DecodeError with the line's number; the
// events before it are returned with it. The input may be hostile: no line above
// MaxLine is held in memory.
func Decode(r io.Reader) ([]Event, error) { return decode("", r) }

func decode(name string, r io.Reader) ([]Event, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 64<<10), MaxLine)
	var events []Event
	n := 0
	for lines.Scan() {
		n++
		e, err := decodeLine(lines.Bytes())
		if err == nil {
			err = follows(e, events)
		}
		if err != nil {
			return events, &DecodeError{Name: name, Line: n, Err: err}
		}
		events = append(events, e)
	}
	if err := lines.Err(); err != nil {
		if errors.Is(err, bufio.ErrTooLong) {
			err = fmt.Errorf("the line is longer than %d bytes", MaxLine)
		}
		return events, &DecodeError{Name: name, Line: n + 1, Err: err}
	}
	if len(events) == 0 {
		return nil, &DecodeError{Name: name, Line: 1, Err: errors.New("the history is empty: it must begin with a header")}
	}
	return events, nil
}

func decodeLine(line []byte) (Event, error) {
	var e Event
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("the line is empty")
		}
		return e, fmt.Errorf("no whole event: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return e, errors.New("more follows the event on its line")
	}
	return e, e.Check()
}

// follows checks what only the events before can tell.
func follows(e Event, before []Event) error {
	if len(before) == 0 {
		if e.Kind != KindHeader {
			return fmt.Errorf("a history begins with a header, not with %q", e.Kind)
		}
		if e.Header.Schema != Schema {
			return fmt.Errorf("schema %d is unknown, this program reads %d: use the version that wrote the history", e.Header.Schema, Schema)
		}
		return nil
	}
	if e.Kind == KindHeader {
		return errors.New("a second header: two histories in one file")
	}
	if last := before[len(before)-1].Seq; e.Seq <= last {
		return fmt.Errorf("sequence number %d follows %d: lines are missing, doubled or out of order", e.Seq, last)
	}
	return nil
}

// Check says whether the event is well formed: it has exactly the body its kind
// announces, and its interval does not end before it begins.
func (e Event) Check() error {
	has, known := e.has(e.Kind)
	if !known {
		return fmt.Errorf("kind %q is unknown", e.Kind)
	}
	if !has {
		return fmt.Errorf("a %q event without its body", e.Kind)
	}
	for _, kind := range kinds {
		if set, _ := e.has(kind); set && kind != e.Kind {
			return fmt.Errorf("a %q event with a %q body", e.Kind, kind)
		}
	}
	if e.Return < e.Call {
		return fmt.Errorf("the interval ends (%d) before it begins (%d)", e.Return, e.Call)
	}
	return nil
}

var kinds = [...]Kind{
	KindHeader, KindStep, KindMarker, KindControl, KindState, KindTurn, KindModel, KindSession, KindProcess, KindAction, KindStall, KindMemory, KindNotice, KindLog, KindOutcome,
}

// has says whether the body of a kind is set, and whether there is such a kind.
func (e *Event) has(kind Kind) (set, known bool) {
	switch kind {
	case KindHeader:
		return e.Header != nil, true
	case KindStep:
		return e.Step != nil, true
	case KindMarker:
		return e.Marker != nil, true
	case KindControl:
		return e.Control != nil, true
	case KindState:
		return e.State != nil, true
	case KindTurn:
		return e.Turn != nil, true
	case KindModel:
		return e.Model != nil, true
	case KindSession:
		return e.Session != nil, true
	case KindProcess:
		return e.Process != nil, true
	case KindAction:
		return e.Action != nil, true
	case KindStall:
		return e.Stall != nil, true
	case KindMemory:
		return e.Memory != nil, true
	case KindNotice:
		return e.Notice != nil, true
	case KindLog:
		return e.Log != nil, true
	case KindOutcome:
		return e.Outcome != nil, true
	}
	return false, false
}
