package corpus

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

// Corpus is a catalogue of markers, in its order.
type Corpus struct {
	Path    string   `json:"-"`
	SHA256  string   `json:"-"` // of the catalogue's bytes, hex
	Markers []Marker `json:"markers"`
}

// Marker is one entry: what is laid, and what must become of a gateway.
type Marker struct {
	ID    string `json:"id"`
	Why   string `json:"why"`   // what it is there to find
	Tests string `json:"tests"` // the requirement that is charged when it is not heeded
	// Drains and Keeps are levels, MUST, SHOULD or MAY: laid where there was no
	// marker it begins a drain; laid over another it keeps the drain in effect.
	Drains string `json:"drains"`
	Keeps  string `json:"keeps"`
	How    string `json:"how"`  // way of writing; one of wire's
	Mode   string `json:"mode"` // in octal; "" is the usual one
	// NotAsRoot says that it proves nothing to a gateway that runs as root.
	NotAsRoot bool    `json:"notAsRoot"`
	Content   []Piece `json:"content"`
}

// Piece is a part of a content: a text or bytes in hex, so many times over.
type Piece struct {
	Text  string `json:"text"`
	Hex   string `json:"hex"`
	Times int    `json:"times"`
}

// Placeholders of a text. Now is the time at which the marker is laid (RFC 3339): a
// marker that is valid otherwise must not be stale for its age. Stamp, behind a
// field, is one more with the epoch, or nothing where the target has none: such a
// marker tests something else than whether one without an epoch is honoured.
const (
	Now   = "{{now}}"
	Stamp = "{{stamp}}"
)

// For returns the markers that test a requirement, in order.
func (c *Corpus) For(requirement string) []Marker {
	var out []Marker
	for _, m := range c.Markers {
		if m.Tests == requirement {
			out = append(out, m)
		}
	}
	return out
}

// Find returns the marker of that ID.
func (c *Corpus) Find(id string) (Marker, bool) {
	for _, m := range c.Markers {
		if m.ID == id {
			return m, true
		}
	}
	return Marker{}, false
}

// Regular says whether the marker is a regular file.
func (m Marker) Regular() bool { return wire.Regular(m.How) }

// Expectation is what goes into the history with the marker.
func (m Marker) Expectation() history.Expectation {
	return history.Expectation{Case: m.ID, Tests: m.Tests, Drains: m.Drains, Keeps: m.Keeps}
}

// Params is the operation that lays the marker at the given time, in the
// instantiation with that epoch; "" where there is none.
func (m Marker) Params(at time.Time, epoch string) wire.MarkerParams {
	fill := placeholders(at, epoch)
	p := wire.MarkerParams{Op: history.OpBegin, How: m.How, Mode: m.Mode, Expectation: m.Expectation()}
	if !m.Regular() {
		return p
	}
	for _, piece := range m.Content {
		p.Pieces = append(p.Pieces, wire.Piece{Bytes: piece.bytes(fill), Times: max(piece.Times, 1)})
	}
	if len(p.Pieces) == 0 { // empty on purpose: without pieces the probe would write an ordinary one
		p.Pieces = []wire.Piece{{Times: 1}}
	}
	return p
}

// placeholders fills them in.
func placeholders(at time.Time, epoch string) *strings.Replacer {
	stamp := ""
	if epoch != "" {
		quoted, err := json.Marshal(epoch)
		if err != nil { // a string can't fail to be JSON
			panic(err)
		}
		stamp = `,"epoch":` + string(quoted)
	}
	return strings.NewReplacer(Now, at.UTC().Format(time.RFC3339), Stamp, stamp)
}

// bytes are those of one repetition; that hex is hex was checked on loading.
func (p Piece) bytes(fill *strings.Replacer) []byte {
	if p.Hex != "" {
		b, _ := decodeHex(p.Hex)
		return b
	}
	return []byte(fill.Replace(p.Text))
}
