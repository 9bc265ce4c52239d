package main

import (
	"github.com/spf13/cobra"

	"github.com/drainproof/drainproof/conformance"
)

func newSpec() *cobra.Command {
	return document(&cobra.Command{
		Use:   "spec",
		Short: "Print the whole contract: why, how, and every requirement",
		Long: `spec prints the contract this program judges by, as Markdown. The same text
is conformance/SPEC.md, which go generate ./conformance renders with it.`,
	}, conformance.SpecText)
}
