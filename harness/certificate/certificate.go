package certificate

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed" // the predicate's schema
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	intoto "github.com/in-toto/attestation/go/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/drainproof/drainproof/harness/report"
)

// What a certificate is called, and what it is.
const (
	FileName      = "certificate.dsse.json" // in the report's folder
	PayloadType   = "application/vnd.in-toto+json"
	PredicateType = "https://in-toto.io/attestation/test-result/v0.1"
	SchemaVersion = 1 // of Claims
)

// DefaultValidity is how long a certificate is valid if nobody says otherwise.
const DefaultValidity = 365 * 24 * time.Hour

// Schema is the JSON Schema of the statement.
//
//go:embed statement.schema.json
var Schema []byte

// Statement is an in-toto statement with the test-result predicate.
type Statement struct {
	Type          string     `json:"_type"`
	Subject       []Resource `json:"subject"` // the gateway's image
	PredicateType string     `json:"predicateType"`
	Predicate     Predicate  `json:"predicate"`
}

// Resource is an in-toto resource descriptor.
type Resource struct {
	Name   string            `json:"name"`
	Digest map[string]string `json:"digest"` // algorithm -> hexadecimal
}

// Predicate is the test-result predicate, and beside it what only Drainproof knows.
type Predicate struct {
	Result        string     `json:"result"` // PASSED, or WARNED where a SHOULD is not met
	Configuration []Resource `json:"configuration"`
	Passed        []string   `json:"passedTests"` // requirement IDs
	Warned        []string   `json:"warnedTests"`
	Failed        []string   `json:"failedTests"` // always empty: nothing that failed is certified
	Claims        Claims     `json:"drainproof"`
}

// Claims are what a certificate says of a run. Every field but the first six is the
// report's, and is compared with it.
type Claims struct {
	Schema  int       `json:"schema"`
	Issued  time.Time `json:"issued"`
	Expires time.Time `json:"expires"`
	Nonce   string    `json:"nonce,omitempty"` // as the verifier issued it
	Report  string    `json:"report"`          // SHA-256 of report.json
	Suite   string    `json:"suite"`           // SHA-256 of the suite and the probe, see report.Suite

	Tool         report.Tool        `json:"tool"`
	Spec         string             `json:"spec"`
	Profile      string             `json:"profile"` // nothing was left out of it
	Level        string             `json:"level"`
	Runtime      string             `json:"runtime"`
	Engine       string             `json:"engine"`
	Target       report.Target      `json:"target"`
	Image        report.Image       `json:"image"`
	Config       map[string]any     `json:"config"`
	Environment  report.Environment `json:"environment"`
	Seed         string             `json:"seed"` // decimal: JSON has no integers of 64 bits
	Started      time.Time          `json:"started"`
	Ended        time.Time          `json:"ended"`
	Verdict      report.Verdict     `json:"verdict"`
	Requirements []Requirement      `json:"requirements"`
	Histories    []History          `json:"histories"`
}

// Requirement is the verdict on one.
type Requirement struct {
	ID      string         `json:"id"`
	Verdict report.Verdict `json:"verdict"`
	Reason  string         `json:"reason,omitempty"`
}

// History is what one check left.
type History struct {
	Check  string `json:"check"` // the spec's text
	File   string `json:"file"`
	SHA256 string `json:"sha256"`
}

// Terms are what the issuer of a certificate decides.
type Terms struct {
	Issued  time.Time
	Expires time.Time
	Nonce   string
}

// New makes the statement of a run that certifies; raw is its report.json. The error says
// why there can be none.
func New(r *report.Report, raw []byte, t Terms) (*Statement, error) {
	switch {
	case !r.Certifies:
		return nil, fmt.Errorf("only a run that certifies gets a certificate, and this one is %s: %s", r.Words(), r.Why)
	case r.Image == nil || r.Suite == nil || r.Environment == nil:
		return nil, errors.New("the report does not say which image, suite or environment it is of; run the suite again with this version")
	case !t.Expires.After(t.Issued):
		return nil, fmt.Errorf("a certificate of %s that expires at %s would never be valid", stamp(t.Issued), stamp(t.Expires))
	}
	s := &Statement{
		Type: intoto.StatementTypeUri, PredicateType: PredicateType,
		Subject: []Resource{{Name: cmp.Or(r.Image.Name, "gateway"), Digest: digest(subjectOf(*r.Image))}},
		Predicate: Predicate{
			Result: "PASSED", Passed: []string{}, Warned: []string{}, Failed: []string{},
			Configuration: []Resource{
				{Name: "drainproof suite " + r.Tool.Version, Digest: digest(r.Suite.SHA256)},
				{Name: "target file of " + r.Target.Name, Digest: digest(r.Target.SHA256)},
			},
			Claims: claims(r, raw, t),
		},
	}
	for _, q := range r.Requirements {
		switch q.Verdict {
		case report.Pass:
			s.Predicate.Passed = append(s.Predicate.Passed, q.ID)
		case report.Warn:
			s.Predicate.Warned = append(s.Predicate.Warned, q.ID)
			s.Predicate.Result = "WARNED"
		}
	}
	return s, nil
}

