package monitor

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/history"
)

// returned is when the last event certainly had happened, calledAt when it had not yet.
func (s *story) returned() history.Stamp { return s.events[len(s.events)-1].Return }
func (s *story) calledAt() history.Stamp { return s.events[len(s.events)-1].Call }

// from has the last event begin exactly then, upTo has it end exactly then.
func (s *story) from(at history.Stamp) { s.move(at - s.calledAt()) }
func (s *story) upTo(at history.Stamp) { s.move(at - s.returned()) }

// lasts has the last event take exactly from one instant to another.
func (s *story) lasts(from, to history.Stamp) {
	e := &s.events[len(s.events)-1]
	e.Call, e.Return = from, to
}

func (s *story) move(by history.Stamp) {
	e := &s.events[len(s.events)-1]
	e.Call += by
	e.Return += by
}

// limit is a story of something that comes exactly as late as it may, and off later, or
// earlier. What is a breach in it is one a nanosecond too late, or too early, and not
// before.
type limit struct {
	name    string
	charged string
	story   func(s *story, off time.Duration)
	early   bool     // it is what comes too early that is charged
	anyway  []string // charged wherever the limit is
	instead string   // charged up to the limit; empty: nobody is
}

func runLimits(t *testing.T, limits []limit) {
	t.Helper()
	for _, l := range limits {
		t.Run(l.charged+" "+l.name, func(t *testing.T) {
			for _, off := range []time.Duration{-1, 0, 1} {
				s := tell(func(s *story) { l.story(s, off) })
				want := slices.Clone(l.anyway)
				if l.early && off < 0 || !l.early && off > 0 {
					want = append(want, l.charged)
				} else if l.instead != "" {
					want = append(want, l.instead)
				}
				slices.Sort(want)
				got := s.judge(t)
				if found := got.where(violated); !slices.Equal(found, want) {
					t.Errorf("%d ns past the limit: got %v, want %v", off, found, want)
					for _, e := range s.events {
						t.Log(history.Line(e, ms(0)))
					}
				}
			}
		})
	}
}

const grace = Grace * bound

