package yamlfile

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// maxDepth bounds nesting; no file of ours comes near it.
const maxDepth = 64

// parse turns the bytes into plain values and notes every value's place.
func (d *Document) parse(data []byte) (root any, problem *Problem) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if p := precheck(data); p != nil {
		return nil, p
	}
	file, problem := parseAST(data)
	if problem != nil {
		return nil, problem
	}
	var bodies []ast.Node
	for _, doc := range file.Docs {
		if doc.Body != nil && doc.Body.Type() != ast.CommentType {
			bodies = append(bodies, doc.Body)
		}
	}
	switch len(bodies) {
	case 0:
		return nil, &Problem{Line: 1, Col: 1, What: "the file is empty", Next: "start from a published example"}
	case 1:
	default:
		at := start(bodies[1])
		return nil, &Problem{Line: at.line, Col: at.col, What: fmt.Sprintf("the file holds %d documents", len(bodies)), Next: "keep one, in a file of its own"}
	}
	d.places[""] = place{value: start(bodies[0])}
	root = d.convert(bodies[0], nil)
	if _, ok := root.(map[string]any); !ok && len(d.problems) == 0 {
		at := start(bodies[0])
		return nil, &Problem{Line: at.line, Col: at.col, What: fmt.Sprintf("this is %s, not a mapping of fields", describe(root)), Next: "write fields as 'name: value', one per line"}
	}
	if len(d.problems) > 0 {
		last := d.problems[len(d.problems)-1]
		d.problems = d.problems[:len(d.problems)-1]
		return nil, &last
	}
	return root, nil
}

// parseAST calls the library and puts its complaint into our form.
func parseAST(data []byte) (file *ast.File, problem *Problem) {
	defer func() {
		// The parser is somebody else's; a panic in it must not reach a user.
		if r := recover(); r != nil {
			file, problem = nil, &Problem{Line: 1, Col: 1, What: "this is not YAML the parser understands", Next: "check the indentation and the quotes"}
		}
	}()
	file, err := parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
	if err == nil {
		return file, nil
	}
	if p := tabs(data); p != nil {
		return nil, p
	}
	p := &Problem{Line: 1, Col: 1, What: "not YAML: " + oneLine(err.Error()), Next: "check the indentation and the quotes around this place"}
	var ye yaml.Error
	if errors.As(err, &ye) {
		p.What = "not YAML: " + oneLine(ye.GetMessage())
		if t := ye.GetToken(); t != nil && t.Position != nil {
			p.Line, p.Col = max(1, t.Position.Line), max(1, t.Position.Column)
		}
	}
	return nil, p
}

// precheck refuses what would make the parser slow or its message useless.
func precheck(data []byte) *Problem {
	if len(data) > maxSize {
		return &Problem{Line: 1, Col: 1, What: fmt.Sprintf("has %d bytes, at most %d are read", len(data), maxSize), Next: "check that this is the file you meant"}
	}
	depth := 0
	for i, line := range bytes.Split(data, []byte("\n")) {
		at := func(offset int) (int, int) { return i + 1, utf8.RuneCount(line[:offset]) + 1 }
		if n := invalid(line); n >= 0 {
			l, c := at(n)
			return &Problem{Line: l, Col: c, What: "not text: a byte here is no printable UTF-8", Next: "save the file as UTF-8 text, or check that this is the file you meant"}
		}
		dashes := 0
		for j, b := range line {
			switch b {
			case '[', '{':
				depth++
			case ']', '}':
				depth = max(0, depth-1)
			case '-', '?', ':':
				dashes++
			case ' ', '\t':
			default:
				dashes = 0
			}
			if depth > maxDepth || dashes > 2*maxDepth {
				l, c := at(j)
				return &Problem{Line: l, Col: c, What: fmt.Sprintf("nested deeper than %d levels", maxDepth), Next: "no such nesting means anything here; flatten it"}
			}
		}
	}
	return nil
}

// invalid returns the offset of the first byte that can't stand in a YAML text, or -1.
func invalid(line []byte) int {
	for i := 0; i < len(line); {
		r, n := utf8.DecodeRune(line[i:])
		if r == utf8.RuneError && n == 1 || r < ' ' && r != '\t' && r != '\r' || r == 0x7f {
			return i
		}
		i += n
	}
	return -1
}

