package monitor

import (
	"slices"

	"pgregory.net/rapid"

	"github.com/drainproof/drainproof/harness/history"
)

// counts is how many turns hold a slot.
func (w *world) counts() int {
	n := 0
	for _, r := range w.pending {
		if r.slot {
			n++
		}
	}
	return n
}

// publish writes the state and the count to a page; somebody may look soon after.
func (w *world) publish(p *page) {
	p.state, p.count = w.state, w.counts()
	p.version++
	if w.chance(2) {
		w.later(w.some(0, 2), func() { w.look(p) })
	}
}

// recount follows a change of the count. While it says running a gateway may lag, by B;
// while it says draining only by counting turns that are over.
func (w *world) recount() {
	for _, p := range w.pages {
		if p.state == history.Draining && p.count < w.counts() {
			p.count = w.counts()
			p.version++
		}
		lag := 0.0
		if w.chance(3) {
			lag = w.some(0, boundMS)
		}
		w.works(lag, func() {
			p.count = w.counts()
			p.version++
		})
	}
}

// follow has the gateway notice the marker, and publish what follows, within B.
func (w *world) follow() {
	within := w.some(0, 20)
	if w.chance(4) {
		within = w.some(0, boundMS)
	}
	heeded := w.some(0, within)
	w.works(heeded, w.heed)
	for _, p := range w.pages {
		w.works(w.some(heeded, within), func() { w.publish(p) })
	}
}

// heed looks at the marker. The gate is closed before draining is published.
func (w *world) heed() {
	if w.state == history.Running || w.state == history.Draining {
		w.settle(w.marker)
	}
}

func (w *world) settle(drains bool) {
	w.closed, w.state = drains, history.Running
	if drains {
		w.state = history.Draining
	}
}

func (w *world) sees() bool { return w.marker }

// launch starts the gateway, if there is none. Meanwhile clients knock, and the marker
// may move.
func (w *world) launch() {
	if w.alive {
		return
	}
	for range rapid.IntRange(0, 3).Draw(w.t, "early") {
		w.later(w.some(3, 45), w.send)
	}
	w.starts(w.sees, func() {
		if w.chance(4) {
			w.move()
		}
	})
}

// starts launches the gateway and waits until it is ready. It finds out whether to
// drain before it publishes anything but starting, and opens its ingress only then.
func (w *world) starts(drains func() bool, meanwhile func()) {
	w.pass(3)      // whoever was about to look has
	w.lookAtFile() // its observer never sleeps for as long as a launch takes
	w.passTo(max(w.busy, w.pages[0].busy) + 1)
	w.life++
	w.alive, w.open, w.closed, w.state = true, false, false, history.Starting
	name := history.ActionRespawn
	if w.life == 1 {
		name = history.ActionStart
	}
	w.action(name)
	w.launched = w.now
	w.process(history.ProcessSeen)
	at := w.some(0, 10)
	if w.chance(2) {
		w.works(at, func() { w.publish(w.pages[0]) })
	}
	at += w.some(0, 10)
	w.works(at, func() { w.settle(drains()) })
	for _, p := range w.pages {
		at += w.some(0, 5)
		w.works(at, func() { w.publish(p) })
	}
	at += w.some(0, 20)
	w.works(at, func() {
		w.open = true
		w.process(history.ProcessListening, socket(uint64(7*w.life)))
	})
	w.pass(w.some(0, at))
	meanwhile()
	for !w.open {
		w.pass(1)
	}
	w.action(history.ActionReady)
}

// dies ends the process, and all that it had under way.
func (w *world) dies(code int) {
	w.process(history.ProcessGone, exit(code))
	w.alive, w.open, w.frozen = false, false, false
	for _, r := range slices.Clone(w.pending) {
		w.cut(r)
	}
}

func (w *world) kill() {
	if !w.alive || w.frozen || w.state == history.Starting {
		return
	}
	w.action(history.ActionSIGKILL)
	w.dies(137)
}

// shut tells the gateway to end: it refuses what comes, lets what is in flight finish
// until the deadline, and ends.
func (w *world) shut() {
	if !w.alive || w.frozen || w.state == history.Starting {
		return
	}
	w.action(history.ActionSIGTERM)
	w.works(w.some(0, 50), func() {
		w.state, w.closed = history.Stopping, true
		for _, p := range w.pages {
			w.works(w.some(0, 20), func() { w.publish(p) })
		}
		w.works(w.some(20, 30), w.leave)
		w.works(deadlineMS, func() {
			for _, r := range slices.Clone(w.pending) {
				w.cut(r)
			}
			w.leave()
		})
	})
	for range rapid.IntRange(0, 6).Draw(w.t, "meanwhile") {
		w.pass(w.some(0, 200))
		w.step(w.move, w.send, w.lookAtFile, w.release, w.resume)
	}
	w.pass(deadlineMS + 100)
	w.act(history.Event{Kind: history.KindAction, Action: &history.Action{Name: history.ActionExited, ExitCode: new(int)}})
}

// leave ends the process in good order, once nothing is in flight.
func (w *world) leave() {
	if w.counts() > 0 {
		w.works(5, w.leave)
		return
	}
	if w.state == history.Stopped {
		return
	}
	w.state, w.open = history.Stopped, false
	w.publish(w.pages[0])
	w.works(w.some(0, 20), func() {
		w.process(history.ProcessClosed, socket(uint64(7*w.life)))
		w.dies(0)
	})
}

// freeze stops the gateway's clock for a while.
func (w *world) freeze() {
	if !w.open || w.frozen || w.state == history.Stopped {
		return
	}
	w.action(history.ActionFreeze)
	w.frozen, w.frozenAt = true, w.now
	for range rapid.IntRange(0, 4).Draw(w.t, "meanwhile") {
		w.pass(w.some(0, 1500))
		w.step(w.move, w.send, w.lookAtFile, w.release)
	}
	w.action(history.ActionThaw)
	w.lost += w.now - w.frozenAt
	w.frozen = false
}
