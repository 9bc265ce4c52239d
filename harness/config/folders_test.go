package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/config"
)

func TestReportFoldersAreOnesOwnAndSortByTime(t *testing.T) {
	c := config.Config{Report: config.Report{Dir: filepath.Join(t.TempDir(), "reports")}}
	now := time.Date(2026, 1, 2, 3, 4, 5, 6_000_000, time.UTC)
	first, err := c.ReportDir(now)
	if err != nil {
		t.Fatal(err)
	}
	second, err := c.ReportDir(now)
	if err != nil {
		t.Fatal(err)
	}
	later, err := c.ReportDir(now.Add(time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	if first == second || !(first < second && second < later) || filepath.Base(first) != "20260102T030405.006Z" {
		t.Errorf("%s, %s, %s", first, second, later)
	}
	c.Report.Run = filepath.Join(t.TempDir(), "exact")
	if got, err := c.ReportDir(now); err != nil || got != c.Report.Run {
		t.Errorf("%s, %v", got, err)
	}
}

func TestPruneKeepsTheNewestAndWhatIsNotItsOwn(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	add := func(name string, finished bool, age time.Duration) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(path, 0o755); err != nil {
			t.Fatal(err)
		}
		if finished {
			if err := os.WriteFile(filepath.Join(path, "report.json"), []byte("{}"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chtimes(path, now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	add("20260101T000000.000Z", true, time.Hour)
	add("20260102T000000.000Z", false, time.Hour)    // still going on
	add("20260103T000000.000Z", false, 48*time.Hour) // died
	add("20260104T000000.000Z", true, time.Hour)
	add("20260105T000000.000Z-1", true, time.Hour)
	add("mine", true, 100*time.Hour)
	c := config.Config{Report: config.Report{Dir: dir, Keep: 2}}
	if err := c.Prune(now); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if got := strings.Join(left, " "); got != "20260102T000000.000Z 20260104T000000.000Z 20260105T000000.000Z-1 mine" {
		t.Errorf("left: %s", got)
	}
	c.Report.Dir = filepath.Join(dir, "none")
	if err := c.Prune(now); err != nil {
		t.Errorf("no folder yet: %v", err)
	}
}
