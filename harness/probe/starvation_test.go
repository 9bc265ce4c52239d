package probe

import (
	"os"
	"slices"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/history"
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

// A stretch that goes on is told at the least that is told, whenever it is a quarter longer, and
// once it is long by four times the least.
func TestStretchDue(t *testing.T) {
	const least = 100
	for _, c := range []struct {
		starved, told time.Duration
		want          bool
	}{{0, 0, false}, {99, 0, false}, {100, 0, true}, {124, 100, false}, {125, 100, true}, {10_399, 10_000, false}, {10_400, 10_000, true}} {
		if s := (stretch{starved: c.starved, told: c.told}); s.due(least) != c.want {
			t.Errorf("%d of which %d are told: due %t", c.starved, c.told, !c.want)
		}
	}
}

func TestQueuedSince(t *testing.T) {
	const ms = time.Millisecond
	ready := func(spent time.Duration, ran ...time.Duration) share {
		s := share{spent: spent, ready: map[int]time.Duration{}}
		for id, r := range ran {
			s.ready[id] = r
		}
		return s
	}
	for name, c := range map[string]struct {
		before, after share
		want          time.Duration
	}{
		"nobody is ready":                      {ready(0), ready(0), 0},
		"one becomes ready":                    {ready(0), ready(0, 0), 0},
		"one was ready":                        {ready(0, 0), ready(0), 0},
		"one stands in line":                   {ready(0, 0), ready(0, 0), 50 * ms},
		"one runs":                             {ready(0, 0), ready(50*ms, 50*ms), 0},
		"one stands in line, another one runs": {ready(0, 0, 0), ready(50*ms, 50*ms, 0), 25 * ms},
	} {
		if got := c.after.queuedSince(c.before, 50*ms); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
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
		want          float64
	}{
		"none":                  {of(3), of(3), 0},
		"one, all the time":     {of(3, 1), of(3, 1, 2), 1},
		"one, only just now":    {of(3), of(3, 1), 0.5},
		"one after another":     {of(3, 1), of(3, 2), 1},
		"all: it is frozen":     {of(3, 0, 1, 2), of(3, 0, 1, 2), 0},
		"all until just before": {of(3, 0, 1, 2), of(3, 1), 0.5},
	} {
		if got := c.after.stuckSince(c.before); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// Ticks of 50 ms, and how much of each was lost, in ms: the stretches there are.
func TestStretch(t *testing.T) {
	type found struct{ from, to, starved int }
	for name, c := range map[string]struct {
		lost []int
		want []found
	}{
		"nothing":                    {[]int{0, 0, 0}, nil},
		"one tick":                   {[]int{0, 50, 0, 0}, []found{{50, 100, 50}}},
		"too little of each":         {[]int{20, 20, 20}, nil},
		"half of each":               {[]int{25, 25, 25, 0}, []found{{0, 150, 75}}},
		"with a breath in between":   {[]int{50, 50, 10, 50, 0, 0, 0, 0, 0}, []found{{0, 200, 160}}},
		"two, with much in between":  {[]int{50, 0, 0, 50, 0, 0}, []found{{0, 50, 50}, {150, 200, 50}}},
		"one that lasts to the end":  {[]int{0, 50, 50}, []found{{50, 150, 100}}},
		"alternately, all the time":  {[]int{50, 0, 50, 0, 50, 0}, []found{{0, 250, 150}}},
		"it begins as it is found":   {[]int{10, 30, 10}, []found{{50, 100, 30}}},
		"a long wait, just over":     {[]int{0, 0, 150}, []found{{0, 150, 150}}},
		"and what comes after it":    {[]int{0, 0, 150, 0, 0, 0}, []found{{0, 150, 150}}},
		"more light ticks than that": {[]int{30, 24, 24, 24}, []found{{0, 50, 30}}},
		"light ticks, then another":  {[]int{50, 20, 10, 40, 0, 0, 0}, []found{{0, 200, 120}}},
	} {
		t.Run(name, func(t *testing.T) {
			const ms = time.Millisecond
			var got []found
			var s stretch
			over := func() {
				if s.starved > 0 {
					got = append(got, found{int(s.from) / int(ms), int(s.to) / int(ms), int(s.starved / ms)})
				}
				s = stretch{}
			}
			for i, lost := range c.lost {
				last, at := history.Stamp(i*50)*history.Stamp(ms), history.Stamp((i+1)*50)*history.Stamp(ms)
				starved := time.Duration(lost) * ms
				if !s.goesOn(min(last, at.Add(-starved)), last, at, starved) {
					over()
				}
			}
			over()
			if !slices.Equal(got, c.want) {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

func TestShareOf(t *testing.T) {
	s, err := shareOf(ownProc.of(os.Getpid()))
	if err != nil {
		t.Skip("this kernel keeps no account: ", err)
	}
	if s.ran <= 0 || len(s.wait) == 0 {
		t.Errorf("%+v", s)
	}
	if _, err := shareOf(ownProc.of(1 << 30)); err == nil {
		t.Error("a process that does not exist has a share")
	}
}

// What is measured and not told yet is told when somebody is about to judge, once.
func TestStarvationIsToldBeforeTheEnd(t *testing.T) {
	var told events
	s := &starvation{rec: &told, least: 100}
	s.tick(0, 0, 100, 100)   // told: as much as is told at least
	s.tick(100, 100, 110, 9) // less than a quarter more: not yet
	s.tell()
	s.tell()
	var late []time.Duration
	for _, e := range told {
		late = append(late, e.Stall.Late)
	}
	if want := []time.Duration{100, 109}; !slices.Equal(late, want) {
		t.Errorf("told of %v, want %v", late, want)
	}
}

type events []history.Event

func (e *events) record(ev history.Event) { *e = append(*e, ev) }
