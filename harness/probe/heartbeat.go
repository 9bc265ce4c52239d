package probe

import (
	"context"
	"errors"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/drainproof/drainproof/harness/history"
)

const (
	beatEvery = 10 * time.Millisecond
	beatLate  = 20 * time.Millisecond // later than this is a stall
)

// heartbeat measures the machine's noise: it wakes every 10 ms by absolute time,
// on a thread of its own, and records a stall whenever it comes more than 20 ms
// late. It sleeps on the clock the history is stamped with.
func heartbeat(ctx context.Context, rec sink) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	due := now().Add(beatEvery)
	for ctx.Err() == nil {
		until := unix.NsecToTimespec(int64(due))
		err := unix.ClockNanosleep(unix.CLOCK_BOOTTIME, unix.TIMER_ABSTIME, &until, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil && !pause(ctx, beatEvery) { // a kernel without it: the ordinary timer will do
			return
		}
		actual := now()
		late := actual.Sub(due)
		if late > beatLate {
			rec.record(history.Event{
				Kind: history.KindStall, Call: due, Return: actual,
				Stall: &history.Stall{Late: late},
			})
			due = actual // the beats that were missed are one stall, not many
		}
		due = due.Add(beatEvery)
	}
}
