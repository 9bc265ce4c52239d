package e2e_test

import "testing"

// One gate with everything built: what a merge waits for.
func BenchmarkGateDocker(b *testing.B)  { benchmarkGate(b, "docker") }
func BenchmarkGateProcess(b *testing.B) { benchmarkGate(b, "process") }

func benchmarkGate(b *testing.B, runtime string) {
	for b.Loop() {
		cmd := command(b, "gate", "--runtime", runtime, "--quiet", "--report", b.TempDir())
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
	}
}
