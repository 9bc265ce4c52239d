package factory

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/drainproof/drainproof/harness/artifact"
	"github.com/drainproof/drainproof/harness/runtime"
	"github.com/drainproof/drainproof/harness/target"
)

// BenchmarkPrepare is what a run with everything built pays before its first
// pod; a second is the most it may take.
func BenchmarkPrepare(b *testing.B) {
	each(b, func(b *testing.B, r runtime.Runtime, t *target.Target, _ runtime.Prepared) {
		if _, err := r.Prepare(b.Context(), t); err != nil {
			b.Fatal(err)
		}
	})
}

// BenchmarkPod is the making and removing of a pod without a gateway.
func BenchmarkPod(b *testing.B) {
	each(b, func(b *testing.B, r runtime.Runtime, t *target.Target, p runtime.Prepared) {
		pod, err := r.NewPod(b.Context(), t, p, runtime.PodOptions{Name: b.Name()})
		if err != nil {
			b.Fatal(err)
		}
		if err := pod.Close(b.Context()); err != nil {
			b.Fatal(err)
		}
	})
}

func each(b *testing.B, do func(*testing.B, runtime.Runtime, *target.Target, runtime.Prepared)) {
	root, err := artifact.FindRoot()
	if err != nil {
		b.Fatal(err)
	}
	t, err := target.Load(filepath.Join(root, "fixtures", "targets", "reference.yaml"))
	if err != nil {
		b.Fatal(err)
	}
	for _, name := range Names() {
		b.Run(name, func(b *testing.B) {
			r, err := New(b.Context(), name, Options{RunID: "bench-" + name, Root: root})
			if err != nil {
				b.Skip(err)
			}
			defer func() { _ = r.Close(context.Background()) }()
			p, err := r.Prepare(b.Context(), t)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				do(b, r, t, p)
			}
		})
	}
}
