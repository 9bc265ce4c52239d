package certificate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/drainproof/drainproof/harness/report"
)

// What a folder may hold at most: many times what the largest run leaves.
const (
	maxReport  = 64 << 20
	maxHistory = 256 << 20
	maxFolder  = 1 << 30
	maxFiles   = 2000
)

// Demands are what a verifier asks of a certificate beside that it is true.
type Demands struct {
	Trusted []Key
	At      time.Time // when it must be valid
	Nonce   string    // as issued by the verifier; "" demands none
	Image   string    // sha256:... of the image it must be about; "" leaves it open
	Profile string    // "" leaves it open
	Levels  []string  // how thorough the run may have been; empty leaves it open
	Spec    string    // version of the requirements it must be of
	Suites  []string  // SHA-256 of the suites that are accepted; empty leaves it open
}

// Judge has a report's histories judged again and says in what the report differs.
type Judge func(*report.Report) ([]report.Difference, error)

// Checked is what was found of a certificate.
type Checked struct {
	Report    *report.Report
	Statement *Statement // nil where the signature is not one of the trusted
	By        Key
	Problems  []report.Difference
}

// Has says whether the folder of a report holds a certificate.
func Has(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, FileName))
	return err == nil
}

// Check checks everything that can be checked of a report's folder and its certificate:
// the signature, the terms, what the certificate says against the report, the report
// against its schema, and the report against its histories, which are judged again. The
// error says that the folder can't be read at all.
func Check(ctx context.Context, dir string, schema []byte, d Demands, judge Judge) (Checked, error) {
	r, raw, err := Load(dir)
	if err != nil {
		return Checked{}, err
	}
	c := Checked{Report: r}
	tell := func(kind, format string, args ...any) {
		c.Problems = append(c.Problems, report.Difference{Kind: kind, What: fmt.Sprintf(format, args...)})
	}
	s, by, err := Open(ctx, filepath.Join(r.Dir, FileName), d.Trusted)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		tell("unsigned", "there is no %s", FileName)
	case errors.Is(err, ErrSignature):
		tell("signature", "%s was not signed by %s, or was changed since", FileName, names(d.Trusted))
	case err != nil:
		tell("certificate", "%v", err)
	default:
		c.Statement, c.By = s, by
		c.Problems = append(c.Problems, s.unmet(d)...)
		c.Problems = append(c.Problems, s.Compare(r, raw)...)
	}
	if err := report.Validate(raw, schema); err != nil {
		tell("schema", "the report does not follow its schema: %s", strings.Join(strings.Fields(err.Error()), " "))
	}
	if r.Spec != d.Spec {
		// Other requirements are other verdicts: only their own release can judge them.
		tell("spec", "it is of requirements %s, and this program judges by %s; check it with the release that has those", r.Spec, d.Spec)
		return c, nil
	}
	differs, err := judge(r)
	if err != nil {
		tell("history", "the histories cannot be judged: %v", err)
	}
	c.Problems = append(c.Problems, differs...)
	return c, nil
}

// unmet are the demands that the certificate does not meet.
func (s *Statement) unmet(d Demands) []report.Difference {
	var out []report.Difference
	tell := func(kind, format string, args ...any) {
		out = append(out, report.Difference{Kind: kind, What: fmt.Sprintf(format, args...)})
	}
	c := s.Predicate.Claims
	if !d.At.Before(c.Expires) {
		tell("expired", "it expired at %s", stamp(c.Expires))
	}
	if d.At.Before(c.Issued) {
		tell("expired", "it is issued at %s, which is yet to come", stamp(c.Issued))
	}
	if d.Nonce != "" && c.Nonce != d.Nonce {
		tell("nonce", "the nonce %q was demanded, it has %q", d.Nonce, c.Nonce)
	}
	if d.Image != "" && !slices.Contains([]string{c.Image.ID, c.Image.Digest}, "sha256:"+strings.TrimPrefix(d.Image, "sha256:")) {
		tell("image", "it is about the image %s, not about %s", subjectOf(c.Image), d.Image)
	}
	if d.Profile != "" && c.Profile != d.Profile {
		tell("profile", "it is of the profile %s, %s was demanded", c.Profile, d.Profile)
	}
	if len(d.Levels) > 0 && !slices.Contains(d.Levels, c.Level) {
		tell("level", "it is of the level %s, %s was demanded", c.Level, strings.Join(d.Levels, " or "))
	}
	if len(d.Suites) > 0 && !slices.Contains(d.Suites, c.Suite) {
		tell("suite", "it was made by a suite with the digest %s, which is not among the %d accepted ones", c.Suite, len(d.Suites))
	}
	return out
}

func names(keys []Key) string {
	var out []string
	for _, k := range keys {
		out = append(out, k.Path)
	}
	return strings.Join(out, " or ")
}

// Load reads the report in a folder that nobody vouches for: nothing in it is a link, a
// device or larger than a run could have made it, and every name it holds stays inside.
func Load(dir string) (*report.Report, []byte, error) {
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("no report can be read: %w", err)
	}
	if err := inspect(dir); err != nil {
		return nil, nil, err
	}
	raw, err := readBounded(filepath.Join(dir, report.FileName), maxReport)
	if err != nil {
		return nil, nil, fmt.Errorf("no report can be read: %w", err)
	}
	r, err := report.Parse(dir, raw)
	if err != nil {
		return nil, nil, err
	}
	for _, sp := range r.Specs {
		if sp.File != "" && !filepath.IsLocal(sp.File) {
			return nil, nil, fmt.Errorf("%s names a history outside its folder: %q", report.FileName, sp.File)
		}
	}
	return r, raw, nil
}

// inspect refuses a folder that could hold a reader up.
func inspect(dir string) error {
	files, size := 0, int64(0)
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("the folder cannot be read: %w", err)
		}
		if files++; files > maxFiles {
			return fmt.Errorf("the folder holds more than %d files and folders; no run leaves so many", maxFiles)
		}
		if e.IsDir() {
			return nil
		}
		rel, _ := filepath.Rel(dir, path)
		if !e.Type().IsRegular() {
			return fmt.Errorf("%q is no regular file (%s); a report's folder holds no links and no devices", rel, e.Type())
		}
		info, err := e.Info()
		if err != nil {
			return fmt.Errorf("the folder cannot be read: %w", err)
		}
		if size += info.Size(); info.Size() > maxHistory || size > maxFolder {
			return fmt.Errorf("%q has %d bytes, the folder more than %d so far; no run leaves so much", rel, info.Size(), size)
		}
		return nil
	})
}
