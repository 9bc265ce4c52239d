package process

import (
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/drainproof/drainproof/harness/runtime/lease"
)

// spawner starts processes that die when this process does, however it ends.
// The kernel ties that to the thread that made them, and Go's threads come and
// go; so one thread is kept for it, until close.
type spawner struct {
	work chan func()
	done chan struct{}
}

func newSpawner() *spawner {
	s := &spawner{work: make(chan func()), done: make(chan struct{})}
	go func() {
		defer close(s.done)
		runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
		for f := range s.work {
			f()
		}
	}()
	return s
}

// close ends the thread; children that still live are killed by that.
func (s *spawner) close() {
	close(s.work)
	<-s.done
}

func (s *spawner) start(cmd *exec.Cmd) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	err := make(chan error, 1)
	s.work <- func() { err <- cmd.Start() }
	return <-err
}

// life is one run of a program, with all its descendants that stay in its
// process group.
type life struct {
	pid   int
	start uint64        // see lease.StartTime
	ended chan struct{} // closed when it is over and its output was read
	code  int           // valid then

	reaping sync.Mutex
	reaped  bool // from here on its number may be another's
}

// launch starts cmd and follows it to its end; outputs are closed then.
func (s *spawner) launch(cmd *exec.Cmd, outputs ...io.Closer) (*life, error) {
	// A descendant that keeps the output open must not keep us waiting.
	cmd.WaitDelay = time.Second
	if err := s.start(cmd); err != nil {
		return nil, fmt.Errorf("cannot start %s: %w", cmd.Path, err)
	}
	l := &life{pid: cmd.Process.Pid, ended: make(chan struct{})}
	l.start, _ = lease.StartTime(l.pid) // unknown when it has ended already
	go func() {
		defer close(l.ended)
		// What is left of its group goes with it, as in a container. That is done
		// before it is reaped, while the number of the group is surely its own.
		awaitState(l.pid, unix.WEXITED)
		_ = l.send(-l.pid, unix.SIGKILL)
		l.reaping.Lock()
		l.reaped = true
		l.reaping.Unlock()
		_ = cmd.Wait()
		for _, o := range outputs {
			_ = o.Close()
		}
		status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
		if l.code = cmd.ProcessState.ExitCode(); status.Signaled() {
			l.code = 128 + int(status.Signal())
		}
	}()
	return l, nil
}

// awaitState blocks until a child is in one of the states, and leaves it there.
func awaitState(pid, states int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, states|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

func (l *life) over() bool {
	select {
	case <-l.ended:
		return true
	default:
		return false
	}
}
