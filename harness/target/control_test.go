package target_test

import (
	"reflect"
	"testing"

	"github.com/drainproof/drainproof/harness/target"
)

func TestAnotherEnvironment(t *testing.T) {
	tg := &target.Target{
		Env: map[string]string{"TOKEN": "strong", "OTHER": "x"},
		Sidecars: []target.Sidecar{
			{Name: "own", Env: map[string]string{"TOKEN": "own", "MORE": "y"}}, {Name: "none"},
		},
	}
	got := tg.WithEnv(map[string]string{"TOKEN": "weak"})
	want := &target.Target{
		Overrides: []string{"TOKEN"},
		Env:       map[string]string{"TOKEN": "weak", "OTHER": "x"},
		Sidecars: []target.Sidecar{
			{Name: "own", Env: map[string]string{"TOKEN": "weak", "MORE": "y"}}, {Name: "none"},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
	if tg.Env["TOKEN"] != "strong" || tg.Sidecars[0].Env["TOKEN"] != "own" {
		t.Errorf("the target itself changed: %+v", tg)
	}
}
