package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/drainproof/drainproof/harness/artifact"
)

func newImage() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "image RECIPE...",
		Short: "Assemble images from their recipes, as archives that 'docker load' reads",
		Long: `image assembles images from scratch, without an engine and without a base image: the
same recipe and the same files give the same bytes. The archive of a recipe with the name
NAME is NAME.tar.`,
		Example: "  drainproof image fixtures/images/reference.yaml --out images",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			root, err := artifact.FindRoot()
			if err != nil {
				return &exitError{2, err}
			}
			bins, err := artifact.Build(cmd.Context(), root, nil)
			if err != nil {
				return &exitError{2, err}
			}
			if err := os.MkdirAll(out, 0o755); err != nil {
				return &exitError{2, err}
			}
			for _, file := range args {
				recipe, err := artifact.LoadRecipe(file)
				if err != nil {
					return &exitError{2, err}
				}
				image, err := artifact.Identify(root, recipe, bins)
				if err != nil {
					return &exitError{2, err}
				}
				path := filepath.Join(out, recipe.Name+".tar")
				if err := save(image, path); err != nil {
					return &exitError{2, fmt.Errorf("%s: %w", path, err)}
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s  %s  %s\n", path, image.Name, image.ID)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", ".", "folder for the archives")
	return cmd
}

func save(image *artifact.Image, path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := image.WriteTarball(f); err != nil {
		_ = f.Close()
		return err
	}
	return f.Close()
}
