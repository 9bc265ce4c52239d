package yamlfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// Schema is a compiled JSON Schema, draft 2020-12. Besides the standard it knows
// the format "go-duration" and asserts formats. Its descriptions become the
// advice in error messages ("needed: ..."), so they are written as phrases that
// say what belongs here. Names a pattern restricts are described by "$comment"
// beside patternProperties; propertyNames is not used, since the validator
// reports its places wrongly.
type Schema struct {
	compiled *jsonschema.Schema
	raw      any
}

const schemaURL = "mem://schema.json"

// Compile compiles a schema; an error is a mistake of the program, not of a user.
func Compile(raw []byte) (*Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("schema is not JSON: %w", err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.RegisterFormat(&jsonschema.Format{Name: "go-duration", Validate: duration})
	c.AssertFormat()
	if err := c.AddResource(schemaURL, doc); err != nil {
		return nil, fmt.Errorf("schema can't be added: %w", err)
	}
	s, err := c.Compile(schemaURL)
	if err != nil {
		return nil, fmt.Errorf("schema does not compile: %w", err)
	}
	return &Schema{compiled: s, raw: doc}, nil
}

// MustCompile is Compile for embedded schemas; it panics on a broken one.
func MustCompile(raw []byte) *Schema {
	s, err := Compile(raw)
	if err != nil {
		panic(err)
	}
	return s
}

func duration(v any) error {
	s, ok := v.(string)
	if !ok {
		return nil // the type keyword's business
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		return errors.New(`write a number with a unit, such as "500ms", "2s" or "1m30s"`)
	}
	if d < 0 {
		return errors.New("a negative duration means nothing here")
	}
	return nil
}

func (s *Schema) validate(d *Document) {
	var ve *jsonschema.ValidationError
	if err := s.compiled.Validate(d.root); errors.As(err, &ve) {
		s.leaves(d, ve)
	}
}

// leaves reports the innermost causes: only they say something about the file.
func (s *Schema) leaves(d *Document, e *jsonschema.ValidationError) {
	if len(e.Causes) > 0 {
		for _, c := range e.Causes {
			s.leaves(d, c)
		}
		return
	}
	s.translate(d, e)
}

// translate says in a user's words what a keyword of the schema found.
func (s *Schema) translate(d *Document, e *jsonschema.ValidationError) {
	at := Path(e.InstanceLocation)
	value, _ := lookup(d.root, at)
	here := s.at(e.SchemaURL)
	name := at.String()
	if name == "" {
		name = "the file"
	}
	what := fmt.Sprintf("%s is %s", name, describe(value))
	switch k := e.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		known := sortedKeys(object(here, "properties"))
		for _, p := range k.Properties {
			if len(known) == 0 {
				d.ReportKey(at.child(p), fmt.Sprintf("%q can't be a name in %s", p, name), "needed: "+text(here, "$comment"))
				continue
			}
			d.ReportKey(at.child(p), fmt.Sprintf("unknown field %q in %s", p, name), choice(p, known))
		}
		return
	case *kind.Required:
		for _, p := range k.Missing {
			next := "add it"
			if about := text(s.deref(object(here, "properties")[p]), "description"); about != "" {
				next += ": " + about
			}
			d.ReportKey(at, fmt.Sprintf("%s has no %q", name, p), next)
		}
		return
	}

	next := "correct it"
	if about := text(here, "description"); about != "" {
		next = "needed: " + about
	}
	switch k := e.ErrorKind.(type) {
	case *kind.Type:
		what += ", not " + article(strings.Join(k.Want, " or "))
		if len(k.Want) == 1 && k.Want[0] == "string" {
			next = unquoted(value, text(here, "format"), next)
		}
	case *kind.Enum:
		what += ", which is not known here"
		next = choice(fmt.Sprint(value), words(k.Want))
	case *kind.Const:
		what += fmt.Sprintf(", not %q", fmt.Sprint(k.Want))
		next = fmt.Sprintf("write %v", k.Want)
	case *kind.Format:
		if k.Want == "regex" {
			what += ", which is no regular expression: " + k.Err.Error()
			next = "correct it (Go's RE2 syntax)"
		} else {
			what += ", which is no duration"
			next = k.Err.Error()
		}
	case *kind.Minimum:
		what = fmt.Sprintf("%s is %v, less than %s", name, value, number(k.Want))
	case *kind.Maximum:
		what = fmt.Sprintf("%s is %v, more than %s", name, value, number(k.Want))
	case *kind.ExclusiveMinimum:
		what = fmt.Sprintf("%s is %v, not more than %s", name, value, number(k.Want))
	case *kind.MinItems, *kind.MinLength, *kind.MinProperties:
		what = name + " is empty"
	case *kind.UniqueItems:
		what = fmt.Sprintf("%s names one thing twice (entries %d and %d)", name, k.Duplicates[0]+1, k.Duplicates[1]+1)
		next = "keep one of them"
	case *kind.Pattern:
		what += ", which has not the right form"
	default:
		what = fmt.Sprintf("%s: %v", name, e.ErrorKind)
	}
	d.broken[at.key()] = true
	d.Report(at, what, next)
}

