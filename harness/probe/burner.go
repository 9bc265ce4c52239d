package probe

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"time"
)

// burnerStart is how long a burner may take to begin on a machine that is busy.
const burnerStart = 10 * time.Second

// burner is [Burn] in a process of its own: threads of the lowest priority within
// the probe would hold up the probe's own runtime, and with it its observers.
type burner struct {
	cmd  *exec.Cmd
	in   io.Closer     // the burner ends when this does, whatever becomes of the probe
	gone chan struct{} // closed when it has ended
}

// startBurner returns when the burner burns. It burns no longer than life.
func startBurner(ctx, life context.Context, threads int, lasting time.Duration) (*burner, error) {
	cmd := exec.CommandContext(life, "/proc/self/exe", "burn", "--threads", strconv.Itoa(threads), "--for", lasting.String())
	cmd.Args[0] = "probe" // by which it is told from a gateway
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("burner: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("burner: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("burner: %w", err)
	}
	b := &burner{cmd: cmd, in: in, gone: make(chan struct{})}
	ready := make(chan error, 1)
	go b.follow(out, ready)
	late := time.NewTimer(burnerStart)
	defer late.Stop()
	select {
	case err = <-ready:
	case <-late.C:
		err = fmt.Errorf("it did not begin within %s", burnerStart)
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if err != nil {
		b.stop()
		return nil, fmt.Errorf("burner: %w", err)
	}
	return b, nil
}

// follow reads what the burner says until it has ended. Its pipe tells the end: in
// PID 1 its exit is reaped by whoever comes first.
func (b *burner) follow(out io.Reader, ready chan<- error) {
	defer close(b.gone)
	lines := bufio.NewReader(out)
	if line, err := lines.ReadString('\n'); err != nil || line != burning {
		ready <- errors.New("it ended before it began")
	} else {
		ready <- nil
	}
	_, _ = io.Copy(io.Discard, lines)
	_ = b.cmd.Wait()
}

func (b *burner) stop() {
	b.in.Close()
	_ = b.cmd.Process.Kill() // it may have ended already
	<-b.gone
}