// tabs finds the first line indented with a tab: by far the most common reason
// why a file that looks right is not YAML.
func tabs(data []byte) *Problem {
	for i, line := range strings.Split(string(data), "\n") {
		indent := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
		if at := strings.IndexByte(indent, '\t'); at >= 0 && strings.TrimSpace(line) != "" {
			return &Problem{Line: i + 1, Col: at + 1, What: "a tab indents this line", Next: "indent with spaces"}
		}
	}
	return nil
}

// convert turns a node into map[string]any, []any or a scalar, noting places and
// reporting what this format does not allow.
func (d *Document) convert(n ast.Node, at Path) any {
	if len(at) > maxDepth {
		d.Report(at, fmt.Sprintf("nested deeper than %d levels", maxDepth), "flatten it")
		return nil
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		out := make(map[string]any, len(n.Values))
		for _, v := range n.Values {
			d.entry(out, v, at)
		}
		return out
	case *ast.MappingValueNode:
		out := map[string]any{}
		d.entry(out, n, at)
		return out
	case *ast.SequenceNode:
		out := make([]any, len(n.Values))
		for i, v := range n.Values {
			p := at.child(strconv.Itoa(i))
			d.places[p.key()] = place{value: start(v)}
			out[i] = d.convert(v, p)
		}
		return out
	case *ast.StringNode:
		return n.Value
	case *ast.LiteralNode:
		return n.Value.Value
	case *ast.IntegerNode:
		return n.Value
	case *ast.FloatNode:
		if math.IsInf(n.Value, 0) {
			d.Report(at, "this number is too large", "write a smaller one")
			return nil
		}
		return n.Value
	case *ast.BoolNode:
		return n.Value
	case *ast.NullNode, nil:
		return nil
	case *ast.AnchorNode, *ast.AliasNode:
		d.Report(at, "anchors and aliases (&name, *name) are not part of this format", "write the value out; in quotes, if the '&' or '*' belongs to it")
	case *ast.TagNode:
		d.Report(at, "tags (!name) are not part of this format", "remove the tag; put the value in quotes, if the '!' belongs to it")
	default:
		d.Report(at, "this kind of value is not part of this format", "put it in quotes")
	}
	return nil
}

func (d *Document) entry(out map[string]any, v *ast.MappingValueNode, at Path) {
	keyAt := start(v.Key)
	var name string
	switch k := v.Key.(type) {
	case *ast.StringNode:
		name = k.Value
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode:
		name = v.Key.GetToken().Value
	default:
		d.problems = append(d.problems, Problem{File: d.File, Line: keyAt.line, Col: keyAt.col, Path: at.String(),
			What: "only plain names can be fields here", Next: "write the fields out; merge keys (<<), anchors and complex keys are not part of this format"})
		return
	}
	p := at.child(name)
	if before, twice := d.places[p.key()]; twice {
		d.problems = append(d.problems, Problem{File: d.File, Line: keyAt.line, Col: keyAt.col, Path: p.String(),
			What: fmt.Sprintf("%s is given twice, first in line %d", p, before.key.line), Next: "keep one of them"})
		return
	}
	pl := place{key: keyAt, value: start(v.Value)}
	if _, null := v.Value.(*ast.NullNode); null || v.Value == nil || container(v.Value) {
		pl.value = keyAt // the name says more than the place of nothing, or of the first child
	}
	d.places[p.key()] = pl
	out[name] = d.convert(v.Value, p)
}

func container(n ast.Node) bool {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode, *ast.SequenceNode:
		return true
	}
	return false
}

// start is where a node's text begins; for a block mapping, its first key.
func start(n ast.Node) position {
	for {
		switch m := n.(type) {
		case *ast.MappingNode:
			if !m.IsFlowStyle && len(m.Values) > 0 {
				n = m.Values[0].Key
				continue
			}
		case *ast.MappingValueNode:
			n = m.Key
			continue
		}
		break
	}
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return position{1, 1}
	}
	p := n.GetToken().Position
	return position{max(1, p.Line), max(1, p.Column)}
}
