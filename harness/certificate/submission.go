package certificate

import (
	"bufio"
	"bytes"
	"context"
	_ "embed" // the submission's schema
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/drainproof/drainproof/harness/config"
	"github.com/drainproof/drainproof/harness/report"
	"github.com/drainproof/drainproof/harness/yamlfile"
)

// SubmissionName is the file by which a vendor says what a folder is about.
const SubmissionName = "submission.yaml"

// SubmissionSchema is its JSON Schema.
//
//go:embed submission.schema.json
var SubmissionSchema []byte

var submissionSchema = sync.OnceValue(func() *yamlfile.Schema { return yamlfile.MustCompile(SubmissionSchema) })

// Submission is what a vendor says of the certificate that it hands in.
type Submission struct {
	Schema  int    `json:"schema"`
	Vendor  string `json:"vendor"`
	Gateway string `json:"gateway"`
	Version string `json:"version"`
	Image   string `json:"image"`   // sha256:...
	Profile string `json:"profile"` // full, or gate for the five points alone
	Contact string `json:"contact"` // an address or a page
}

// Collection is a folder of certificates that were handed in:
//
//	keys/VENDOR.pub                    whose certificates are accepted
//	nonces.json                        the nonces that were issued
//	suites.txt                         digests of the released suites, one a line; # is a comment
//	VENDOR/GATEWAY/VERSION/            a submission: submission.yaml and a report's folder
type Collection struct {
	Dir  string
	Spec string // version of the requirements that are judged by
	At   time.Time
}

// CheckSubmission says everything that speaks against a submission. A nonce is used up by
// one against which nothing does. The error says that it can't be checked at all.
func (c Collection) CheckSubmission(ctx context.Context, dir string, schema []byte, judge Judge) (Checked, error) {
	var none Checked
	if _, err := os.Stat(dir); err != nil {
		return none, fmt.Errorf("no submission can be read: %w", err)
	}
	if err := inspect(dir); err != nil {
		return none, err
	}
	var s Submission
	doc, err := yamlfile.LoadStrict(filepath.Join(dir, SubmissionName), submissionSchema(), &s)
	if err == nil {
		err = doc.Err()
	}
	if err != nil {
		return none, fmt.Errorf("the submission cannot be read: %w", err)
	}
	key, err := LoadKey(filepath.Join(c.Dir, "keys", s.Vendor+".pub"))
	if err != nil {
		return none, fmt.Errorf("%w; the key of a vendor is put there by whoever keeps the certificates", err)
	}
	suites, err := c.suites()
	if err != nil {
		return none, err
	}
	demands := Demands{Trusted: []Key{key}, At: c.At, Image: s.Image, Profile: s.Profile, Spec: c.Spec, Suites: suites}
	if s.Profile == report.ProfileFull {
		// The level gate leaves checks out, and repeats the others less: that all was looked
		// at is no claim it can make.
		demands.Levels = []string{config.LevelCertify, config.LevelAudit}
	}
	checked, err := Check(ctx, dir, schema, demands, judge)
	if err != nil {
		return none, err
	}
	tell := func(kind, format string, args ...any) {
		checked.Problems = append(checked.Problems, report.Difference{Kind: kind, What: fmt.Sprintf(format, args...)})
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return none, err
	}
	root, err := filepath.Abs(c.Dir)
	if err != nil {
		return none, err
	}
	if want := filepath.Join(root, s.Vendor, s.Gateway, s.Version); abs != want {
		tell("place", "%s says that it belongs in %s", SubmissionName, want)
	}
	for _, extra := range strangers(dir, checked.Report) {
		tell("extra-file", "%s belongs to no run", extra)
	}
	if len(checked.Problems) == 0 {
		more, err := UseNonce(filepath.Join(c.Dir, "nonces.json"), checked.Statement.Predicate.Claims.Nonce, s.Vendor, filepath.Join(dir, FileName), path.Join(s.Vendor, s.Gateway, s.Version), c.At)
		if err != nil {
			return none, err
		}
		checked.Problems = append(checked.Problems, more...)
	}
	return checked, nil
}

// suites reads the list of released suites.
func (c Collection) suites() ([]string, error) {
	path := filepath.Join(c.Dir, "suites.txt")
	raw, err := readBounded(path, 1<<20)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("there is no %s: it lists the digests of the suites whose certificates are accepted, one a line", path)
	}
	if err != nil {
		return nil, err
	}
	var out []string
	for lines := bufio.NewScanner(bytes.NewReader(raw)); lines.Scan(); {
		line, _, _ := strings.Cut(lines.Text(), "#")
		if fields := strings.Fields(line); len(fields) > 0 {
			out = append(out, fields[0])
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s lists no suite", path)
	}
	return out, nil
}

// strangers are the files of a submission that neither describe it nor come from its run.
func strangers(dir string, r *report.Report) []string {
	known := []string{SubmissionName, FileName, report.FileName, report.JUnitName, report.MarkdownName, report.HTMLName, "ginkgo.log", "progress.log"}
	for _, s := range r.Specs {
		known = append(known, s.File, strings.TrimSuffix(s.File, ".jsonl")+".log")
	}
	var out []string
	_ = filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error { // it was walked already
		if rel, _ := filepath.Rel(dir, path); err == nil && !e.IsDir() && !slices.Contains(known, filepath.ToSlash(rel)) {
			out = append(out, rel)
		}
		return nil
	})
	return out
}
