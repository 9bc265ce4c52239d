package conformance

import (
	_ "embed"
	"fmt"
	"sync"

	"github.com/drainproof/drainproof/harness/report"
	"github.com/drainproof/drainproof/harness/yamlfile"
)

//go:embed expected.schema.json
var expectedSchemaJSON []byte

var expectedSchema = sync.OnceValue(func() *yamlfile.Schema { return yamlfile.MustCompile(expectedSchemaJSON) })

// LoadExpected reads a list of expected failures, which a gateway's own CI keeps while
// something is known to be wrong. The checks are run all the same: a failure that is not
// on the list fails the run, and so does one on it that does not happen. The error is a
// yamlfile.Errors with everything that is wrong with the file.
func LoadExpected(path string) ([]report.Expectation, error) {
	var file struct {
		Schema   int                  `json:"schema"`
		Expected []report.Expectation `json:"expected"`
	}
	doc, err := yamlfile.LoadStrict(path, expectedSchema(), &file)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for i, e := range file.Expected {
		at := yamlfile.At("expected", i, "requirement")
		switch _, known := Find(e.Requirement); {
		case e.Requirement == "": // told already
		case !known:
			next := "list them with drainproof explain"
			if near := yamlfile.Nearest(e.Requirement, requirementIDs()); near != "" {
				next = fmt.Sprintf("did you mean %s?", near)
			}
			doc.Report(at, fmt.Sprintf("there is no requirement %q", e.Requirement), next)
		case seen[e.Requirement]:
			doc.Report(at, e.Requirement+" is there twice", "keep one of them")
		}
		seen[e.Requirement] = true
	}
	if err := doc.Err(); err != nil {
		return nil, err
	}
	return file.Expected, nil
}

func requirementIDs() []string {
	var ids []string
	for _, r := range Requirements() {
		ids = append(ids, r.ID)
	}
	return ids
}
