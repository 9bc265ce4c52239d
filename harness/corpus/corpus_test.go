package corpus

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

const catalogue = "../../fixtures/markers/catalogue.yaml"

func load(t *testing.T) *Corpus {
	t.Helper()
	c, err := Load(catalogue)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func content(m Marker) []byte {
	var b []byte
	for _, piece := range m.Params(time.Now(), "").Pieces {
		b = append(b, bytes.Repeat(piece.Bytes, piece.Times)...)
	}
	return b
}

// The catalogue has every kind of marker that MARKER-001 to MARKER-009 speak of.
func TestTheCatalogueIsComplete(t *testing.T) {
	c := load(t)
	for _, id := range []string{"MARKER-001", "MARKER-003", "MARKER-004", "MARKER-005", "MARKER-006", "MARKER-007", "MARKER-009"} {
		if len(c.For(id)) == 0 {
			t.Errorf("no marker tests %s", id)
		}
	}
	for _, way := range []string{
		wire.WayInPlace, wire.WayRename, wire.WayLink, wire.WayDir, wire.WayFIFO, wire.WayDangling, wire.WayLoop,
	} {
		if !slices.ContainsFunc(c.Markers, func(m Marker) bool { return m.How == way }) {
			t.Errorf("no marker is made %s", way)
		}
	}
	if c.SHA256 == "" || c.Path != catalogue {
		t.Errorf("the catalogue does not say what it is: %q, %q", c.Path, c.SHA256)
	}
}

// Each marker really is what the requirement it tests is about, and nothing else,
// or the wrong requirement would be charged.
func TestMarkersAreWhatTheySay(t *testing.T) {
	known := []string{"action", "requested_at", "principal", "suppress_notification", "epoch"}
	for _, m := range load(t).Markers {
		t.Run(m.ID, func(t *testing.T) {
			b := content(m)
			var fields map[string]json.RawMessage
			object := json.Unmarshal(b, &fields) == nil && fields != nil
			unknown := false
			for name := range fields {
				unknown = unknown || !slices.Contains(known, name)
			}
			switch m.Tests {
			case "MARKER-001", "MARKER-005", "MARKER-009":
				if !object || unknown {
					t.Errorf("not an object of known fields: %.80q", b)
				}
			case "MARKER-003":
				if json.Valid(b) || !utf8.Valid(b) || len(bytes.TrimSpace(b)) == 0 || bytes.IndexByte(b, 0) >= 0 {
					t.Errorf("not merely invalid JSON: %.80q", b)
				}
			case "MARKER-004":
				if object && len(b) < 10<<20 && !bytes.Contains(b, []byte("[[[[")) && utf8.Valid(b) {
					t.Errorf("an ordinary object: %.80q", b)
				}
				if unknown {
					t.Errorf("a field that is unknown would be charged to MARKER-007: %.80q", b)
				}
			case "MARKER-006":
				if m.Regular() || len(b) > 0 {
					t.Error("a regular file")
				}
			case "MARKER-007":
				if !object {
					t.Errorf("not an object: %.80q", b)
				}
			}
			if bytes.Contains(b, []byte("{{")) {
				t.Errorf("the time was not filled in: %.80q", b)
			}
			if m.NotAsRoot != (m.Mode == "000") {
				t.Error("root reads what others can't")
			}
		})
	}
}

func TestSizes(t *testing.T) {
	c := load(t)
	for id, want := range map[string]func([]byte) bool{
		"empty":         func(b []byte) bool { return len(b) == 0 },
		"ten-megabytes": func(b []byte) bool { return len(b) >= 10<<20 && len(b) < 11<<20 },
		"deeply-nested": func(b []byte) bool {
			return bytes.Count(b, []byte("[")) == 10000 && bytes.Count(b, []byte("]")) == 10000
		},
		"nul-filled":    func(b []byte) bool { return len(b) == 4096 && len(bytes.Trim(b, "\x00")) == 0 },
		"invalid-utf-8": func(b []byte) bool { return !utf8.Valid(b) },
	} {
		m, ok := c.Find(id)
		if !ok || !want(content(m)) {
			t.Errorf("%s: there %v, %d bytes", id, ok, len(content(m)))
		}
		if line, err := wire.EncodeLine(m.Params(time.Now(), "")); err != nil || len(line) > 4096*2 {
			t.Errorf("%s: its description has %d bytes, %v", id, len(line), err)
		}
	}
	if _, ok := c.Find("no-such-marker"); ok {
		t.Error("a marker that is not there was found")
	}
}

func TestParams(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600))
	m := Marker{ID: "m", Tests: "MARKER-001", Drains: history.Must, Keeps: history.Should, How: wire.WayRename, Mode: "000",
		Content: []Piece{{Text: Now + Stamp}, {Hex: "00 ff", Times: 2}}}
	p := m.Params(at, "")
	if p.Op != history.OpBegin || p.How != wire.WayRename || p.Mode != "000" || len(p.Content) > 0 || len(p.Pieces) != 2 ||
		string(p.Pieces[0].Bytes) != "2026-01-02T02:04:05Z" || p.Pieces[0].Times != 1 ||
		!bytes.Equal(p.Pieces[1].Bytes, []byte{0, 255}) || p.Pieces[1].Times != 2 {
		t.Errorf("%+v", p)
	}
	if p := m.Params(at, `a"b`); string(p.Pieces[0].Bytes) != `2026-01-02T02:04:05Z,"epoch":"a\"b"` {
		t.Errorf("stamped: %s", p.Pieces[0].Bytes)
	}
	if want := (history.Expectation{Case: "m", Tests: "MARKER-001", Drains: history.Must, Keeps: history.Should}); p.Expectation != want {
		t.Errorf("%+v", p.Expectation)
	}
	if p := (Marker{How: wire.WayFIFO}).Params(at, ""); len(p.Pieces) > 0 {
		t.Errorf("a FIFO with content: %+v", p)
	}
	if p := (Marker{How: wire.WayInPlace}).Params(at, ""); len(p.Pieces) != 1 || len(p.Pieces[0].Bytes) > 0 {
		t.Errorf("an empty marker is not an ordinary one: %+v", p)
	}
}