// TestBounds are the rules that judge against B.
func TestBounds(t *testing.T) {
	runLimits(t, []limit{
		{name: "draining is published", charged: "WATCH-001", story: func(s *story, off time.Duration) {
			launched(s)
			s.begin(1000)
			due := s.returned().Add(bound)
			s.stale(3000, history.Running, 0)
			s.from(due.Add(off))
			s.read(3500, history.Draining, 0)
		}},
		{name: "running is published", charged: "WATCH-002", story: func(s *story, off time.Duration) {
			do(launched, drained(0))(s)
			s.cancel(2000)
			due := s.returned().Add(bound)
			s.stale(4000, history.Draining, 0)
			s.from(due.Add(off))
			s.read(4500, history.Running, 0)
		}},
		{name: "a hurry is over", charged: "WATCH-005", story: func(s *story, off time.Duration) {
			do(launched, burst)(s)
			due := s.returned().Add(bound)
			s.stale(3000, history.Running, 0)
			s.from(due.Add(off))
			s.read(3500, history.Draining, 0)
		}},
		{name: "draining is published under load", charged: "WATCH-006", story: func(s *story, off time.Duration) {
			busy(s)
			s.begin(1000)
			due := s.returned().Add(bound)
			s.stale(3000, history.Running, 2)
			s.from(due.Add(off))
			s.read(3500, history.Draining, 2)
		}},
		{name: "a turn gets in unread", charged: "GATE-005", story: func(s *story, off time.Duration) {
			launched(s)
			s.begin(1000)
			due := s.returned().Add(bound)
			s.turn(3000, "t", history.TurnSent)
			s.from(due.Add(off))
			s.model(3002, "t", history.ModelCalled)
		}},
		{name: "a turn is refused", charged: "GATE-011", story: func(s *story, off time.Duration) {
			do(launched, drained(0))(s)
			s.cancel(2000)
			due := s.returned().Add(bound)
			s.read(2010, history.Running, 0)
			s.turn(4000, "t", history.TurnSent)
			s.from(due.Add(off))
			s.end(4001, "t", history.Refused)
		}},
		{name: "a turn is refused under a stale marker", charged: "GATE-011", story: func(s *story, off time.Duration) {
			do(declaring, launched)(s)
			s.marks(1000, stale("EPOCH-001"))
			s.stale(1010, history.Running, 0)
			due := s.returned().Add(bound)
			s.turn(3010, "t", history.TurnSent)
			s.from(due.Add(off))
			s.end(3011.5, "t", history.Refused)
		}},
		{name: "running is seen to have come after a hurry", charged: "STATE-005", instead: "WATCH-005", story: func(s *story, off time.Duration) {
			launched(s)
			s.begin(1000)
			s.cancel(1001)
			due := s.returned().Add(bound)
			s.stale(3000, history.Running, 0)
			s.from(due.Add(off))
			s.read(3500, history.Draining, 0)
		}},
		{name: "the signal is heard", charged: "STATE-007", story: func(s *story, off time.Duration) {
			launched(s)
			s.action(1000, history.ActionSIGTERM)
			due := s.returned().Add(bound)
			s.read(3000, history.Running, 0)
			s.from(due.Add(off))
		}},
		{name: "it lives on", charged: "STATE-012", story: func(s *story, off time.Duration) {
			launched(s)
			s.read(1000, history.Stopped, 0)
			due := s.returned().Add(bound)
			s.stale(3000, history.Stopped, 0)
			s.upTo(due.Add(off))
		}},
		{name: "a turn breaks, and then the process", charged: "GATE-008", anyway: []string{"STATE-008"}, story: func(s *story, off time.Duration) {
			do(launched, drained(0))(s)
			s.turn(1100, "t", history.TurnSent)
			s.end(1101, "t", history.Failed)
			due := s.returned().Add(bound)
			s.process(3101, history.ProcessGone)
			s.from(due.Add(off))
		}},
		{name: "a run that is over is run once more", charged: "RESTART-004", story: func(s *story, off time.Duration) {
			cutInDrain(1)(s)
			s.call(1630, "t", 2, history.ModelCalled)
			s.reply(1700, "t", 2)
			due := s.returned().Add(bound)
			s.action(3701, history.ActionSIGKILL)
			s.from(due.Add(off))
			s.process(3702, history.ProcessGone)
			s.backDraining(3800, 1)
			s.call(3830, "t", 3, history.ModelCalled)
			s.reply(3900, "t", 3)
		}},
		{name: "a refusal is answered", charged: "GATE-008", story: func(s *story, off time.Duration) {
			do(launched, drained(0))(s)
			s.turn(1100, "t", history.TurnSent)
			due := s.returned().Add(Prompt)
			s.end(2100, "t", history.Refused)
			s.upTo(due.Add(off))
		}},
		{name: "a socket closes, and then the process ends", charged: "STATE-006", story: func(s *story, off time.Duration) {
			launched(s)
			s.process(1000, history.ProcessClosed, socket(7))
			due := s.returned().Add(linger - 1)
			s.action(1500, history.ActionSIGTERM)
			s.read(1502, history.Stopped, 0)
			s.process(2000, history.ProcessGone)
			s.from(due.Add(off))
		}},
	})
}

// TestWhoIsChargedAtTheBound has running flash as long after the marker's writing as
// that may explain it.
func TestWhoIsChargedAtTheBound(t *testing.T) {
	for off, want := range map[time.Duration]string{0: "STATE-003", 1: "MARKER-001"} {
		t.Run(fmt.Sprintf("%d ns past B", off), func(t *testing.T) {
			got := tell(launched, func(s *story) {
				s.begin(1000)
				due := s.returned().Add(bound)
				s.read(1003, history.Draining, 0)
				s.read(3000, history.Running, 0)
				s.from(due.Add(off))
			}).judge(t).where(violated)
			if !slices.Equal(got, []string{want}) {
				t.Errorf("got %v, want %s", got, want)
			}
		})
	}
}

// TestNoiseAtItsLimit misses B by 100 ms, while the machine stands still for a tenth of
// that, or for longer.
func TestNoiseAtItsLimit(t *testing.T) {
	for off, want := range map[time.Duration]bool{0: true, 1: false} {
		t.Run(fmt.Sprintf("%d ns above a tenth", off), func(t *testing.T) {
			got := tell(launched, func(s *story) {
				s.begin(1000)
				due := s.returned().Add(bound)
				s.stale(3100, history.Running, 0)
				s.from(due.Add(100 * time.Millisecond))
				s.span(2000, 2010, history.Event{Kind: history.KindStall, Stall: &history.Stall{Late: 10*time.Millisecond + off}})
			}).judge(t)["WATCH-001"]
			if violated(got) != want || blurred(got) == want {
				t.Errorf("violated %t, noisy %t", violated(got), blurred(got))
			}
		})
	}
}
