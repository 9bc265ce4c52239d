package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/drainproof/drainproof/conformance"
	"github.com/drainproof/drainproof/harness/report"
)

func newVerify() *cobra.Command {
	return &cobra.Command{
		Use:   "verify FOLDER",
		Short: "Judge a report's histories again, offline, and compare every verdict",
		Long: `verify checks a report against its schema and its histories against their hashes,
has this program's monitors judge every history again, and names every difference.
It shows that report and histories belong together, not where they came from.

Exit codes: 0 the same verdicts, 1 something differs, 2 no report can be read.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := report.Read(args[0])
			if err != nil {
				return &exitError{2, err}
			}
			raw, err := os.ReadFile(filepath.Join(r.Dir, report.FileName))
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
				fmt.Fprintln(cmd.OutOrStdout(), d)
			}
			if len(differs) > 0 {
				return &exitError{1, errors.New("the report is not what its histories say")}
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: same verdict after judging %d histories again: %s\n", args[0], len(r.Specs), r.Words())
			return nil
		},
	}
}
