package soak

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/drainproof/drainproof/harness/corpus"
	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/target"
	"github.com/drainproof/drainproof/harness/wire"
)

// Terrain is what schedules for a target may be made of.
type Terrain struct {
	Target  *target.Target
	Corpus  *corpus.Corpus // nil: no hostile markers
	Docker  bool           // the container can be made anew
	Root    bool           // the gateway runs as root, from whom no file can be kept
	Load    bool           // the machine may be kept busy
	Crowds  int            // turns of a crowd; 0: as many as the target takes, at most MaxCrowd
	Longest int            // steps; 0: DefaultSteps
}

const (
	// MaxCrowd is how many turns are in flight in a crowd, where the target takes that many.
	MaxCrowd = 100
	// DefaultSteps is how many steps a schedule has at most, without those that wait.
	DefaultSteps = 24
	// cycles is how often a crowd sees the gateway drain and come back.
	cycles = 20
	// longReply does not fit into what lies between a gateway and a client that reads nothing.
	longReply = 8 << 20
)

// Generate makes the schedule of a seed: the same one every time.
func Generate(seed int64, t Terrain) Schedule {
	w := &walk{Terrain: t, r: rand.New(rand.NewPCG(uint64(seed), 0x6472_6169_6e70_6f66)), alive: true, bound: t.Target.Bounds.Observe}
	if how := hardship(seed, t); how != "" {
		w.add(Step{Do: Home, How: how, MS: (w.bound / 2).Milliseconds()})
		w.recreated = how == HomeFull // a home of limited size would not outlive that
	}
	n := w.r.IntN(max(1, w.longest()/2)) + max(1, w.longest()/2)
	for range n {
		w.next()
	}
	return Schedule{Schema: ScheduleVersion, Target: t.Target.Name, Seed: seed, Steps: w.steps}
}

// walk is a schedule in the making, with what would be true of a right gateway when it
// has got so far.
type walk struct {
	Terrain
	r     *rand.Rand
	bound time.Duration
	steps []Step

	made      int // turns so far
	alive     bool
	ending    bool // told to shut down
	marker    bool
	loaded    bool
	odd       bool     // the marker is out of the ordinary
	recreated bool     // once is enough
	restarts  int      // too many of them would leave time for nothing else
	held      []string // turns that the model holds, as far as is known
	unread    []string // whose clients do not read
	processes []string // background processes that run
}

func (w *walk) longest() int {
	if w.Longest > 0 {
		return w.Longest
	}
	return DefaultSteps
}

// choice is something that can be done next, and how much it is liked.
type choice struct {
	weight int
	do     func()
}

func (w *walk) next() {
	choices := w.choices()
	sum := 0
	for _, c := range choices {
		sum += c.weight
	}
	at := w.r.IntN(sum)
	for _, c := range choices {
		if at -= c.weight; at < 0 {
			c.do()
			return
		}
	}
}

// choices are what a controller, a client, a model or a machine may do at this point.
func (w *walk) choices() []choice {
	var all []choice
	can := func(when bool, weight int, do func()) {
		if when {
			all = append(all, choice{weight, do})
		}
	}
	serving := w.alive && !w.ending
	declares := w.Target.Declares
	can(true, 20, w.submit)
	can(len(w.held) > 0, 10, w.release)
	can(len(w.held) > 0, 3, func() { w.add(Step{Do: Emit, Turn: w.pick(w.held), N: 1 + w.r.IntN(4)}) })
	can(len(w.held) > 0, 3, w.abort)
	can(len(w.unread) > 0, 4, w.resume)
	can(!w.marker, 14, w.begin)
	can(w.marker, 14, w.cancel)
	can(w.marker && !w.odd, 4, w.rewrite)
	can(w.Corpus != nil && serving, 3, w.hostile)
	can(serving, 3, w.hurry)
	can(serving && w.Target.Control != nil, 4, w.control)
	can(true, 4, func() { w.add(Step{Do: Wait, MS: w.ms(w.bound/50, w.bound/4)}) })
	can(serving && w.restarts < 3, 2, w.term)
	can(w.alive && w.restarts < 3, 2, w.kill)
	can(!w.alive || w.ending, 20, w.respawn)
	can(serving && w.Docker && declares("epoch") && !w.recreated, 1, w.recreate)
	can(serving, 2, func() { w.add(Step{Do: Freeze, MS: w.ms(w.bound/20, w.bound/2)}) })
	can(serving && len(w.held) == 0 && !w.marker && !w.loaded, 2, w.crowd)
	can(serving && w.Load && !w.loaded, 1, func() { w.loaded = true; w.add(Step{Do: Load}) })
	can(w.loaded, 6, func() { w.loaded = false; w.add(Step{Do: Unload}) })
	can(serving && declares("scheduled") && w.Target.Jobs != nil, 1, w.job)
	can(serving && !w.marker && declares("background") && w.Target.Background != nil && len(w.held) == 0, 1, w.background)
	can(serving && len(w.processes) > 0, 6, w.complete)
	return all
}

