package probe

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/drainproof/drainproof/harness/history"
)

// starvedEvery is how often it is asked what the machine has given the gateway.
const starvedEvery = 50 * time.Millisecond

// share is what the machine has given a process so far: how long its threads ran, how
// long they stood in line, and which of them wait for a disk.
type share struct {
	ran   time.Duration
	wait  map[int]time.Duration // per thread
	stuck map[int]bool          // threads in an uninterruptible sleep
	ready map[int]time.Duration // threads that run or stand in line: how long they ran
	spent time.Duration         // how long all of them ran, by the clock's ticks
}

// clockTick is the unit in which a kernel tells the time that a thread ran (USER_HZ).
const clockTick = 10 * time.Millisecond

// shareOf reads it, of the process that a directory tells of. A kernel that keeps no
// account of it is an error.
func shareOf(dir string) (share, error) {
	s := share{wait: map[int]time.Duration{}, stuck: map[int]bool{}, ready: map[int]time.Duration{}}
	// By one walk from the root, which costs something in a container.
	tasks, err := os.OpenRoot(filepath.Join(dir, "task"))
	if err != nil {
		return s, err
	}
	defer tasks.Close()
	threads, err := fs.ReadDir(tasks.FS(), ".")
	if err != nil {
		return s, err
	}
	for _, thread := range threads {
		id, err := strconv.Atoi(thread.Name())
		if err != nil {
			continue
		}
		text, err := tasks.ReadFile(filepath.Join(thread.Name(), "schedstat"))
		if err != nil {
			continue // it ended just now
		}
		var ran, wait time.Duration
		if _, err := fmt.Sscan(string(text), &ran, &wait); err != nil {
			return s, fmt.Errorf("read %s: %w", tasks.Name(), err)
		}
		s.ran += ran
		s.wait[id] = wait
		line, err := tasks.ReadFile(filepath.Join(thread.Name(), "stat"))
		if err != nil {
			continue
		}
		stat, err := parseStat(line)
		if err != nil {
			continue
		}
		ran = time.Duration(stat.ran) * clockTick
		s.spent += ran
		switch stat.state {
		case 'D':
			s.stuck[id] = true
		case 'R':
			s.ready[id] = ran
		}
	}
	if len(s.wait) == 0 {
		return s, fmt.Errorf("%s says nothing of processors", tasks.Name())
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

// queuedSince is the same as far as two readings tell that are so much time apart, for
// kernels that keep no account: a thread that is ready to run at both and hardly ran in
// between stood in line.
func (s share) queuedSince(before share, apart time.Duration) time.Duration {
	for id, ran := range s.ready {
		if was, ready := before.ready[id]; ready && ran-was < apart/2 {
			spent := max(s.spent-before.spent, 0)
			return time.Duration(float64(apart) * float64(apart) / float64(apart+spent))
		}
	}
	return 0
}

// stuckSince is the part of the time between two readings for which some thread waited
// for a disk, as far as two readings tell: for a page of its own program, say, which
// comes from the image by way of the engine's storage, or for what it writes. A process
// all of whose threads do is a frozen one.
func (s share) stuckSince(before share) float64 {
	part := 0.0
	for _, at := range []share{before, s} {
		if len(at.stuck) > 0 && len(at.stuck) < len(at.wait) {
			part += 0.5
		}
	}
	return part
}

// stretch is a time for at least half of which the gateway was kept from running,
// however that was spread over it.
type stretch struct {
	from, to history.Stamp // to: the last time that most of a tick was lost
	starved  time.Duration // until then
	since    time.Duration // and since
	told     time.Duration // of it
}

// due says whether there is so much more of it than was told that it is told again: an
// end of the probe that nobody announces must not swallow much of a long one, and a check
// that waits gives the gateway no more time than it knows of.
func (s *stretch) due(least time.Duration) bool {
	return s.starved >= max(least, s.told+min(s.told/4, 4*least))
}

// goesOn takes another tick in, which ends at the instant, and says whether the stretch
// goes on through it. One that began with this tick did so at since.
func (s *stretch) goesOn(since, last, at history.Stamp, starved time.Duration) bool {
	heavy := starved >= at.Sub(last)/2
	if s.starved == 0 {
		if !heavy {
			return false
		}
		s.from = since
	}
	s.since += starved
	if s.starved+s.since < at.Sub(s.from)/2 {
		return false
	}
	if heavy {
		s.to, s.starved, s.since = at, s.starved+s.since, 0
	}
	return true
}

// starvation measures what the heartbeat cannot: a machine too busy to let the
// gateway run or read, while the probe, which hardly ever wants to, is served at once.
// What a gateway does late then is not its own doing. It is told as noise: a stretch
// when it is over, and while it lasts whenever it has become a quarter longer, or by four
// times the least that is told, or somebody is about to judge.
type starvation struct {
	rec   sink
	least time.Duration // of it that is told

	mu   sync.Mutex
	lost stretch
}

// tell tells of what there is of a stretch, unless that is known.
func (s *starvation) tell() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tellLocked()
}

func (s *starvation) tellLocked() {
	if s.lost.starved < s.least || s.lost.starved <= s.lost.told {
		return
	}
	s.rec.record(history.Event{
		Kind: history.KindStall, Call: s.lost.from, Return: s.lost.to,
		Stall: &history.Stall{Late: s.lost.starved, Of: history.StallGateway},
	})
	s.lost.told = s.lost.starved
}

// tick takes in that so much was lost since last.
func (s *starvation) tick(since, last, at history.Stamp, starved time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.lost.goesOn(since, last, at, starved) {
		s.tellLocked()
		s.lost = stretch{}
	} else if s.lost.due(s.least) {
		s.tellLocked()
	}
}

// watch measures until the process is gone.
func (s *starvation) watch(ctx context.Context, dir string, gone <-chan struct{}) {
	defer s.tell()
	before, err := shareOf(dir)
	if err != nil {
		return
	}
	var door doorway
	go door.stand(ctx, dir, gone)
	last := now()
	everyTick(ctx, gone, func() bool {
		got, err := shareOf(dir)
		if err != nil {
			return false
		}
		at := now()
		starved, longest := got.starvedSince(before)
		starved = max(starved, got.queuedSince(before, at.Sub(last)), time.Duration(got.stuckSince(before)*float64(at.Sub(last))), door.take(at))
		// A wait is accounted for when it is over; it began as long ago as it took.
		s.tick(min(last, at.Add(-longest)), last, at, starved)
		before, last = got, at
		return true
	})
}

// everyTick looks again and again, for as long as the look says so, the process is there,
// and the probe has not ended.
func everyTick(ctx context.Context, gone <-chan struct{}, look func() bool) {
	tick := time.NewTicker(starvedEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-gone:
			return
		case <-tick.C:
		}
		if !look() {
			return
		}
	}
}
