package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/drainproof/drainproof/reference/dashboard"
	"github.com/drainproof/drainproof/reference/epoch"
	"github.com/drainproof/drainproof/reference/gateway"
	"github.com/drainproof/drainproof/reference/home"
)

// The exit codes common to all commands; drain wait has more of its own.
const (
	ExitOK      = 0
	ExitFailure = 1
	ExitUsage   = 2
)

// exitError carries an exit code. Quiet means that all has been said.
type exitError struct {
	code  int
	err   error
	quiet bool
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// failed marks an error as a failure at work, as opposed to a mistake in usage.
func failed(err error) error {
	if err == nil {
		return nil
	}
	return &exitError{code: ExitFailure, err: err}
}

// Wrap puts something around the parts of what the commands run.
type Wrap struct {
	// Gateway goes around the parts of "run".
	Gateway gateway.Wrap
	// Dashboard goes around the parts of "dashboard".
	Dashboard dashboard.Wrap
	// Stamp goes around the epoch with which "dashboard" and "drain begin" stamp
	// the markers of a home; nil leaves it.
	Stamp func(dir string, right epoch.Source) epoch.Source
}

// Main runs the command line and returns the exit code.
func Main(ctx context.Context, args []string, stdout, stderr io.Writer, wraps ...Wrap) int {
	root := New(wraps...)
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	code, quiet := codeOf(err)
	if err != nil && !quiet {
		fmt.Fprintf(stderr, "gateway: %v\n", err)
	}
	return code
}

// codeOf maps an error to an exit code. What no command claimed comes from the
// parsing of flags and arguments.
func codeOf(err error) (code int, quiet bool) {
	var exit *exitError
	var interrupted *gateway.Interrupted
	switch {
	case err == nil:
		return ExitOK, true
	case errors.As(err, &exit):
		return exit.code, exit.quiet
	case errors.As(err, &interrupted):
		return interrupted.ExitCode(), false
	}
	return ExitUsage, false
}

// New returns the command line.
func New(wraps ...Wrap) *cobra.Command {
	var dir string
	root := &cobra.Command{
		Use:           "gateway",
		Short:         "An agent gateway that can be drained without interrupting a turn",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		CompletionOptions: cobra.CompletionOptions{
			DisableDefaultCmd: true,
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.PersistentFlags().StringVar(&dir, "home", "", "the gateway's state directory (default $"+home.EnvHome+", else ~/.drainproof-gateway)")
	at := func() (string, error) {
		if dir != "" {
			return dir, nil
		}
		return home.Default()
	}
	root.AddCommand(runCommand(at, wraps), dashboardCommand(at, stampsBy(wraps), wraps), drainCommand(at, stampsBy(wraps)))
	return root
}

// stamper returns the epoch with which the markers of a home are stamped.
type stamper func(dir string) epoch.Source

func stampsBy(wraps []Wrap) stamper {
	return func(dir string) epoch.Source {
		var source epoch.Source = epoch.Stamp{Home: dir, Own: epoch.Instantiation{}}
		for _, wrap := range wraps {
			if wrap.Stamp != nil {
				source = wrap.Stamp(dir, source)
			}
		}
		return source
	}
}

// locate returns the home the user means.
type locate func() (string, error)

func newLog(w io.Writer) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, nil))
}
