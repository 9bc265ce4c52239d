package yamlfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sort"
	"strconv"
)

// maxSize bounds a file, in bytes. Real ones have a few kilobytes; the bound
// keeps a wrong path (a core dump, a log) from being parsed for minutes.
const maxSize = 256 << 10

// Document is a file that was parsed and decoded, with all its problems so far.
type Document struct {
	File   string // as named by the caller
	SHA256 string // of the file's bytes, hex

	root     any
	places   map[string]place
	problems Errors
	broken   map[string]bool // paths whose value did not pass the schema
}

// place is where a value stands: its key (mapping entries) and itself.
type place struct{ key, value position }

type position struct{ line, col int }

// LoadStrict reads path, validates it against schema and decodes it into the
// pointer into. The error (always Errors) says that there is no document at all:
// missing, empty, not YAML. Schema problems are in the document: see Err.
func LoadStrict(path string, schema *Schema, into any) (*Document, error) {
	data, err := Read(path)
	if err != nil {
		return nil, err
	}
	return ParseStrict(path, data, schema, into)
}

// ParseStrict is LoadStrict on bytes; name stands for the file in messages.
func ParseStrict(name string, data []byte, schema *Schema, into any) (*Document, error) {
	sum := sha256.Sum256(data)
	d := &Document{
		File: name, SHA256: hex.EncodeToString(sum[:]),
		places: map[string]place{}, broken: map[string]bool{},
	}
	root, problem := d.parse(data)
	if problem != nil {
		problem.File = name
		return nil, append(Errors{*problem}, d.problems...).sorted()
	}
	d.root = root
	schema.validate(d)
	if err := d.decode(into); err != nil {
		return nil, Errors{{
			File: name, Line: 1, Col: 1, What: "can't be decoded: " + err.Error(),
			Next: "this is a gap between the schema and the program; please report it",
		}}
	}
	return d, nil
}

// Report adds a problem at the place of path, or of its nearest ancestor that is
// in the document.
func (d *Document) Report(path Path, what, next string) {
	d.report(path, what, next, false)
}

// ReportKey is Report, but points at the field's name instead of its value.
func (d *Document) ReportKey(path Path, what, next string) {
	d.report(path, what, next, true)
}

func (d *Document) report(path Path, what, next string, atKey bool) {
	at := position{1, 1}
	for i := len(path); i >= 0; i-- {
		if p, ok := d.places[path[:i].key()]; ok {
			at = p.value
			if (atKey || i < len(path)) && p.key.line > 0 {
				at = p.key
			}
			break
		}
	}
	d.problems = append(d.problems, Problem{
		File: d.File, Line: at.line, Col: at.col, Path: path.String(), What: what, Next: next,
	})
}

// Has says whether the document has a value at path (null counts as none).
func (d *Document) Has(path Path) bool {
	v, ok := lookup(d.root, path)
	return ok && v != nil
}

// Broken says whether the value at path, or one around it, failed the schema, so
// that nothing may be concluded from its zero value in the struct.
func (d *Document) Broken(path Path) bool {
	for i := range len(path) + 1 {
		if d.broken[path[:i].key()] {
			return true
		}
	}
	return false
}

// Err is nil or all problems so far, as Errors, in the order of their places.
func (d *Document) Err() error {
	if len(d.problems) == 0 {
		return nil
	}
	return d.problems.sorted()
}

// decode hands what passed the schema to encoding/json, so that the structs need
// one set of tags for files and for reports.
func (d *Document) decode(into any) error {
	raw, err := json.Marshal(d.prune(d.root, nil))
	if err != nil {
		return err
	}
	return json.NewDecoder(bytes.NewReader(raw)).Decode(into)
}

// prune copies the tree with every broken value replaced by null, which
// encoding/json leaves at its zero value; list indices stay as they are.
func (d *Document) prune(v any, at Path) any {
	if d.broken[at.key()] {
		return nil
	}
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = d.prune(e, at.child(k))
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = d.prune(e, at.child(strconv.Itoa(i)))
		}
		return out
	default:
		return v
	}
}

func lookup(v any, path Path) (any, bool) {
	for _, step := range path {
		switch c := v.(type) {
		case map[string]any:
			e, ok := c[step]
			if !ok {
				return nil, false
			}
			v = e
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(c) {
				return nil, false
			}
			v = c[i]
		default:
			return nil, false
		}
	}
	return v, true
}

// Read returns the bytes of a file, or an Errors that says why it can't be one.
func Read(path string) ([]byte, error) {
	whole := func(what, next string) error { return Errors{{File: path, What: what, Next: next}} }
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, whole("there is no such file", "check the path, or create the file")
	case err != nil:
		return nil, whole("can't be read: "+reason(err), "check the path and its permissions")
	case info.IsDir():
		return nil, whole("is a directory", "name the YAML file in it")
	case !info.Mode().IsRegular():
		return nil, whole("is not a regular file", "name a YAML file")
	case info.Size() > maxSize:
		return nil, whole(fmt.Sprintf("has %d bytes, at most %d are read", info.Size(), maxSize), "check that this is the file you meant")
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, whole("can't be read: "+reason(err), "make it readable for the user who runs this")
	}
	return data, nil
}

func reason(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// Strings calls visit with every string of the document, in a stable order.
func (d *Document) Strings(visit func(Path, string)) { walkStrings(d.root, nil, visit) }

func walkStrings(v any, at Path, visit func(Path, string)) {
	switch v := v.(type) {
	case map[string]any:
		for _, k := range sortedKeys(v) {
			walkStrings(v[k], at.child(k), visit)
		}
	case []any:
		for i, e := range v {
			walkStrings(e, at.child(strconv.Itoa(i)), visit)
		}
	case string:
		visit(at, v)
	}
}
