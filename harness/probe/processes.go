package probe

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/wire"
)

// processes finds and follows the gateway's processes.
type processes struct {
	rec   sink
	ports []int
	run   func(func(context.Context))

	starved time.Duration // the least of it that is told

	like   *regexp.Regexp // the gateway's command line, where an init of its own starts it
	abroad *abroad        // and where it is then listed

	mu     sync.Mutex
	known  map[procKey]bool // followed now or before
	last   *followed        // the one watched last, which signals go to
	hunger []*starvation    // one per process that was followed
}

// tellStarvation tells of what was measured until now and is not told yet.
func (ps *processes) tellStarvation() {
	ps.mu.Lock()
	all := slices.Clone(ps.hunger)
	ps.mu.Unlock()
	for _, s := range all {
		s.tell()
	}
}

// procKey names a process for ever: PIDs are used again.
type procKey struct {
	pid       int
	startTime uint64
}

type followed struct {
	procKey
	fs    procfs // where it is listed
	pidfd int    // -1 where the kernel gives none
}

func newProcesses(rec sink, ports []int, starved time.Duration, run func(func(context.Context))) *processes {
	return &processes{rec: rec, ports: ports, starved: starved, run: run, known: map[procKey]bool{}}
}

// watch finds the gateway's process, polling until it is there, and follows it.
func (ps *processes) watch(ctx context.Context, p wire.WatchParams) (wire.WatchResult, error) {
	deadline := time.Now().Add(p.Within)
	absent := now()
	fs := ownProc
	if ps.abroad != nil {
		var err error
		if fs, err = ps.abroad.await(ctx, p.Within); err != nil {
			return wire.WatchResult{}, err
		}
	}
	for {
		at := now()
		if stat, ok := ps.find(fs, p.PID, p.Others); ok {
			f, err := ps.follow(fs, stat, absent)
			if err == nil {
				return wire.WatchResult{PID: f.pid, StartTime: f.startTime}, nil
			}
			if !errors.Is(err, unix.ESRCH) {
				return wire.WatchResult{}, fmt.Errorf("watch process %d: %w", stat.pid, err)
			}
		}
		absent = at
		if time.Until(deadline) <= 0 {
			return wire.WatchResult{}, ps.notFound(p)
		}
		if !pause(ctx, time.Millisecond) {
			return wire.WatchResult{}, context.Cause(ctx)
		}
	}
}

func (ps *processes) notFound(p wire.WatchParams) error {
	if p.PID != 0 {
		return fmt.Errorf("no living process %d within %v; did the gateway end at once? its log says why", p.PID, p.Within)
	}
	if ps.like != nil {
		return fmt.Errorf("no process whose command line matches %q appeared within %v; did it end at once, or is init.gateway another's?", ps.like, p.Within)
	}
	return fmt.Errorf("no process of a gateway appeared within %v; did it end at once, or does its container not join the probe's PID namespace?", p.Within)
}

func (ps *processes) find(fs procfs, pid int, others [][]string) (procStat, bool) {
	if pid != 0 {
		stat, err := fs.stat(pid)
		return stat, err == nil && !stat.dead()
	}
	known := func(p procStat) bool {
		ps.mu.Lock()
		defer ps.mu.Unlock()
		return ps.known[procKey{p.pid, p.startTime}]
	}
	if ps.like != nil {
		return fs.supervised(ps.like, known)
	}
	return fs.orphan(others, known)
}

