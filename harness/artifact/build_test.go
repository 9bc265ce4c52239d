package artifact

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// checkout makes a tiny module of our name, with a probe that prints what.
func checkout(t *testing.T, what string) string {
	t.Helper()
	root := t.TempDir()
	write(t, root, "go.mod", "module "+Module+"\n\ngo 1.26\n")
	write(t, root, "harness/cmd/probe/main.go", "package main\n\nfunc main() { println(\""+what+"\") }\n")
	return root
}

func write(t *testing.T, root, file, text string) {
	t.Helper()
	path := filepath.Join(root, file)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

func output(t *testing.T, path string) string {
	t.Helper()
	out, err := exec.Command(path).CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// TestBuild: several at once build once; an unchanged tree is not built again; a
// changed one is; a broken one says what the compiler said.
func TestBuild(t *testing.T) {
	root := checkout(t, "one")
	var steps []string
	var mu sync.Mutex
	progress := func(s string) { mu.Lock(); defer mu.Unlock(); steps = append(steps, s) }
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			bins, err := Build(t.Context(), root, progress)
			if err != nil || len(bins) != 1 {
				t.Errorf("%v, %v", bins, err)
			}
		})
	}
	all.Wait()
	if len(steps) != 1 || steps[0] != "building probe" {
		t.Errorf("three builders said %q, want one build", steps)
	}
	probe := filepath.Join(root, "bin", "probe")
	if got := output(t, probe); got != "one" {
		t.Errorf("the probe says %q", got)
	}
	write(t, root, "harness/cmd/probe/main.go", "package main\n\nfunc main() { println(\"two\") }\n")
	if _, err := Build(t.Context(), root, nil); err != nil {
		t.Fatal(err)
	}
	if got := output(t, probe); got != "two" {
		t.Errorf("after a change the probe says %q", got)
	}
	write(t, root, "harness/cmd/probe/main.go", "package main\n\nfunc main() { nonsense() }\n")
	_, err := Build(t.Context(), root, nil)
	if err == nil || !strings.Contains(err.Error(), "building probe failed") || !strings.Contains(err.Error(), "undefined: nonsense") {
		t.Errorf("a broken source: %v", err)
	}
}

// TestBuildWithoutToolchain: binaries that are there serve; where there are none
// the error says where and what to do.
func TestBuildWithoutToolchain(t *testing.T) {
	root := checkout(t, "one")
	t.Setenv("PATH", t.TempDir())
	_, err := Build(t.Context(), root, nil)
	for _, want := range []string{filepath.Join(root, "bin"), "lacks probe", "no Go toolchain", "install Go"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	write(t, root, "bin/probe", "#!/bin/sh\n")
	bins, err := Build(t.Context(), root, nil)
	if err != nil || bins["probe"] != filepath.Join(root, "bin", "probe") {
		t.Errorf("with binaries in place: %v, %v", bins, err)
	}
	if _, err := bins.Path("gateway"); err == nil {
		t.Error("a binary that is not there has a path")
	}
}

func TestBuildIsInterrupted(t *testing.T) {
	root := checkout(t, "one")
	release, err := lock(t.Context(), filepath.Join(root, "bin", ".build.lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Build(ctx, root, nil); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "another process that builds") {
		t.Errorf("while another builds: %v", err)
	}
}

func TestFindRoot(t *testing.T) {
	root := checkout(t, "one")
	inner := filepath.Join(root, "a", "b")
	write(t, inner, "x", "")
	t.Chdir(inner)
	if got, err := FindRoot(); err != nil || !same(t, got, root) {
		t.Errorf("from inside: %s, %v; want %s", got, err, root)
	}
	t.Chdir(t.TempDir())
	t.Setenv(RootEnv, root)
	if got, err := FindRoot(); err != nil || !same(t, got, root) {
		t.Errorf("by environment: %s, %v", got, err)
	}
	t.Setenv(RootEnv, t.TempDir())
	if _, err := FindRoot(); err == nil || !strings.Contains(err.Error(), RootEnv) {
		t.Errorf("by a wrong environment: %v", err)
	}
	t.Setenv(RootEnv, "")
	if _, err := FindRoot(); err == nil || !strings.Contains(err.Error(), "run inside one or set") {
		t.Errorf("from nowhere: %v", err)
	}
	// Another module is not ours; an unpacked release is.
	other := t.TempDir()
	write(t, other, "go.mod", "module example.org/other\n")
	t.Chdir(other)
	if _, err := FindRoot(); err == nil {
		t.Error("another module was taken for ours")
	}
	write(t, other, "bin/probe", "")
	write(t, other, "fixtures/images/probe.yaml", "")
	if got, err := FindRoot(); err != nil || !same(t, got, other) {
		t.Errorf("a release: %s, %v", got, err)
	}
}

func same(t *testing.T, a, b string) bool {
	t.Helper()
	x, err1 := os.Stat(a)
	y, err2 := os.Stat(b)
	return err1 == nil && err2 == nil && os.SameFile(x, y)
}
