package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/drainproof/drainproof/fixtures/faults"
)

const docs = "../../../docs"

func TestIncidentsAreRenderedFromTheCatalogue(t *testing.T) {
	want, err := incidentsText()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(docs, "incidents.md"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("docs/incidents.md is not what fixtures/faults and the requirements give: run go generate ./conformance")
	}
}

func TestIncidentsHaveARowForEveryWrongGateway(t *testing.T) {
	text := rendered(t)
	for _, f := range faults.All() {
		if n := strings.Count(text, "| ["+f.ID+"]("); n != len(f.Incidents) {
			t.Errorf("%s has %d rows and refers to %v", f.ID, n, f.Incidents)
		}
		for _, ref := range f.Incidents {
			if !strings.Contains(text, "| ["+ref+"](https://") {
				t.Errorf("%s is not told", ref)
			}
		}
	}
}

var (
	cellEnd      = regexp.MustCompile(`(^|[^\\])\|`)
	relativeLink = regexp.MustCompile(`\]\((\.\.[^)#]*)(?:#([^)]*))?\)`)
)

// A reader can follow every link, and a table is one only if its rows are whole.
func TestIncidentsAreAWholeTable(t *testing.T) {
	text := rendered(t)
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "|") && len(cellEnd.FindAllString(line, -1)) != 6 {
			t.Errorf("not five cells: %s", line)
		}
	}
	links := relativeLink.FindAllStringSubmatch(text, -1)
	if len(links) == 0 {
		t.Error("there are no links")
	}
	for _, link := range links {
		content, err := os.ReadFile(filepath.Join(docs, link[1]))
		if err != nil {
			t.Error(err)
		}
		if link[2] != "" && !strings.Contains(string(content), "\n### "+strings.ToUpper(link[2])+"\n") {
			t.Errorf("%s has no heading for %s", link[1], link[2])
		}
	}
}

// rendered is what the command prints, and the same as it writes to a file.
func rendered(t *testing.T) string {
	t.Helper()
	var out bytes.Buffer
	cmd := newIncidents()
	cmd.SetOut(&out)
	cmd.SetArgs([]string{})
	if err := cmd.Execute(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "incidents.md")
	cmd.SetArgs([]string{"-o", file})
	if err := cmd.Execute(); err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(written) != out.String() {
		t.Error("the file is not what is printed")
	}
	return out.String()
}
