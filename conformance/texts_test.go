package conformance

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/drainproof/drainproof/harness/target"
)

//go:embed texts.lock
var textsLock string

// textHash is over all that a gateway is bound by; the reason is not.
func textHash(r Requirement) string {
	sum := sha256.Sum256([]byte(r.Level + "\n" + r.Feature + "\n" + r.Text))
	return hex.EncodeToString(sum[:])
}

// drift compares the requirements with what was locked, and says what to do.
func drift(lock, version string, rs []Requirement) []string {
	var problems []string
	tell := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	head, rest, _ := strings.Cut(lock, "\n")
	if head != "spec "+version {
		tell("texts.lock holds the texts of %q, and SpecVersion is %q: say in CHANGELOG.md what gateways will notice, then make its first line \"spec %[2]s\"", head, version)
	}
	locked := map[string]string{}
	for line := range strings.Lines(rest) {
		id, hash, _ := strings.Cut(strings.TrimSpace(line), " ")
		if locked[id] != "" {
			tell("texts.lock has %s twice: IDs are never reused", id)
		}
		locked[id] = hash
	}
	for _, r := range rs {
		hash := locked[r.ID]
		delete(locked, r.ID)
		line := r.ID + " " + textHash(r)
		switch hash {
		case textHash(r):
		case "":
			tell("%s is new: when its text is final, add to texts.lock the line\n  %s", r.ID, line)
		case "withdrawn":
			tell("%s was withdrawn, and IDs are never reused: take a new one", r.ID)
		default:
			tell("the text, level or feature of %[1]s changed, and reports of old speak of %[1]s. "+
				"If it means something else now, put the old one back and give the new one a new ID. "+
				"If the meaning is the same, replace its line in texts.lock by\n  %[2]s", r.ID, line)
		}
	}
	for id, hash := range locked {
		if hash != "withdrawn" {
			tell("%s is gone from requirements.yaml: put it back, or make its line in texts.lock \"%[1]s withdrawn\"; its ID is never reused", id)
		}
	}
	slices.Sort(problems)
	return problems
}

func TestTextsAreLocked(t *testing.T) {
	for _, problem := range drift(textsLock, SpecVersion, Requirements()) {
		t.Error(problem)
	}
}

func TestDriftIsTold(t *testing.T) {
	r := Requirement{ID: "GATE-001", Level: "MUST", Text: "t", Why: "w"}
	changed := func(change func(*Requirement)) []Requirement { c := r; change(&c); return []Requirement{c} }
	locked := "spec 1\nGATE-001 " + textHash(r) + "\n"
	cases := map[string]struct {
		lock  string
		rs    []Requirement
		wants string
	}{
		"the same":        {locked, []Requirement{r}, ""},
		"another reason":  {locked, changed(func(r *Requirement) { r.Why = "x" }), ""},
		"another text":    {locked, changed(func(r *Requirement) { r.Text = "x" }), "a new ID"},
		"another level":   {locked, changed(func(r *Requirement) { r.Level = "SHOULD" }), "a new ID"},
		"another feature": {locked, changed(func(r *Requirement) { r.Feature = "epoch" }), "a new ID"},
		"a new one":       {"spec 1\n", []Requirement{r}, "add to texts.lock"},
		"gone":            {locked, nil, "never reused"},
		"withdrawn":       {"spec 1\nGATE-001 withdrawn\n", nil, ""},
		"reused":          {"spec 1\nGATE-001 withdrawn\n", []Requirement{r}, "take a new one"},
		"twice":           {locked + "GATE-001 withdrawn\n", []Requirement{r}, "twice"},
		"another version": {"spec 0\nGATE-001 " + textHash(r), []Requirement{r}, "SpecVersion"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := strings.Join(drift(c.lock, "1", c.rs), "; ")
			if c.wants == "" && got != "" || !strings.Contains(got, c.wants) {
				t.Errorf("told %q, want %q", got, c.wants)
			}
		})
	}
}

func TestSpecIsRenderedFromTheRequirements(t *testing.T) {
	want, err := SpecText()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("SPEC.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("SPEC.md is not what requirements.yaml and SPEC.md.tmpl give: run go generate ./conformance")
	}
}

func TestSpecLeavesNothingOut(t *testing.T) {
	text, err := SpecText()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range Requirements() {
		if n := strings.Count(string(text), "\n### "+r.ID+"\n"); n != 1 {
			t.Errorf("%s stands %d times in SPEC.md: is its family in Families?", r.ID, n)
		}
	}
	for _, f := range target.Features() {
		if featureTexts()[f] == "" {
			t.Errorf("featureTexts does not say what the feature %q is", f)
		}
	}
}