func claims(r *report.Report, raw []byte, t Terms) Claims {
	sum := sha256.Sum256(raw)
	c := Claims{
		Schema: SchemaVersion, Issued: t.Issued.UTC(), Expires: t.Expires.UTC(), Nonce: t.Nonce,
		Report: hex.EncodeToString(sum[:]),
		Tool:   r.Tool, Spec: r.Spec, Profile: r.Profile, Level: r.Level, Runtime: r.Runtime, Engine: r.Engine,
		Target: r.Target, Config: r.Config, Seed: strconv.FormatInt(r.Seed, 10),
		Started: r.Started, Ended: r.Ended, Verdict: r.Verdict,
	}
	if r.Image != nil {
		c.Image = *r.Image
	}
	if r.Suite != nil {
		c.Suite = r.Suite.SHA256
	}
	if r.Environment != nil {
		c.Environment = *r.Environment
	}
	for _, q := range r.Requirements {
		c.Requirements = append(c.Requirements, Requirement{q.ID, q.Verdict, q.Reason})
	}
	for _, sp := range r.Specs {
		c.Histories = append(c.Histories, History{sp.Text, sp.File, sp.SHA256})
	}
	return c
}

// subjectOf is the digest by which an image is named elsewhere: its manifest's, or the
// image ID where it never had a manifest.
func subjectOf(i report.Image) string { return cmp.Or(i.Digest, i.ID) }

func digest(sha string) map[string]string {
	return map[string]string{"sha256": strings.TrimPrefix(sha, "sha256:")}
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// encode writes the statement and makes sure that it is one by everybody's rules.
func (s *Statement) encode() ([]byte, error) {
	raw, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("the statement cannot be written as JSON: %w", err)
	}
	if _, err := decode(raw); err != nil {
		return nil, fmt.Errorf("the statement is not what its readers expect, which is a mistake of this program: %w", err)
	}
	return raw, nil
}

// decode reads a statement strictly: by in-toto's own rules, by the schema, and with no
// field that this version does not know.
func decode(raw []byte) (*Statement, error) {
	var known intoto.Statement
	if err := protojson.Unmarshal(raw, &known); err != nil {
		return nil, fmt.Errorf("not an in-toto statement: %w", err)
	}
	if err := known.Validate(); err != nil {
		return nil, fmt.Errorf("not a valid in-toto statement: %w", err)
	}
	if known.GetPredicateType() != PredicateType {
		return nil, fmt.Errorf("its predicate is %q; a certificate has %q", known.GetPredicateType(), PredicateType)
	}
	if err := report.Validate(raw, Schema); err != nil {
		return nil, fmt.Errorf("it does not follow the certificate's schema: %w", err)
	}
	s := &Statement{}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(s); err != nil {
		return nil, fmt.Errorf("not a certificate: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the statement")
	}
	if len(s.Subject) != 1 {
		return nil, fmt.Errorf("it is about %d subjects; a certificate is about one image", len(s.Subject))
	}
	return s, nil
}

// Compare names everything in which the certificate and the report beside it differ.
func (s *Statement) Compare(r *report.Report, raw []byte) []report.Difference {
	c := s.Predicate.Claims
	fresh, err := New(r, raw, Terms{Issued: c.Issued, Expires: c.Expires, Nonce: c.Nonce})
	if err != nil {
		return []report.Difference{{Kind: "verdict", What: err.Error()}}
	}
	var out []report.Difference
	contrast("", tree(s), tree(fresh), func(path, signed, found string) {
		out = append(out, report.Difference{Kind: kindOf(path), What: fmt.Sprintf("%s: the certificate says %s, the report %s",
			strings.TrimPrefix(path, "predicate.drainproof."), signed, found)})
	})
	// Where something is named that makes the hash another one, the hash says nothing more.
	if len(out) > 1 {
		out = slices.DeleteFunc(out, func(d report.Difference) bool { return strings.HasPrefix(d.What, "report: ") })
	}
	return out
}

// kindOf sorts a difference by where it is.
func kindOf(path string) string {
	path = strings.TrimPrefix(path, "predicate.drainproof.")
	for _, k := range []struct{ prefix, kind string }{
		{"subject", "image"}, {"image", "image"}, {"histories", "history"}, {"requirements", "verdict"}, {"verdict", "verdict"},
		{"predicate.", "verdict"}, {"target.bound", "bound"}, {"target", "target"}, {"config", "configuration"}, {"suite", "suite"}, {"spec", "spec"},
		{"report", "report"},
	} {
		if strings.HasPrefix(path, k.prefix) {
			return k.kind
		}
	}
	return "run"
}

// tree is a value as JSON sees it.
func tree(v any) any {
	raw, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var out any
	_ = d.Decode(&out) // it was just written
	return out
}

// contrast tells of every leaf in which two trees differ.
func contrast(path string, a, b any, tell func(path, a, b string)) {
	switch x := a.(type) {
	case map[string]any:
		if y, ok := b.(map[string]any); ok {
			keys := map[string]bool{}
			for k := range x {
				keys[k] = true
			}
			for k := range y {
				keys[k] = true
			}
			for _, k := range sorted(keys) {
				contrast(strings.TrimPrefix(path+"."+k, "."), x[k], y[k], tell)
			}
			return
		}
	case []any:
		if y, ok := b.([]any); ok && len(x) == len(y) {
			for i := range x {
				contrast(fmt.Sprintf("%s[%d]", path, i), x[i], y[i], tell)
			}
			return
		}
	}
	if l, r := words(a), words(b); l != r {
		tell(path, l, r)
	}
}

func sorted(set map[string]bool) []string {
	var out []string
	for k := range set {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// words is a value for people: short, and never more than a line.
func words(v any) string {
	if v == nil {
		return "nothing"
	}
	raw, _ := json.Marshal(v)
	if list, ok := v.([]any); ok {
		raw = fmt.Appendf(nil, "%d entries, %s", len(list), raw)
	}
	if len(raw) > 160 {
		sum := sha256.Sum256(raw)
		return fmt.Sprintf("%s... (%d characters, sha256 %x)", strings.ToValidUTF8(string(raw[:80]), ""), len(raw), sum[:6])
	}
	return string(raw)
}
