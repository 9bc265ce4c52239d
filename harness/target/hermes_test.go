package target

import (
	"regexp"
	"testing"
)

// The target file that nobody could try here is at least a valid one.
func TestHermes(t *testing.T) {
	t.Setenv("HERMES_IMAGE", "hermes:test")
	made, err := Load("../../fixtures/targets/hermes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if made.Image.Name != "hermes:test" || !made.WarmUp || len(made.Home.Files) != 1 || len(made.Home.Clear) != 1 {
		t.Errorf("read %+v", made.Home)
	}
	if made.Init == nil || made.Respawns() || !made.Sidecars[0].Inside || made.Epoch == nil || !made.Declares("recovery") {
		t.Errorf("read %+v", made)
	}
	line := regexp.MustCompile(made.Init.Gateway)
	for command, is := range map[string]bool{
		"hermes gateway run": true,
		"/opt/venv/bin/python3 /opt/venv/bin/hermes gateway run": true,
		"hermes gateway running":                                 false,
		"s6-supervise gateway":                                   false,
		"hermes dashboard --port 9119":                           false,
	} {
		if line.MatchString(command) != is {
			t.Errorf("%q is taken for the gateway: %t", command, !is)
		}
	}
}
