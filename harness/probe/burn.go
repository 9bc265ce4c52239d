package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

// burning is what Burn says once all its threads are at it.
const burning = "burning\n"

// Burn computes on so many threads, at the lowest priority there is, until in is
// closed (whoever started it is gone), the time is over, or ctx ends. It tells out
// when it has begun.
func Burn(ctx context.Context, in io.Reader, out io.Writer, threads int, lasting time.Duration) error {
	if threads <= 0 || lasting <= 0 {
		return errors.New("probe: burn: threads and time must be above 0")
	}
	runtime.GOMAXPROCS(threads + 1) // the one more notices that it is time to stop
	ctx, cancel := context.WithTimeout(ctx, lasting)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, in) // its end is all it has to say
		cancel()
	}()
	var stop atomic.Bool
	var work sync.WaitGroup
	begun := make(chan error, threads)
	for range threads {
		work.Go(func() {
			runtime.LockOSThread() // for good: the thread ends with its priority
			err := lowestPriority()
			begun <- err
			for err == nil && !stop.Load() {
			}
		})
	}
	var failed error
	for range threads {
		failed = errors.Join(failed, <-begun)
	}
	if failed == nil {
		_, failed = io.WriteString(out, burning)
	}
	if failed == nil {
		<-ctx.Done()
	}
	stop.Store(true)
	work.Wait()
	return failed
}

// lowestPriority has the calling thread run only when no other wants the processor.
// Where the kernel refuses the idle policy, nice 19 comes close.
func lowestPriority() error {
	if err := unix.Setpriority(unix.PRIO_PROCESS, 0, 19); err != nil {
		return fmt.Errorf("probe: burn: lower the priority: %w", err)
	}
	_ = unix.SchedSetAttr(0, &unix.SchedAttr{Policy: unix.SCHED_IDLE, Nice: 19}, 0)
	return nil
}
