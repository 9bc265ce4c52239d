package artifact

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// The programs that run the suite.
const (
	Ginkgo = "ginkgo"           // the Ginkgo CLI, at the version of go.mod
	Suite  = "conformance.test" // the compiled specs
)

// BuildSuite is Build, and then the suite and the runner that runs it in several
// processes, which the result holds too. It does nothing when nothing changed.
func BuildSuite(ctx context.Context, root string, progress func(string)) (Binaries, error) {
	bins, err := Build(ctx, root, progress)
	if err != nil {
		return nil, err
	}
	bin := binDir(root)
	want := []program{{name: Ginkgo}, {name: Suite}}
	if !hasSource(root) {
		return withSuite(bins, bin, fmt.Errorf("%s holds no source to build from", root))
	}
	return once(ctx, root, "suite", func(why error) (Binaries, error) { return withSuite(bins, bin, why) }, func(tool string) error {
		if progress != nil {
			progress("building " + names(want))
		}
		for _, args := range [][]string{
			{"build", "-trimpath", "-ldflags=-s -w", "-buildvcs=false", "-o", filepath.Join(bin, Ginkgo), "github.com/onsi/ginkgo/v2/ginkgo"},
			{"test", "-c", "-trimpath", "-buildvcs=false", "-o", filepath.Join(bin, Suite), "./conformance"},
		} {
			if err := goRun(ctx, tool, root, args); err != nil {
				return err
			}
		}
		return nil
	})
}

func goRun(ctx context.Context, tool, root string, args []string) error {
	cmd := exec.CommandContext(ctx, tool, args...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("`go %s` failed in %s (%w):\n%s", strings.Join(args, " "), root, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// withSuite adds the suite's programs to bins; why says what kept them from being
// built and is part of the error when one is missing.
func withSuite(bins Binaries, bin string, why error) (Binaries, error) {
	for _, name := range []string{Ginkgo, Suite} {
		path := filepath.Join(bin, name)
		ok, err := exists(path)
		if err != nil {
			return nil, err
		}
		if !ok {
			if why == nil {
				why = errors.New("the build left it out")
			}
			return nil, fmt.Errorf("%s lacks %s and %w; install Go (see go.mod for the version) or unpack a release, which brings it", bin, name, why)
		}
		bins[name] = path
	}
	return bins, nil
}
