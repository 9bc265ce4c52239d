package conformance

import (
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/report"
)

// suiteOf names the programs of this run: this one, and the probe.
func suiteOf(probe string) (*report.Suite, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("the suite does not find its own program: %w", err)
	}
	suite, err := history.SHA256(self)
	if err != nil {
		return nil, fmt.Errorf("the suite's own program: %w", err)
	}
	sum, err := history.SHA256(probe)
	if err != nil {
		return nil, fmt.Errorf("the probe's program: %w", err)
	}
	return report.SuiteOf(suite, sum), nil
}

// environment is the machine this runs on.
func environment() *report.Environment {
	e := &report.Environment{OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU()}
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		e.Kernel = unix.ByteSliceToString(name.Release[:])
	}
	return e
}
