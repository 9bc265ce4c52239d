package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/onsi/ginkgo/v2/types"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"github.com/drainproof/drainproof/conformance"
	"github.com/drainproof/drainproof/fixtures/faults"
	"github.com/drainproof/drainproof/harness/config"
	"github.com/drainproof/drainproof/harness/report"
	"github.com/drainproof/drainproof/harness/runtime/docker"
)

// gateOptions are the flags of `drainproof gate`; a flag that is not given leaves
// the decision to ginkgo.yaml.
type gateOptions struct {
	config   string
	profile  string // of config: what is asked
	level    string // "" leaves it to the configuration
	target   string
	fault    string
	runtime  string
	report   string
	filter   string
	seed     int64
	deadline time.Duration
	retries  int
	quiet    bool
	observe  time.Duration // 0 leaves it to the configuration
	expected string        // file with failures that are known
	shard    string        // which part of the checks, such as 2/4; "" runs all
	sign     signOptions
}

func newGate() *cobra.Command {
	o := gateOptions{profile: config.ProfileGate}
	cmd := &cobra.Command{
		Use:   "gate",
		Short: "Put a gateway through the five-point live drain checklist",
		Long: `gate starts a real, isolated gateway, puts it through the five points of the live
drain checklist, prints the verdict table and writes the report.

The last line is for machines: DRAINPROOF_RESULT and a JSON object.

Exit codes: 0 conformant (or passed, not certifying; or as expected), 1 non-conformant,
2 usage or configuration, 3 incomplete.`,
		Example: `  drainproof gate
  drainproof gate --target my-gateway.yaml --deadline 3m
  drainproof gate --runtime process          # no engine; does not certify
  drainproof gate --fault slow-cancel        # a gateway that is wrong in exactly that way
  drainproof gate --label-filter point:c --seed 7
  drainproof gate --shard 1/2 --seed 7        # half of it; drainproof merge joins the halves`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return gate(cmd.Context(), o, cmd.OutOrStdout()) },
	}
	o.flags(cmd, 5*time.Minute)
	return cmd
}

func newCertify() *cobra.Command {
	o := gateOptions{profile: config.ProfileFull}
	cmd := &cobra.Command{
		Use:   "certify",
		Short: "Judge a gateway on every requirement: the five points and all families",
		Long: `certify starts a real, isolated gateway, brings about every situation of the
contract that applies to it, and judges it on every requirement: the core, and the
features its target file declares. A feature that is not declared is probed the
other way round where that can be done, and is then not applicable.

The last line is for machines: DRAINPROOF_RESULT and a JSON object.

Exit codes: 0 conformant (or passed, not certifying; or as expected), 1 non-conformant,
2 usage or configuration, 3 incomplete: what was not checked is not a pass.`,
		Example: `  drainproof certify
  drainproof certify --target my-gateway.yaml --deadline 15m
  drainproof certify --label-filter family:MARKER
  drainproof certify --shard 2/4 --seed 7 --report part-2
  drainproof certify --level gate --label-filter MARKER-004 --seed 7`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return gate(cmd.Context(), o, cmd.OutOrStdout()) },
	}
	o.flags(cmd, 15*time.Minute)
	cmd.Flags().StringVar(&o.level, "level", config.LevelCertify, "how thorough: gate, certify or audit; repetitions are in the configuration")
	return cmd
}

// common are the flags of every command that drives a gateway.
func (o *gateOptions) common(f *pflag.FlagSet) {
	f.StringVar(&o.config, "config", "", "suite configuration (default: ginkgo.yaml, looked for upward)")
	f.StringVar(&o.target, "target", "", "target file of the gateway under test (default: the configuration's)")
	f.StringVar(&o.fault, "fault", "", "judge this wrong gateway of the catalogue instead of a target")
	f.StringVar(&o.runtime, "runtime", "", "docker, process, or auto: docker where an engine answers (default: the configuration's)")
	f.StringVar(&o.report, "report", "", "folder for the report, must not exist or be empty (default: a new one under the configuration's report.dir)")
	f.Int64Var(&o.seed, "seed", 0, "seed of the run, to replay one (default: the configuration's, or a new one)")
	f.DurationVar(&o.observe, "observe", 0, "another observation bound than the target's, such as 500ms; a run with one never certifies")
	f.BoolVar(&o.quiet, "quiet", false, "print what came of it only")
}

