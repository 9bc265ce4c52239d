package monitor

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/drainproof/drainproof/harness/history"
)

// plant is one thing that a gateway does wrong, once, in the midst of what chance has it
// do right. It begins when nothing is in flight and the gateway has come to rest.
type plant struct {
	name    string
	charged string   // the requirement that it breaks
	also    []string // and those that may be charged too: the same deed breaks them as well
	do      func(w *world)
}

// TestPlantedFaultsAreFound wants what was done wrong charged to whom it belongs,
// whatever came before and after it, and nobody else.
func TestPlantedFaultsAreFound(t *testing.T) {
	for _, p := range slices.Concat(plantedInDrain(), plantedInTime(), plantedInRestart()) {
		t.Run(p.name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				w := newWorld(t)
				w.live(15)
				w.calm()
				p.do(w)
				w.finishAll() // a turn that is broken off later proves nothing
				w.pass(60)    // what stands still later was not the cause
				w.live(15)
				w.pass(2)
				w.looks()
				got := judgedBy(t, w.events)
				found := got.where(violated)
				others := slices.DeleteFunc(slices.Clone(found), func(id string) bool { return id == p.charged || slices.Contains(p.also, id) })
				switch {
				case !slices.Contains(found, p.charged):
					fail(t, p.charged+" is not charged", got, w.events)
				case len(others) > 0:
					fail(t, "charged as well: "+strings.Join(others, " "), got, w.events)
				}
			})
		})
	}
}

// drain asks for a drain that the gateway follows rightly, and is seen to.
func (w *world) drain() {
	w.mark(history.OpBegin)
	w.pass(w.some(0, 100))
	w.show(w.heed)
}

// show has the gateway do something, and publish it at once for everybody to see.
func (w *world) show(do func()) {
	do()
	for _, p := range w.pages {
		w.publish(p)
	}
	w.pass(2)
	w.looks()
	w.pass(2)
}

// shows has one page show something, for once.
func (w *world) shows(p *page, state string, count int) {
	was := p.state
	p.state, p.count = state, count
	p.version++
	w.pass(2)
	w.look(p)
	w.pass(2)
	p.state, p.count = was, w.counts()
	p.version++
}

// hold has so many turns in flight, counted, and held by the model.
func (w *world) hold(n int, more ...func(*history.Turn)) []*pending {
	var out []*pending
	for range n {
		r := w.asks(more...)
		w.pass(w.some(0, 5))
		w.show(func() { r.slot = true })
		w.called(r)
		w.pass(2)
		out = append(out, r)
	}
	w.looks()
	w.pass(2)
	return out
}

// finish lets a turn end as it should.
func (w *world) finish(r *pending) {
	w.releases(r)
	w.pass(20)
}

// answer has the client of a new turn told something, so many milliseconds after it asked.
func (w *world) answer(after float64, outcome history.TurnOutcome, more ...func(*history.Turn)) *pending {
	r := w.asks()
	w.pass(after)
	w.tells(r, history.TurnEnded, append(more, func(t *history.Turn) { t.Outcome = outcome })...)
	r.left = true
	w.forget(r)
	w.pass(2)
	return r
}

func proper(t *history.Turn) { t.Status, t.RetryAfter, t.Code = 503, "1", "draining" }

