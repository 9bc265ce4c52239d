package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/drainproof/drainproof/conformance"
	"github.com/drainproof/drainproof/harness/report"
	"github.com/drainproof/drainproof/harness/soak"
)

// replayOptions are the flags of `drainproof replay`.
type replayOptions struct {
	gateOptions
	times int
}

func newReplay() *cobra.Command {
	o := replayOptions{}
	cmd := &cobra.Command{
		Use:   "replay SCHEDULE|FOLDER",
		Short: "Play a schedule again: one that a soak found, or one's own",
		Long: `replay plays a schedule against a fresh gateway, some times over, and says what was
broken. It takes the folder of a reproducer, which says how the gateway is run, or the file
of a schedule by itself.

Exit codes: 0 nothing was broken, 1 something was, 2 usage or configuration, 3 incomplete.`,
		Example: `  drainproof replay reports/20261127T012527.651Z/reproducers/GATE-001
  drainproof replay schedule.json --target my-gateway.yaml --times 1`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return replay(cmd.Context(), o, args[0], cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	o.common(f)
	f.IntVar(&o.times, "times", soak.Confirm, "how often it is played, each time against a gateway of its own")
	return cmd
}

func replay(ctx context.Context, o replayOptions, path string, out io.Writer) error {
	if o.times < 1 {
		return &exitError{2, errors.New("--times is 1 or more")}
	}
	b, err := soak.ReadBundle(path)
	if err != nil {
		return &exitError{2, err}
	}
	if o.fault == "" && o.target == "" && b.Requirement != "" {
		o.fault = b.Fault
		if o.fault == "" {
			o.target = b.Target
			if b.Portable {
				o.target = filepath.Join(path, soak.TargetName)
			}
		}
		if o.runtime == "" {
			o.runtime = b.Runtime
		}
		if o.observe == 0 {
			o.observe = b.Observe
		}
	}
	failed := 0
	l, err := o.inArena(ctx, out, func(a *arena) (err error) {
		failed, err = o.play(ctx, a, b)
		return err
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d of %d plays failed; report %s\n", failed, o.times, l.dir)
	if l.cfg.Runtime != "docker" {
		fmt.Fprintln(out, doesNotCertify)
	}
	if failed > 0 {
		return &exitError{code: 1}
	}
	return nil
}

// play plays the schedule so many times, and returns how often anything was broken.
func (o replayOptions) play(ctx context.Context, a *arena, b soak.Bundle) (failed int, err error) {
	if a.dir, err = a.reportDir(time.Now()); err != nil {
		return 0, err
	}
	if err := b.Schedule.Suits(a.options.Terrain); err != nil {
		return 0, &exitError{2, err}
	}
	for n := range o.times {
		file := filepath.Join(a.dir, fmt.Sprintf("play-%d.jsonl", n+1))
		ruling, events, err := soak.PlayOnce(ctx, a.options, b.Schedule, file)
		if err != nil {
			return failed, fmt.Errorf("play %d: %w", n+1, err)
		}
		if len(ruling.Broken) == 0 {
			fmt.Fprintf(a.out, "play %d: nothing was broken\n", n+1)
			continue
		}
		failed++
		for _, q := range ruling.Broken {
			fmt.Fprintf(a.out, "play %d: %s: %s\n  %s\n", n+1, q.ID, q.Text, q.Reason)
		}
		b.Tool, b.Spec, b.Runtime, b.Target, b.Image = report.Tool{Name: "drainproof", Version: version}, conformance.SpecVersion, a.cfg.Runtime, a.target.Path, a.image()
		page, err := b.Picture(a.dir, filepath.Base(file), events, ruling.Broken)
		if err == nil {
			err = report.Replace(filepath.Join(a.dir, fmt.Sprintf("play-%d.html", n+1)), page)
		}
		if err != nil {
			return failed, err
		}
	}
	return failed, nil
}