// flags are those that gate and certify have.
func (o *gateOptions) flags(cmd *cobra.Command, deadline time.Duration) {
	f := cmd.Flags()
	o.common(f)
	f.StringVar(&o.filter, "label-filter", "", "run only the specs with these labels (point:a, family:GATE, feature:epoch, level:SHOULD, GATE-001, ...); a filtered run never certifies")
	f.StringVar(&o.shard, "shard", "", "run the I-th of N parts of the checks, such as 2/4; all parts need the same --seed, and 'drainproof merge' joins their reports. job/4 takes the part from JOB_COMPLETION_INDEX")
	f.DurationVar(&o.deadline, "deadline", deadline, "give up after this long; the verdict is then incomplete")
	f.StringVar(&o.expected, "expected", "", "file with the failures that are known: exit 0 when they are all there is, 1 when one of them does not happen; such a run never certifies")
	f.IntVar(&o.retries, "retry-incomplete", 0, "run again, so many times, when the verdict is incomplete; a failure is never retried")
	o.sign.flags(f)
}

// gate runs the suite, again while it is incomplete and retries are left, and
// ends with the verdict's exit code.
func gate(ctx context.Context, o gateOptions, out io.Writer) error {
	l, err := o.launcher(ctx, out)
	if err != nil {
		return &exitError{2, err}
	}
	if o.deadline <= 0 {
		return &exitError{2, fmt.Errorf("--deadline %s leaves no time; give it a positive duration such as 5m", o.deadline)}
	}
	if o.retries < 0 {
		return &exitError{2, fmt.Errorf("--retry-incomplete %d is negative", o.retries)}
	}
	if err := o.sign.ready(l); err != nil {
		return &exitError{2, err}
	}
	deadline, cancel := context.WithTimeout(ctx, o.deadline)
	defer cancel()
	if !l.cfg.Shard.Whole() && l.labelFilter() != "" {
		return &exitError{2, fmt.Errorf("--shard %s is a part of a whole run, and the label filter %q makes a selection of it; leave one of them out", l.cfg.Shard, l.labelFilter())}
	}
	if _, err := types.ParseLabelFilter(l.labelFilter()); err != nil {
		return &exitError{2, fmt.Errorf("--label-filter %q cannot be read: %w", l.labelFilter(), err)}
	}
	l.notice()
	for attempt := 0; ; attempt++ {
		r, err := l.run(deadline)
		if err != nil {
			var exit *exitError
			if errors.As(err, &exit) {
				return err
			}
			return &exitError{2, err}
		}
		if r.ExitCode == 3 && attempt < o.retries && deadline.Err() == nil {
			fmt.Fprintf(out, "\nincomplete (%s); trying again, %d of %d\n\n", r.Why, attempt+1, o.retries)
			l.dir = "" // every attempt keeps its own report
			continue
		}
		signed, unsigned := o.sign.sign(ctx, r)
		show(out, r, signed)
		if r.ExitCode != 0 {
			return &exitError{code: r.ExitCode}
		}
		if unsigned != nil {
			return &exitError{3, unsigned}
		}
		return nil
	}
}

