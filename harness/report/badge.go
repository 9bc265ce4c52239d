package report

import (
	"bytes"
	"html/template"
	"sync"

	"github.com/jedib0t/go-pretty/v6/text"
)

var badgeSVG = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("badge").Parse(`<svg xmlns="http://www.w3.org/2000/svg" width="{{.Width}}" height="20" role="img" aria-label="drain: {{.Says}}"><title>drain: {{.Says}}</title><rect width="{{.Width}}" height="20" rx="3" fill="#555"/><rect x="42" width="{{.Rest}}" height="20" rx="3" fill="{{.Fill}}"/><rect x="42" width="4" height="20" fill="{{.Fill}}"/><g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11"><text x="7" y="14">drain</text><text x="50" y="14">{{.Says}}</text></g></svg>
`))
})

// Badge is a small SVG that says what the report says. Only a run that certifies is green.
func Badge(r *Report) []byte {
	data := struct {
		Says, Fill  string
		Width, Rest int
	}{Says: r.Words(), Fill: "#9f6b00"}
	switch {
	case r.Certifies:
		data.Fill = "#2a7d3f"
	case r.Verdict == NonConformant || r.Verdict == NotAsExpected:
		data.Fill = "#b3261e"
	}
	const perLetter, around = 7, 16
	data.Rest = text.StringWidthWithoutEscSequences(data.Says)*perLetter + around
	data.Width = 42 + data.Rest
	var out bytes.Buffer
	_ = badgeSVG().Execute(&out, data) // a buffer takes everything
	return out.Bytes()
}
