package probe

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// procStat is what is needed of /proc/PID/stat.
type procStat struct {
	pid       int
	state     byte
	parent    int
	startTime uint64 // field 22, clock ticks since boot
	ran       uint64 // fields 14 and 15, clock ticks of a processor
}

func (p procStat) dead() bool { return p.state == 'Z' || p.state == 'X' }

func readStat(pid int) (procStat, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return procStat{}, err
	}
	return parseStat(data)
}

// parseStat reads a stat line. The command's name stands in parentheses and may
// hold anything, more parentheses included; the fields begin after the last.
func parseStat(data []byte) (procStat, error) {
	var p procStat
	open, shut := bytes.IndexByte(data, '('), bytes.LastIndexByte(data, ')')
	if open < 0 || shut < open {
		return p, errors.New("a stat line without a command")
	}
	fields := bytes.Fields(data[shut+1:]) // from field 3 on
	if len(fields) < 20 || len(fields[0]) != 1 {
		return p, fmt.Errorf("a stat line with %d fields after the command", len(fields))
	}
	var errs [5]error
	p.pid, errs[0] = strconv.Atoi(string(bytes.TrimSpace(data[:open])))
	p.state = fields[0][0]
	p.parent, errs[1] = strconv.Atoi(string(fields[1]))
	p.startTime, errs[2] = strconv.ParseUint(string(fields[19]), 10, 64)
	var user, system uint64
	user, errs[3] = strconv.ParseUint(string(fields[11]), 10, 64)
	system, errs[4] = strconv.ParseUint(string(fields[12]), 10, 64)
	p.ran = user + system
	return p, errors.Join(errs[:]...)
}

// orphan finds the gateway: the youngest living process that has no parent in
// this PID namespace, is not its first one, not a probe, none of the others the
// target runs, and not known already.
func orphan(others [][]string, known func(procStat) bool) (procStat, bool) {
	var best procStat
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return best, false
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == 1 || pid == os.Getpid() {
			continue
		}
		p, err := readStat(pid)
		if err != nil || p.parent != 0 || p.dead() || known(p) || notGateway(pid, others) {
			continue
		}
		if best.pid == 0 || p.startTime > best.startTime || p.startTime == best.startTime && p.pid > best.pid {
			best = p
		}
	}
	return best, best.pid != 0
}

// notGateway tells probes and sidecars, and what is no gateway yet: without arguments
// (gone, or a kernel thread), or still a container runtime's init, which keeps its
// PID and start time when it becomes what it is to run.
func notGateway(pid int, others [][]string) bool {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return true // gone
	}
	args := strings.Split(strings.TrimSuffix(string(data), "\x00"), "\x00")
	if slices.ContainsFunc(others, func(other []string) bool { return slices.Equal(args, other) }) {
		return true
	}
	switch filepath.Base(args[0]) {
	case "probe", ".":
		return true
	case "runc", "crun", "exe":
		return len(args) > 1 && args[1] == "init"
	}
	return false
}

// tcpListen is TCP_LISTEN as /proc/net/tcp writes it.
const tcpListen = "0A"

// listening adds the inodes of sockets that listen on ports, port by port, from
// the content of /proc/net/tcp or tcp6.
func listening(table []byte, ports map[int]map[uint64]bool) {
	lines := bytes.Split(table, []byte("\n"))
	for _, line := range lines[min(1, len(lines)):] { // after the heading
		f := bytes.Fields(line)
		if len(f) < 10 || string(f[3]) != tcpListen {
			continue
		}
		_, portHex, ok := strings.Cut(string(f[1]), ":")
		port, err := strconv.ParseUint(portHex, 16, 16)
		if !ok || err != nil || ports[int(port)] == nil {
			continue
		}
		if inode, err := strconv.ParseUint(string(f[9]), 10, 64); err == nil && inode != 0 {
			ports[int(port)][inode] = true
		}
	}
}
