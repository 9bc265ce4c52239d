package report

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// ThisMachine is the machine that this program runs on.
func ThisMachine() *Environment {
	e := &Environment{OS: runtime.GOOS, Arch: runtime.GOARCH, CPUs: runtime.NumCPU()}
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		e.Kernel = unix.ByteSliceToString(name.Release[:])
	}
	return e
}
