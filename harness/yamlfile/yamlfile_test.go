package yamlfile_test

import (
	"strings"
	"testing"

	"github.com/drainproof/drainproof/harness/yamlfile"
)

func TestNearest(t *testing.T) {
	known := []string{"sessions", "status-http", "sessionHeader", "file", "url", "running"}
	for got, want := range map[string]string{
		"session":        "sessions",
		"status_http":    "status-http",
		"session_header": "sessionHeader",
		"STATUSHTTP":     "status-http",
		"flie":           "file",
		"runing":         "running",
		"telepathy":      "",
		"x":              "",
		"":               "",
	} {
		if n := yamlfile.Nearest(got, known); n != want {
			t.Errorf("%q: got %q, want %q", got, n, want)
		}
	}
}

func TestPathReadsAsWritten(t *testing.T) {
	for want, p := range map[string]yamlfile.Path{
		"":                  nil,
		"ingresses[0].url":  yamlfile.At("ingresses", 0, "url"),
		"state[1].states.a": yamlfile.At("state", 1, "states", "a"),
		"a[0][2]":           yamlfile.At("a", 0, 2),
	} {
		if got := p.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

var anySchema = yamlfile.MustCompile([]byte(`{"type":"object","properties":{"a":{"type":"integer"},"l":{"type":"array","items":{"type":"string"}}}}`))

// What failed the schema reaches the struct as zero; the rest is there, and both
// kinds of problem come out together, in the order of the file.
func TestBrokenValuesDoNotHideTheRest(t *testing.T) {
	var into struct {
		A int      `json:"a"`
		L []string `json:"l"`
		B string   `json:"b"`
	}
	doc, err := yamlfile.ParseStrict("f.yaml", []byte("b: fine\nl: [x, 1, z]\na: nope\n"), anySchema, &into)
	if err != nil {
		t.Fatal(err)
	}
	if into.A != 0 || into.B != "fine" || len(into.L) != 3 || into.L[0] != "x" || into.L[1] != "" || into.L[2] != "z" {
		t.Errorf("%+v", into)
	}
	if !doc.Broken(yamlfile.At("a")) || !doc.Broken(yamlfile.At("l", 1)) || doc.Broken(yamlfile.At("l", 0)) || !doc.Has(yamlfile.At("a")) {
		t.Error("broken and present are told apart wrongly")
	}
	doc.Report(yamlfile.At("b", "deeper"), "nearest ancestor", "look there")
	want := strings.Join([]string{
		`f.yaml:1:1: nearest ancestor; look there`,
		`f.yaml:2:8: l[1] is the number 1, not a string; put it in quotes: "1"`,
		`f.yaml:3:4: a is "nope", not a whole number; correct it`,
	}, "\n")
	if got := doc.Err().Error(); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestHostileInputEndsQuickly(t *testing.T) {
	for name, text := range map[string]string{
		"brackets": strings.Repeat("[", 100_000),
		"closed":   strings.Repeat("[", 5000) + strings.Repeat("]", 5000),
		"dashes":   strings.Repeat("- ", 50_000),
		"huge":     "a: " + strings.Repeat("x", 300_000),
		"number":   "a: 1e999999",
		"latin-1":  "name: caf\xe9\n",
	} {
		t.Run(name, func(t *testing.T) {
			var into map[string]any
			doc, err := yamlfile.ParseStrict("f.yaml", []byte(text), anySchema, &into)
			if err == nil {
				err = doc.Err()
			}
			if err == nil {
				t.Fatal("accepted")
			}
			if strings.Count(err.Error(), "\n") > 0 || len(err.Error()) > 300 {
				t.Errorf("not one short line: %.400s", err)
			}
		})
	}
}

func TestBOMAndCRLFAreFine(t *testing.T) {
	var into struct {
		A int `json:"a"`
		B int `json:"b"`
	}
	doc, err := yamlfile.ParseStrict("f.yaml", []byte("\xef\xbb\xbfa: 1\r\nb: 2\r\n"), anySchema, &into)
	if err != nil || doc.Err() != nil || into.A != 1 || into.B != 2 {
		t.Errorf("%+v, %v", into, err)
	}
}

func TestSchemaMistakesAreErrors(t *testing.T) {
	for _, raw := range []string{"{", `{"type": 7}`, `{"$ref": "#/nowhere"}`} {
		if _, err := yamlfile.Compile([]byte(raw)); err == nil {
			t.Errorf("%s compiled", raw)
		}
	}
}
