package monitor

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/history"
)

// TestWhatAViewTakes are histories at the edge of what a view is made of.
func TestWhatAViewTakes(t *testing.T) {
	header := history.Event{Kind: history.KindHeader, Header: &history.Header{Schema: 1, Bound: time.Hour}}
	at := func(call history.Stamp) history.Event {
		return history.Event{Kind: history.KindStall, Call: call, Return: 1, Stall: &history.Stall{}}
	}
	for _, c := range []struct {
		name  string
		event history.Event
		takes bool
	}{
		{"a bound of an hour", at(0), true},
		{"a stamp right after dawn", at(dawn + 1), true},
		{"a stamp at dawn", at(dawn), false},
	} {
		if _, err := NewView([]history.Event{header, c.event}); (err == nil) != c.takes {
			t.Errorf("%s: %v, want it taken: %t", c.name, err, c.takes)
		}
	}
}

// TestEventsAreInTheOrderOfTheirCalls tells of several events of each instant, out of order.
func TestEventsAreInTheOrderOfTheirCalls(t *testing.T) {
	s := tell()
	const instants, each = 20, 10
	var calls []int
	for i := range instants * each {
		calls = append(calls, i%instants)
	}
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(calls), func(i, j int) { calls[i], calls[j] = calls[j], calls[i] })
	for _, call := range calls {
		s.stall(float64(call), float64(instants))
	}
	v, err := NewView(s.events)
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range v.Events[1:] {
		if before := v.Events[i]; before.Call > e.Call || before.Call == e.Call && before.Seq > e.Seq {
			t.Errorf("event %d, of %d, comes before event %d, of %d", before.Seq, before.Call, e.Seq, e.Call)
		}
	}
}

// seen has the process be seen, in an interval.
func (s *story) seen(from, to history.Stamp) {
	s.process(0, history.ProcessSeen)
	s.lasts(from, to)
}

// TestWhoseProcessItIs are sightings of processes as one life follows another.
func TestWhoseProcessItIs(t *testing.T) {
	// respawns starts the gateway again at 2000; its process is seen in the interval.
	respawns := func(from, to float64) func(*story) {
		return func(s *story) {
			s.kill(1500)
			s.action(2000, history.ActionRespawn)
			s.seen(ms(from), ms(to))
			s.action(2020, history.ActionReady)
			s.read(2030, history.Running, 0)
		}
	}
	// falselyEnds publishes stopped, and lives on.
	falselyEnds := func(at float64) func(*story) {
		return func(s *story) {
			s.read(at, history.Stopped, 0)
			s.stale(at+2500, history.Stopped, 0)
		}
	}
	another := func(start uint64) func(*story) {
		return func(s *story) {
			s.process(1000, history.ProcessSeen, func(p *history.Process) { p.StartTime = start })
		}
	}
	runChecks(t, []check{
		{name: "looked for from before it was launched", story: tell(launched, respawns(1990, 2005), falselyEnds(3000)), violated: []string{"STATE-012"}},
		{name: "seen at the very instant of its launch", story: tell(launched, respawns(1999, 2000), func(s *story) {
			s.kill(3500)
			s.up(4000, history.ActionRespawn)
			s.read(4030, history.Running, 0)
		})},
		{name: "seen at the instant at which the instantiation and the process are made", story: tell(launched, func(s *story) {
			s.action(2000, history.ActionRecreate)
			s.action(2000, history.ActionStart)
			s.seen(ms(1999), ms(2000))
			s.action(2020, history.ActionReady)
			s.read(2030, history.Running, 0)
		}, falselyEnds(3000)), violated: []string{"STATE-012"}},
		{name: "the end of one that nobody launched is noticed after the next launch", story: tell(func(s *story) {
			s.process(5, history.ProcessSeen)
			s.read(30, history.Running, 0)
			s.action(1500, history.ActionSIGKILL)
			s.action(2000, history.ActionRespawn)
			s.life--
			s.process(2002, history.ProcessGone)
			s.life++
			s.process(2005, history.ProcessSeen)
			s.action(2020, history.ActionReady)
			s.read(2030, history.Running, 0)
		})},
		{name: "another process has its pid", story: tell(launched, another(7)), violated: []string{"STATE-006"}},
		{name: "nobody knows when the process of its pid was started", story: tell(launched, another(0))},
	})
}

// TestEndsAtAnInstant are lives that end as something else happens.
func TestEndsAtAnInstant(t *testing.T) {
	runLimits(t, []limit{
		{name: "told to end when it is gone", charged: "STATE-006", story: func(s *story, off time.Duration) {
			launched(s)
			s.process(1000, history.ProcessGone)
			gone := s.returned()
			s.action(1000, history.ActionSIGTERM)
			s.from(gone.Add(off))
		}},
		{name: "the marker goes when the process is gone", charged: "MARKER-008", early: true, anyway: []string{"STATE-008"}, story: func(s *story, off time.Duration) {
			do(launched, drained(0))(s)
			s.process(1520, history.ProcessGone)
			gone := s.returned() + 1 // at the instant itself it still may live
			s.vanishes(1520)
			s.from(gone.Add(off))
		}},
		{name: "the marker goes when its exit is told", charged: "MARKER-008", early: true, anyway: []string{"STATE-008"}, story: func(s *story, off time.Duration) {
			do(launched, drained(0))(s)
			s.exited(1520, 0)
			told := s.returned() + 1
			s.process(1520, history.ProcessGone)
			s.vanishes(1520)
			s.from(told.Add(off))
			s.events[len(s.events)-2].Return = ms(1600) // nobody looked any sooner
		}},
		{name: "hung up on before the kill", charged: "RESTART-004", story: func(s *story, off time.Duration) {
			launched(s)
			s.hold(100, "t", durable)
			s.read(101, history.Running, 1)
			s.action(1500, history.ActionSIGKILL)
			s.model(1500, "t", history.ModelGone)
			s.upTo(ms(1500).Add(off))
			s.process(1501, history.ProcessGone)
			s.end(1503, "t", history.Cut)
			s.up(2000, history.ActionRespawn)
			s.read(2030, history.Running, 0)
			s.stale(14_000, history.Running, 0)
		}},
	})
}

