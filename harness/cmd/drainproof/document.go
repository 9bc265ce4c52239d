package main

import (
	"os"

	"github.com/spf13/cobra"
)

// document makes cmd one that prints a rendered document, or writes it to a file.
func document(cmd *cobra.Command, render func() ([]byte, error)) *cobra.Command {
	var file string
	cmd.Args = cobra.NoArgs
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		text, err := render()
		if err != nil {
			return err
		}
		if file != "" {
			return os.WriteFile(file, text, 0o644)
		}
		_, err = cmd.OutOrStdout().Write(text)
		return err
	}
	cmd.Flags().StringVarP(&file, "output", "o", "", "write it to this file instead")
	return cmd
}
