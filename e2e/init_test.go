package e2e_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	reports "github.com/drainproof/drainproof/harness/report"
)

// steward is a gateway in the care of an init that insists on being PID 1.
func steward() foreign { return foreign{name: "steward", runtime: "docker", env: "STEWARD_FAULT"} }

// An image with an init of its own is certified as it is, the gateway ended and started
// again by that init.
func TestAnInitOfItsOwn(t *testing.T) {
	s := steward()
	drainproof(t, "target", "check", s.file("target.yaml")).must(t, 0, "a valid target file")
	if why := s.missing(); why != "" {
		t.Skip(why)
	}
	dir := report(t)
	drainproof(t, "certify", "--target", s.file("target.yaml"), "--level", "gate", "--report", dir, "--retry-incomplete", "2").
		must(t, 0, `"verdict":"conformant"`)
	for _, q := range readReport(t, dir).Requirements {
		if slices.Contains(secondLives(), q.ID) && q.Verdict != reports.Pass {
			t.Errorf("%s: %s, %s", q.ID, q.Verdict, q.Reason)
		}
	}
	drainproof(t, "verify", dir, "--report-only").must(t, 0)
}

// Where nothing starts its gateway again, what needs that is not judged, and the report
// says why.
func TestAnInitThatStartsNothingAgain(t *testing.T) {
	s := steward()
	if why := s.missing(); why != "" {
		t.Skip(why)
	}
	path := s.wrong(t, "none")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const respawn = "  respawn: [/steward, start]\n"
	text := strings.Replace(string(raw), respawn, "", 1)
	if text == string(raw) {
		t.Fatal("the target file is not what this test thinks")
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	gate := report(t)
	drainproof(t, "gate", "--target", path, "--report", gate, "--retry-incomplete", "2").must(t, 0, `"verdict":"conformant"`)
	rest := report(t)
	drainproof(t, "certify", "--target", path, "--level", "gate", "--report", rest, "--retry-incomplete", "2",
		"--label-filter", strings.Join(append(secondLives(), "SHUTDOWN-001"), " || ")).must(t, 0, `"verdict":"passed, not certifying"`)
	for _, dir := range []string{gate, rest} {
		drainproof(t, "verify", dir, "--report-only").must(t, 0)
	}
	asked := readReport(t, rest).Requirements
	for _, id := range secondLives() {
		i := slices.IndexFunc(asked, func(q reports.Requirement) bool { return q.ID == id })
		if i < 0 || asked[i].Verdict != reports.NotApplicable || !strings.Contains(asked[i].Reason, "init.respawn") {
			t.Errorf("%s (%d of %d) is not left out for want of init.respawn", id, i, len(asked))
		}
	}
}

// An init that starts the gateway with another home than before is found out.
func TestAnInitThatForgetsTheHome(t *testing.T) {
	s := steward()
	if why := s.missing(); why != "" {
		t.Skip(why)
	}
	dir := report(t)
	drainproof(t, "gate", "--target", s.wrong(t, "forgets-home"), "--label-filter", "point:e", "--report", dir, "--retry-incomplete", "2").
		must(t, 1, "WATCH-003")
	for _, q := range readReport(t, dir).Requirements {
		if q.ID == "WATCH-003" && q.Verdict != reports.Fail {
			t.Errorf("%s: %s, %s", q.ID, q.Verdict, q.Reason)
		}
	}
}

// One that starts the gateway again by itself is noticed before anything is judged, and can be
// kept from it.
func TestAnInitThatStartsByItself(t *testing.T) {
	s := steward()
	if why := s.missing(); why != "" {
		t.Skip(why)
	}
	path := s.wrong(t, "starts-again")
	drainproof(t, "gate", "--target", path, "--report", report(t)).must(t, 2, "started it again by itself", "init.leave")
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(raw), "\n  exit: ", "\n  leave: [/steward, leave]\n  exit: ", 1)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	drainproof(t, "gate", "--target", path, "--label-filter", "point:e", "--report", report(t), "--retry-incomplete", "2").
		must(t, 0, `"verdict":"passed, not certifying"`)
}

// The process runtime has no init: it needs a command of its own, and says so in one line.
func TestAnInitIsTheImages(t *testing.T) {
	drainproof(t, "gate", "--target", steward().file("target.yaml"), "--runtime", "process", "--report", report(t)).must(t, 2, "process")
}

// secondLives are the requirements of the steward's target that need a gateway to be
// started again.
func secondLives() []string {
	return []string{
		"WATCH-003", "WATCH-007", "WATCH-008", "COUNT-007", "RESTART-001", "RESTART-002", "RESTART-004",
		"CONTROL-007", "EPOCH-003", "SHUTDOWN-002", "SHUTDOWN-003", "GATE-007",
	}
}

func readReport(t *testing.T, dir string) *reports.Report {
	t.Helper()
	r, err := reports.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	return r
}
