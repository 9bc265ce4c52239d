package main

import (
	"os"

	"github.com/spf13/cobra"

	"github.com/drainproof/drainproof/conformance"
)

func newSpec() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "spec",
		Short: "Print the whole contract: why, how, and every requirement",
		Long: `spec prints the contract this program judges by, as Markdown. The same text
is conformance/SPEC.md, which go generate ./conformance renders with it.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			text, err := conformance.SpecText()
			if err != nil {
				return err
			}
			if file != "" {
				return os.WriteFile(file, text, 0o644)
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	}
	cmd.Flags().StringVarP(&file, "output", "o", "", "write it to this file instead")
	return cmd
}
