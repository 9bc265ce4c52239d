package probe

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// procStat is what is needed of /proc/PID/stat.
type procStat struct {
	pid       int
	state     byte
	parent    int
	threads   int    // field 20, those that live on; a zombie counts itself
	startTime uint64 // field 22, clock ticks since boot
	ran       uint64 // fields 14 and 15, clock ticks of a processor
}

func (p procStat) dead() bool { return p.state == 'Z' || p.state == 'X' }

// over says whether all of it is dead: while another thread of it is still ending, it
// holds its files and sockets.
func (p procStat) over() bool { return p.dead() && p.threads <= 1 }

// procfs is where the processes of a PID namespace are listed.
type procfs string

// ownProc lists those of the probe's own, which in an ordinary pod is the gateway's too.
const ownProc procfs = "/proc"

// of is where a process is told of.
func (fs procfs) of(pid int) string { return filepath.Join(string(fs), strconv.Itoa(pid)) }

func (fs procfs) stat(pid int) (procStat, error) {
	data, err := os.ReadFile(fs.of(pid) + "/stat")
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
	var errs [6]error
	p.pid, errs[0] = strconv.Atoi(string(bytes.TrimSpace(data[:open])))
	p.state = fields[0][0]
	p.parent, errs[1] = strconv.Atoi(string(fields[1]))
	p.startTime, errs[2] = strconv.ParseUint(string(fields[19]), 10, 64)
	var user, system uint64
	user, errs[3] = strconv.ParseUint(string(fields[11]), 10, 64)
	system, errs[4] = strconv.ParseUint(string(fields[12]), 10, 64)
	p.ran = user + system
	p.threads, errs[5] = strconv.Atoi(string(fields[17]))
	return p, errors.Join(errs[:]...)
}

// orphan finds the gateway: the youngest living process that has no parent in
// this PID namespace, is not its first one, not a probe, none of the others the
// target runs, and not known already.
func (fs procfs) orphan(others [][]string, known func(procStat) bool) (procStat, bool) {
	var best procStat
	for _, pid := range fs.pids() {
		if pid == os.Getpid() {
			continue
		}
		p, err := fs.stat(pid)
		if err != nil || p.parent != 0 || p.dead() || known(p) || fs.notGateway(pid, others) {
			continue
		}
		best = younger(best, p)
	}
	return best, best.pid != 0
}

// supervised finds a gateway that is started by an init of its own image: the youngest
// living process whose command line matches and that is not known already. What such a
// process forks may look the same, so one that stands below another that matches is
// none; nor is the init.
func (fs procfs) supervised(like *regexp.Regexp, known func(procStat) bool) (procStat, bool) {
	parent, matching := map[int]int{}, map[int]procStat{}
	for _, pid := range fs.pids() {
		p, err := fs.stat(pid)
		if err != nil {
			continue
		}
		parent[pid] = p.parent
		if !p.dead() && !fs.notGateway(pid, nil) && like.MatchString(strings.Join(fs.args(pid), " ")) {
			matching[pid] = p
		}
	}
	below := func(pid int) bool {
		for range parent { // no line of ancestors is longer, whatever came and went meanwhile
			pid = parent[pid]
			if _, is := matching[pid]; is {
				return true
			}
		}
		return false
	}
	var best procStat
	for pid, p := range matching {
		if !known(p) && !below(pid) {
			best = younger(best, p)
		}
	}
	return best, best.pid != 0
}

// younger is the one that was started later; with PID 0 it is none.
func younger(a, b procStat) procStat {
	if a.pid == 0 || b.startTime > a.startTime || b.startTime == a.startTime && b.pid > a.pid {
		return b
	}
	return a
}

// pids lists all processes but the namespace's first.
func (fs procfs) pids() []int {
	entries, err := os.ReadDir(string(fs))
	if err != nil {
		return nil
	}
	var out []int
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil && pid != 1 {
			out = append(out, pid)
		}
	}
	return out
}

// args is a command line; nil when the process is gone, or has none.
func (fs procfs) args(pid int) []string {
	data, err := os.ReadFile(fs.of(pid) + "/cmdline")
	if err != nil || len(data) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(data), "\x00"), "\x00")
}

// notGateway tells probes and sidecars, and what is no gateway yet: without arguments
// (gone, or a kernel thread), or still a container runtime's init, which keeps its
// PID and start time when it becomes what it is to run.
func (fs procfs) notGateway(pid int, others [][]string) bool {
	args := fs.args(pid)
	if args == nil {
		return true
	}
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
