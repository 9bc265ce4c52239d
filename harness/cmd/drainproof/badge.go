package main

import (
	"errors"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/drainproof/drainproof/harness/report"
)

func newBadge() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "badge FOLDER",
		Short: "Draw a badge of a report's verdict, as SVG",
		Long: `badge draws what a report says, and no more: a run that does not certify is not green.
Who reads a badge should be able to check it: let it link to the report or the certificate.`,
		Example: "  drainproof badge reports/latest --out badge.svg",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := report.Read(args[0])
			if err != nil {
				return &exitError{2, err}
			}
			svg := report.Badge(r)
			if out == "" {
				_, err = cmd.OutOrStdout().Write(svg)
			} else {
				err = errors.Join(os.MkdirAll(filepath.Dir(out), 0o755), report.Replace(out, svg))
			}
			if err != nil {
				return &exitError{2, err}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "file to write (default: print it)")
	return cmd
}
