package artifact

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/sys/unix"
)

// Module is the path of the module this project is.
const Module = "github.com/drainproof/drainproof"

// RootEnv names the environment variable that overrides where FindRoot looks.
const RootEnv = "DRAINPROOF_ROOT"

// FindRoot returns the absolute path of the folder that holds this project:
// what $DRAINPROOF_ROOT names, else the nearest folder from the working
// directory upward, else from the running executable upward, whose go.mod is
// this module's. An unpacked release has no go.mod; there the folder counts
// whose bin/ holds the probe. In a module that requires this one it is where the Go
// toolchain keeps it.
func FindRoot() (string, error) {
	if dir := os.Getenv(RootEnv); dir != "" {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return "", fmt.Errorf("%s=%s: %w", RootEnv, dir, err)
		}
		if isRoot(abs) {
			return abs, nil
		}
		return "", fmt.Errorf("%s=%s is not a checkout of %s (no such go.mod, no bin/probe in it); point it at one or unset it", RootEnv, dir, Module)
	}
	var tried []string
	if dir, err := os.Getwd(); err == nil {
		if root, ok := upward(dir); ok {
			return root, nil
		}
		tried = append(tried, dir)
	}
	if exe, err := os.Executable(); err == nil {
		if real, err := filepath.EvalSymlinks(exe); err == nil {
			exe = real
		}
		if root, ok := upward(filepath.Dir(exe)); ok {
			return root, nil
		}
		tried = append(tried, filepath.Dir(exe))
	}
	if dir, ok := asDependency(); ok {
		return dir, nil
	}
	return "", fmt.Errorf("found no checkout of %s from %q upward; run inside one or set %s", Module, tried, RootEnv)
}

// binDir is where the programs of the tree at root lie: root/bin, or a folder of the
// user's cache where nobody can write there, as in the toolchain's own store of modules.
func binDir(root string) string {
	bin := filepath.Join(root, "bin")
	if !hasSource(root) || os.MkdirAll(bin, 0o755) == nil && unix.Access(bin, unix.W_OK) == nil {
		return bin
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return bin
	}
	sum := sha256.Sum256([]byte(root))
	dir := filepath.Join(cache, "drainproof", hex.EncodeToString(sum[:8]))
	if os.MkdirAll(dir, 0o755) != nil {
		return bin
	}
	return dir
}

// asDependency is where this module lies when the working directory is in a module that
// requires it: somebody runs the suite from a test of their own.
func asDependency() (string, bool) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", Module).Output()
	dir := strings.TrimSpace(string(out))
	return dir, err == nil && dir != "" && isRoot(dir)
}

func upward(dir string) (string, bool) {
	for {
		if isRoot(dir) {
			return dir, true
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", false
		}
		dir = parent
	}
}

// isRoot tells a checkout (by go.mod) or an unpacked release (by bin/probe and
// the image recipes) from any other folder.
func isRoot(dir string) bool {
	if hasSource(dir) {
		return true
	}
	_, probe := os.Stat(filepath.Join(dir, "bin", "probe"))
	_, images := os.Stat(filepath.Join(dir, "fixtures", "images"))
	return probe == nil && images == nil
}

func hasSource(dir string) bool {
	data, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	return err == nil && modfile.ModulePath(data) == Module
}

// exists reports whether path is there; any doubt but absence is an error.
func exists(path string) (bool, error) {
	_, err := os.Stat(path)
	if err == nil {
		return true, nil
	}
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	return false, err
}
