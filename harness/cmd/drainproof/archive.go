package main

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/drainproof/drainproof/conformance"
	"github.com/drainproof/drainproof/harness/audit"
	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/report"
)

// archiveExt is the ending of an archived history: one per gateway, compressed.
const archiveExt = ".jsonl.gz"

// rightPoint is the point of which a right gateway's history is archived: that of the
// checks that no wrong gateway is named by.
const rightPoint = "b"

// archive keeps the shortest history of a run that by itself says of the gateway what
// must be said of it; it is an error when none does.
func archive(dir string, g audit.Gateway, r *report.Report) error {
	specs := slices.Clone(r.Specs)
	slices.SortStableFunc(specs, func(a, b report.Spec) int { return cmp.Compare(a.Events, b.Events) })
	for _, s := range specs {
		if s.File == "" || g.Right() && s.Point != rightPoint {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(r.Dir, s.File))
		if err != nil {
			return err
		}
		events, err := history.Decode(bytes.NewReader(raw))
		if err != nil {
			return err
		}
		run, err := alone(g, events, "")
		if err != nil {
			return err
		}
		if g.Wrong(run) != "" {
			continue
		}
		var packed bytes.Buffer
		z, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
		if err != nil {
			return err
		}
		if _, err := z.Write(raw); err != nil {
			return err
		}
		if err := z.Close(); err != nil {
			return err
		}
		return report.Replace(filepath.Join(dir, g.ID+archiveExt), packed.Bytes())
	}
	return fmt.Errorf("no history of %s says by itself what must be said of %s", r.Dir, g.ID)
}

// archived reads the history of a gateway from the archive.
func archived(dir, id string) ([]history.Event, error) {
	f, err := os.Open(filepath.Join(dir, id+archiveExt))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	// A history that is a bomb is none of ours.
	events, err := history.Decode(io.LimitReader(z, 64<<20))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	return events, nil
}

// alone is the run of a gateway that one history tells of, judged without the monitors
// of one requirement ("": with all).
func alone(g audit.Gateway, events []history.Event, without string) (audit.Run, error) {
	res, err := conformance.JudgeAlone(g.ID, events, without)
	if err != nil {
		return audit.Run{}, err
	}
	run := audit.Run{
		Gateway: g.ID, Number: 1, Exit: res.Exit, Verdict: report.Verdict(res.Overall), Why: res.Reason,
		Verdicts: map[string]report.Verdict{},
	}
	for _, f := range res.Findings {
		run.Note(f.ID, report.Verdict(f.Verdict))
	}
	for _, receipt := range res.Receipts {
		run.Receipts = append(run.Receipts, receipt.Fault)
	}
	return run, nil
}
