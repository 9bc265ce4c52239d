package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/drainproof/drainproof/harness/certificate"
	"github.com/drainproof/drainproof/harness/config"
	"github.com/drainproof/drainproof/harness/report"
)

// signOptions say whether and how a run gets a certificate.
type signOptions struct {
	key   string // "" asks for none
	nonce string
	valid time.Duration
	with  certificate.Key
}

// flags are those of every command that can sign.
func (o *signOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.key, "key", "", "private key in PEM: a run that certifies gets a certificate, signed with it, in its report's folder")
	f.StringVar(&o.nonce, "nonce", "", "nonce that the verifier of the certificate demands")
	f.DurationVar(&o.valid, "valid-for", certificate.DefaultValidity, "how long the certificate is valid")
}

// ready refuses before anything is built what can't end in a certificate.
func (o *signOptions) ready(l *launcher) error {
	if o.key == "" {
		return o.load()
	}
	for _, c := range []struct {
		is  bool
		why string
	}{
		{l.cfg.Runtime != config.RuntimeDocker, "the process runtime"},
		{l.labelFilter() != "", "a hand-made selection"},
		{!l.cfg.Shard.Whole(), "--shard, which is a part of a run"},
		{l.cfg.Observe != 0, "another bound than the target's"},
		{l.cfg.Expected != "", "a list of expected failures"},
		{len(l.cfg.Repeat().Fewer(config.Standard(l.cfg.Level))) > 0, "fewer repetitions than its level stands for"},
	} {
		if c.is {
			return fmt.Errorf("--key: a run with %s never certifies, so there would be nothing to sign", c.why)
		}
	}
	return o.load()
}

// load reads the key, where there is to be a certificate.
func (o *signOptions) load() error {
	if o.key == "" {
		if o.nonce != "" {
			return errors.New("--nonce is for a certificate; name the key that signs it with --key")
		}
		return nil
	}
	if o.valid <= 0 {
		return fmt.Errorf("--valid-for %s: use a positive duration such as 720h", o.valid)
	}
	var err error
	o.with, err = certificate.LoadKey(o.key)
	if err == nil && !o.with.Private() {
		err = fmt.Errorf("%s is a public key; a certificate is signed with the private one", o.key)
	}
	return err
}

// sign makes the certificate of a run that certifies, and says in a line for people what
// became of it; "" where none was asked for.
func (o *signOptions) sign(ctx context.Context, r *report.Report) (string, error) {
	switch {
	case o.key == "":
		return "", nil
	case !r.Certifies:
		return "  certificate  none: the run does not certify", nil
	}
	raw, err := os.ReadFile(filepath.Join(r.Dir, report.FileName))
	if err != nil {
		return "", err
	}
	now := time.Now().Truncate(time.Second)
	s, err := certificate.New(r, raw, certificate.Terms{Issued: now, Expires: now.Add(o.valid), Nonce: o.nonce})
	if err != nil {
		return "", err
	}
	if err := certificate.Write(ctx, r.Dir, s, o.with); err != nil {
		return "", err
	}
	return fmt.Sprintf("  certificate  %s, valid until %s; key ID %s", filepath.Join(r.Dir, certificate.FileName),
		s.Predicate.Claims.Expires.Format(time.DateOnly), o.with.Fingerprint()), nil
}

func newKey() *cobra.Command {
	parent := &cobra.Command{Use: "key", Short: "Make keys that sign certificates"}
	parent.AddCommand(&cobra.Command{
		Use:   "new FILE",
		Short: "Make a pair of keys: the private one in FILE, the public one in FILE.pub",
		Long: `new makes an Ed25519 pair in PEM. FILE is the private key, which only you can read:
it signs (certify --key FILE). FILE.pub is what you give to those who check your
certificates (verify --trusted-key FILE.pub). Neither file may be there already.

Keys made elsewhere do as well: Ed25519, ECDSA or RSA, in PEM.`,
		Example: "  drainproof key new vendor.key",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := certificate.NewKeyPair(args[0]); err != nil {
				return &exitError{2, err}
			}
			k, err := certificate.LoadKey(args[0])
			if err != nil {
				return &exitError{2, err}
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s      private, keep it to yourself\n%s.pub  public, key ID %s\n", args[0], args[0], k.Fingerprint())
			return nil
		},
	})
	return parent
}

func newNonce() *cobra.Command {
	parent := &cobra.Command{Use: "nonce", Short: "Issue nonces that certificates must carry"}
	var ledger, whom string
	var valid time.Duration
	issue := &cobra.Command{
		Use:   "issue",
		Short: "Issue a nonce, remember it, and print it",
		Long: `issue is for who checks certificates: it makes a nonce, keeps it in a file, and prints
it. Whoever wants a certificate accepted makes one with it (certify --nonce NONCE).
verify --nonces FILE then accepts it once: a certificate from before, one made for
somebody else, and a second certificate with the same nonce are refused.`,
		Example: "  drainproof nonce issue --ledger nonces.json --for acme",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if valid <= 0 {
				return &exitError{2, fmt.Errorf("--valid-for %s: use a positive duration such as 720h", valid)}
			}
			n, err := certificate.IssueNonce(ledger, whom, time.Now(), valid)
			if err != nil {
				return &exitError{2, err}
			}
			fmt.Fprintln(cmd.OutOrStdout(), n.Nonce)
			return nil
		},
	}
	issue.Flags().StringVar(&ledger, "ledger", "nonces.json", "file in which issued nonces are remembered")
	issue.Flags().StringVar(&whom, "for", "", "whom it is given to")
	issue.Flags().DurationVar(&valid, "valid-for", 30*24*time.Hour, "until when a certificate with it must have been shown")
	_ = issue.MarkFlagRequired("for") // it is a flag of this command
	parent.AddCommand(issue)
	return parent
}
