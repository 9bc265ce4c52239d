package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/drainproof/drainproof/conformance"
	"github.com/drainproof/drainproof/harness/compare"
	"github.com/drainproof/drainproof/harness/config"
	"github.com/drainproof/drainproof/harness/report"
)

func newCompare() *cobra.Command {
	var markdown, json string
	cmd := &cobra.Command{
		Use:   "compare OLD NEW",
		Short: "Say whether a build got worse than another one, from the reports of both",
		Long: `compare takes the reports of two builds, says which verdicts changed, and judges whether
what was measured got slower: how soon draining and running are published, how soon a
turn is refused, how soon the count is 0, and how much memory the gateway had. The
samples are taken out of the histories in the folders, or are those that a soak kept.

OLD and NEW are folders of reports, of runs or of soaks. Several runs of a build are pooled: name them with
commas between them, or a folder that holds them all.

Two runs of one build never measure the same. What is called worse is set in ginkgo.yaml,
under compare; whatever misses a part of it is noise, and is called that.

The last line says "no change", or begins with "better:", "worse:" or "not comparable:".

Exit codes: 0 nothing is worse, 1 something is, 2 usage, or no report can be read,
3 not comparable: the runs were made under other conditions, or are incomplete.`,
		Example: `  drainproof compare baselines/main reports/latest
  drainproof compare old-1,old-2,old-3 new-1,new-2,new-3 --markdown comparison.md`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := config.Open()
			if err != nil {
				return &exitError{2, err}
			}
			c, err := compareReports(args[0], args[1], cfg.Compare)
			if err != nil {
				return &exitError{2, err}
			}
			if markdown != "" {
				err = errors.Join(err, c.WriteMarkdown(markdown))
			}
			if json != "" {
				err = errors.Join(err, c.WriteJSON(json))
			}
			if err != nil {
				return &exitError{2, err}
			}
			c.Table(cmd.OutOrStdout())
			if c.Exit != 0 {
				return &exitError{code: c.Exit}
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&markdown, "markdown", "", "file to write the comparison to, for a pull request or a job's summary page")
	f.StringVar(&json, "json", "", "file to write it to for programs")
	return cmd
}

// compareReports loads both sides and compares them. The error says what is wrong with
// what was named.
func compareReports(old, new string, limits config.Compare) (*compare.Comparison, error) {
	seen := map[string]string{} // by where it really is
	load := func(arg string) ([]*compare.Run, error) {
		dirs, err := compare.Find(arg)
		if err != nil {
			return nil, err
		}
		var runs []*compare.Run
		for _, dir := range dirs {
			real, err := filepath.EvalSymlinks(dir)
			if err == nil {
				real, err = filepath.Abs(real)
			}
			if err != nil {
				return nil, fmt.Errorf("no report can be read: %w", err)
			}
			if other, twice := seen[real]; twice {
				return nil, fmt.Errorf("%s and %s are one run; name different ones, as a run says nothing beside itself", other, dir)
			}
			seen[real] = dir
			run, err := compare.Load(dir, conformance.ReportSchema)
			if err != nil {
				return nil, err
			}
			runs = append(runs, run)
		}
		return runs, nil
	}
	before, err := load(old)
	if err != nil {
		return nil, err
	}
	after, err := load(new)
	if err != nil {
		return nil, err
	}
	return compare.Compare(before, after, limits, report.Tool{Name: "drainproof", Version: version}), nil
}
