package probe

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

// BenchmarkRead is one read of a file publication that did not change: the
// shortest life a value may have to be seen for certain.
func BenchmarkRead(b *testing.B) {
	file := filepath.Join(b.TempDir(), "gateway_state.json")
	if err := os.WriteFile(file, document(history.Running, 3), 0o644); err != nil {
		b.Fatal(err)
	}
	p, err := newPublication(wire.Publication{Name: "file", File: file, State: "gateway_state", Count: "active_agents"}, nil, newRecorder(), &armory{}, scaleFor(0).record)
	if err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	for b.Loop() {
		p.read(ctx, false)
	}
}
