package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Names of the files in a report folder.
const (
	FileName     = "report.json"
	JUnitName    = "junit.xml"
	MarkdownName = "summary.md"
	HTMLName     = "report.html"
	invalidName  = "report.invalid.json"
)

// Write validates the report against its JSON Schema and writes report.json,
// report.html, junit.xml and summary.md into dir, which is made if missing. Every file appears
// whole or not at all, and report.json last: where it is, everything is. A report
// that does not validate is kept as report.invalid.json, and is an error.
func Write(dir string, r *Report, schema []byte) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("report folder: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("the report folder cannot be made: %w", err)
	}
	r.Dir = dir
	r.Normalise()
	raw, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("the report cannot be written as JSON: %w", err)
	}
	raw = append(raw, '\n')
	if err := Validate(raw, schema); err != nil {
		kept := filepath.Join(dir, invalidName)
		if e := Replace(kept, raw); e != nil {
			return fmt.Errorf("the report does not follow its schema (%w), and cannot be kept: %w", err, e)
		}
		return fmt.Errorf("the report does not follow its schema, which is a mistake of this program; it is kept as %s: %w", kept, err)
	}
	var junit bytes.Buffer
	if err := WriteJUnit(&junit, r); err != nil {
		return fmt.Errorf("%s: %w", JUnitName, err)
	}
	page, err := HTML(r)
	if err != nil {
		return fmt.Errorf("%s: %w", HTMLName, err)
	}
	for _, f := range []struct {
		name string
		data []byte
	}{{JUnitName, junit.Bytes()}, {MarkdownName, []byte(Markdown(r))}, {HTMLName, page}, {FileName, raw}} {
		if err := Replace(filepath.Join(dir, f.name), f.data); err != nil {
			return fmt.Errorf("the report cannot be written: %w", err)
		}
	}
	return nil
}

// Normalise gives lists that may be empty, but must be there, their JSON form,
// and what has no verdict its name.
func (r *Report) Normalise() {
	if r.Schema == 0 {
		r.Schema = SchemaVersion
	}
	r.disqualify()
	r.Started, r.Ended = r.Started.UTC(), r.Ended.UTC()
	if r.Points == nil {
		r.Points = []Point{}
	}
	if r.Requirements == nil {
		r.Requirements = []Requirement{}
	}
	if r.Specs == nil {
		r.Specs = []Spec{}
	}
	for i := range r.Points {
		if r.Points[i].Requirements == nil {
			r.Points[i].Requirements = []string{}
		}
		if r.Points[i].Verdict == "" {
			r.Points[i].Verdict = NotRun
		}
	}
	for i := range r.Requirements {
		q := &r.Requirements[i]
		if q.Verdict == "" {
			q.Verdict = NotRun
		}
		for j := range q.Violations {
			if q.Violations[j].Evidence == nil {
				q.Violations[j].Evidence = []uint64{}
			}
		}
	}
	for i := range r.Specs {
		if r.Specs[i].Requirements == nil {
			r.Specs[i].Requirements = []string{}
		}
	}
}

// Validate checks the bytes of a report.json against a JSON Schema.
func Validate(raw, schema []byte) error {
	s, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		return fmt.Errorf("the report's schema is not JSON: %w", err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	const url = "mem://report.schema.json"
	if err := c.AddResource(url, s); err != nil {
		return fmt.Errorf("the report's schema: %w", err)
	}
	compiled, err := c.Compile(url)
	if err != nil {
		return fmt.Errorf("the report's schema: %w", err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("not JSON: %w", err)
	}
	return compiled.Validate(doc)
}

// Read reads the report in a folder. The error is fs.ErrNotExist when there is
// none.
func Read(dir string) (*Report, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, FileName)
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("no report can be read: %w", err)
	}
	return Parse(dir, raw)
}

// Parse reads the bytes of the report.json in a folder.
func Parse(dir string, raw []byte) (*Report, error) {
	path := filepath.Join(dir, FileName)
	r := &Report{}
	if err := json.Unmarshal(raw, r); err != nil {
		return nil, fmt.Errorf("%s is no report: %w", path, err)
	}
	if r.Schema != SchemaVersion {
		return nil, fmt.Errorf("%s has schema version %d, this program reads %d; use the version that wrote it (%s %s)",
			path, r.Schema, SchemaVersion, r.Tool.Name, r.Tool.Version)
	}
	r.Dir = dir
	return r, nil
}

// Replace writes a file beside its place and renames it into it.
func Replace(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already when all went well
	_, err = f.Write(data)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
