package probe

import (
	"context"
	"time"

	"golang.org/x/sys/unix"

	"github.com/drainproof/drainproof/harness/history"
)

// now reads CLOCK_BOOTTIME. It can't fail on a kernel that runs this program; a
// zero stamp would show at once.
func now() history.Stamp {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return 0
	}
	return history.Stamp(ts.Nano())
}

// pause waits for d or the end of ctx, and says whether d is over.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
