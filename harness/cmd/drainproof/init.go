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
	o := initOptions{}
	cmd := &cobra.Command{
		Use:   "init FILE",
		Short: "Write a commented target file to start from",
		Long: `init writes a target file that is valid as it is, with a comment at everything that
differs from gateway to gateway. Go through it, then have it checked: target check FILE.`,
		Example: `  drainproof target init my-gateway.yaml --image my-gateway:1.4
  drainproof target init my-gateway.yaml --wire sse --wire create-then-poll`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.File = args[0]
			if o.Name == "" {
				o.Name = strings.TrimSuffix(filepath.Base(o.File), filepath.Ext(o.File))
			}
			if err := o.check(); err != nil {
				return &exitError{2, err}
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
	cmd.Flags().StringSliceVar(&o.Wires, "wire", []string{wire.OpenAIChat}, "how turns go in, once for every way: "+strings.Join(wire.Wires(), ", "))
	return cmd
}

// initOptions are what a target file is begun with.
type initOptions struct {
	File, Name, Image string
	Wires             []string // an ingress of each
}

func (o initOptions) check() error {
	for i, w := range o.Wires {
		switch {
		case !slices.Contains(wire.Wires(), w):
			return fmt.Errorf("--wire %q: use one of %s", w, strings.Join(wire.Wires(), ", "))
		case slices.Contains(o.Wires[:i], w):
			return fmt.Errorf("--wire %s is given twice: give it once, and copy the ingress in the file under another name", w)
		case w == wire.Driver && len(o.Wires) > 1:
			return fmt.Errorf("--wire %s is given with another: give it alone, and add the other ingress to the file", w)
		}
	}
	return nil
}

// Driver says whether turns are handed over by a program.
func (o initOptions) Driver() bool { return slices.Contains(o.Wires, wire.Driver) }

// Async says whether a reply comes later than the answer.
func (o initOptions) Async() bool {
	return slices.ContainsFunc(o.Wires, func(w string) bool {
		return w == wire.CreateThenPoll || w == wire.PostThenCallback || w == wire.Driver
	})
}

func initial(o initOptions) ([]byte, error) {
	t, err := template.New("target").Parse(initText)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = t.Execute(&out, o)
	return out.Bytes(), err
}
