package target

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"github.com/drainproof/drainproof/harness/yamlfile"
)

var fromEnvironment = regexp.MustCompile(`\{\{\s*env\.([A-Za-z_][A-Za-z0-9_]*)\s*\}\}`)

// harmless values stay one plain word wherever in a YAML text they are put, in
// quotes or not.
var harmless = regexp.MustCompile(`^[A-Za-z0-9_/.][A-Za-z0-9_./:@+=~%^-]*$`)

// fillEnvironment puts the values of environment variables in the place of
// {{env.NAME}}, anywhere in the file: how a CI job hands over the image it just
// built, or a key. It works on the text, before the file is parsed, so lines
// stay true; values that could change the file's structure are refused.
func fillEnvironment(name string, data []byte, lookup func(string) (string, bool)) ([]byte, yamlfile.Errors) {
	var problems yamlfile.Errors
	lines := bytes.SplitAfter(data, []byte("\n"))
	for i, line := range lines {
		code, comment := line, []byte(nil)
		if at := bytes.IndexByte(line, '#'); at >= 0 && len(bytes.TrimSpace(line[:at])) == 0 {
			code, comment = line[:0], line // a comment may name placeholders
		}
		var done []byte
		from := 0
		for _, m := range fromEnvironment.FindAllSubmatchIndex(code, -1) {
			variable := string(code[m[2]:m[3]])
			value, set := lookup(variable)
			what, next := "", ""
			switch {
			case !set || value == "":
				what, next = fmt.Sprintf("{{env.%s}} is used, but the environment has no %s", variable, variable), "set it before running drainproof"
			case !harmless.MatchString(value) || strings.HasSuffix(value, ":"):
				what, next = fmt.Sprintf("the value of %s holds characters that could change the file's meaning", variable), "give it letters, digits and _./:@+=~%^- only, beginning with a letter, a digit, _, / or ."
			}
			if what != "" {
				problems = append(problems, yamlfile.Problem{File: name, Line: i + 1, Col: m[0] + 1, What: what, Next: next})
			}
			done = append(append(done, code[from:m[0]]...), value...)
			from = m[1]
		}
		lines[i] = append(append(done, code[from:]...), comment...)
	}
	return bytes.Join(lines, nil), problems
}
