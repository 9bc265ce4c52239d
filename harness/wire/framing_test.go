package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestLineReader(t *testing.T) {
	long := strings.Repeat("x", 200<<10) // longer than the reader's buffer
	for name, c := range map[string]struct {
		in    string
		lines []string
		err   error
	}{
		"two lines":               {"a\nb\n", []string{"a", "b"}, io.EOF},
		"empty lines are skipped": {"\n \r\na\r\n\n", []string{"a"}, io.EOF},
		"nothing":                 {"", nil, io.EOF},
		"a line cut off":          {"a\n{\"id\"", []string{"a"}, io.ErrUnexpectedEOF},
		"white space at the end":  {"a\n  ", []string{"a"}, io.EOF},
		"a long line":             {long + "\nb\n", []string{long, "b"}, io.EOF},
	} {
		t.Run(name, func(t *testing.T) {
			r := NewLineReader(strings.NewReader(c.in))
			for _, want := range c.lines {
				got, err := r.Next()
				if err != nil || string(got) != want {
					t.Fatalf("got %.40q, %v; want %.40q", got, err, want)
				}
			}
			if got, err := r.Next(); !errors.Is(err, c.err) {
				t.Fatalf("at the end: got %q, %v; want %v", got, err, c.err)
			}
		})
	}
}

func TestLineReaderBoundsALine(t *testing.T) {
	r := NewLineReader(strings.NewReader("12345678\n123456789\n"))
	r.max = 8
	if line, err := r.Next(); err != nil || len(line) != 8 {
		t.Fatalf("a line at the bound: %q, %v", line, err)
	}
	if _, err := r.Next(); !errors.Is(err, ErrLineTooLong) {
		t.Fatalf("a line above the bound: %v", err)
	}
}

func TestDecodeRefusesWhatIsNoConversation(t *testing.T) {
	for _, line := range []string{
		``, `[]`, `{}`, `{"id":1}`, `{"verb":"stamp"}`, `{"id":-1,"verb":"stamp"}`,
	} {
		if r, err := DecodeRequest([]byte(line)); err == nil {
			t.Errorf("request %q was taken as %+v", line, r)
		}
	}
	for _, line := range []string{
		``, `{}`, `{"result":1}`, `{"id":1,"event":{"kind":"step"}}`, `{"event":{"kind":"step"},"error":"x"}`,
	} {
		if m, err := DecodeMessage([]byte(line)); err == nil {
			t.Errorf("message %q was taken as %+v", line, m)
		}
	}
}

// FuzzConversation feeds both decoders; whatever they take must survive being
// written and read again.
func FuzzConversation(f *testing.F) {
	f.Add([]byte(`{"id":1,"verb":"stamp"}` + "\n"))
	f.Add([]byte(`{"id":2,"result":{"turn":"dp-0123456789abcdef"}}` + "\n"))
	f.Add([]byte(`{"event":{"seq":1,"kind":"stall","call":1,"return":2,"stall":{"late_ns":1}}}` + "\n\n{"))
	f.Fuzz(func(t *testing.T, in []byte) {
		lines := NewLineReader(bytes.NewReader(in))
		for {
			line, err := lines.Next()
			if err != nil {
				return
			}
			if len(line) == 0 || bytes.ContainsRune(line, '\n') {
				t.Fatalf("%q is no line", line)
			}
			if r, err := DecodeRequest(line); err == nil {
				again(t, r, DecodeRequest)
			}
			if m, err := DecodeMessage(line); err == nil {
				again(t, m, DecodeMessage)
			}
		}
	})
}

func again[T any](t *testing.T, v T, decode func([]byte) (T, error)) {
	t.Helper()
	line, err := EncodeLine(v)
	if err != nil {
		t.Fatalf("%+v can't be written: %v", v, err)
	}
	back, err := decode(line)
	if err != nil {
		t.Fatalf("%s can't be read again: %v", line, err)
	}
	first, _ := json.Marshal(v)
	second, _ := json.Marshal(back)
	if !bytes.Equal(first, second) {
		t.Fatalf("became %s, was %s", second, first)
	}
}
