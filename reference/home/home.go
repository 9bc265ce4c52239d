package home

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// EnvHome names the environment variable that says where the home is.
const EnvHome = "GATEWAY_HOME"

// Default returns GATEWAY_HOME, or ~/.drainproof-gateway when that is unset.
func Default() (string, error) {
	if dir := os.Getenv(EnvHome); dir != "" {
		return filepath.Abs(dir)
	}
	user, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("no home for the gateway: set %s (%w)", EnvHome, err)
	}
	return filepath.Join(user, ".drainproof-gateway"), nil
}

// Prepare makes the home when it is missing (mode 0700) and checks that it can be
// written, so that a start fails here and not at the first publication.
func Prepare(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("cannot make the home %s: %w; set %s to a directory this user can write", dir, cause(err), EnvHome)
	}
	probe, err := os.CreateTemp(dir, ".writable.*.tmp")
	if err != nil {
		return fmt.Errorf("cannot write into the home %s: %w; set %s to a directory this user can write", dir, cause(err), EnvHome)
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// cause strips the operation and the path that the message names already.
func cause(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
