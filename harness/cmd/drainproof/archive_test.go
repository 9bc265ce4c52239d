package main

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/drainproof/drainproof/conformance"
	"github.com/drainproof/drainproof/fixtures/faults"
	"github.com/drainproof/drainproof/harness/audit"
	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/monitor"
)

// histories holds one recorded history of every wrong gateway, and some of the right
// one; drainproof audit --archive writes them.
var histories = filepath.Join("..", "..", "..", "fixtures", "histories")

// unbroken are the checks that no wrong gateway is named by, and why.
var unbroken = map[string]string{
	"GATE-005": "whoever publishes in time and closes late breaks GATE-001, whoever does both late breaks WATCH-001",
	"GATE-012": "a SHOULD warns and fails nobody; wrong-refusal, which breaks it, is named by GATE-008",
}

func catalogue(t *testing.T) map[string]audit.Gateway {
	t.Helper()
	list, err := auditOptions{wrong: 1, right: 1}.subjects(false, nil)
	if err != nil {
		t.Fatal(err)
	}
	byID := map[string]audit.Gateway{}
	for _, s := range list {
		byID[s.ID] = s.Gateway
	}
	return byID
}

func recorded(t *testing.T, id string) []history.Event {
	t.Helper()
	events, err := archived(histories, id)
	if err != nil {
		t.Fatalf("%v; record it: ./scripts/audit --archive fixtures/histories --only %s", err, id)
	}
	return events
}

// A rule can't quietly get weaker, or stricter: what was recorded of every wrong gateway
// still names it, and still accuses nobody else.
func TestArchiveIsJudgedAsEver(t *testing.T) {
	for id, g := range catalogue(t) {
		if g.Right() && id != rightID {
			continue // an innocent is only told from the right one by a whole run
		}
		run, err := alone(g, recorded(t, id), "")
		if err != nil {
			t.Errorf("%s: %v", id, err)
			continue
		}
		if wrong := g.Wrong(run); wrong != "" {
			t.Errorf("%s: %s", id, wrong)
		}
	}
	files, err := filepath.Glob(filepath.Join(histories, "*"+archiveExt))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if id := strings.TrimSuffix(filepath.Base(f), archiveExt); catalogue(t)[id].ID == "" {
			t.Errorf("%s is of no gateway of the catalogue; remove it", f)
		}
	}
}

// Without any one check the audit of what was recorded is no longer sound: a wrong
// gateway goes unnamed, or the right one is left without a verdict.
func TestEveryCheckIsMissed(t *testing.T) {
	gateways := catalogue(t)
	for _, m := range checks() {
		t.Run(m, func(t *testing.T) {
			var named []string
			for _, f := range faults.All() {
				if f.MustName == m {
					named = append(named, f.ID)
				}
			}
			if why := unbroken[m]; why != "" {
				if len(named) > 0 {
					t.Fatalf("%v must be named by it; take it off the list of those that nobody breaks (%s)", named, why)
				}
				named = []string{rightID}
			}
			if len(named) == 0 {
				t.Fatal("no wrong gateway is named by it, and nothing says why")
			}
			for _, id := range named {
				with, err := alone(gateways[id], recorded(t, id), "")
				if err != nil {
					t.Fatal(err)
				}
				without, err := alone(gateways[id], recorded(t, id), m)
				if err != nil {
					t.Fatal(err)
				}
				if got := assess(gateways[id], with); got != audit.Sound {
					t.Errorf("%s, with it: %s", id, got)
				}
				if got := assess(gateways[id], without); got == audit.Sound {
					t.Errorf("%s is audited as well without it", id)
				}
			}
		})
	}
}

// checks are the requirements that monitors speak for.
func checks() []string {
	var ids []string
	for _, m := range monitor.All() {
		ids = append(ids, m.Requirement)
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func assess(g audit.Gateway, r audit.Run) string {
	return audit.Assess(audit.Plan{}, []audit.Gateway{g}, nil, []audit.Run{r}).Verdict
}

// Every requirement has a check.
func TestEveryRequirementHasAMonitor(t *testing.T) {
	have := checks()
	for _, f := range conformance.Families() {
		for _, r := range f.Requirements() {
			if !slices.Contains(have, r.ID) {
				t.Errorf("no monitor speaks for %s", r.ID)
			}
		}
	}
}
