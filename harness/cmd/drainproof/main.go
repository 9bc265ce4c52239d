// Command drainproof proves that a gateway can be drained.
//
// It is the composition root: the one place that knows harness, conformance and
// fixtures. Exit codes: 0 conformant (or passed, not certifying), 1
// non-conformant, 2 usage or configuration, 3 incomplete.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/drainproof/drainproof/conformance"
)

// version is set by the release build.
var version = "dev"

// exitError ends the program with a code and, if any, a message for a person.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func main() { os.Exit(run()) }

func run() int {
	// The first signal asks for an orderly end, in which everything that was
	// started is removed. A second one ends this process at once; the processes of
	// the suite notice and remove what is theirs.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	root := newRoot()
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	var exit *exitError
	if errors.As(err, &exit) {
		if exit.err != nil {
			fmt.Fprintln(os.Stderr, "drainproof: "+exit.err.Error())
		}
		return exit.code
	}
	fmt.Fprintln(os.Stderr, "drainproof: "+err.Error())
	fmt.Fprintln(os.Stderr, "Run 'drainproof --help' for the commands.")
	return 2
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "drainproof",
		Short: "Prove that a gateway can be drained",
		Long: `drainproof starts a real, isolated gateway, drains it in every way a controller
would, and says what it observed.

Exit codes: 0 conformant (or passed, not certifying), 1 non-conformant,
2 usage or configuration, 3 incomplete (what did not run is not a pass).`,
		Version:       fmt.Sprintf("%s (requirements %s)", version, conformance.SpecVersion),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(newGate(), newCertify(), newAudit(), newBuild(), newTarget(), newDoctor(), newExplain(), newSpec(), newIncidents(), newVerify(), newMerge(), newCompare(), newManifest(), newKey(), newNonce(), newSubmit(), newImage(), newBadge(), newSoak(), newReplay())
	return root
}
