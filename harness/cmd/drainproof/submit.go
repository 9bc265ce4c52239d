package main

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/drainproof/drainproof/conformance"
	"github.com/drainproof/drainproof/harness/certificate"
)

func newSubmit() *cobra.Command {
	parent := &cobra.Command{Use: "submit", Short: "Hand in certificates, and check those that are handed in"}
	var root string
	check := &cobra.Command{
		Use:   "check FOLDER",
		Short: "Check a submission: everything that speaks against accepting it",
		Long: `check looks at a submission as it lies in a collection of certificates,
VENDOR/GATEWAY/VERSION: its submission.yaml, the signature by the vendor's key, the nonce,
the image, the release of the suite, and everything that 'drainproof verify' checks.

A nonce of the collection is used up by a submission against which nothing speaks.

Exit codes: 0 nothing speaks against it, 1 it is refused and why, 2 it cannot be checked.`,
		Example: "  drainproof submit check certificates/acme/edge/1.4.0",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c := certificate.Collection{Dir: root, Spec: conformance.SpecVersion, At: time.Now()}
			if root == "" {
				c.Dir = filepath.Join(args[0], "..", "..", "..")
			}
			checked, err := c.CheckSubmission(cmd.Context(), args[0], conformance.ReportSchema, conformance.Rejudge)
			if err != nil {
				return &exitError{2, err}
			}
			for _, p := range checked.Problems {
				fmt.Fprintln(cmd.OutOrStdout(), p)
			}
			if len(checked.Problems) > 0 {
				return &exitError{1, fmt.Errorf("the submission %s is refused", args[0])}
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: nothing speaks against it: %s, %d histories judged again\n", args[0], checked.Report.Words(), len(checked.Report.Specs))
			return nil
		},
	}
	check.Flags().StringVar(&root, "collection", "", "folder with keys, nonces.json and suites.txt (default: three above the submission)")
	parent.AddCommand(check)
	return parent
}
