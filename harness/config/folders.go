package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"time"
)

// stamp makes folder names that sort by time; the seconds' fraction keeps runs
// started together apart.
const stamp = "20060102T150405.000Z"

var runFolder = regexp.MustCompile(`^[0-9]{8}T[0-9]{6}\.[0-9]{3}Z(-[0-9]+)?$`)

// abandoned is how old a folder without a report must be before it counts as one
// of a run that died, and not of one that is still going on.
const abandoned = 24 * time.Hour

// ReportDir returns the folder of a run started at now, absolute and made: the
// one DRAINPROOF_REPORT names, or a new one below report.dir that no other run
// has.
func (c *Config) ReportDir(now time.Time) (string, error) {
	if c.Report.Run != "" {
		return c.Report.Run, os.MkdirAll(c.Report.Run, 0o755)
	}
	if err := os.MkdirAll(c.Report.Dir, 0o755); err != nil {
		return "", fmt.Errorf("the folder of reports cannot be made: %w; correct report.dir in %s", err, c.Path)
	}
	name := filepath.Join(c.Report.Dir, now.UTC().Format(stamp))
	for n, dir := 1, name; ; n, dir = n+1, fmt.Sprintf("%s-%d", name, n) {
		err := os.Mkdir(dir, 0o755) // fails when another run took the name
		if err == nil {
			return dir, nil
		}
		if !errors.Is(err, fs.ErrExist) || n > 1000 {
			return "", fmt.Errorf("the report folder cannot be made: %w; make %s writable or set %s", err, c.Report.Dir, EnvReport)
		}
	}
}

// Prune removes the oldest run folders below report.dir until report.keep are
// left. It touches nothing it did not name itself, and no folder of a run that
// may still be going on.
func (c *Config) Prune(now time.Time) error {
	if c.Report.Keep == 0 {
		return nil
	}
	entries, err := os.ReadDir(c.Report.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("old reports cannot be looked through: %w", err)
	}
	var finished []string
	for _, e := range entries {
		if e.IsDir() && runFolder.MatchString(e.Name()) && over(filepath.Join(c.Report.Dir, e.Name()), now) {
			finished = append(finished, e.Name())
		}
	}
	slices.Sort(finished)
	var failed []error
	for _, name := range finished[:max(0, len(finished)-c.Report.Keep)] {
		failed = append(failed, os.RemoveAll(filepath.Join(c.Report.Dir, name)))
	}
	return errors.Join(failed...)
}

// over says whether the run of a folder has ended: its report is there, which is
// written last, or nothing was written for a day.
func over(dir string, now time.Time) bool {
	if _, err := os.Stat(filepath.Join(dir, "report.json")); err == nil {
		return true
	}
	info, err := os.Stat(dir)
	return err == nil && now.Sub(info.ModTime()) > abandoned
}
