package report

import (
	"strings"
	"unicode"
)

// clean makes one printable line of text that came from elsewhere: no control
// characters (a gateway's log must not move the reader's cursor, nor break XML),
// no line breaks.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case r == unicode.ReplacementChar || !unicode.IsPrint(r):
			return '�'
		}
		return r
	}, strings.ToValidUTF8(stripEscapes(s), "�"))
}

// cleanLines is clean for text that may have several lines.
func cleanLines(s string) []string {
	lines := strings.Split(strings.TrimRight(strings.ReplaceAll(s, "\r\n", "\n"), "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(clean(lines[i]), " ")
	}
	return lines
}

// stripEscapes removes ANSI colour and cursor sequences as a whole, so that a
// coloured log stays readable.
func stripEscapes(s string) string {
	if !strings.Contains(s, "\x1b[") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		if strings.HasPrefix(s[i:], "\x1b[") {
			j := i + 2
			for j < len(s) && (s[j] < '@' || s[j] > '~') {
				j++
			}
			i = min(j+1, len(s))
			continue
		}
		b.WriteByte(s[i])
		i++
	}
	return b.String()
}
