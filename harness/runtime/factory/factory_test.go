package factory

import (
	"errors"
	"strings"
	"testing"

	"github.com/drainproof/drainproof/harness/runtime/docker"
)

func TestNew(t *testing.T) {
	r, err := New(t.Context(), "process", Options{RunID: "r"})
	if err != nil || r.Name() != "process" {
		t.Fatalf("process: %v, %v", r, err)
	}
	if _, err := New(t.Context(), "podman", Options{RunID: "r"}); err == nil || !strings.Contains(err.Error(), "docker") {
		t.Errorf("an unknown runtime: %v, want an error that names those there are", err)
	}
}

// TestNoEngine: without an engine the error can be told from others, says what
// to do, and the runtime is nil.
func TestNoEngine(t *testing.T) {
	t.Setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
	r, err := New(t.Context(), "docker", Options{RunID: "r"})
	var engine *docker.EngineError
	if !errors.As(err, &engine) || r != nil {
		t.Fatalf("got %v, %v; want an *EngineError and no runtime", r, err)
	}
	if !strings.Contains(engine.What, "/nowhere/docker.sock does not exist") || !strings.Contains(engine.Next, "setup-docker") {
		t.Errorf("the error says %q; %q", engine.What, engine.Next)
	}
}
