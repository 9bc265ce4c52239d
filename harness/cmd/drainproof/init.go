package main

import (
	"bytes"
	_ "embed" // the template
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"

	"github.com/spf13/cobra"

	"github.com/drainproof/drainproof/harness/target"
	"github.com/drainproof/drainproof/harness/wire"
)

//go:embed init.yaml.tmpl
var initText string

// newTargetInit writes a target file to start from.
func newTargetInit() *cobra.Command {
	o := struct{ File, Name, Image, Wire string }{}
	cmd := &cobra.Command{
		Use:   "init FILE",
		Short: "Write a commented target file to start from",
		Long: `init writes a target file that is valid as it is, with a comment at everything that
differs from gateway to gateway. Go through it, then have it checked: target check FILE.`,
		Example: `  drainproof target init my-gateway.yaml --image my-gateway:1.4
  drainproof target init my-gateway.yaml --wire sse`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.File = args[0]
			if o.Name == "" {
				o.Name = strings.TrimSuffix(filepath.Base(o.File), filepath.Ext(o.File))
			}
			if !slices.Contains(wire.Wires(), o.Wire) {
				return &exitError{2, fmt.Errorf("--wire %q: use one of %s", o.Wire, strings.Join(wire.Wires(), ", "))}
			}
			text, err := initial(o)
			if err != nil {
				return &exitError{2, err}
			}
			f, err := os.OpenFile(o.File, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
			if errors.Is(err, os.ErrExist) {
				return &exitError{2, fmt.Errorf("%s is there already; name another file", o.File)}
			}
			if err != nil {
				return &exitError{2, fmt.Errorf("the target file cannot be written: %w", err)}
			}
			_, err = f.Write(text)
			if err = errors.Join(err, f.Close()); err != nil {
				return &exitError{2, fmt.Errorf("the target file cannot be written: %w", err)}
			}
			if _, err := target.Load(o.File); err != nil {
				return &exitError{2, fmt.Errorf("the file is written; mend what you gave it:\n%w", err)}
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s is written: go through its comments, then run\n  drainproof target check %[1]s\n", o.File)
			return nil
		},
	}
	cmd.Flags().StringVar(&o.Name, "name", "", "what reports call the gateway (default: the file's name)")
	cmd.Flags().StringVar(&o.Image, "image", "my-gateway:latest", "its image, which the engine has already")
	cmd.Flags().StringVar(&o.Wire, "wire", wire.OpenAIChat, "how turns go in: "+strings.Join(wire.Wires(), ", "))
	return cmd
}

func initial(o any) ([]byte, error) {
	t, err := template.New("target").Parse(initText)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = t.Execute(&out, o)
	return out.Bytes(), err
}
