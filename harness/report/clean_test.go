package report

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                     "plain",
		"\x1b[1;31mred\x1b[0m text": "red text",
		"a\nb\tc\r\n":               "a b c  ",
		"bell\a, \x1b]0;title\a":    "bell�, �]0;title�",
		"cut \x1b[":                 "cut ",
		"latin \xe9":                "latin �",
		"right to left \u202e":      "right to left �",
		"grüße, 世界":                 "grüße, 世界",
	} {
		if got := clean(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// What is said of somebody's report does not move the reader's cursor.
func TestADifferenceIsOneLine(t *testing.T) {
	d := Difference{Kind: "extra-file", What: "a\x1b[2K\rb\nsame verdict"}
	if got, want := d.String(), "extra-file: a b same verdict"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func FuzzClean(f *testing.F) {
	f.Add("a\x1b[31mb\x1b[0m\x07\xff\u202e|`<b>*_\n", 40)
	f.Add("bound 1 s, ]]> 12 ms", 8)
	f.Fuzz(func(t *testing.T, s string, width int) {
		got := clean(s)
		if !utf8.ValidString(got) || strings.IndexFunc(got, unicode.IsControl) >= 0 || strings.Contains(got, glue) {
			t.Fatalf("%q became %q", s, got)
		}
		if strings.ContainsAny(strings.ReplaceAll(md(s), `\|`, ""), "|\n") {
			t.Fatalf("%q leaves its cell: %q", s, md(s))
		}
		if strings.Contains(cdata(got), "]]>") {
			t.Fatalf("%q ends its section", got)
		}
		for _, line := range wrapped(got, min(max(width, 0), 500)) {
			if strings.Contains(line, "\n") || strings.Contains(line, glue) {
				t.Fatalf("%q wraps to %q", got, line)
			}
		}
	})
}