// plantedInDrain are faults of a gateway that drains.
func plantedInDrain() []plant {
	file := func(w *world) *page { return w.pages[0] }
	either := func(w *world) *page { return rapid.SampledFrom(w.pages).Draw(w.t, "page") }
	return []plant{
		{"one turn too few", "COUNT-001", []string{"COUNT-006", "GATE-003"}, func(w *world) {
			n := rapid.IntRange(2, 4).Draw(w.t, "turns")
			w.hold(n)
			w.drain()
			w.shows(either(w), history.Draining, n-1)
		}},
		{"zero while busy", "COUNT-003", []string{"COUNT-006", "GATE-003"}, func(w *world) {
			w.hold(rapid.IntRange(1, 3).Draw(w.t, "turns"))
			w.drain()
			w.shows(either(w), history.Draining, 0)
		}},
		{"zero before the last byte", "COUNT-006", []string{"GATE-003"}, func(w *world) {
			r := w.hold(1, longAnd)[0]
			w.drain()
			w.releases(r)
			w.pass(10)
			w.shows(either(w), history.Draining, 0)
		}},
		{"a turn is lost on the way into the drain", "STATE-009", []string{"GATE-003", "COUNT-003"}, func(w *world) {
			n := rapid.IntRange(1, 3).Draw(w.t, "turns")
			w.hold(n)
			w.mark(history.OpBegin)
			w.pass(2)
			w.heed()
			w.shows(either(w), history.Draining, n-1)
			w.show(func() {})
		}},
		{"a late turn gets in", "GATE-001", []string{"GATE-003"}, func(w *world) {
			w.drain()
			w.finish(w.hold(1)[0])
		}},
		{"a late turn gets in on an old connection", "GATE-010", []string{"GATE-003"}, func(w *world) {
			w.drain()
			w.finish(w.hold(1, reused)[0])
		}},
		{"one ingress has no gate", "GATE-009", []string{"GATE-001", "GATE-003"}, func(w *world) {
			w.drain()
			w.answer(1, history.Refused, proper)
			for _, r := range w.hold(2, on("async")) {
				w.finish(r)
			}
		}},
		{"a refused turn reaches the model", "GATE-002", nil, func(w *world) {
			w.drain()
			r := w.answer(1, history.Refused, proper)
			w.models(r, history.ModelCalled)
			w.pass(2)
			w.models(r, history.ModelDone)
		}},
		{"a turn is cut", "GATE-004", nil, func(w *world) {
			r := w.hold(1)[0]
			w.drain()
			w.cut(r)
			w.pass(10)
		}},
		{"a slow refusal", "GATE-008", nil, func(w *world) {
			w.drain()
			w.answer(1010, history.Refused, proper)
		}},
		{"no answer", "GATE-008", nil, func(w *world) {
			w.drain()
			w.answer(3000, history.Hung)
		}},
		{"a failure for a refusal", "GATE-008", nil, func(w *world) {
			w.drain()
			w.answer(1, rapid.SampledFrom([]history.TurnOutcome{history.Failed, history.Cut}).Draw(w.t, "how"))
		}},
		{"a bare refusal", "GATE-012", nil, func(w *world) {
			w.drain()
			w.answer(1, history.Refused, func(t *history.Turn) { t.Status = 503 })
		}},
		{"running, with nothing done to the marker", "MARKER-001", nil, func(w *world) {
			w.drain()
			w.pass(boundMS + 10)
			w.shows(either(w), history.Running, 0)
		}},
		{"running after a rewrite", "STATE-003", nil, func(w *world) {
			w.drain()
			w.mark(history.OpRewrite)
			w.pass(5)
			w.shows(either(w), history.Running, 0)
		}},
		{"running after a turn's end", "STATE-010", nil, func(w *world) {
			r := w.hold(1)[0]
			w.drain()
			w.finish(r)
			w.shows(either(w), history.Running, 0)
		}},
		{"dies when it is drained", "STATE-008", nil, func(w *world) {
			w.drain()
			w.dies(0)
		}},
		{"dies in a drain, busy", "STATE-006", nil, func(w *world) {
			w.hold(1)
			w.drain()
			w.dies(2)
		}},
		{"says that it stopped", "STATE-012", nil, func(w *world) {
			w.drain()
			w.shows(file(w), history.Stopped, 0)
			w.pass(boundMS + 10)
			w.kill() // what chance does with it is noise to this
		}},
		{"eats the marker", "MARKER-008", nil, func(w *world) {
			w.drain()
			w.marker = false
			w.see(history.Event{Kind: history.KindMarker, Marker: &history.Marker{Op: history.OpFound, Existed: true}})
			w.pass(2)
			w.show(w.heed)
		}},
		{"a torn file", "STATE-001", nil, func(w *world) {
			w.drain()
			w.observe(file(w), &history.State{Publication: "file", Problem: history.ProblemUnparseable, Error: "half of it", Version: fmt.Sprint(file(w).version)})
		}},
		{"busy contradicts the count", "CONTROL-009", nil, func(w *world) {
			w.drain()
			w.observe(w.pages[1], &history.State{Publication: "http", State: history.Draining, Busy: "true", Drainable: "false"})
		}},
	}
}
