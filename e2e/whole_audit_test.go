package e2e_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/audit"
	"github.com/drainproof/drainproof/harness/monitor/secondopinion"
)

// hearingTime is what its second hearings may take.
const hearingTime = 5 * time.Minute

// maxUnclear is how many gateways may be left without a verdict for the noise of the
// machine. (A release has no such leniency, and none for what a second hearing excuses.)
const maxUnclear = 3

// The quick audit of the whole catalogue is sound: no wrong gateway goes undetected or
// unnamed, and no right one fails. What ends without a verdict is tried again, and so is a
// wrong gateway that is charged, beside its own fault, with what it did not do: it must
// not happen again in three runs. Where the machine is too slow for all of it, a part of
// the catalogue is audited, another one each time, and how much is told.
func TestQuickAudit(t *testing.T) {
	left := timeLeft(t) - hearingTime
	if left < time.Minute {
		t.Skipf("the other tests took so long on this machine that a merge's time is over; run ./scripts/audit")
	}
	dir := filepath.Join(root, "reports", "audit-test")
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	args := []string{"audit", "--parallel", "2", "--retry-incomplete", "1", "--keep", "--dir", "reports/audit-test", "--within", left.String()}
	// The right gateway is run as it is certified, a wrong one as a process where it can
	// be wrong as such.
	runtimes := map[string]string{"zero-before-delivery": "process", "epochless-ignored": "docker", "right": "docker"}
	if runtimeUnderTest() == "process" {
		args = append(args, "--runtime", "process")
		runtimes = map[string]string{"zero-before-delivery": "process", "right": "process"}
	}
	first := drainproof(t, args...)
	c, err := audit.Read(filepath.Join(dir, audit.FileName))
	if err != nil {
		t.Fatalf("%v; output:\n%s", err, first.out)
	}
	if c.Totals.Missing > 0 {
		t.Logf("this machine is too slow for the whole catalogue: %d runs were not begun", c.Totals.Missing)
	}
	var accused, unclear []string
	for _, s := range c.Scores {
		if want := runtimes[s.ID]; want != "" && s.Runs > 0 && !slices.Equal(s.Runtimes, []string{want}) {
			t.Errorf("%s was run as %v, want %s", s.ID, s.Runtimes, want)
		}
		judged := s.Runs - s.Inconclusive
		switch {
		case s.Right() && s.AsItMust < judged, !s.Right() && s.Named < judged:
			t.Errorf("%s: %v", s.ID, s.Notes)
		case s.AccusedRuns > 0:
			accused = append(accused, s.ID)
		case s.Inconclusive > 0:
			unclear = append(unclear, s.ID)
		}
	}
	again := func(ids []string, repetitions, most int) {
		if len(ids) == 0 {
			return
		}
		t.Logf("run again: %v", ids)
		heard := report(t)
		second := drainproof(t, "audit", "--runtime", c.Plan.Runtime, "--retry-incomplete", "2", "--dir", heard, "--within", hearingTime.String(),
			"--only", strings.Join(ids, ","), "--repetitions", strconv.Itoa(repetitions), "--right", strconv.Itoa(repetitions))
		c, err := audit.Read(filepath.Join(heard, audit.FileName))
		if err != nil {
			t.Fatalf("%v; output:\n%s", err, second.out)
		}
		if c.Totals.Missing > 0 {
			t.Logf("%d runs of the second hearing were not begun in time", c.Totals.Missing)
		}
		if c.Verdict == audit.Unsound || c.Totals.Inconclusive > most {
			t.Errorf("the second hearing of %v: %s; output:\n%s", ids, c.Why, second.out)
		}
	}
	again(accused, 3, maxUnclear)
	again(unclear, 1, maxUnclear)
	if t.Failed() || len(accused) > 0 {
		t.Logf("output:\n%s", first.out)
	}
	secondOpinion(t, filepath.Join(dir, "runs"), false)
	if !t.Failed() {
		_ = os.RemoveAll(dir)
	}
}

// An audit that was cut off goes on where it was, one that is there already is not
// overwritten, and one of another plan is not mixed with it.
func TestAuditGoesOn(t *testing.T) {
	dir := report(t)
	once := []string{"audit", "--depth", "gate", "--runtime", runtimeUnderTest(), "--only", "right", "--dir", dir}
	drainproof(t, append(once, "--right", "1")...).must(t, 0, "1/1, 0s left", "SOUND: 1 of 1 runs of right gateways passed")
	drainproof(t, append(once, "--right", "1")...).must(t, 2, "is not empty; go on with the audit in it with --resume")
	published := filepath.Join(t.TempDir(), "not", "there")
	drainproof(t, append(once, "--right", "1", "--resume", "--publish", published)...).must(t, 0, "1 of them are done", "SOUND: 1 of 1", "published in "+published)
	if _, err := audit.Read(filepath.Join(published, audit.FileName)); err != nil {
		t.Error(err)
	}
	saysNothing(t, dir)
	drainproof(t, append(once, "--right", "1", "--resume")...).must(t, 3, "inconclusive 1,", "--resume --retry-incomplete 1 --dir "+dir)
	drainproof(t, append(once, "--right", "1", "--resume", "--retry-incomplete", "2")...).
		must(t, 0, "right, run 1: attempt 1 was inconclusive: the machine was too busy", "SOUND: 1 of 1")
	drainproof(t, "audit", "--depth", "quick", "--runtime", runtimeUnderTest(), "--only", "right", "--dir", dir, "--resume").
		must(t, 2, "they are not one audit; name another folder with --dir")
	drainproof(t, "audit", "--resume", "--dir", report(t)).must(t, 2, "there is no audit to go on with")
	drainproof(t, "audit", "--only", "slow-cancle").must(t, 2, `there is no gateway "slow-cancle"; the catalogue has`)
	drainproof(t, "audit", "--only", "right", "--publish", os.DevNull+"/docs").must(t, 2, "nothing can be published in /dev/null/docs", "--publish")
	drainproof(t, "audit", "--depth", "deep").must(t, 2, `--depth "deep": use gate, quick, full, certify`)
}

// saysNothing takes the verdict from the first run of the audit in dir.
func saysNothing(t *testing.T, dir string) {
	t.Helper()
	c, err := audit.Read(filepath.Join(dir, audit.FileName))
	if err != nil {
		t.Fatal(err)
	}
	j, err := audit.OpenJournal(filepath.Join(dir, audit.JournalName), c.Plan)
	if err != nil {
		t.Fatal(err)
	}
	r := j.Done[0]
	r.Exit, r.Verdict, r.Why = 3, "incomplete", "the machine was too busy"
	if err := errors.Join(j.Add(r), j.Close()); err != nil {
		t.Fatal(err)
	}
}

// secondOpinion has porcupine judge every history below a folder too. It must agree
// with the monitors, and come to an end for a gateway that is right.
func secondOpinion(t *testing.T, dir string, right bool) {
	t.Helper()
	sum, err := secondopinion.CompareFolder(dir, 3*time.Second)
	if err != nil || sum.Histories == 0 {
		t.Fatalf("%d histories below %s: %v", sum.Histories, dir, err)
	}
	for _, p := range sum.Problems {
		t.Errorf("the second opinion differs: %s", p)
	}
	for _, u := range sum.Undecided {
		t.Logf("no second opinion: %s", u)
	}
	if n := sum.Results["Ok"]; right && n != sum.Histories {
		t.Errorf("a right gateway: %d of %d histories are explained", n, sum.Histories)
	}
	t.Logf("second opinion on %d histories, %d operations: %v", sum.Histories, sum.Operations, sum.Results)
}
