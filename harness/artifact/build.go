package artifact

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Binaries maps the name of a built program to its absolute path.
type Binaries map[string]string

// Path returns the path of one binary, or an error that names what is missing.
func (b Binaries) Path(name string) (string, error) {
	if p := b[name]; p != "" {
		return p, nil
	}
	have := make([]string, 0, len(b))
	for n := range b {
		have = append(have, n)
	}
	slices.Sort(have)
	return "", fmt.Errorf("no binary %q was built (there are %s); its source is missing from this checkout", name, strings.Join(have, ", "))
}

// Dir returns the folder the binaries lie in, or "" when there are none.
func (b Binaries) Dir() string {
	for _, p := range b {
		return filepath.Dir(p)
	}
	return ""
}

// program is one binary and the package it is built from, relative to the root.
type program struct{ name, pkg string }

// programs are all binaries a pod can hold. Only the probe is needed by every
// run; the others are built where their source is there.
func programs() []program {
	return []program{
		{"probe", "./harness/cmd/probe"},
		{"gateway", "./reference/cmd/gateway"},
		{"wrong-gateway", "./fixtures/faults/cmd/wrong-gateway"},
		{"relay", "./fixtures/foreign/relay"},
		{"hatch", "./fixtures/foreign/hatch"},
		{"steward", "./fixtures/foreign/steward"},
	}
}

// Build makes the static binaries of the checkout at root in root/bin and
// returns them. It does nothing when no source file changed since the last
// build, waits while another process builds, and, where there is no Go
// toolchain, takes the binaries that lie in root/bin already. progress (may be
// nil) is told each step in one line, at most about once a second.
func Build(ctx context.Context, root string, progress func(string)) (Binaries, error) {
	if progress == nil {
		progress = func(string) {}
	}
	bin := binDir(root)
	if !hasSource(root) {
		return ready(bin, programs(), fmt.Errorf("%s holds no source to build from", root))
	}
	want, err := present(root)
	if err != nil {
		return nil, err
	}
	if len(want) == 0 {
		return nil, fmt.Errorf("%s holds none of the programs to build (%s); is the checkout complete?", root, names(programs()))
	}
	return once(ctx, root, "build", func(why error) (Binaries, error) { return ready(bin, want, why) }, func(tool string) error {
		return compile(ctx, tool, root, bin, want, progress)
	})
}

// once runs build unless the sources are those of the last time it ran and what
// it makes is there (have). It waits while another process builds. Where there is
// no Go toolchain, what is there must do; have is told why it was not built.
func once(ctx context.Context, root, name string, have func(why error) (Binaries, error), build func(tool string) error) (Binaries, error) {
	bin := binDir(root)
	release, err := lock(ctx, filepath.Join(bin, ".build.lock"))
	if err != nil {
		return nil, err
	}
	defer release()
	stamp, err := sourceStamp(root)
	if err != nil {
		return nil, fmt.Errorf("cannot read the source tree %s: %w", root, err)
	}
	stampFile := filepath.Join(bin, "."+name+".stamp")
	if old, err := os.ReadFile(stampFile); err == nil && string(old) == stamp {
		if bins, err := have(nil); err == nil {
			return bins, nil
		}
	}
	tool, err := exec.LookPath("go")
	if err != nil {
		return have(errors.New("there is no Go toolchain on PATH"))
	}
	if err := build(tool); err != nil {
		return nil, err
	}
	// The stamp was taken before the compiler ran: a file saved meanwhile makes
	// the next run build again.
	if err := os.WriteFile(stampFile, []byte(stamp), 0o644); err != nil {
		return nil, fmt.Errorf("cannot note what was built: %w", err)
	}
	return have(nil)
}

// present returns the programs whose source is there.
func present(root string) ([]program, error) {
	var out []program
	for _, p := range programs() {
		ok, err := exists(filepath.Join(root, filepath.FromSlash(p.pkg)))
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, p)
		}
	}
	return out, nil
}

// ready collects binaries that exist. why says what kept them from being built;
// it is part of the error when one is missing.
func ready(bin string, want []program, why error) (Binaries, error) {
	bins := Binaries{}
	var missing []string
	for _, p := range want {
		path := filepath.Join(bin, p.name)
		if ok, err := exists(path); err != nil {
			return nil, err
		} else if ok {
			bins[p.name] = path
		} else {
			missing = append(missing, p.name)
		}
	}
	if bins["probe"] != "" && (len(missing) == 0 || why != nil) {
		return bins, nil // a release may leave programs out; a build may not
	}
	if why == nil {
		why = errors.New("the build left them out")
	}
	return nil, fmt.Errorf("%s lacks %s and %w; install Go (see go.mod for the version) or unpack a release, which brings them", bin, strings.Join(missing, ", "), why)
}

// compile runs one go command for all programs. -v makes it name each package
// it compiles, which is the only sign of life of a cold build.
func compile(ctx context.Context, tool, root, bin string, want []program, progress func(string)) error {
	args := []string{"build", "-v", "-trimpath", "-ldflags=-s -w", "-buildvcs=false", "-o", bin + string(filepath.Separator)}
	for _, p := range want {
		args = append(args, p.pkg)
	}
	progress("building " + names(want))
	cmd := exec.CommandContext(ctx, tool, args...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	pipe, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("cannot run %s: %w", tool, err)
	}
	said := follow(pipe, progress)
	if err := cmd.Wait(); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("building %s was interrupted: %w", names(want), ctx.Err())
		}
		return fmt.Errorf("building %s failed (%w):\n%s\nrun `go build ./...` in %s to see more", names(want), err, strings.Join(said, "\n"), root)
	}
	return nil
}

// follow reads the compiler's words to their end: package paths become progress,
// everything else is kept to explain a failure (at most the first 40 lines).
func follow(r io.Reader, progress func(string)) []string {
	const every = time.Second
	var said []string
	compiled, last := 0, time.Now()
	scan := bufio.NewScanner(r)
	scan.Buffer(nil, 1<<20)
	for scan.Scan() {
		line := scan.Text()
		if line != "" && !strings.ContainsAny(line, " \t#:") {
			compiled++
			if time.Since(last) >= every {
				last = time.Now()
				progress(fmt.Sprintf("compiled %d packages, now %s", compiled, line))
			}
			continue
		}
		if len(said) < 40 {
			said = append(said, line)
		}
	}
	_, _ = io.Copy(io.Discard, r) // an overlong line must not block the compiler
	return said
}

func names(ps []program) string {
	out := make([]string, len(ps))
	for i, p := range ps {
		out[i] = p.name
	}
	return strings.Join(out, ", ")
}