func (w *walk) add(s Step) { w.steps = append(w.steps, s) }

func (w *walk) chance(percent int) bool { return w.r.IntN(100) < percent }

func (w *walk) pick(from []string) string { return from[w.r.IntN(len(from))] }

// ms is a time between the two, in milliseconds.
func (w *walk) ms(least, most time.Duration) int64 {
	return max(1, (least + time.Duration(w.r.Int64N(int64(max(1, most-least))))).Milliseconds())
}

func (w *walk) name(kind string) string {
	w.made++
	return fmt.Sprintf("%s%d", kind, w.made)
}

// submit sends a turn: mostly one that the model holds, and now and then one with which
// something is the matter.
func (w *walk) submit() {
	in := w.Target.Ingresses[w.r.IntN(len(w.Target.Ingresses))]
	s := Step{Do: Submit, Turn: w.name("t"), Ingress: in.Name, Hold: w.chance(70)}
	room := max(1, min(8, w.Target.Capacity/2))
	if len(w.held) >= room {
		s.Hold = false
	}
	switch {
	case w.chance(6):
		s.Fail = []int{500, 503, 429, wire.FailHangUp}[w.r.IntN(4)]
	case w.chance(6) && in.Stalls() && len(w.unread) == 0:
		s.Stall, s.Hold, s.Bytes = true, false, longReply
	case w.chance(15) && w.Target.Tools != nil:
		s.Tools = 1 + w.r.IntN(2)
	}
	if w.Target.Declares("sessions") && in.SessionHeader != "" && s.Fail == 0 && w.chance(25) {
		s.Session = fmt.Sprintf("s%d", 1+w.r.IntN(2))
	}
	w.add(s)
	admitted := w.alive && !w.ending && !w.marker
	switch {
	case s.Stall && admitted:
		w.unread = append(w.unread, s.Turn)
		if w.chance(70) {
			w.add(Step{Do: Await, What: ForDelivering, Turn: s.Turn})
		}
	case s.Hold && admitted:
		w.held = append(w.held, s.Turn)
		if w.chance(70) {
			w.add(Step{Do: Await, What: ForHeld, Turn: s.Turn})
		}
	case w.chance(50):
		w.add(Step{Do: Await, What: ForEnded, Turn: s.Turn})
	}
}

func (w *walk) release() {
	turn := w.pick(w.held)
	w.held = without(w.held, turn)
	w.add(Step{Do: Release, Turn: turn})
	if w.chance(40) {
		w.add(Step{Do: Await, What: ForEnded, Turn: turn})
	}
}

func (w *walk) resume() {
	turn := w.pick(w.unread)
	w.unread = without(w.unread, turn)
	w.add(Step{Do: Resume, Turn: turn})
}

func (w *walk) abort() {
	turn := w.pick(w.held)
	w.add(Step{Do: Abort, Turn: turn})
	if w.chance(50) {
		w.held = without(w.held, turn)
		w.add(Step{Do: Release, Turn: turn})
	}
}

func without(list []string, one string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == one })
}

// begin requests a drain, and mostly waits until it is seen.
func (w *walk) begin() {
	s := Step{Do: Begin}
	if w.chance(40) {
		s.How = []string{"rename", "link"}[w.r.IntN(2)]
	}
	w.add(s)
	w.marker, w.odd = true, false
	w.follow(85)
}

// follow waits for what the marker asks for.
func (w *walk) follow(percent int) {
	switch {
	case !w.alive || w.ending || !w.chance(percent):
	case w.marker:
		w.add(Step{Do: Await, What: ForDraining})
	default:
		w.add(Step{Do: Await, What: ForRunning})
	}
}

