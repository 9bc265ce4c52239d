package home

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// Self describes the running process as a Holder.
func Self() (Holder, error) {
	stat, err := os.ReadFile("/proc/self/stat")
	if err != nil {
		return Holder{}, fmt.Errorf("cannot read the process's start time: %w", err)
	}
	ticks, err := StartTime(stat)
	if err != nil {
		return Holder{}, err
	}
	return Holder{PID: os.Getpid(), StartTime: ticks, StartedAt: time.Now().UTC()}, nil
}

// Here says whether the holder is a process of this PID namespace. A gateway that
// shares the home but not the namespace is alive all the same, and is not here.
func (h Holder) Here() bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", h.PID))
	if err != nil {
		return false
	}
	ticks, err := StartTime(stat)
	return err == nil && ticks == h.StartTime
}

// StartTime takes field 22 out of /proc/PID/stat: clock ticks since boot. The
// command name in field 2 may hold blanks and brackets, so the fields are counted
// from its closing bracket.
func StartTime(stat []byte) (uint64, error) {
	const afterName = 22 - 2 // fields between the name and the start time, inclusive
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < afterName {
		return 0, fmt.Errorf("the process's stat has only %d fields after the name", len(fields))
	}
	ticks, err := strconv.ParseUint(string(fields[afterName-1]), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("the start time in the process's stat: %w", err)
	}
	return ticks, nil
}
