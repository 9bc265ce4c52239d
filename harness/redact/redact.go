// Package redact takes secrets out of text that is kept or shown.
package redact

import (
	"cmp"
	"slices"
	"strings"
)

// Mark stands where a secret was.
const Mark = "[redacted]"

// Redactor replaces secrets; nil replaces nothing.
type Redactor struct{ replace *strings.Replacer }

// New makes one of these secrets; nil where there is none.
func New(secrets []string) *Redactor {
	secrets = slices.DeleteFunc(slices.Clone(secrets), func(s string) bool { return s == "" })
	if len(secrets) == 0 {
		return nil
	}
	// Longest first, so that a secret that begins with another goes as a whole.
	slices.SortFunc(secrets, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	pairs := make([]string, 0, 2*len(secrets))
	for _, s := range secrets {
		pairs = append(pairs, s, Mark)
	}
	return &Redactor{replace: strings.NewReplacer(pairs...)}
}

// Text is s without them.
func (r *Redactor) Text(s string) string {
	if r == nil {
		return s
	}
	return r.replace.Replace(s)
}