func TestProblems(t *testing.T) {
	const head = "schema: 1\nmarkers:\n"
	entry := func(more ...string) string {
		return head + "  - {id: a, why: w, tests: MARKER-001" + strings.Join(append([]string{""}, more...), ", ") + "}\n"
	}
	for name, c := range map[string]struct{ file, want string }{
		"no markers":          {"schema: 1\n", "markers"},
		"another schema":      {"schema: 2\nmarkers: [{id: a, why: w, tests: MARKER-001}]\n", "schema"},
		"another family":      {head + "  - {id: a, why: w, tests: GATE-001}\n", "tests"},
		"twice":               {entry() + "  - {id: a, why: w, tests: MARKER-001}\n", "twice"},
		"unknown way":         {entry("how: socket"), "how"},
		"unknown level":       {entry("keeps: OFTEN"), "keeps"},
		"content of a FIFO":   {entry("how: fifo", "content: [{text: a}]"), "content"},
		"mode of a directory": {entry("how: directory", `mode: "000"`), "mode"},
		"no hex":              {entry("content: [{hex: fff}]"), "hex"},
		"text and hex":        {entry("content: [{text: a, hex: ff}]"), "either"},
		"neither":             {entry("content: [{times: 2}]"), "either"},
		"too long":            {entry("content: [{text: abcd, times: 16777217}]"), "longer"},
		"too long in all":     {entry("content: [{text: abcd, times: 16777216}, {text: a}]"), "longer"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Parse("c.yaml", []byte(c.file)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want something on %q", err, c.want)
			}
		})
	}
	got, err := Parse("c.yaml", []byte(entry("content: [{text: abcd, times: 16777216}]")))
	if err != nil {
		t.Fatal(err)
	}
	if m := got.Markers[0]; m.How != wire.WayInPlace || m.Drains != history.Must || m.Keeps != history.Must || !m.Regular() {
		t.Errorf("defaults: %+v", m)
	}
	if _, err := Load("no-such-catalogue.yaml"); err == nil {
		t.Error("a missing catalogue is no error")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("schema: 1\nmarkers: [{id: a, why: w, tests: MARKER-001, content: [{hex: 00, times: 3}]}]\n"))
	f.Add([]byte("schema: 1\nmarkers: [{id: a, why: w, tests: MARKER-006, how: fifo, drains: MAY}]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse("c.yaml", data)
		if err != nil {
			return
		}
		for _, m := range c.Markers {
			size := 0
			for _, p := range m.Params(time.Now(), "").Pieces {
				size += len(p.Bytes) * p.Times
			}
			if size > MaxContent {
				t.Fatalf("%s: %d bytes", m.ID, size)
			}
		}
	})
}
