package docker

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/artifact"
	"github.com/drainproof/drainproof/harness/runtime"
)

// orphanEnv makes this test binary a run that is going to be killed; its value
// is the root folder.
const orphanEnv = "DRAINPROOF_TEST_ORPHAN"

// leaveOrphans makes a pod and waits for the end.
func leaveOrphans() {
	root := os.Getenv(orphanEnv)
	tiny := filepath.Join(root, "bin", "tiny")
	b := bench{root: root, bins: artifact.Binaries{"probe": tiny, "gateway": tiny}}
	run := os.Getenv("DRAINPROOF_TEST_RUN")
	ctx := context.Background()
	r, err := New(ctx, Options{RunID: run, Root: root, Probe: filepath.Join(root, "probe.yaml"), Binaries: b.bins})
	if err != nil {
		fmt.Println("error", err)
		return
	}
	tg := tinyTarget(root)
	prepared, err := r.Prepare(ctx, tg)
	if err != nil {
		fmt.Println("error", err)
		return
	}
	pod, err := r.NewPod(ctx, tg, prepared, runtime.PodOptions{Name: "orphan"})
	if err == nil {
		err = pod.StartGateway(ctx)
	}
	if err == nil && os.Getenv("DRAINPROOF_TEST_FREEZE") != "" {
		err = pod.Freeze(ctx)
	}
	fmt.Println("ready", err)
	time.Sleep(time.Hour)
}

// TestSweep: what a killed run leaves behind, the next one removes; what a
// living one uses, it does not.
func TestSweep(t *testing.T) {
	r, b := newRuntime(t)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	run := func(freeze string) (string, *exec.Cmd) {
		id := "test-orphan-" + unique()
		cmd := exec.Command(exe)
		cmd.Env = append(os.Environ(), orphanEnv+"="+b.root, "DRAINPROOF_TEST_RUN="+id, "DRAINPROOF_TEST_FREEZE="+freeze)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
		line, err := bufio.NewReader(out).ReadString('\n')
		if err != nil || strings.TrimSpace(line) != "ready <nil>" {
			t.Fatalf("the other run says %q, %v", line, err)
		}
		return id, cmd
	}
	var living string
	// At the end the living one is killed too (cleanups run backwards), and swept.
	t.Cleanup(func() {
		if _, err := r.Sweep(context.Background()); err != nil {
			t.Error(err)
		}
		if left := ours(t, r, living); len(left) != 0 {
			t.Errorf("left behind: %q", left)
		}
	})
	dead, killed := run("yes")
	living, _ = run("")
	if made := ours(t, r, dead); len(made) != 3 {
		t.Fatalf("the run that is going to be killed made %q, want infra, gateway and home", made)
	}
	_ = killed.Process.Kill()
	_ = killed.Wait()
	// Another run on this engine may be quicker to sweep, so what is counted is
	// what remains.
	if _, err := r.Sweep(t.Context()); err != nil {
		t.Error(err)
	}
	if left := ours(t, r, dead); len(left) != 0 {
		t.Errorf("the sweep left %q", left)
	}
	if left := ours(t, r, living); len(left) != 3 {
		t.Errorf("of a living run there is only %q", left)
	}
}
