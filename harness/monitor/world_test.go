package monitor

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"pgregory.net/rapid"

	"github.com/drainproof/drainproof/harness/history"
)

// world is a right gateway with its controller, clients, model and machine. What may
// happen is the contract's to say; what does happen, and when, is chance's. Whatever
// happens at an instant is recorded as an interval around it.
type world struct {
	*story
	t     *rapid.T
	now   float64 // milliseconds, as in the story
	busy  float64 // the controller does one thing after the other: it is busy until then
	tasks []task
	ids   int

	launched float64 // when its process began

	marker   bool
	alive    bool
	open     bool   // its ingress
	closed   bool   // its gate
	state    string // what it has to publish
	pages    []*page
	pending  []*pending // not over yet, for client, gateway or model
	frozen   bool
	frozenAt float64
	lost     float64 // for how long it was frozen before
}

// page is one publication, and what it shows.
type page struct {
	name    string
	state   string
	count   int
	version int
	busy    float64 // its observer reads one time after the other
}

// task is something that is going to happen.
type task struct {
	at   float64 // on the clock of the gateway, which stands still while it is frozen, if it is the gateway's
	life int     // of the gateway whose task it is; 0: anybody else's
	do   func()
}

// Times within which a right gateway acts; the contract allows it all of them.
const (
	boundMS    = float64(bound / time.Millisecond)
	deadlineMS = 10_000
)

func newWorld(t *rapid.T) *world {
	w := &world{t: t, story: tell(), now: 1, pages: []*page{{name: "file"}, {name: "http"}}}
	w.declares(deadlineMS, "shutdown")
	w.launch()
	return w
}

// chance is one in so many.
func (w *world) chance(n int) bool { return rapid.IntRange(1, n).Draw(w.t, "chance") == 1 }

// some is a number of milliseconds, to the microsecond.
func (w *world) some(least, most float64) float64 {
	us := func(ms float64) int { return int(math.Round(ms * 1000)) }
	return float64(rapid.IntRange(us(least), us(most)).Draw(w.t, "us")) / 1000
}

// see records what happens just now: it had not at Call, and had at Return. Nothing is
// told from before the launch that it follows.
func (w *world) see(e history.Event) {
	w.span(max(w.now-w.some(0.001, 0.9), w.launched), w.now+w.some(0, 0.9), e)
}

// act records what the controller or the harness does just now, after all that it did
// before.
func (w *world) act(e history.Event) {
	w.passTo(w.busy + 0.001)
	from := max(w.now-w.some(0.001, 0.9), w.busy)
	w.busy = w.now + w.some(0, 0.9)
	w.span(from, w.busy, e)
}

func (w *world) action(name string) {
	w.act(history.Event{Kind: history.KindAction, Action: &history.Action{Name: name}})
}

func (w *world) process(phase string, more ...func(*history.Process)) {
	p := &history.Process{Phase: phase, PID: 100 + w.life, StartTime: uint64(1000 + w.life)}
	for _, m := range more {
		m(p)
	}
	w.see(history.Event{Kind: history.KindProcess, Process: p})
}

// later is done by anybody but the gateway, works by the gateway, if it lives then.
func (w *world) later(delay float64, do func()) {
	w.tasks = append(w.tasks, task{at: w.now + delay, do: do})
}

func (w *world) works(delay float64, do func()) {
	clock := w.now
	if w.frozen {
		clock = w.frozenAt
	}
	w.tasks = append(w.tasks, task{at: clock - w.lost + delay, life: w.life, do: do})
}

// next is the index of the task that is done next, and when; -1: there is none.
func (w *world) next() (first int, due float64) {
	first = -1
	w.tasks = slices.DeleteFunc(w.tasks, func(t task) bool { return t.life != 0 && !(w.alive && t.life == w.life) })
	for i := range w.tasks {
		at := w.tasks[i].at
		if w.tasks[i].life != 0 {
			if w.frozen {
				continue
			}
			at += w.lost
		}
		if first < 0 || at < due {
			first, due = i, at
		}
	}
	return first, due
}

func (w *world) pass(ms float64) { w.passTo(w.now + ms) }

// passTo lets time go by, and do all that is due by then.
func (w *world) passTo(until float64) {
	for {
		i, due := w.next()
		if i < 0 || due > until {
			break
		}
		w.now = max(w.now, due)
		do := w.tasks[i].do
		w.tasks = slices.Delete(w.tasks, i, i+1)
		do()
	}
	w.now = max(w.now, until)
}

// look reads a page, if nobody is about to.
func (w *world) look(p *page) {
	s := &history.State{Publication: p.name, State: p.state, Count: p.count}
	switch {
	case p.name == "file" && p.version == 0:
		s = &history.State{Publication: p.name, Problem: history.ProblemAbsent, Error: "no such file"}
	case p.name == "file":
		s.Version = strconv.Itoa(p.version)
	case w.frozen:
		return // it does not answer
	case !w.open:
		s = &history.State{Publication: p.name, Problem: history.ProblemUnreachable, Error: "connection refused"}
	default:
		s.Busy, s.Drainable = fmt.Sprint(p.count > 0), fmt.Sprint(p.state == history.Running)
	}
	w.observe(p, s)
}

func (w *world) observe(p *page, s *history.State) {
	if w.now <= p.busy {
		return
	}
	from := max(w.now-w.some(0.001, 0.9), p.busy, w.launched)
	p.busy = w.now + w.some(0, 0.9)
	w.span(from, p.busy, history.Event{Kind: history.KindState, State: s})
}

func (w *world) looks() {
	for _, p := range w.pages {
		w.pass(w.some(0, 1))
		w.look(p)
	}
}

// move has the controller ask for a drain, ask again, or take it back, needed or not.
func (w *world) move() {
	w.passTo(w.busy + 0.001)
	switch again := w.chance(4); {
	case w.marker && again:
		w.mark(history.OpRewrite)
	case w.marker || again:
		w.mark(history.OpCancel)
	default:
		w.mark(history.OpBegin)
	}
	w.follow()
}

func (w *world) mark(op history.Op) {
	existed := w.marker
	w.act(history.Event{Kind: history.KindMarker, Marker: &history.Marker{Op: op, How: "in-place", Existed: existed, Present: op != history.OpCancel}})
	w.marker = op != history.OpCancel
}

func (w *world) lookAtFile() { w.look(w.pages[0]) }

func (w *world) standStill() {
	w.span(w.now-w.some(5, 50), w.now, history.Event{Kind: history.KindStall, Stall: &history.Stall{Late: 20 * time.Millisecond}})
}

func (w *world) step(steps ...func()) { rapid.SampledFrom(steps).Draw(w.t, "what")() }

// live lets chance act for a while.
func (w *world) live(most int) {
	for range rapid.IntRange(0, most).Draw(w.t, "steps") {
		w.pass(w.some(0, 3))
		w.step(w.send, w.send, w.release, w.release, w.resume, w.hangUp, w.move, w.looks, w.looks, w.launch, w.launch,
			w.kill, w.shut, w.freeze, w.standStill, func() { w.pass(600) }, func() { w.pass(12_000) })
	}
}

// calm lets the gateway run, with nothing in flight and everything published.
func (w *world) calm() {
	w.launch()
	w.pass(50) // whoever knocked meanwhile is in
	if w.marker {
		w.mark(history.OpCancel)
		w.follow()
	}
	w.finishAll()
	w.pass(6 * boundMS)
	w.looks()
	w.pass(2)
}

// finishAll lets every turn end as it would.
func (w *world) finishAll() {
	for len(w.pending) > 0 {
		w.release()
		w.resume()
		w.pass(10)
	}
}
