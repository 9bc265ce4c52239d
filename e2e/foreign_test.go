package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	reports "github.com/drainproof/drainproof/harness/report"
)

// foreign is a gateway that shares nothing with the reference.
type foreign struct {
	name    string
	runtime string // the one that it is certified with
	env     string // entry of env by which it is made wrong
	faults  map[string]wrongly
}

// wrongly is how it is wrong: which requirement says so, and the label of what shows it.
type wrongly struct{ requirement, label string }

func foreigners() []foreign {
	return []foreign{
		{"scribe", "process", "SCRIBE_FAULT", map[string]wrongly{
			"lock-over-reply":  {"WATCH-002", "family:COUNT"},
			"rewrite-restarts": {"STATE-003", "point:d"},
			"cuts-streams":     {"GATE-004", "point:c"},
		}},
		{"relay", "docker", "RELAY_FAULT", map[string]wrongly{
			"callback-uncounted": {"COUNT-006", "COUNT-006"},
			"friends-get-in":     {"GATE-001", "point:b"},
			"two-digit-text":     {"STATE-001", "WATCH-006"},
		}},
		{"hatch", "docker", "HATCH_FAULT", map[string]wrongly{
			"claims-first":       {"GATE-003", "point:b"},
			"keeps-declined":     {"GATE-002", "point:b"},
			"looks-when-knocked": {"WATCH-001", "point:a"},
		}},
	}
}

func (f foreign) file(name string) string {
	path, err := filepath.Abs(filepath.Join(root, "fixtures", "foreign", f.name, name))
	if err != nil {
		panic(err) // there is no working directory
	}
	return path
}

// wrong writes a target file of the gateway with one of its faults switched on.
func (f foreign) wrong(t *testing.T, fault string) string {
	t.Helper()
	raw, err := os.ReadFile(f.file("target.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	dir := f.file(".")
	text := strings.NewReplacer(
		"\nenv:\n", "\nenv:\n  "+f.env+": "+fault+"\n",
		"recipe: image.yaml", "recipe: "+filepath.Join(dir, "image.yaml"),
		"dir: .", "dir: "+dir,
	).Replace(string(raw))
	path := filepath.Join(t.TempDir(), "target.yaml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// missing says what this machine lacks to run the gateway.
func (f foreign) missing() string {
	if f.name == "scribe" {
		if _, err := exec.LookPath("python3"); err != nil {
			return "there is no python3"
		}
	}
	if f.runtime == "docker" && runtimeUnderTest() == "process" {
		return "there are no containers"
	}
	return ""
}

// guided is the gateway that the vendors' guide certifies, and so TestDocumentedCommands.
const guided = "relay"

// Gateways that share nothing with the reference are certified as they are, for what they
// declare.
func TestForeignGateways(t *testing.T) {
	for _, f := range foreigners() {
		t.Run(f.name, func(t *testing.T) {
			if why := f.missing(); why != "" {
				t.Skip(why)
			}
			drainproof(t, "target", "check", f.file("target.yaml")).must(t, 0, "a valid target file")
			if f.name == guided {
				return
			}
			got := drainproof(t, "certify", "--target", f.file("target.yaml"), "--runtime", f.runtime, "--level", "gate",
				"--report", report(t), "--retry-incomplete", "2")
			if f.runtime == "docker" {
				got.must(t, 0, `"verdict":"conformant"`)
			} else {
				got.must(t, 0, `"verdict":"passed, not certifying"`, "does not isolate the gateway")
			}
		})
	}
}

// And what is wrong with them is found, and called by its name.
func TestForeignFaults(t *testing.T) {
	for _, f := range foreigners() {
		for fault, want := range f.faults {
			t.Run(f.name+"/"+fault, func(t *testing.T) {
				if why := f.missing(); why != "" {
					t.Skip(why)
				}
				dir := report(t)
				got := drainproof(t, "certify", "--target", f.wrong(t, fault), "--runtime", "process", "--level", "gate",
					"--observe", "1s", "--label-filter", want.label, "--report", dir, "--retry-incomplete", "2")
				got.must(t, 1, want.requirement)
				r, err := reports.Read(dir)
				if err != nil {
					t.Fatal(err)
				}
				var failed []string
				for _, q := range r.Requirements {
					if q.Verdict == reports.Fail {
						failed = append(failed, q.ID)
					}
				}
				if !slices.Contains(failed, want.requirement) {
					t.Errorf("charged with %v, want %s", failed, want.requirement)
				}
			})
		}
	}
}

// The example of a driver that the documentation shows does what the other does.
func TestDriverInPython(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("there is no python3")
	}
	hatch := foreigners()[2]
	raw, err := os.ReadFile(hatch.file("target.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer(
		`process: ["{{bin}}/hatch", driver]`, "process: [python3, "+hatch.file("driver.py")+"]",
		"image:\n  recipe: image.yaml\n", "",
	).Replace(string(raw))
	path := filepath.Join(t.TempDir(), "target.yaml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	drainproof(t, "gate", "--target", path, "--runtime", "process", "--report", report(t), "--retry-incomplete", "2").
		must(t, 0, `"verdict":"passed, not certifying"`)
}

// A driver that is of no use ends the run at once, with one line that says what it did;
// the gateway is not accused of anything.
func TestBadDrivers(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		t.Skip("there is no python3")
	}
	hatch := foreigners()[2]
	raw, err := os.ReadFile(hatch.file("target.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	const connect = "import os, socket, time\nhost, port = os.environ['DRIVER_ADDRESS'].split(':')\ns = socket.create_connection((host, int(port)))\n"
	for name, c := range map[string]struct{ script, want string }{
		"dies":            {"raise SystemExit(1)\n", "it did not connect to"},
		"hangs":           {"import time\ntime.sleep(60)\n", "it did not connect to"},
		"leaves":          {connect, "it connected and said nothing"},
		"garbage":         {connect + "s.sendall(b'hello\\n')\ntime.sleep(60)\n", "its first line must be"},
		"another version": {connect + "s.sendall(b'{\"drainproof_driver\": 9}\\n')\ntime.sleep(60)\n", "it speaks version 9 of the protocol, this suite speaks 1"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			driver := filepath.Join(dir, "driver.py")
			text := strings.NewReplacer(
				`process: ["{{bin}}/hatch", driver]`, "process: [python3, "+driver+"]",
				"image:\n  recipe: image.yaml\n", "", "within: 15s", "within: 2s",
			).Replace(string(raw))
			path := filepath.Join(dir, "target.yaml")
			for file, text := range map[string]string{driver: c.script, path: text} {
				if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			drainproof(t, "gate", "--target", path, "--runtime", "process", "--report", report(t)).must(t, 2, "the gateway did not become ready", c.want)
		})
	}
}
