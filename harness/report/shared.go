package report

import (
	"cmp"

	"github.com/jedib0t/go-pretty/v6/table"
)

// What others that show reports share with this package.

// Percentile is the nearest-rank percentile of sorted values, of which there must be
// some: a value that really occurred.
func Percentile[T cmp.Ordered](sorted []T, percent int) T {
	n := (percent*len(sorted) + 99) / 100
	return sorted[max(1, n)-1]
}

// Printable makes one printable line of text that came from elsewhere.
func Printable(s string) string { return clean(s) }

// InMarkdown is Printable for a Markdown file: nothing in it is markup.
func InMarkdown(s string) string { return md(s) }

// NewTable is a table for a terminal in the style of a report's. The widths are those of
// its columns at the most, in characters; their text is wrapped at spaces.
func NewTable(o TableOptions, widths ...int) table.Writer {
	t := newTable(o)
	limit(t, widths...)
	return t
}