func (ps *processes) follow(fs procfs, stat procStat, absent history.Stamp) (*followed, error) {
	f := &followed{procKey: procKey{stat.pid, stat.startTime}, fs: fs, pidfd: -1}
	fd, err := -1, error(unix.ENOSYS) // its number means another process here, or none
	if fs == ownProc {
		fd, err = unix.PidfdOpen(stat.pid, 0)
	}
	switch {
	case err == nil:
		f.pidfd = fd
		unix.CloseOnExec(fd)
		// Between reading its stat and opening it, the PID may have changed hands.
		if again, err := fs.stat(stat.pid); err != nil || again.startTime != stat.startTime {
			_ = unix.Close(fd)
			return nil, unix.ESRCH
		}
	case errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EPERM):
	default:
		return nil, err
	}
	ps.mu.Lock()
	again := ps.known[f.procKey] && ps.last != nil && ps.last.procKey == f.procKey
	ps.known[f.procKey] = true
	if !again {
		ps.last = f
	}
	ps.mu.Unlock()
	if again { // asked about the one that is followed already
		if f.pidfd >= 0 {
			_ = unix.Close(f.pidfd)
		}
		return f, nil
	}
	ps.record(history.ProcessSeen, f, absent, now())
	gone := make(chan struct{})
	ps.run(func(ctx context.Context) {
		defer close(gone)
		ps.untilGone(ctx, f)
	})
	s := &starvation{rec: ps.rec, least: ps.starved}
	ps.mu.Lock()
	ps.hunger = append(ps.hunger, s)
	ps.mu.Unlock()
	ps.run(func(ctx context.Context) { s.watch(ctx, fs.of(f.pid), gone) })
	return f, nil
}

func (ps *processes) record(phase string, f *followed, call, ret history.Stamp) {
	ps.rec.record(history.Event{
		Kind: history.KindProcess, Call: call, Return: ret,
		Process: &history.Process{Phase: phase, PID: f.pid, StartTime: f.startTime},
	})
}

// untilGone follows a process to its end; a zombie has ended.
func (ps *processes) untilGone(ctx context.Context, f *followed) {
	alive := now()
	for ctx.Err() == nil {
		at := now()
		over := f.gone(ctx, 0)
		if !over {
			alive = at // so the interval of its end begins with this wait, not the one before
			over = f.gone(ctx, pollEvery)
		}
		if over {
			ps.record(history.ProcessGone, f, alive, now())
			break
		}
	}
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if f.pidfd >= 0 {
		_ = unix.Close(f.pidfd)
		f.pidfd = -1
	}
	if ps.last == f {
		ps.last = nil
	}
}

// gone waits so long at the most for the end of the process.
func (f *followed) gone(ctx context.Context, wait time.Duration) bool {
	if f.pidfd >= 0 {
		fds := []unix.PollFd{{Fd: int32(f.pidfd), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, int(wait.Milliseconds()))
		return err == nil && n > 0
	}
	stat, err := f.fs.stat(f.pid)
	if err != nil || stat.over() || stat.startTime != f.startTime {
		return true
	}
	pause(ctx, wait)
	return false
}

// current is where the process watched last is told of, while it lives.
func (ps *processes) current() (dir string, ok bool) {
	dir, _, ok = ps.latest()
	return dir, ok
}

// ended says whether processes were watched, and the last one has ended; one under a
// supervisor never has, for it may be started again.
func (ps *processes) ended() bool {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	return ps.last == nil && len(ps.known) > 0 && ps.like == nil
}

// latest is the same, with its PID.
func (ps *processes) latest() (dir string, pid int, ok bool) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if ps.last == nil {
		return "", 0, false
	}
	return ps.last.fs.of(ps.last.pid), ps.last.pid, true
}

// signal goes to the process watched last, and to no other that took its PID.
func (ps *processes) signal(number int) error {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	f := ps.last
	if f == nil {
		return errors.New("no process is watched, or the one that was is gone")
	}
	if f.fs != ownProc {
		return fmt.Errorf("process %d is in another PID namespace; a probe in that one must signal it", f.pid)
	}
	if number <= 0 || number > 64 {
		return fmt.Errorf("%d is no signal", number)
	}
	var err error
	if f.pidfd >= 0 {
		err = unix.PidfdSendSignal(f.pidfd, unix.Signal(number), nil, 0)
	} else {
		err = unix.Kill(f.pid, unix.Signal(number))
	}
	if err != nil {
		return fmt.Errorf("signal %d to process %d: %w", number, f.pid, err)
	}
	return nil
}
