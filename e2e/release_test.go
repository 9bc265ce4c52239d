package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// released builds a release into a folder and returns its hashes.
func released(t *testing.T, out string) string {
	t.Helper()
	cmd := exec.Command("./scripts/release", "0.0.1", out)
	cmd.Dir = root
	finish(t, cmd).must(t, 0, ".tar.gz", ".image.tar")
	sums, err := filepath.Glob(filepath.Join(out, "*.sha256"))
	if err != nil || len(sums) != 1 {
		t.Fatalf("hashes in %v, %v", sums, err)
	}
	text, err := os.ReadFile(sums[0])
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A release is the same bytes whenever it is built, and runs where there is an engine and
// no Go toolchain: from the archive, and as a container.
func TestRelease(t *testing.T) {
	needTime(t, 75*time.Second)
	usage := exec.Command("./scripts/release", "latest")
	usage.Dir = root
	finish(t, usage).must(t, 2, "usage: ./scripts/release VERSION")
	out := t.TempDir()
	first := released(t, out)
	if again := released(t, t.TempDir()); again != first {
		t.Errorf("two builds differ:\n%s%s", first, again)
	}
	archives, err := filepath.Glob(filepath.Join(out, "*.tar.gz"))
	if err != nil || len(archives) != 1 {
		t.Fatalf("archives %v, %v", archives, err)
	}
	place := t.TempDir()
	if text, err := exec.Command("tar", "-C", place, "-xzf", archives[0]).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	home := filepath.Join(place, strings.TrimSuffix(filepath.Base(archives[0]), ".tar.gz"))
	run := func(args ...string) result {
		cmd := exec.Command(filepath.Join(home, "bin", "drainproof"), args...)
		cmd.Dir = home
		cmd.Env = []string{"PATH=/nowhere", "HOME=" + place, "TMPDIR=" + os.TempDir(), "DOCKER_HOST=" + os.Getenv("DOCKER_HOST")}
		return finish(t, cmd)
	}
	run("--version").must(t, 0, "0.0.1")
	if runtimeUnderTest() == "process" {
		run("gate", "--runtime", "process", "--retry-incomplete", "2").must(t, 0, `"verdict":"passed, not certifying"`)
		return
	}
	run("gate", "--retry-incomplete", "2").must(t, 0, `"verdict":"conformant"`, `"certifies":true`)
	run("verify", "reports/latest").must(t, 0, "same verdict")

	// And from its image, with nothing but the engine's socket.
	images, err := filepath.Glob(filepath.Join(out, "*.image.tar"))
	if err != nil || len(images) != 1 {
		t.Fatalf("images %v, %v", images, err)
	}
	text, err := exec.Command("docker", "load", "-i", images[0]).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	_, image, ok := strings.Cut(strings.TrimSpace(string(text)), "Loaded image: ")
	if !ok {
		t.Fatalf("docker load says %s", text)
	}
	t.Cleanup(func() { _ = exec.Command("docker", "rmi", image).Run() })
	socket := strings.TrimPrefix(os.Getenv("DOCKER_HOST"), "unix://")
	if socket == "" {
		socket = "/var/run/docker.sock"
	}
	finish(t, exec.Command("docker", "run", "--rm", "-v", socket+":/var/run/docker.sock", image, "gate", "--label-filter", "point:a", "--retry-incomplete", "2")).
		must(t, 0, `"verdict":"passed, not certifying"`)
}
