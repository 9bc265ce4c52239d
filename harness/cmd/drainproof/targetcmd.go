package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drainproof/drainproof/harness/target"
)

func newTarget() *cobra.Command {
	parent := &cobra.Command{Use: "target", Short: "Work with target files"}
	parent.AddCommand(&cobra.Command{
		Use:     "check FILE",
		Short:   "Check a target file and say what the suite will make of it",
		Example: "  drainproof target check fixtures/targets/reference.yaml",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			t, err := target.Load(args[0])
			if err != nil {
				return &exitError{2, fmt.Errorf("the target file is not usable:\n%w", err)}
			}
			out := cmd.OutOrStdout()
			fmt.Fprintf(out, "%s: a valid target file for %q\n", args[0], t.Name)
			switch {
			case t.Image != nil && t.Image.Recipe != "":
				fmt.Fprintf(out, "  image      assembled by the recipe %s\n", t.Image.Recipe)
			case t.Image != nil:
				fmt.Fprintf(out, "  image      %s (must be in the engine already; nothing is pulled)\n", t.Image.Name)
			}
			if t.Init != nil {
				fmt.Fprintf(out, "  init       its own; the gateway is the process like %s, started again by: %s\n", t.Init.Gateway, cmp.Or(strings.Join(t.Init.Respawn, " "), "nothing"))
			}
			if t.Process != nil {
				fmt.Fprintf(out, "  process    %s (does not certify)\n", strings.Join(t.Process.Command, " "))
			}
			for _, in := range t.Ingresses {
				switch {
				case in.Wire == target.DriverWire:
					fmt.Fprintf(out, "  ingress    %s: by the driver\n", in.Name)
				case in.Wire == target.PolledWire:
					fmt.Fprintf(out, "  ingress    %s: %s, then asked for at %s\n", in.Name, in.URL, in.Poll.URL)
				case in.Wire == target.CallbackWire:
					fmt.Fprintf(out, "  ingress    %s: %s, the reply comes as a request\n", in.Name, in.URL)
				case in.Stream:
					fmt.Fprintf(out, "  ingress    %s: %s, streams\n", in.Name, in.URL)
				default:
					fmt.Fprintf(out, "  ingress    %s: %s, answers in one piece\n", in.Name, in.URL)
				}
			}
			for _, p := range t.Publications {
				fmt.Fprintf(out, "  published  %s: %s%s (%s, %s)\n", p.Name, p.File, p.URL, p.State, p.Count)
			}
			for _, side := range t.Sidecars {
				fmt.Fprintf(out, "  sidecar    %s: %s\n", side.Name, strings.Join(side.Command, " "))
			}
			if t.Control != nil {
				fmt.Fprintf(out, "  control    %s, for %s\n", t.Control.URL, t.Control.Principal)
			}
			fmt.Fprintf(out, "  features   %s\n", orNone(t.Features))
			fmt.Fprintf(out, "  bound      B = %s, capacity %d\n", t.Bounds.Observe, t.Capacity)
			return nil
		},
	})
	parent.AddCommand(newTargetInit())
	return parent
}

func orNone(list []string) string {
	if len(list) == 0 {
		return "none declared"
	}
	return strings.Join(list, ", ")
}
