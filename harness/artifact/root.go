package artifact

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/mod/modfile"
)

// Module is the path of the module this project is.
const Module = "github.com/drainproof/drainproof"

// RootEnv names the environment variable that overrides where FindRoot looks.
const RootEnv = "DRAINPROOF_ROOT"

// FindRoot returns the absolute path of the folder that holds this project:
// what $DRAINPROOF_ROOT names, else the nearest folder from the working
// directory upward, else from the running executable upward, whose go.mod is
// this module's. An unpacked release has no go.mod; there the folder counts
// whose bin/ holds the probe.
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
	return "", fmt.Errorf("found no checkout of %s from %q upward; run inside one or set %s", Module, tried, RootEnv)
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