// number writes a limit as a file would, and not as a fraction.
func number(r *big.Rat) string {
	if r.IsInt() {
		return r.RatString()
	}
	f, _ := r.Float64()
	return strconv.FormatFloat(f, 'g', -1, 64)
}

// at returns the subschema an error's URL points to.
func (s *Schema) at(location string) map[string]any {
	_, fragment, _ := strings.Cut(location, "#")
	if plain, err := url.PathUnescape(fragment); err == nil {
		fragment = plain
	}
	var v any = s.raw
	for _, step := range strings.Split(strings.TrimPrefix(fragment, "/"), "/") {
		if step == "" {
			continue
		}
		step = strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
		next, ok := lookup(v, Path{step})
		if !ok {
			return nil
		}
		v = next
	}
	m, _ := v.(map[string]any)
	return m
}

// deref follows a "$ref" within the schema, unless a description stands next to it.
func (s *Schema) deref(v any) map[string]any {
	m, _ := v.(map[string]any)
	if ref := text(m, "$ref"); ref != "" && text(m, "description") == "" {
		return s.at(ref)
	}
	return m
}

func object(m map[string]any, field string) map[string]any {
	o, _ := m[field].(map[string]any)
	return o
}

func text(m map[string]any, field string) string {
	s, _ := m[field].(string)
	return s
}

func words(values []any) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = fmt.Sprint(v)
	}
	return out
}

// choice is the advice for a word that is none of the known ones.
func choice(got string, known []string) string {
	list := strings.Join(known, ", ")
	if n := Nearest(got, known); n != "" {
		return fmt.Sprintf("did you mean %q? Known: %s", n, list)
	}
	return "known: " + list
}

// unquoted is the advice where text was wanted and YAML read something else.
func unquoted(value any, format, otherwise string) string {
	switch value.(type) {
	case nil:
		return `write a value, or "" for an empty one`
	case map[string]any, []any:
		return otherwise
	}
	if format == "go-duration" {
		return fmt.Sprintf(`add a unit, such as "%vs" or "%vms"`, value, value)
	}
	return fmt.Sprintf(`put it in quotes: "%v"`, value)
}

// describe names a value in an error message; long ones are cut.
func describe(v any) string {
	switch v := v.(type) {
	case nil:
		return "empty"
	case string:
		if r := []rune(v); len(r) > 60 {
			v = string(r[:57]) + "..."
		}
		return strconv.Quote(v)
	case bool:
		return fmt.Sprintf("the truth value %v", v)
	case map[string]any:
		return "a mapping"
	case []any:
		return "a list"
	case float32, float64, int, int64, uint64, json.Number:
		return fmt.Sprintf("the number %v", v)
	default:
		return fmt.Sprintf("%v", v)
	}
}

func article(jsonType string) string {
	switch jsonType {
	case "object":
		return "a mapping of fields"
	case "array":
		return "a list"
	case "integer":
		return "a whole number"
	case "boolean":
		return "true or false"
	default:
		return "a " + jsonType
	}
}
