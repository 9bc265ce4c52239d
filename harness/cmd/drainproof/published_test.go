package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/drainproof/drainproof/conformance"
	"github.com/drainproof/drainproof/harness/audit"
)

const publishAnew = "audit and publish anew: ./scripts/audit --parallel 2 --publish docs"

// The published scorecard tells of the catalogue and the requirements as they are, and
// of a suite that was sound.
func TestPublishedScorecardIsCurrent(t *testing.T) {
	c, err := audit.Read(filepath.Join(docs, audit.FileName))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(docs, audit.MarkdownName))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(text, audit.Markdown(c)) {
		t.Errorf("docs/%s is not what docs/%s gives; %s", audit.MarkdownName, audit.FileName, publishAnew)
	}
	if c.Verdict != audit.Sound {
		t.Errorf("the verdict is %s: %s", c.Verdict, c.Why)
	}
	if c.Plan.Spec != conformance.SpecVersion {
		t.Errorf("made with the requirements %s, they are at %s; %s", c.Plan.Spec, conformance.SpecVersion, publishAnew)
	}
	if c.Plan.Depth != "quick" && c.Plan.Depth != "full" {
		t.Errorf("depth %s does not put every gateway through the checks of its family; %s", c.Plan.Depth, publishAnew)
	}
	subjects, err := auditOptions{wrong: 1}.subjects(false, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Scores) != len(subjects) {
		t.Fatalf("%d gateways were audited, there are %d; %s", len(c.Scores), len(subjects), publishAnew)
	}
	for i, s := range subjects {
		got := c.Scores[i].Gateway
		if got.ID != s.ID || got.Sentence != s.Sentence || got.MustName != s.MustName {
			t.Errorf("audited as %+v, it is %+v; %s", got, s.Gateway, publishAnew)
		}
		// Who is allowed more now was still accused of nothing then.
		for _, id := range got.AlsoAllowed {
			if !slices.Contains(s.AlsoAllowed, id) {
				t.Errorf("%s was allowed to break %s when it was audited, and no longer is; %s", got.ID, id, publishAnew)
			}
		}
	}
}
