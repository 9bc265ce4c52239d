package target

import "testing"

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
}
