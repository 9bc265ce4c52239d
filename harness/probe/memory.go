package probe

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/drainproof/drainproof/harness/history"
)

// tellMemory tells how much memory the process that is watched has had at the most. It
// tells nothing where there is none, or where the kernel keeps no account of it.
func (ps *processes) tellMemory() {
	dir, pid, ok := ps.latest()
	if !ok {
		return
	}
	call := now()
	peak, err := peakOf(dir)
	if err != nil {
		return
	}
	ps.rec.record(history.Event{
		Kind: history.KindMemory, Call: call, Return: now(),
		Memory: &history.Memory{PID: pid, Peak: peak},
	})
}

// peakOf is the most memory that a process had resident since it began, in bytes; dir is
// where it is told of.
func peakOf(dir string) (int64, error) {
	status, err := os.ReadFile(filepath.Join(dir, "status"))
	if err != nil {
		return 0, err
	}
	return parsePeak(status)
}

// parsePeak reads it in the text of /proc/PID/status.
func parsePeak(status []byte) (int64, error) {
	for line := range bytes.Lines(status) {
		rest, ok := bytes.CutPrefix(line, []byte("VmHWM:"))
		if !ok {
			continue
		}
		fields := bytes.Fields(rest)
		if len(fields) != 2 || string(fields[1]) != "kB" {
			return 0, fmt.Errorf("the peak of the memory is %q, and not a number of kB", bytes.TrimSpace(rest))
		}
		n, err := strconv.ParseInt(string(fields[0]), 10, 64)
		if err != nil || n <= 0 {
			return 0, fmt.Errorf("the peak of the memory is %q, and not a number above 0", fields[0])
		}
		return n * 1024, nil
	}
	return 0, errors.New("nothing is said of memory: the process has ended, or the kernel keeps no account")
}
