// Package lease says to whom things belong that outlive a crash: containers,
// volumes, temporary folders. Everything a run makes carries its lease; the next
// run removes what it can prove to be orphaned, and nothing else.
//
// The owner of a lease is the process that lives as long as the run (the suite's
// top process, also where it runs specs in several). A lease is over when
//   - that process is gone, or its PID has gone to another, on this machine; or
//   - the machine was started again since, and the engine says that the thing
//     does not run; or
//   - its deadline has passed, for owners this machine cannot look at (another
//     host of a shared engine, another PID namespace).
//
// It imports nothing of the project.
package lease

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// MaxRun is how long a run may last, at most: after that, those who cannot look
// at its owner may take it for dead.
const MaxRun = 24 * time.Hour

// Lease is the claim of one run on something.
type Lease struct {
	Run      string    `json:"run"`
	Owner    int       `json:"owner"`       // PID
	Start    uint64    `json:"owner_start"` // its start time, clock ticks since boot
	Boot     string    `json:"boot"`        // boot ID of the owner's machine
	Host     string    `json:"host"`        // the owner's machine and PID namespace
	Created  time.Time `json:"created"`
	Deadline time.Time `json:"deadline"`
}

// New returns a lease of run, owned by the process pid (0: this one).
func New(run string, pid int, now time.Time) (Lease, error) {
	if pid == 0 {
		pid = os.Getpid()
	}
	start, err := StartTime(pid)
	if err != nil {
		return Lease{}, fmt.Errorf("the owner of run %s cannot be found: %w", run, err)
	}
	here, err := Here()
	if err != nil {
		return Lease{}, err
	}
	return Lease{
		Run: run, Owner: pid, Start: start, Boot: here.Boot, Host: here.Host,
		Created: now.UTC().Truncate(time.Second), Deadline: now.Add(MaxRun).UTC().Truncate(time.Second),
	}, nil
}

// Place is the machine as seen by this process.
type Place struct {
	Host   string
	Boot   string
	Booted time.Time
}

// Here tells which machine this is. The PID namespace is part of the host's
// name: a PID means nothing to a process in another one.
func Here() (Place, error) {
	name, err := os.Hostname()
	if err != nil {
		return Place{}, fmt.Errorf("cannot tell this machine's name: %w", err)
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return Place{}, fmt.Errorf("cannot tell this boot from the last: %w", err)
	}
	space, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return Place{}, fmt.Errorf("cannot tell the PID namespace: %w", err)
	}
	booted, err := bootTime()
	if err != nil {
		return Place{}, err
	}
	return Place{Host: name + "/" + space, Boot: strings.TrimSpace(string(boot)), Booted: booted}, nil
}

func bootTime() (time.Time, error) {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return time.Time{}, err
	}
	for line := range strings.Lines(string(stat)) {
		if rest, ok := strings.CutPrefix(line, "btime "); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(rest), 10, 64)
			return time.Unix(n, 0), err
		}
	}
	return time.Time{}, errors.New("/proc/stat has no btime")
}

// Expired says whether what carries l may be removed, seen from here at now, and
// why. running says that the thing itself is alive (a container that runs).
// In doubt it may not.
func (l Lease) Expired(here Place, now time.Time, running bool) (bool, string) {
	switch {
	case l.Host == here.Host && l.Boot == here.Boot:
		start, err := StartTime(l.Owner)
		switch {
		case errors.Is(err, os.ErrNotExist):
			return true, fmt.Sprintf("its owner, process %d, is gone", l.Owner)
		case err == nil && start != l.Start:
			return true, fmt.Sprintf("its owner is gone, process %d is another one now", l.Owner)
		}
		return false, "" // alive, whatever the deadline
	case l.Host == here.Host && !running && l.Created.Before(here.Booted):
		return true, "this machine was started again since"
	case now.After(l.Deadline):
		return true, "its deadline passed " + now.Sub(l.Deadline).Round(time.Minute).String() + " ago"
	}
	return false, ""
}

// StartTime returns when a process started, in clock ticks since boot (field 22
// of /proc/PID/stat); with its PID it names a process for good. The error wraps
// os.ErrNotExist when there is none. A zombie counts as gone: it does nothing
// any more.
func StartTime(pid int) (uint64, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		if errors.Is(err, os.ErrNotExist) || strings.Contains(err.Error(), "no such process") {
			return 0, fmt.Errorf("process %d: %w", pid, os.ErrNotExist)
		}
		return 0, err
	}
	state, start, err := parseStat(data)
	if err != nil {
		return 0, fmt.Errorf("process %d: %w", pid, err)
	}
	if state == 'Z' || state == 'X' {
		return 0, fmt.Errorf("process %d is a zombie: %w", pid, os.ErrNotExist)
	}
	return start, nil
}

// parseStat reads state and start time of a /proc/PID/stat. The name in it may
// hold spaces and parentheses, so counting starts after the last ')'.
func parseStat(data []byte) (state byte, start uint64, err error) {
	i := bytes.LastIndexByte(data, ')')
	if i < 0 {
		return 0, 0, errors.New("stat without a name")
	}
	fields := strings.Fields(string(data[i+1:]))
	const startField = 22 - 3 // the fields after the name start with the third
	if len(fields) <= startField || len(fields[0]) != 1 {
		return 0, 0, fmt.Errorf("stat has %d fields after the name", len(fields))
	}
	start, err = strconv.ParseUint(fields[startField], 10, 64)
	return fields[0][0], start, err
}
