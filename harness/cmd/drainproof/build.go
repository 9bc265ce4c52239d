package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/drainproof/drainproof/harness/artifact"
)

func newBuild() *cobra.Command {
	return &cobra.Command{
		Use:   "build",
		Short: "Build the probe, the reference gateway, the wrong gateways and the suite into bin/",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			root, err := artifact.FindRoot()
			if err != nil {
				return &exitError{2, err}
			}
			start := time.Now()
			_, err = artifact.BuildSuite(cmd.Context(), root, func(s string) {
				fmt.Fprintf(cmd.OutOrStdout(), "%6.1fs  %s\n", time.Since(start).Seconds(), s)
			})
			if err != nil {
				return &exitError{2, err}
			}
			return nil
		},
	}
}
