package yamlfile

import (
	"fmt"
	"sort"
	"strconv"
	"strings"
)

// Problem is one thing wrong with a file.
type Problem struct {
	File string // as the caller named it
	Line int    // from 1; 0 when the file as a whole is meant
	Col  int    // from 1, in characters
	Path string // where in the document, e.g. ingresses[0].url; "" for the whole
	What string // what is wrong
	Next string // what to do about it
}

// Error is one line: FILE:LINE:COL: what; next.
func (p Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Col)
	}
	b.WriteString(": ")
	b.WriteString(oneLine(p.What))
	if p.Next != "" {
		b.WriteString("; ")
		b.WriteString(oneLine(p.Next))
	}
	return b.String()
}

// Errors are all problems of a file, in the order of their places.
type Errors []Problem

// Error puts every problem on a line of its own.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, p := range e {
		lines[i] = p.Error()
	}
	return strings.Join(lines, "\n")
}

// sorted orders by place and drops exact repetitions.
func (e Errors) sorted() Errors {
	out := append(Errors(nil), e...)
	sort.SliceStable(out, func(i, j int) bool {
		a, b := out[i], out[j]
		switch {
		case a.Line != b.Line:
			return a.Line < b.Line
		case a.Col != b.Col:
			return a.Col < b.Col
		default:
			return a.What < b.What
		}
	})
	kept := out[:0]
	for i, p := range out {
		if i == 0 || p != out[i-1] {
			kept = append(kept, p)
		}
	}
	return kept
}

// Path leads to a value in a document: field names, and indices in decimal.
type Path []string

// At makes a path of field names and list indices.
func At(steps ...any) Path {
	p := make(Path, len(steps))
	for i, s := range steps {
		p[i] = fmt.Sprint(s)
	}
	return p
}

// String is the path as a person writes it: ingresses[0].url.
func (p Path) String() string {
	var b strings.Builder
	for i, s := range p {
		if _, err := strconv.Atoi(s); err == nil && i > 0 {
			b.WriteString("[" + s + "]")
			continue
		}
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(s)
	}
	return b.String()
}

// key is unique per path; NUL can't be part of a name that passed the parser.
func (p Path) key() string { return strings.Join(p, "\x00") }

func (p Path) child(s string) Path { return append(p[:len(p):len(p)], s) }

func oneLine(s string) string {
	return strings.Join(strings.Fields(s), " ")
}