// TestWhatMayBeInFlightAtAnInstant are turns that may have been in flight up to an instant,
// or from it on.
func TestWhatMayBeInFlightAtAnInstant(t *testing.T) {
	atOffsets(t, "it is asked for after its model was called", func(s *story, off time.Duration) {
		launched(s)
		s.expect(400, "p", history.OriginBackground)
		s.read(500, history.Running, 1)
		s.model(900, "p", history.ModelCalled)
		called := s.returned()
		s.complete(900, "p", 202)
		s.from(called.Add(off))
		s.finish(1000, "p")
		s.read(1003, history.Running, 0)
	}, map[time.Duration][]string{0: ghosts, 1: nil})
	busy := func(s *story, from, to history.Stamp) {
		s.sentFrom(from, "b")
		s.end(0, "b", history.Busy)
		s.upTo(to)
	}
	runLimits(t, []limit{
		{name: "another turn was over when it was sent", charged: "GATE-008", early: true, story: func(s *story, off time.Duration) {
			launched(s)
			s.hold(500, "t")
			s.read(502, history.Running, 1)
			drained(1)(s)
			s.finish(1018, "t")
			s.upTo(ms(1020).Add(off))
			busy(s, ms(1020), ms(1022))
			s.read(1023, history.Draining, 0)
		}},
		{name: "another is sent when it was turned away", charged: "GATE-008", story: func(s *story, off time.Duration) {
			do(launched, drained(0))(s)
			busy(s, ms(1020), ms(1022))
			s.sentFrom(ms(1022).Add(off), "t")
			s.end(1030, "t", history.Aborted)
		}},
		{name: "a job is arranged as the next instantiation is made", charged: "SCHEDULED-003", story: func(s *story, off time.Duration) {
			launched(s)
			s.action(500, history.ActionRecreate)
			s.job(499, "j", 2000)
			s.from(ms(500).Add(off - 1)) // at the instant itself it is that one's
			s.up(600, history.ActionStart)
			s.read(630, history.Running, 0)
			drained(0)(s)
			s.stale(2990, history.Draining, 0)
			s.cancel(3000)
			s.read(3003, history.Running, 0)
			s.stale(20_000, history.Running, 0)
		}},
		{name: "a turn ended before the marker appeared, and running is read", charged: "MARKER-001", early: true, instead: "STATE-010", story: func(s *story, off time.Duration) {
			launched(s)
			s.hold(500, "t")
			s.read(502, history.Running, 1)
			s.turn(990, "t", history.TurnAborted)
			s.end(1000, "t", history.Aborted)
			s.upTo(ms(1000).Add(off))
			drained(0)(s)
			s.read(4000, history.Running, 0)
			s.read(4010, history.Draining, 0)
		}},
		{name: "running is read before a turn ended", charged: "MARKER-001", instead: "STATE-010", story: func(s *story, off time.Duration) {
			launched(s)
			s.hold(500, "t")
			s.read(502, history.Running, 1)
			drained(1)(s)
			s.turn(3990, "t", history.TurnAborted)
			s.read(4000, history.Running, 1)
			read := s.returned()
			s.end(4000, "t", history.Aborted)
			s.upTo(read.Add(off))
			s.model(4001, "t", history.ModelGone)
			s.read(4010, history.Draining, 0)
		}},
	})
	runChecks(t, []check{
		{name: "sent and over at one instant, and counted", story: tell(launched, atOnce(1000, func(s *story) {
			s.turn(1000, "t", history.TurnSent)
			s.end(1000, "t", history.Aborted)
		}), func(s *story) {
			s.read(1005, history.Running, 1)
			s.read(1010, history.Running, 0)
		})},
	})
}

// TestWithheld is what a spec adds to its patience, and must be what the rules leave out.
func TestWithheld(t *testing.T) {
	if got := Withheld(nil); got != 0 {
		t.Errorf("without a stall %s were withheld", got)
	}
	s := tell()
	s.stall(10, 20)
	s.stall(15, 40) // overlaps
	s.stall(12, 18) // within
	s.stall(60, 65)
	v, err := NewView(s.events)
	if err != nil {
		t.Fatal(err)
	}
	stalls := s.events[1:]
	const want = 35 * time.Millisecond
	if got := Withheld(stalls); got != want {
		t.Errorf("%s were withheld, want %s", got, want)
	}
	from, to := stalls[0].Call, stalls[len(stalls)-1].Return
	if got, want := v.waited(from, to), to.Sub(from)-want; got != want {
		t.Errorf("the rules reckon with %s of %s, want %s", got, to.Sub(from), want)
	}
}
