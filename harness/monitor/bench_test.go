package monitor

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/drainproof/drainproof/harness/history"
)

// BenchmarkJudge has every monitor judge long histories, of a right gateway and of
// one that is wrong in several ways at every turn, and reports what an event costs. The
// cost of a history grows as n log n: from one length to the next, which is twice as
// long, an event must cost about the same.
func BenchmarkJudge(b *testing.B) {
	for name, wrong := range map[string]bool{"right": false, "wrong": true} {
		for _, n := range []int{62_500, 125_000, 250_000, 500_000, 1_000_000} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				events := longHistory(n, wrong)
				b.ReportAllocs()
				b.ResetTimer()
				for range b.N {
					v, err := NewView(events)
					if err != nil {
						b.Fatal(err)
					}
					JudgeAll(v)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(events)), "ns/event")
			})
		}
	}
}

// The long histories are what they are taken for.
func TestLongHistory(t *testing.T) {
	for name, wrong := range map[string]bool{"right": false, "wrong": true} {
		t.Run(name, func(t *testing.T) {
			v, err := NewView(longHistory(20_000, wrong))
			if err != nil {
				t.Fatal(err)
			}
			for _, j := range JudgeAll(v) {
				broken := len(j.Violations) > 0
				should := wrong && slices.Contains([]string{"GATE-001", "GATE-010", "COUNT-003", "STATE-010"}, j.Requirement)
				if broken && !wrong || should && !broken {
					t.Errorf("%s: %+v", j.Requirement, j.Violations)
				}
			}
			if len(v.Lives) < 5 || len(v.Publications) < 3 || len(v.loads) < 2 || len(v.decoys) < 2 || len(v.freezes) < 2 {
				t.Errorf("%d lives, %d publications, %d loads, %d decoys, %d freezes: too few to be realistic",
					len(v.Lives), len(v.Publications), len(v.loads), len(v.decoys), len(v.freezes))
			}
		})
	}
}

// longHistory is rounds of a drain each, with turns before, in and after it, over
// many lives of the gateway, with all that a history can hold now and then.
func longHistory(n int, wrong bool) []history.Event {
	l := &longStory{story: tell(launched), at: 1000, wrong: wrong}
	l.hold(100, "for ever") // a turn that nobody hears of again
	l.count = 1
	for round := 0; len(l.events) < n; round++ {
		l.round(round)
	}
	return l.events
}

type longStory struct {
	*story
	at    float64 // now, in milliseconds
	count int     // turns in flight
	turns int     // so far
	wrong bool
}

func (l *longStory) next(step float64) float64 { l.at += step; return l.at }

// shows is what all publications come to show.
func (l *longStory) shows(state string) {
	l.read(l.next(0.5), state, l.count)
	l.http(l.next(5), state, l.count)
	l.add(l.next(1), history.Event{Kind: history.KindState, State: &history.State{Publication: "dashboard", State: state, Count: l.count}})
}

func (l *longStory) begins(more ...func(*history.Turn)) string {
	l.turns++
	id := fmt.Sprintf("turn-%d", l.turns)
	l.turn(l.next(3), id, history.TurnSent, more...)
	l.count++
	return id
}

// whole is a turn from its beginning to its end.
func (l *longStory) whole() {
	id := l.begins()
	l.shows(history.Running)
	l.model(l.next(1), id, history.ModelCalled)
	l.ends(id)
	l.shows(history.Running)
}

func (l *longStory) ends(id string) {
	l.model(l.next(20), id, history.ModelReleased)
	l.model(l.next(1), id, history.ModelDone)
	l.end(l.next(1), id, history.Finished)
	l.count--
}

func (l *longStory) round(n int) {
	for range 4 {
		l.whole()
	}
	held := l.begins(longAnd)
	l.shows(history.Running)
	l.model(l.next(1), held, history.ModelCalled)
	if n%7 == 0 {
		l.stall(l.next(1), l.next(25))
	}
	l.rarely(n)
	l.stale(l.next(20), history.Running, l.count)
	l.marker(l.next(1), history.OpBegin, false, true)
	truth := l.count
	if l.wrong {
		l.count = 0
	}
	l.shows(history.Draining)
	l.count = truth
	for i := range 6 {
		id := fmt.Sprintf("refused-%d-%d", n, i)
		if i%3 == 2 {
			l.refuse(l.next(5), id, reused)
		} else {
			l.refuse(l.next(5), id)
		}
		if l.wrong && i > 3 {
			id += "-not"
			l.hold(l.next(5), id, func(t *history.Turn) { t.Reused = i == 5 })
			l.finish(l.next(5), id)
		}
	}
	l.rewrite(l.next(50))
	l.ends(held)
	if l.wrong {
		l.shows(history.Running)
	}
	l.shows(history.Draining)
	l.stale(l.next(200), history.Draining, l.count)
	l.restart(n)
	l.cancel(l.next(100))
	l.shows(history.Running)
	l.marker(l.next(50), history.OpCancel, false, false)
}

// rarely is what happens in few rounds only.
func (l *longStory) rarely(n int) {
	action := func(name string) { l.action(l.next(10), name) }
	switch n % 40 {
	case 10:
		action(history.ActionFreeze)
		l.next(500)
		action(history.ActionThaw)
	case 20:
		l.load(l.next(10), 1)
	case 24:
		action(history.ActionUnload)
	case 30:
		decoy := func(present bool) {
			l.add(l.next(10), history.Event{Kind: history.KindMarker, Marker: &history.Marker{Op: history.OpDecoy, How: "parent", Existed: !present, Present: present}})
		}
		decoy(true)
		l.next(3000)
		decoy(false)
		l.shows(history.Running)
		l.next(float64((Grace+1)*bound) / float64(time.Millisecond))
		l.shows(history.Running)
	}
}

// restart ends the gateway in the drain, in some rounds, and starts it again.
func (l *longStory) restart(n int) {
	switch n % 20 {
	case 5:
		l.action(l.next(10), history.ActionSIGTERM)
		l.read(l.next(5), history.Stopping, l.count)
		l.read(l.next(20), history.Stopped, 0)
	case 15:
		l.action(l.next(10), history.ActionSIGKILL)
	default:
		return
	}
	l.process(l.next(5), history.ProcessGone, exit(0))
	l.count = 0
	at := l.next(10)
	l.up(at, history.ActionRespawn)
	l.read(at+8, history.Starting, 0)
	l.read(at+12, history.Draining, 0)
	l.next(30)
	l.shows(history.Draining)
}
