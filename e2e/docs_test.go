package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
)

// elsewhere are commands of the documents that this test does not run, with the
// place that does.
func elsewhere() map[string]string {
	return map[string]string{
		"./scripts/test":         ".ci/run runs it; it runs this test",
		"go test ./conformance":  "./scripts/test runs it with all packages",
		"./scripts/setup-docker": "TestSetupDocker",
		"./scripts/audit --repetitions 3 --only slow-cancel,right":                                                     "the README has the same audit, once",
		"./scripts/audit --parallel 2 --publish docs":                                                                  "TestQuickAudit audits, TestAuditGoesOn publishes",
		"bin/drainproof soak --schedules 6 --seed 7 --report reports/soak":                                             "TestSoakOfTheRightGateway",
		"bin/drainproof soak --fault corrupt-is-running --observe 500ms --seed 3 --for 2m --report reports/soak-wrong": "TestSoakOfAWrongGateway",
		"bin/drainproof replay reports/soak-wrong/reproducers/MARKER-003 --times 1":                                    "TestSoakOfAWrongGateway",
		"DOCKER_HOST=tcp://build-1:2376 ./scripts/gate":                                                                "it needs another machine; TestPodOverTCP of the docker runtime does the same",
		"DOCKER_HOST=ssh://me@build-1 ./scripts/gate":                                                                  "it needs another machine; TestGateOverSSH does the same",
		"bin/drainproof gate --target my-gateway.yaml --report evidence/run":                                           "TestABuildIsComparedWithItselfAndWithALaterOne, with a gateway that is here",
		"bin/drainproof compare reports/soak-old reports/soak-new":                                                     "TestSoaksAreCompared of harness/compare; TestSoakOfTheRightGateway has a real one that is incomplete",
		"bin/drainproof compare baseline evidence --markdown \"$GITHUB_STEP_SUMMARY\"":                                 "the same test",
	}
}

// exits are the exit codes of commands that do not end with 0 when all is well.
func exits() map[string]int {
	return map[string]int{"./scripts/gate --fault zero-before-delivery": 1}
}

// needsEngine are the commands that only work where an engine answers.
func needsEngine(command string) bool {
	return strings.HasPrefix(command, "bin/drainproof doctor") || command == "./scripts/certify" || strings.Contains(command, "reports/guide/evidence")
}

// reported are the folders into which a command of the documents writes a report, by it.
type reported map[string]string

// readBy are the commands that made what another one reads.
func (made reported) readBy(command string) (makers []string) {
	for _, word := range strings.FieldsFunc(command, func(r rune) bool { return r == ' ' || r == ',' }) {
		for folder, maker := range made {
			if maker != command && (folder == word || strings.HasPrefix(folder, word+"/")) && !slices.Contains(makers, maker) {
				makers = append(makers, maker)
			}
		}
	}
	return makers
}

var reportFolder = regexp.MustCompile(`--report (reports/\S+)`)

var consoleBlock = regexp.MustCompile("(?s)```console\n(.*?)```")

// documented lists every command of every document, each once.
func documented(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob(filepath.Join(root, "*", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	var commands []string
	for _, file := range append(files, more...) {
		if strings.Contains(file, "reports/") {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range consoleBlock.FindAllStringSubmatch(string(text), -1) {
			for line := range strings.SplitSeq(strings.TrimSpace(block[1]), "\n") {
				command, _, _ := strings.Cut(line, "#")
				if command = strings.TrimSpace(command); command != "" && !slices.Contains(commands, command) {
					commands = append(commands, command)
				}
			}
		}
	}
	return commands
}

func TestDocumentedCommands(t *testing.T) {
	commands := documented(t)
	if len(commands) < 10 {
		t.Fatalf("found only %d commands in the documents", len(commands))
	}
	// What the guide makes, it makes once.
	if err := os.RemoveAll(filepath.Join(root, "reports", "guide")); err != nil {
		t.Fatal(err)
	}
	made := reported{}
	for _, command := range commands {
		if _, ok := elsewhere()[command]; ok {
			continue
		}
		t.Run(command, func(t *testing.T) {
			if needsEngine(command) {
				needEngine(t)
			}
			if command == "./scripts/certify" && slowness() > tooSlow {
				t.Skipf("a gate takes %s on this machine and %s on most: certify would take longer than a merge may", gateTook, usualGate)
			}
			run := func(command string) result {
				if named := reportFolder.FindStringSubmatch(command); named != nil {
					_ = os.RemoveAll(filepath.Join(root, named[1]))
					made[named[1]] = command
				}
				cmd := exec.Command("bash", "-c", command)
				cmd.Dir = root
				return finish(t, cmd)
			}
			began := time.Now()
			r := run(command)
			if command == "./scripts/gate" {
				gateTook = time.Since(began)
			}
			if r.code == 3 { // too noisy a machine to judge; a failure is never tried again
				t.Logf("incomplete, trying again, from what it reads:\n%s", r.out)
				for _, maker := range made.readBy(command) {
					run(maker)
				}
				r = run(command)
			}
			r.must(t, exits()[command])
		})
	}
}

func TestWhatACommandReadsIsMadeAgain(t *testing.T) {
	made := reported{"reports/a/1": "one", "reports/a/2": "two", "reports/ab": "other", "reports/both": "merge reports/a/1 reports/ab"}
	for command, want := range map[string][]string{
		"compare reports/a":              {"one", "two"},
		"compare reports/a/1,reports/ab": {"one", "other"},
		"merge reports/a/1 reports/ab":   {"one", "other"},
		"compare reports/b":              nil,
	} {
		got := made.readBy(command)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", command, got, want)
		}
	}
}

func TestSetupDocker(t *testing.T) {
	cmd := exec.Command("./scripts/setup-docker")
	cmd.Dir = root
	r := finish(t, cmd)
	if runtimeUnderTest() == "docker" {
		r.must(t, 0, "An engine answers")
		return
	}
	if r.code == 2 && !strings.Contains(r.out, "--install") && !strings.Contains(r.out, "Start it") {
		t.Errorf("without an engine it must say what to do:\n%s", r.out)
	}
}

var figures = regexp.MustCompile(`[0-9][0-9.]*( (µs|ms|s|min))?|sha256:[0-9a-f]+`)

// words are the words of a verdict table, without its figures and its lines: what
// stays the same from run to run.
func words(table string) []string {
	var all []string
	for line := range strings.SplitSeq(table, "\n") {
		if strings.HasPrefix(line, "│") {
			all = append(all, strings.FieldsFunc(figures.ReplaceAllString(line, " "), func(r rune) bool { return !unicode.IsLetter(r) })...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// The README shows a table as it is printed: the same rows, verdicts and words.
func TestReadmeShowsTheTableAsPrinted(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(readme), "```text\n")
	if !ok {
		t.Fatal("the README has no table")
	}
	shown, _, _ := strings.Cut(rest, "```")
	printed := gate(t, "--report", report(t))
	printed.must(t, 0)
	if got, want := words(shown), words(printed.out); !slices.Equal(got, want) {
		t.Errorf("the README's table is not the one that is printed\nREADME:  %v\nprinted: %v", got, want)
	}
}
