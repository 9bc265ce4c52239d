// Command probe stands next to a gateway under test and does what the suite asks
// of it; see package probe.
//
//	probe stdio                       one conversation on stdin and stdout
//	probe burn --threads N --for 30s  keeps processors busy; the probe runs it itself
//
// and, in the PID namespace of a gateway whose image has an init of its own,
//
//	probe show                        hands its processes over to the probe of the pod
//	probe signal --like RE --number N sends a signal to the gateway's process
//
// It exits 0 at the end of a conversation and on SIGTERM or SIGINT, 1 when it
// failed, and 2 on wrong usage. Diagnostics go to standard error.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/drainproof/drainproof/harness/probe"
)

// grace is how long the probe has to end in good order once it was told to. What
// it runs must not outlive that, nor keep the pod from being removed.
const grace = 2 * time.Second

// minProcs lets the kernel share out few processors fairly: an observer that
// reads without a break must not keep the model from answering.
const minProcs = 4

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	runtime.GOMAXPROCS(max(minProcs, runtime.NumCPU()))
	// A suite that died is noticed by its closed pipes; the signal would only get
	// in the way of ending in good order.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	context.AfterFunc(ctx, func() {
		time.AfterFunc(grace, func() { os.Exit(0) })
	})
	if len(args) == 0 {
		return usage("which way? stdio or burn")
	}
	flags := flag.NewFlagSet("probe "+args[0], flag.ContinueOnError)
	threads := flags.Int("threads", 1, "threads that burn")
	lasting := flags.Duration("for", time.Minute, "how long to burn at most")
	like := flags.String("like", "", "regular expression over the command line of the process to signal")
	number := flags.Int("number", 0, "the signal")
	if err := flags.Parse(args[1:]); err != nil {
		return 2
	}
	if flags.NArg() > 0 {
		return usage(fmt.Sprintf("unexpected argument %q", flags.Arg(0)))
	}
	var err error
	switch args[0] {
	case "stdio":
		if os.Getpid() == 1 {
			go probe.Reap(ctx)
		}
		err = probe.Stdio(ctx, log, os.Stdin, os.Stdout)
	case "burn":
		err = probe.Burn(ctx, os.Stdin, os.Stdout, *threads, *lasting)
	case "show":
		err = probe.Show(ctx)
	case "signal":
		if *like == "" || *number <= 0 {
			return usage("signal needs --like and --number")
		}
		err = probe.Send(*like, *number)
	default:
		return usage(fmt.Sprintf("unknown command %q", args[0]))
	}
	if err != nil {
		log.Error("the probe failed", "error", err)
		return 1
	}
	return 0
}

func usage(problem string) int {
	fmt.Fprintf(os.Stderr, "probe: %s\nusage: probe stdio\n", problem)
	return 2
}
