package corpus

import (
	_ "embed"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
	"github.com/drainproof/drainproof/harness/yamlfile"
)

// MaxContent bounds the content of one marker, in bytes.
const MaxContent = wire.MaxContent

//go:embed catalogue.schema.json
var schemaJSON []byte

var schema = sync.OnceValue(func() *yamlfile.Schema { return yamlfile.MustCompile(schemaJSON) })

// Load reads a catalogue. The error lists everything that is wrong with it: a
// check on a marker that is not what it says would prove nothing.
func Load(path string) (*Corpus, error) {
	data, err := yamlfile.Read(path)
	if err != nil {
		return nil, err
	}
	return Parse(path, data)
}

// Parse is Load on bytes; name stands for the file in messages.
func Parse(name string, data []byte) (*Corpus, error) {
	c := &Corpus{}
	doc, err := yamlfile.ParseStrict(name, data, schema(), c)
	if err != nil {
		return nil, err
	}
	c.Path, c.SHA256 = doc.File, doc.SHA256
	seen := map[string]bool{}
	for i := range c.Markers {
		m := &c.Markers[i]
		at := yamlfile.At("markers", i)
		if seen[m.ID] {
			doc.Report(yamlfile.At("markers", i, "id"), fmt.Sprintf("%q is there twice", m.ID), "give each marker an ID of its own")
		}
		seen[m.ID] = true
		m.fillDefaults()
		m.check(doc, at)
	}
	if err := doc.Err(); err != nil {
		return nil, err
	}
	return c, nil
}

func (m *Marker) fillDefaults() {
	if m.How == "" {
		m.How = wire.WayInPlace
	}
	if m.Drains == "" {
		m.Drains = history.Must
	}
	if m.Keeps == "" {
		m.Keeps = history.Must
	}
}

// check reports what the schema can't say.
func (m *Marker) check(doc *yamlfile.Document, at yamlfile.Path) {
	if !m.Regular() && len(m.Content) > 0 {
		doc.Report(at, fmt.Sprintf("a %s has no content", m.How), "remove content")
	}
	if m.Mode != "" && !m.Regular() {
		doc.Report(at, "a "+m.How+" is given no mode", "remove mode")
	}
	size := 0
	for _, p := range m.Content {
		_, err := decodeHex(p.Hex)
		switch {
		case (p.Text == "") == (p.Hex == ""):
			doc.Report(at, "a piece of content has either text or hex", "give one of them")
		case err != nil:
			doc.Report(at, fmt.Sprintf("%q is no hex: %v", p.Hex, err), "write bytes like ff fe")
		}
		one := len(p.bytes(placeholders(time.Time{}, "")))
		if times := max(p.Times, 1); one > 0 && times > (MaxContent-size)/one {
			doc.Report(at, fmt.Sprintf("the content is longer than %d bytes", MaxContent), "repeat less")
			return
		}
		size += one * max(p.Times, 1)
	}
}

// decodeHex reads hex with white space anywhere between bytes.
func decodeHex(s string) ([]byte, error) {
	return hex.DecodeString(strings.Join(strings.Fields(s), ""))
}