func (w *walk) cancel() {
	w.add(Step{Do: Cancel})
	w.marker, w.odd = false, false
	w.follow(85)
}

func (w *walk) rewrite() {
	s := Step{Do: Rewrite}
	switch {
	case w.Target.Declares("expiry") && w.chance(50):
		// Fresh, whatever it says: an hour in the future, or younger by far than what is stale.
		s.MS = w.ms(-w.Target.Expiry.MaxAge/2, w.Target.Expiry.MaxAge/2)
	case w.chance(50):
		s.How = "rename"
	}
	w.add(s)
}

// hostile lays a marker of the corpus of which it is certain that it drains.
func (w *walk) hostile() {
	m := w.Corpus.Markers[w.r.IntN(len(w.Corpus.Markers))]
	level := m.Drains
	if w.marker {
		level = m.Keeps
	}
	if level != history.Must || m.NotAsRoot && w.Root {
		return
	}
	w.add(Step{Do: Hostile, How: m.ID})
	w.marker, w.odd = true, true
	w.follow(90)
}

// hurry does what no gateway has the time to follow, step by step.
func (w *walk) hurry() {
	how := []string{"begin cancel", "begin cancel begin", "begin cancel begin cancel"}
	if w.marker {
		how = []string{"cancel begin", "cancel begin cancel"}
	}
	ops := how[w.r.IntN(len(how))]
	w.add(Step{Do: Hurry, How: ops})
	w.marker, w.odd = ops[len(ops)-len("begin"):] == "begin", false
	w.follow(85)
}

func (w *walk) control() {
	if w.marker {
		w.add(Step{Do: Control, How: history.AskCancel})
	} else {
		w.add(Step{Do: Control, How: history.AskDrain})
	}
	w.marker, w.odd = !w.marker, false
	w.follow(85)
}

func (w *walk) term() {
	if !w.Target.Declares("shutdown") {
		return
	}
	w.restarts++
	w.ending = true
	w.add(Step{Do: SIGTERM})
}

func (w *walk) kill() {
	w.restarts++
	w.alive, w.ending = false, false
	w.held, w.unread, w.processes = nil, nil, nil
	w.add(Step{Do: SIGKILL})
}

// respawn starts it again; one that shuts down has first to be let do that.
func (w *walk) respawn() {
	if w.ending {
		for _, turn := range w.unread {
			w.add(Step{Do: Resume, Turn: turn})
		}
		w.add(Step{Do: Release})
	}
	w.alive, w.ending = true, false
	w.held, w.unread, w.processes = nil, nil, nil
	w.add(Step{Do: Respawn})
	w.follow(80)
}

func (w *walk) recreate() {
	w.recreated = true
	w.held, w.unread, w.processes, w.loaded = nil, nil, nil, false
	w.add(Step{Do: Recreate})
	if w.marker { // it is stale now, where it was stamped, and nobody waits for it here
		w.add(Step{Do: Wait, MS: w.ms(w.bound/10, w.bound/2)})
		w.cancel()
	}
}

// crowd fills the gateway with turns and drains it over and over, waiting for nothing.
func (w *walk) crowd() {
	n := w.Crowds
	if n == 0 {
		n = MaxCrowd
	}
	w.add(Step{Do: Crowd, N: max(1, min(n, w.Target.Capacity))})
	w.add(Step{Do: Cycle, N: cycles})
	w.add(Step{Do: Begin})
	w.add(Step{Do: Await, What: ForDraining})
	w.add(Step{Do: Release})
	w.add(Step{Do: Await, What: ForZero})
	w.marker = true
}

func (w *walk) job() {
	jobs := w.Target.Jobs
	name := w.name("j")
	w.add(Step{Do: Job, Turn: name, MS: w.ms(jobs.Soonest, jobs.Soonest+w.bound/2), Hold: w.chance(30)})
}

func (w *walk) background() {
	name := w.name("p")
	w.processes = append(w.processes, name)
	w.add(Step{Do: Process, Turn: name, Hold: w.chance(30)})
}

func (w *walk) complete() {
	name := w.pick(w.processes)
	w.processes = without(w.processes, name)
	w.add(Step{Do: Complete, Turn: name})
}
