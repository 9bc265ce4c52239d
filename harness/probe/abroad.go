package probe

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"regexp"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Where an image brings an init of its own, its gateway lives in a PID namespace of its own,
// of which the probe sees nothing. So the probe's program is run in that one too, for a
// moment: it hands over the directory in which the processes there are listed ([Show]).
// Whatever is opened by way of it is theirs, and nothing of the harness stays with them.

// border is where a probe takes such a directory: an abstract socket, of which there is one
// in every network namespace, so that a pod has its own.
const border = "@drainproof-border"

// handOver is how long either side of it waits for the other.
const handOver = 5 * time.Second

// taken is what a probe answers that has what it was handed.
const taken = "taken"

// Show hands the processes of this PID namespace over to the probe of the pod.
func Show(ctx context.Context) error {
	fd, err := unix.Open(string(ownProc), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("probe: show: %w", err)
	}
	defer unix.Close(fd)
	ctx, cancel := context.WithTimeout(ctx, handOver)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", border)
	if err != nil {
		return fmt.Errorf("probe: show: no probe waits for it: %w", err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(handOver))
	if _, _, err := conn.(*net.UnixConn).WriteMsgUnix([]byte{0}, unix.UnixRights(fd), nil); err != nil {
		return fmt.Errorf("probe: show: %w", err)
	}
	answer := make([]byte, len(taken))
	if n, err := conn.Read(answer); err != nil || string(answer[:n]) != taken {
		return errors.Join(errors.New("probe: show: the probe did not take it"), err)
	}
	return nil
}

// Send sends a signal to the gateway of this PID namespace, which is told by its command
// line.
func Send(like string, signal int) error {
	line, err := regexp.Compile(like)
	if err != nil {
		return fmt.Errorf("probe: signal: %w", err)
	}
	p, there := ownProc.supervised(line, func(procStat) bool { return false })
	if !there {
		return fmt.Errorf("probe: signal: no living process has a command line that matches %q", like)
	}
	if err := unix.Kill(p.pid, unix.Signal(signal)); err != nil {
		return fmt.Errorf("probe: signal %d to process %d: %w", signal, p.pid, err)
	}
	return nil
}

// abroad takes what Show hands over.
type abroad struct {
	log      *slog.Logger
	listener *net.UnixListener
	arrived  chan struct{} // closed when dir is set

	mu  sync.Mutex
	dir *os.File // the first one that came
}

func newAbroad(log *slog.Logger) (*abroad, error) {
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: border, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("listen for the gateway's processes: %w", err)
	}
	return &abroad{log: log, listener: l, arrived: make(chan struct{})}, nil
}

// serve takes what is handed over, until its context ends.
func (a *abroad) serve(ctx context.Context) {
	defer context.AfterFunc(ctx, func() { _ = a.listener.Close() })()
	for ctx.Err() == nil {
		conn, err := a.listener.AcceptUnix()
		if err != nil {
			return
		}
		if err := a.take(conn); err != nil {
			a.log.Warn("what was handed over is of no use", "error", err)
		}
		_ = conn.Close()
	}
}

func (a *abroad) take(conn *net.UnixConn) error {
	_ = conn.SetDeadline(time.Now().Add(handOver))
	rights := make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := conn.ReadMsgUnix(make([]byte, 1), rights)
	if err != nil {
		return err
	}
	messages, err := unix.ParseSocketControlMessage(rights[:n])
	if err != nil || len(messages) != 1 {
		return errors.Join(errors.New("not one directory"), err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return errors.Join(errors.New("not one directory"), err)
	}
	dir := os.NewFile(uintptr(fds[0]), "the gateway's /proc")
	var kind unix.Statfs_t
	if err := unix.Fstatfs(fds[0], &kind); err != nil || kind.Type != unix.PROC_SUPER_MAGIC {
		return errors.Join(errors.New("it lists no processes"), err, dir.Close())
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.dir != nil {
		return errors.Join(errors.New("another was taken before"), dir.Close())
	}
	a.dir = dir
	close(a.arrived)
	_, err = conn.Write([]byte(taken))
	return err
}

// await waits for where the gateway's processes are listed.
func (a *abroad) await(ctx context.Context, within time.Duration) (procfs, error) {
	late := time.NewTimer(within)
	defer late.Stop()
	select {
	case <-a.arrived:
	default:
		select {
		case <-a.arrived:
		case <-late.C:
			return "", fmt.Errorf("nobody showed the processes of the gateway's PID namespace within %v; did its container end at once? its log says why", within)
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return procfs("/proc/self/fd/" + strconv.Itoa(int(a.dir.Fd()))), nil
}

// close lets go of it; nothing may be opened by way of it any more.
func (a *abroad) close() {
	_ = a.listener.Close()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.dir != nil {
		_ = a.dir.Close()
	}
}
