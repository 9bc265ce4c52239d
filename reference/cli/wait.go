package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// The exit codes of drain wait, besides the common ones.
const (
	ExitDeadline   = 1
	ExitNotRunning = 3
	ExitCancelled  = 4
)

// pollEvery is how often drain wait reads the gateway's state.
const pollEvery = 100 * time.Millisecond

func waitCommand(at locate) *cobra.Command {
	var limit time.Duration
	cmd := &cobra.Command{
		Use:   "wait",
		Short: "Wait until the gateway is drained",
		Long: `Wait until the gateway publishes draining with no turn in flight. From then on it
can be ended without interrupting anything, for as long as the drain is requested.

Exit codes:
  0  drained
  1  the deadline passed, or the state could not be read
  2  usage
  3  the gateway is not running
  4  the drain was cancelled, or none was requested
  130, 143  ended by SIGINT, SIGTERM`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().DurationVar(&limit, "deadline", 10*time.Minute, "give up after this long")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		dir, err := at()
		if err != nil {
			return err
		}
		if limit <= 0 {
			return errors.New("--deadline must be above zero, like 10m")
		}
		show := newProgress(cmd.OutOrStdout())
		defer show.end()
		ctx, stop := context.WithTimeout(cmd.Context(), limit)
		defer stop()
		return wait(ctx, limit, show, func() (reading, error) { return read(ctx, dir) })
	}
	return cmd
}

// wait reads until there is an outcome.
func wait(ctx context.Context, limit time.Duration, show *progress, look func() (reading, error)) error {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	defer signal.Stop(signals)
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		now, err := look()
		if err != nil {
			return failed(err)
		}
		show.say(now.String())
		if over, err := outcome(now); over {
			return err
		}
		select {
		case <-tick.C:
		case got := <-signals:
			return &exitError{code: 128 + int(got.(syscall.Signal)), err: fmt.Errorf("ended by %s; the drain stays requested", got)}
		case <-ctx.Done():
			return &exitError{code: ExitDeadline, err: fmt.Errorf("not drained after %s: %s", limit, now)}
		}
	}
}

// outcome says whether a reading ends the wait, and how.
func outcome(now reading) (over bool, err error) {
	switch {
	case !now.Alive:
		return true, &exitError{code: ExitNotRunning, err: errors.New("the gateway is not running; start it, or check --home")}
	case now.Requested != nil && !*now.Requested:
		return true, &exitError{code: ExitCancelled, err: errors.New(`no drain is requested (any more); request one with "gateway drain begin"`)}
	case now.Requested != nil && now.Drained():
		return true, nil
	}
	return false, nil
}

// progress shows where the wait is: one line that is written over on a terminal,
// a line for every change elsewhere.
type progress struct {
	out      io.Writer
	terminal bool
	last     string
}

func newProgress(out io.Writer) *progress {
	file, isFile := out.(*os.File)
	return &progress{out: out, terminal: isFile && term.IsTerminal(int(file.Fd()))}
}

func (p *progress) say(line string) {
	if line == p.last {
		return
	}
	p.last = line
	if p.terminal {
		fmt.Fprintf(p.out, "\r\x1b[K%s", line)
		return
	}
	fmt.Fprintln(p.out, line)
}

// end leaves the terminal's line.
func (p *progress) end() {
	if p.terminal && p.last != "" {
		fmt.Fprintln(p.out)
	}
}