// launcher resolves the options against the configuration.
func (o gateOptions) launcher(ctx context.Context, out io.Writer) (*launcher, error) {
	file := o.config
	if file == "" {
		found, err := config.Find()
		if err != nil {
			return nil, err
		}
		file = found
	}
	file, err := filepath.Abs(file)
	if err != nil {
		return nil, err
	}
	cfg, err := config.Load(file)
	if err != nil {
		return nil, err
	}
	cfg.Profile = o.profile
	switch o.level {
	case "":
	case config.LevelGate, config.LevelCertify, config.LevelAudit:
		cfg.Level = o.level
	default:
		return nil, fmt.Errorf("--level %q: use gate, certify or audit", o.level)
	}
	l := &launcher{out: out, config: file, cfg: cfg, dir: o.report, filter: o.filter, quiet: o.quiet, options: o}
	if o.fault != "" {
		if o.target != "" {
			return nil, errors.New("--fault brings its own target; leave --target out")
		}
		f, ok := faults.Find(o.fault)
		if !ok {
			return nil, fmt.Errorf("there is no wrong gateway %q; the catalogue has %s", o.fault, faultIDs())
		}
		l.env = append(l.env, "DRAINPROOF_FAULT="+f.ID)
		o.target = filepath.Join(filepath.Dir(file), "fixtures", "targets", "wrong-gateway.yaml")
	}
	if o.target != "" {
		abs, err := filepath.Abs(o.target)
		if err != nil {
			return nil, err
		}
		cfg.Target = abs
	}
	if o.runtime != "" {
		cfg.Runtime = o.runtime
	}
	switch cfg.Runtime {
	case "auto":
		cfg.Runtime = "docker"
		if _, err := docker.Check(ctx); err != nil {
			l.without, cfg.Runtime = err, "process"
		}
	case "docker", "process":
	default:
		return nil, fmt.Errorf("--runtime %q: use docker, process or auto", cfg.Runtime)
	}
	if o.seed != 0 {
		cfg.Seed = o.seed
	}
	if o.shard != "" {
		part, err := ofJob(o.shard, os.Getenv(jobIndexEnv))
		if err != nil {
			return nil, err
		}
		if cfg.Shard, err = config.ParseShard(part); err != nil {
			return nil, fmt.Errorf("--shard %w", err)
		}
	}
	if !cfg.Shard.Whole() && cfg.Seed == 0 {
		return nil, fmt.Errorf("--shard %s needs a seed, by which the parts of a run belong together; give all of them the same --seed, not 0", cfg.Shard)
	}
	if o.expected != "" {
		if cfg.Expected, err = filepath.Abs(o.expected); err != nil {
			return nil, err
		}
	}
	if cfg.Expected != "" {
		if _, err := conformance.LoadExpected(cfg.Expected); err != nil {
			return nil, err // before anything is built
		}
	}
	switch {
	case o.observe < 0:
		return nil, fmt.Errorf("--observe %s: use a positive duration such as 500ms", o.observe)
	case o.observe > 0:
		cfg.Observe = o.observe
	}
	return l, nil
}

// jobIndexEnv is how a pod of a Kubernetes Indexed Job is told its number, from 0.
const jobIndexEnv = "JOB_COMPLETION_INDEX"

// ofJob names the part job/N, which is that of the pod with that index; other parts stay
// as they are.
func ofJob(shard, index string) (string, error) {
	of, is := strings.CutPrefix(shard, "job/")
	if !is {
		return shard, nil
	}
	n, err := strconv.Atoi(index)
	if err != nil || n < 0 {
		return "", fmt.Errorf("--shard %s takes the part from %s, which is %q; run it in an Indexed Job of Kubernetes, or name the part, such as 1/%s", shard, jobIndexEnv, index, of)
	}
	return strconv.Itoa(n+1) + "/" + of, nil
}

func faultIDs() string {
	s := ""
	for i, f := range faults.All() {
		if i > 0 {
			s += ", "
		}
		s += f.ID
	}
	return s
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// show prints the verdict, and what became of a certificate.
func show(out io.Writer, r *report.Report, signed string) {
	width, tty := 100, isTerminal(out)
	if tty {
		if w, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil && w > 40 {
			width = min(w, 140)
		}
	}
	fmt.Fprintln(out)
	report.Table(out, r, report.TableOptions{Width: width, Color: tty && os.Getenv("NO_COLOR") == ""})
	if signed != "" {
		fmt.Fprintln(out, signed)
	}
	fmt.Fprintln(out, report.ResultLine(r))
	if r.Runtime != "docker" {
		fmt.Fprintln(out, doesNotCertify)
	}
}

const doesNotCertify = "NOT CERTIFYING: this run used the process runtime, not containers; its verdict does not certify."
