package audit

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/drainproof/drainproof/harness/report"
)

// Names of the files in an audit's folder.
const (
	FileName     = "audit.json"
	MarkdownName = "scorecard.md"
)

//go:embed audit.schema.json
var schema []byte

// Schema returns the JSON Schema of audit.json, for publishing.
func Schema() []byte { return append([]byte(nil), schema...) }

// Write writes audit.json, which must follow its schema, and scorecard.md into dir.
func Write(dir string, c *Scorecard) error {
	raw, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return fmt.Errorf("the scorecard cannot be written as JSON: %w", err)
	}
	raw = append(raw, '\n')
	if err := report.Validate(raw, schema); err != nil {
		return fmt.Errorf("the scorecard does not follow its schema, which is a mistake of this program: %w", err)
	}
	if err := report.Replace(filepath.Join(dir, MarkdownName), Markdown(c)); err != nil {
		return err
	}
	return report.Replace(filepath.Join(dir, FileName), raw)
}

// Read reads an audit.json; one that does not follow the schema is an error.
func Read(path string) (*Scorecard, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if err := report.Validate(raw, schema); err != nil {
		return nil, fmt.Errorf("%s is no audit this program can read: %w", path, err)
	}
	c := &Scorecard{}
	if err := json.Unmarshal(raw, c); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}
