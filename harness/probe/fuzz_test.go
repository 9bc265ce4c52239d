package probe

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/drainproof/drainproof/harness/wire"
)

func TestParseStat(t *testing.T) {
	const tail = " 0 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 9 0 123456 1000 200"
	for line, want := range map[string]procStat{
		"42 (gateway) S 0 7" + strings.TrimPrefix(tail, " 0 7"): {42, 'S', 0, 9, 123456, 11},
		"42 (a) Z (b) R 1 7" + strings.TrimPrefix(tail, " 0 7"): {42, 'R', 1, 9, 123456, 11},
	} {
		if got, err := parseStat([]byte(line)); err != nil || got != want {
			t.Errorf("%q: %+v, %v; want %+v", line, got, err, want)
		}
	}
	for _, line := range []string{"", "42", "42 (x)", "42 (x) S 1", ") ( S" + tail, "x (x) S" + tail} {
		if got, err := parseStat([]byte(line)); err == nil {
			t.Errorf("%q was taken as %+v", line, got)
		}
	}
}

const tcpTable = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1588 1 0 100 0 0 10 0
   1: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1589 1 0 100 0 0 10 0
   2: 0100007F:1F90 0100007F:8B90 01 00000000:00000000 00:00000000 00000000     0        0 1600 1 0 20 4 30 10 -1
`

func TestListening(t *testing.T) {
	ports := map[int]map[uint64]bool{8080: {}, 9: {}}
	listening([]byte(tcpTable), ports)
	if len(ports[8080]) != 1 || !ports[8080][1588] || len(ports[9]) != 0 || len(ports) != 2 {
		t.Errorf("got %v", ports)
	}
	lines := strings.SplitAfter(tcpTable, "\n")
	for n, more := range []bool{1: true, 2: true, 3: true, 4: false} {
		if n > 0 && endsListening([]byte(strings.Join(lines[:n], ""))) != more {
			t.Errorf("after %d lines: may more follow is not %v", n, more)
		}
	}
}

func TestEventReader(t *testing.T) {
	const stream = ": hello\nevent: x\ndata:one\n\n\n\ndata: two\r\nid: 7\r\ndata: 2\r\n\r\n"
	for end, want := range map[string]error{"": io.EOF, "data: cut": io.ErrUnexpectedEOF, "data: cut\n": io.ErrUnexpectedEOF} {
		events := newEventReader(strings.NewReader(stream + end))
		for _, data := range []string{"one", "two\n2"} {
			if got, err := events.next(); err != nil || string(got.data) != data || (got.name == "x") != (data == "one") {
				t.Errorf("got %q, %v; want %q", got, err, data)
			}
		}
		if got, err := events.next(); !errors.Is(err, want) {
			t.Errorf("end %q: got %q, %v; want %v", end, got, err, want)
		}
	}
}

func FuzzPublished(f *testing.F) {
	f.Add([]byte(`{"gateway_state":"running","active_agents":1}`))
	f.Add([]byte(`{"gateway_state":"running","active_agents":1e9999999}`))
	f.Add([]byte(`{"gateway_state":{},"active_agents":-0}`))
	spec := &wire.Publication{Name: "file", State: "gateway_state", Count: "active_agents"}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := parsePublished(spec, data)
		if s.Problem == "" && (!canonical(s.State) || s.Count < 0 || s.Error != "") {
			t.Fatalf("%q was taken as %+v", data, s)
		}
		if s.Problem != "" && s.Error == "" {
			t.Fatalf("%q: %s, but why?", data, s.Problem)
		}
	})
}

func FuzzChatRequest(f *testing.F) {
	f.Add([]byte(`{"messages":[{"role":"user","content":"dp-0123456789abcdef please answer"}]}`))
	f.Add([]byte(`{"messages":[{"role":"user","content":[{"type":"text","text":"dp-0123456789abcdef"}]},{"role":"tool","content":null}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := chatDialect{}.parse(data)
		if err == nil && r.token != "" && !tokenPattern.MatchString(r.token) {
			t.Fatalf("token %q in %q", r.token, data)
		}
	})
}

func FuzzStream(f *testing.F) {
	f.Add([]byte("data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\ndata: [DONE]\n\n"))
	f.Add([]byte("data: {\"error\":{\"code\":1}}\n\ndata\n: \n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		a := &answer{}
		grown := 0
		a.readStream(bytes.NewReader(data), chatEvent, func(total int) {
			if total <= grown {
				t.Fatalf("the reply grew from %d to %d", grown, total)
			}
			grown = total
		})
		if grown != len(a.reply) {
			t.Fatalf("told of %d bytes, holds %d", grown, len(a.reply))
		}
		a.code()
	})
}

func FuzzProc(f *testing.F) {
	f.Add([]byte(tcpTable))
	f.Add([]byte("42 (a) b) S 0 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 9 0 123456 1000 200"))
	f.Fuzz(func(t *testing.T, data []byte) {
		ports := map[int]map[uint64]bool{8080: {}}
		listening(data, ports)
		if len(ports) != 1 || ports[8080][0] {
			t.Fatalf("%v", ports)
		}
		endsListening(data)
		_, _ = parseStat(data)
	})
}

func FuzzJSONPath(f *testing.F) {
	f.Add([]byte(`{"error":{"code":["a",{"b":1}]}}`), "error.code.1.b")
	f.Add([]byte(`[[]]`), "0.-1")
	f.Fuzz(func(_ *testing.T, data []byte, path string) {
		v, err := decodeJSON(data)
		if err != nil {
			return
		}
		if found, ok := lookup(v, path); ok {
			asText(found)
		}
	})
}
