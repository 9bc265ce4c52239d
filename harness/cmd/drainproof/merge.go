package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/drainproof/drainproof/conformance"
	"github.com/drainproof/drainproof/harness/certificate"
	"github.com/drainproof/drainproof/harness/config"
	"github.com/drainproof/drainproof/harness/report"
)

// mergeOptions are the flags of `drainproof merge`.
type mergeOptions struct {
	report string
	sign   signOptions
}

func newMerge() *cobra.Command {
	o := mergeOptions{}
	cmd := &cobra.Command{
		Use:   "merge FOLDER...",
		Short: "Join the reports of all parts of a run (--shard) into the report of the whole",
		Long: `merge reads the reports of the parts of one run, copies their histories, has all of
them judged together as the whole run would have been, prints the verdict table and
writes a report of its own, which 'drainproof verify' checks like any other. It runs no
gateway and needs no engine.

The parts must be of one run: the same target, image, bound, seed, level, profile, suite,
runtime and number of parts. A merged run certifies when the whole run would have: all
parts are there and ran with the docker runtime.

The last line is for machines: DRAINPROOF_RESULT and a JSON object.

Exit codes: 0 conformant (or passed, not certifying; or as expected), 1 non-conformant,
2 usage, or these are not the parts of one run, 3 incomplete: also when a part is missing,
or there more than once.`,
		Example: `  drainproof merge part-1 part-2 part-3 part-4 --report whole
  drainproof merge part-* --report whole --key vendor.key`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return o.merge(cmd, args) },
	}
	cmd.Flags().StringVar(&o.report, "report", "", "folder for the report, must not exist or be empty (default: a new one under the configuration's report.dir)")
	o.sign.flags(cmd.Flags())
	return cmd
}

func (o *mergeOptions) merge(cmd *cobra.Command, folders []string) error {
	if err := o.sign.load(); err != nil {
		return &exitError{2, err}
	}
	var parts []*report.Report
	for _, dir := range folders {
		r, raw, err := certificate.Load(dir)
		if err != nil {
			return &exitError{2, fmt.Errorf("%s: %w", dir, err)}
		}
		if err := report.Validate(raw, conformance.ReportSchema); err != nil {
			return &exitError{2, fmt.Errorf("%s: the report does not follow its schema; 'drainproof verify %[1]s' says in what", dir)}
		}
		parts = append(parts, r)
	}
	dir, made, err := o.folder()
	if err != nil {
		return &exitError{2, err}
	}
	r, err := conformance.Merge(dir, parts)
	if err != nil {
		if made {
			_ = os.RemoveAll(dir) // half a report is none
		}
		return &exitError{2, err}
	}
	signed, unsigned := o.sign.sign(cmd.Context(), r)
	show(cmd.OutOrStdout(), r, signed)
	if r.ExitCode != 0 {
		return &exitError{code: r.ExitCode}
	}
	if unsigned != nil {
		return &exitError{3, unsigned}
	}
	return nil
}

// folder is where the report goes, and whether it was made for that.
func (o *mergeOptions) folder() (dir string, made bool, err error) {
	if o.report == "" {
		cfg, err := config.Open()
		if err != nil {
			return "", false, fmt.Errorf("%w; or name a folder for the report with --report", err)
		}
		cfg.Report.Run = "" // that is a run's own
		dir, err = cfg.ReportDir(time.Now())
		return dir, true, err
	}
	if dir, err = filepath.Abs(o.report); err != nil {
		return "", false, err
	}
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return "", false, fmt.Errorf("the report folder cannot be made: %w", err)
		}
		return dir, true, nil
	case err != nil:
		return "", false, fmt.Errorf("the report folder cannot be read: %w", err)
	case len(entries) > 0:
		return "", false, fmt.Errorf("the report folder %s is not empty; name another with --report", dir)
	}
	return dir, false, nil
}
