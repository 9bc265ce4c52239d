package main

import (
	"fmt"
	"os/exec"
	goruntime "runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drainproof/drainproof/harness/artifact"
	"github.com/drainproof/drainproof/harness/config"
	"github.com/drainproof/drainproof/harness/runtime/docker"
	"github.com/drainproof/drainproof/harness/target"
)

func newDoctor() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Say whether this machine can run the gate, and what to do if not",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			out := cmd.OutOrStdout()
			ok := true
			check := func(what, found string, err error) {
				if err != nil {
					ok = false
					fmt.Fprintf(out, "MISSING  %-14s %v\n", what, err)
					return
				}
				fmt.Fprintf(out, "ok       %-14s %s\n", what, found)
			}
			check("system", goruntime.GOOS+"/"+goruntime.GOARCH+fmt.Sprintf(", %d cores", goruntime.NumCPU()), linuxOnly())
			root, err := artifact.FindRoot()
			check("project", root, err)
			version, err := goVersion(cmd)
			check("Go toolchain", version, err)
			engine, err := docker.Check(cmd.Context())
			check("engine", engine.Version+" at "+engine.Endpoint, err)
			cfg, err := config.Open()
			if err == nil {
				check("configuration", cfg.Path, nil)
				_, err := target.Load(cfg.Target)
				check("target", cfg.Target, err)
			} else {
				check("configuration", "", err)
			}
			if !ok {
				return &exitError{2, fmt.Errorf("something is missing; without an engine `drainproof gate --runtime process` still runs, but does not certify")}
			}
			fmt.Fprintln(out, "This machine can run the gate.")
			return nil
		},
	}
}

func linuxOnly() error {
	if goruntime.GOOS != "linux" {
		return fmt.Errorf("the probe needs Linux (its clock, /proc and inotify); run drainproof on Linux")
	}
	return nil
}

func goVersion(cmd *cobra.Command) (string, error) {
	out, err := exec.CommandContext(cmd.Context(), "go", "env", "GOVERSION").Output()
	if err != nil {
		return "", fmt.Errorf("no Go toolchain on PATH; install the version go.mod names")
	}
	return strings.TrimSpace(string(out)), nil
}
