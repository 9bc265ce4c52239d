package probe

import (
	"os"
	"testing"
	"time"
)

func TestStarvedSince(t *testing.T) {
	const ms = time.Millisecond
	before := share{ran: 100 * ms, wait: map[int]time.Duration{1: 10 * ms, 2: 0}}
	cases := map[string]struct {
		after         share
		starved, long time.Duration
	}{
		"idle":                    {before, 0, 0},
		"runs as it likes":        {share{ran: 200 * ms, wait: map[int]time.Duration{1: 10 * ms, 2: 0}}, 0, 0},
		"one waits, nobody runs":  {share{ran: 100 * ms, wait: map[int]time.Duration{1: 50 * ms, 2: 0}}, 40 * ms, 40 * ms},
		"one waits, another runs": {share{ran: 140 * ms, wait: map[int]time.Duration{1: 50 * ms, 2: 0}}, 20 * ms, 40 * ms},
		"a new thread waits":      {share{ran: 100 * ms, wait: map[int]time.Duration{1: 10 * ms, 3: 30 * ms}}, 30 * ms, 30 * ms},
		"a thread is gone":        {share{ran: 90 * ms, wait: map[int]time.Duration{2: 0}}, 0, 0},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if starved, long := c.after.starvedSince(before); starved != c.starved || long != c.long {
				t.Errorf("starved %s, longest %s; want %s, %s", starved, long, c.starved, c.long)
			}
		})
	}
}

func TestStuckSince(t *testing.T) {
	of := func(threads int, stuck ...int) share {
		s := share{wait: map[int]time.Duration{}, stuck: map[int]bool{}}
		for id := range threads {
			s.wait[id] = 0
		}
		for _, id := range stuck {
			s.stuck[id] = true
		}
		return s
	}
	for name, c := range map[string]struct {
		before, after share
		want          bool
	}{
		"none":                  {of(3), of(3), false},
		"one, all the time":     {of(3, 1), of(3, 1, 2), true},
		"one, only just now":    {of(3), of(3, 1), false},
		"one after another":     {of(3, 1), of(3, 2), false},
		"all: it is frozen":     {of(3, 0, 1, 2), of(3, 0, 1, 2), false},
		"all until just before": {of(3, 0, 1, 2), of(3, 1), false},
	} {
		if got := c.after.stuckSince(c.before); got != c.want {
			t.Errorf("%s: %t, want %t", name, got, c.want)
		}
	}
}

func TestShareOf(t *testing.T) {
	s, err := shareOf(os.Getpid())
	if err != nil {
		t.Skip("this kernel keeps no account: ", err)
	}
	if s.ran <= 0 || len(s.wait) == 0 {
		t.Errorf("%+v", s)
	}
	if _, err := shareOf(1 << 30); err == nil {
		t.Error("a process that does not exist has a share")
	}
}
