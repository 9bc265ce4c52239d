package probe

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/drainproof/drainproof/harness/history"
)

const (
	starvedEvery = 50 * time.Millisecond
	// starvedFor is the least that is told: a gateway that had to wait for a processor
	// or a disk for less cannot miss a bound of seconds for it.
	starvedFor = 500 * time.Millisecond
)

// share is what the machine has given a process so far: how long its threads ran, how
// long they stood in line, and which of them wait for a disk.
type share struct {
	ran   time.Duration
	wait  map[int]time.Duration // per thread
	stuck map[int]bool          // threads in an uninterruptible sleep
}

// shareOf reads it. A kernel that keeps no account of it is an error.
func shareOf(pid int) (share, error) {
	s := share{wait: map[int]time.Duration{}, stuck: map[int]bool{}}
	dir := filepath.Join("/proc", strconv.Itoa(pid), "task")
	threads, err := os.ReadDir(dir)
	if err != nil {
		return s, err
	}
	for _, thread := range threads {
		id, err := strconv.Atoi(thread.Name())
		if err != nil {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, thread.Name(), "schedstat"))
		if err != nil {
			continue // it ended just now
		}
		var ran, wait time.Duration
		if _, err := fmt.Sscan(string(text), &ran, &wait); err != nil {
			return s, fmt.Errorf("read %s: %w", dir, err)
		}
		s.ran += ran
		s.wait[id] = wait
		if stat, err := readStatAt(filepath.Join(dir, thread.Name())); err == nil && stat.state == 'D' {
			s.stuck[id] = true
		}
	}
	if len(s.wait) == 0 {
		return s, fmt.Errorf("%s says nothing of processors", dir)
	}
	return s, nil
}

// starvedSince is for how long the process was kept from running between two
// readings: the longest that one of its threads waited, as far as the others did
// not run in its place.
func (s share) starvedSince(before share) (starved, longest time.Duration) {
	var waited time.Duration
	for id, wait := range s.wait {
		d := max(wait-before.wait[id], 0)
		waited += d
		longest = max(longest, d)
	}
	ran := max(s.ran-before.ran, 0)
	if waited == 0 {
		return 0, 0
	}
	return time.Duration(float64(longest) * float64(waited) / float64(waited+ran)), longest
}

// stuckSince says whether a thread waited for a disk at both readings: for a page of its
// own program, as a rule, which comes from the image by way of the engine's storage. A
// process all of whose threads do is a frozen one.
func (s share) stuckSince(before share) bool {
	if len(s.stuck) == len(s.wait) || len(before.stuck) == len(before.wait) {
		return false
	}
	for id := range s.stuck {
		if before.stuck[id] {
			return true
		}
	}
	return false
}

// starvation measures what the heartbeat cannot: a machine too busy to let the
// gateway run or read, while the probe, which hardly ever wants to, is served at once.
// What a gateway does late then is not its own doing. It is told as noise, a stretch at
// a time; where the kernel keeps no account there is nothing to tell.
func starvation(ctx context.Context, rec sink, pid int, gone <-chan struct{}) {
	var from, to history.Stamp
	var total time.Duration
	tell := func() {
		if total >= starvedFor {
			rec.record(history.Event{
				Kind: history.KindStall, Call: from, Return: to,
				Stall: &history.Stall{Late: total, Of: history.StallGateway},
			})
		}
		total = 0
	}
	defer tell()
	before, err := shareOf(pid)
	if err != nil {
		return
	}
	tick := time.NewTicker(starvedEvery)
	defer tick.Stop()
	last := now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-gone:
			return
		case <-tick.C:
		}
		s, err := shareOf(pid)
		if err != nil {
			return
		}
		at := now()
		starved, longest := s.starvedSince(before)
		if s.stuckSince(before) {
			starved = at.Sub(last)
		}
		if starved < at.Sub(last)/2 {
			tell()
		} else {
			if total == 0 {
				// A wait is accounted for when it is over; it began as long ago as it took.
				from = min(last, at.Add(-longest))
			}
			total, to = total+starved, at
		}
		before, last = s, at
	}
}
