package e2e_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drainproof/drainproof/fixtures/faults"
	"github.com/drainproof/drainproof/harness/monitor/secondopinion"
)

// proven are the gateways that every merge is tried on: all that the five points must
// name, some of the families', and those that are right. The whole catalogue takes
// longer than a merge can wait; scripts/audit goes through it.
func proven() string {
	ids := []string{"missed-toggle", "expiry-needs-restart", "open-endpoint", "replay-lost"}
	for _, f := range faults.All() {
		if f.Point != "" {
			ids = append(ids, f.ID)
		}
	}
	for _, f := range faults.Innocents() {
		ids = append(ids, f.ID)
	}
	return strings.Join(ids, ",")
}

// Wrong gateways are named, once; scripts/audit does it often. What ends without a
// verdict, for the noise of the machine, is tried again. A wrong verdict leaves its
// report, for whoever has to find out why.
func TestWrongGatewaysAreNamed(t *testing.T) {
	dir := filepath.Join(root, "reports", "audit-test")
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	drainproof(t, "audit", "--depth", "gate", "--right", "1", "--runtime", runtimeUnderTest(),
		"--only", proven()+",right", "--retry-incomplete", "2", "--keep", "--dir", "reports/audit-test").must(t, 0, "SOUND: ")
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
	drainproof(t, append(once, "--right", "1", "--resume")...).must(t, 0, "1 of them are done", "SOUND: 1 of 1")
	drainproof(t, "audit", "--depth", "quick", "--runtime", runtimeUnderTest(), "--only", "right", "--dir", dir, "--resume").
		must(t, 2, "they are not one audit; name another folder with --dir")
	drainproof(t, "audit", "--resume", "--dir", report(t)).must(t, 2, "there is no audit to go on with")
	drainproof(t, "audit", "--only", "slow-cancle").must(t, 2, `there is no gateway "slow-cancle"; the catalogue has`)
	drainproof(t, "audit", "--depth", "deep").must(t, 2, `--depth "deep": use gate, quick, full, certify`)
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
