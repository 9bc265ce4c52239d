package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/drainproof/drainproof/conformance"
	"github.com/drainproof/drainproof/harness/certificate"
	"github.com/drainproof/drainproof/harness/report"
)

// verifyOptions are what a verifier demands of a certificate.
type verifyOptions struct {
	trusted    []string // public keys
	nonce      string
	nonces     string // ledger of nonces that were issued here
	whom       string // who must have been given the nonce
	image      string
	profile    string
	levels     []string
	suites     []string
	reportOnly bool
}

func newVerify() *cobra.Command {
	o := verifyOptions{}
	cmd := &cobra.Command{
		Use:   "verify FOLDER",
		Short: "Check a report and its certificate offline: judge every history again, compare every verdict",
		Long: `verify checks a report against its schema and its histories against their hashes,
has this program's monitors judge every history again, and names every difference:
an edited verdict, a check that was dropped, another bound.

A folder with a certificate is checked against it as well: the signature, which must be
of a key you trust, the time it is valid, that it says what the report says, and what
you demand of it.

What that proves: the key's owner stands by this verdict, and it follows from the
histories. It does not prove that the histories were observed: whoever holds the key
could have made them up. Demand a nonce of your own, and run the suite again.

Exit codes: 0 all is as it says, 1 something differs or is not as demanded, 2 usage, or no
report can be read.`,
		Example: `  drainproof verify reports/latest
  drainproof verify evidence --trusted-key vendor.pub
  drainproof verify evidence --trusted-key vendor.pub --nonces nonces.json --image sha256:...`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.reportOnly || !certificate.Has(args[0]) {
				if !o.reportOnly && o.demands() {
					return &exitError{1, fmt.Errorf("unsigned: there is no %s in %s", certificate.FileName, args[0])}
				}
				return verifyReport(cmd.OutOrStdout(), args[0])
			}
			return o.verify(cmd, args[0])
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.trusted, "trusted-key", nil, "public key whose certificates you accept; may be repeated")
	f.StringVar(&o.nonce, "nonce", "", "nonce that the certificate must carry")
	f.StringVar(&o.nonces, "nonces", "", "file of 'drainproof nonce issue': the certificate must carry one of its nonces, which is used up by it")
	f.StringVar(&o.whom, "for", "", "with --nonces: whom the nonce must have been issued to")
	f.StringVar(&o.image, "image", "", "sha256:... of the image that the certificate must be about")
	f.StringVar(&o.profile, "profile", "", "profile that it must be of: full (certify) or gate")
	f.StringArrayVar(&o.levels, "level", nil, "level that it must be of: gate, certify or audit; may be repeated")
	f.StringArrayVar(&o.suites, "suite", nil, "SHA-256 of a suite whose certificates you accept; may be repeated")
	f.BoolVar(&o.reportOnly, "report-only", false, "leave a certificate alone and check the report by itself")
	return cmd
}

// demands says whether anything is asked of a certificate.
func (o verifyOptions) demands() bool {
	return len(o.trusted)+len(o.suites)+len(o.levels) > 0 || o.nonce != "" || o.nonces != "" || o.image != "" || o.profile != ""
}

// verifyReport checks a report that nobody signed.
func verifyReport(out io.Writer, dir string) error {
	r, raw, err := certificate.Load(dir)
	if err != nil {
		return &exitError{2, err}
	}
	if err := report.Validate(raw, conformance.ReportSchema); err != nil {
		return &exitError{1, fmt.Errorf("the report does not follow its schema: %w", err)}
	}
	differs, err := conformance.Rejudge(r)
	if err != nil {
		return &exitError{1, fmt.Errorf("the histories cannot be judged: %w", err)}
	}
	for _, d := range differs {
		fmt.Fprintln(out, d)
	}
	if len(differs) > 0 {
		return &exitError{1, errors.New("the report is not what its histories say")}
	}
	fmt.Fprintf(out, "%s: same verdict after judging %d histories again: %s\n", dir, len(r.Specs), r.Words())
	return nil
}

// verify checks a report and its certificate.
func (o verifyOptions) verify(cmd *cobra.Command, dir string) error {
	if len(o.trusted) == 0 {
		return &exitError{2, fmt.Errorf("%s has a certificate, and its signature means nothing without a key you trust: name it with --trusted-key FILE, "+
			"or check the report by itself with --report-only", dir)}
	}
	now := time.Now()
	d := certificate.Demands{At: now, Nonce: o.nonce, Image: o.image, Profile: o.profile, Levels: o.levels, Spec: conformance.SpecVersion, Suites: o.suites}
	for _, path := range o.trusted {
		k, err := certificate.LoadKey(path)
		if err != nil {
			return &exitError{2, err}
		}
		d.Trusted = append(d.Trusted, k)
	}
	out := cmd.OutOrStdout()
	c, err := certificate.Check(cmd.Context(), dir, conformance.ReportSchema, d, conformance.Rejudge)
	if err != nil {
		return &exitError{2, err}
	}
	// A nonce is used up by a certificate that is accepted, and by no other.
	if o.nonces != "" && len(c.Problems) == 0 {
		more, err := certificate.UseNonce(o.nonces, c.Statement.Predicate.Claims.Nonce, o.whom, filepath.Join(dir, certificate.FileName), "", now)
		if err != nil {
			return &exitError{2, err}
		}
		c.Problems = append(c.Problems, more...)
	}
	if len(c.Problems) > 0 {
		for _, p := range c.Problems {
			fmt.Fprintln(out, p)
		}
		return &exitError{1, fmt.Errorf("the certificate in %s is refused", dir)}
	}
	claims := c.Statement.Predicate.Claims
	fmt.Fprintf(out, "%s: same verdict after judging %d histories again: %s\n", dir, len(c.Report.Specs), c.Report.Words())
	for _, line := range [][2]string{
		{"image", c.Statement.Subject[0].Name + " sha256:" + c.Statement.Subject[0].Digest["sha256"]},
		{"signed by", c.By.Path + ", key ID " + c.By.Fingerprint()},
		{"valid", claims.Issued.Format(time.RFC3339) + " to " + claims.Expires.Format(time.RFC3339)},
		{"judged by", fmt.Sprintf("requirements %s, profile %s, level %s, suite %s", claims.Spec, claims.Profile, claims.Level, claims.Suite)},
		{"nonce", claims.Nonce},
	} {
		if line[1] != "" {
			fmt.Fprintf(out, "  %-9s  %s\n", line[0], report.Plain(line[1]))
		}
	}
	fmt.Fprintln(out, "  It proves who stands by the verdict, and that the histories bear it out; not that they were observed.")
	return nil
}
