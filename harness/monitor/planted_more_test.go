package monitor

import (
	"pgregory.net/rapid"

	"github.com/drainproof/drainproof/harness/history"
)

// plantedInTime are faults of a gateway that does something too late, or for nothing.
func plantedInTime() []plant {
	// tooLate waits until what was just done to the marker is more than B ago, however
	// it is looked at.
	tooLate := func(w *world) {
		w.passTo(w.busy + boundMS)
		w.pass(w.some(1, 500))
	}
	// shownLate has it looked at when it is too late, and publish only then.
	shownLate := func(w *world) {
		tooLate(w)
		w.looks()
		w.pass(2)
		w.show(w.heed)
	}
	return []plant{
		{"draining is published late", "WATCH-001", nil, func(w *world) {
			w.mark(history.OpBegin)
			w.closed = true
			shownLate(w)
		}},
		{"running is published late", "WATCH-002", nil, func(w *world) {
			w.drain()
			w.mark(history.OpCancel)
			w.closed = false
			shownLate(w)
		}},
		{"the gate closes late", "GATE-005", []string{"WATCH-001"}, func(w *world) {
			w.mark(history.OpBegin)
			tooLate(w)
			r := w.uncounted()
			w.overAtOnce(r)
			w.show(w.heed)
		}},
		{"the gate opens late", "GATE-011", nil, func(w *world) {
			w.drain()
			w.mark(history.OpCancel)
			w.show(w.heed)
			tooLate(w)
			w.answer(1, history.Refused, proper)
		}},
		{"a refusal for nothing", "GATE-011", nil, func(w *world) {
			w.pass(100_000) // any cancel is long ago, and what stood still then is no excuse
			w.answer(1, history.Refused, proper)
		}},
		{"a hurry that leaves it behind", "WATCH-005", nil, func(w *world) {
			w.mark(history.OpBegin)
			w.mark(history.OpCancel)
			w.mark(history.OpBegin)
			w.closed = true
			shownLate(w)
		}},
		{"an idle cancel has it drain", "STATE-005", nil, func(w *world) {
			w.mark(history.OpCancel)
			w.pass(2)
			w.shows(rapid.SampledFrom(w.pages).Draw(w.t, "page"), history.Draining, 0)
		}},
		{"the count is stuck", "COUNT-002", nil, func(w *world) {
			w.finish(w.hold(1)[0])
			w.pass(2 * Grace * boundMS)
			w.shows(w.pages[0], history.Running, 1)
		}},
		{"the count leaks", "COUNT-004", nil, func(w *world) {
			w.hold(1)
			w.hangUp()
			w.pass(2 * Grace * boundMS)
			w.shows(w.pages[0], history.Running, 1)
		}},
		{"a turn is never counted", "COUNT-001", nil, func(w *world) {
			r := w.uncounted()
			w.pass(Grace*boundMS + 10)
			w.looks()
			w.pass(2)
			w.models(r, history.ModelReleased)
			w.overAtOnce(r)
		}},
		{"dies of nothing", "STATE-006", nil, func(w *world) { w.dies(2) }},
		{"another socket", "STATE-006", nil, func(w *world) {
			w.process(history.ProcessClosed, socket(uint64(7*w.life)))
			w.pass(5)
			w.process(history.ProcessListening, socket(uint64(7*w.life+1)))
			w.pass(1500)
		}},
	}
}

// uncounted has a turn that reaches the model without a slot; overAtOnce ends it.
func (w *world) uncounted() *pending {
	r := w.asks()
	w.pass(2)
	w.models(r, history.ModelCalled)
	w.pass(2)
	return r
}

func (w *world) overAtOnce(r *pending) {
	w.models(r, history.ModelDone)
	w.ends(r, history.Finished)
	w.pass(10)
}

// plantedInRestart are faults of a gateway that ends, or starts.
func plantedInRestart() []plant {
	nothing := func() {}
	blind := func() bool { return false }
	stuck := func() bool { return true }
	drained := func(w *world) {
		w.drain()
		w.kill()
		w.pass(w.some(2, 100))
	}
	// told tells the gateway to end, which it says it does.
	told := func(w *world) {
		w.action(history.ActionSIGTERM)
		w.pass(w.some(0, 20))
		w.show(func() { w.state, w.closed = history.Stopping, true })
	}
	return []plant{
		{"a crash loses the drain", "RESTART-002", []string{"WATCH-003"}, func(w *world) {
			drained(w)
			w.starts(blind, nothing)
			w.pass(2)
			w.looks()
			w.pass(1.1 * boundMS)
			w.looks()
			w.mark(history.OpCancel)
		}},
		{"running flashes after a crash", "RESTART-001", []string{"WATCH-003", "WATCH-008"}, func(w *world) {
			drained(w)
			w.starts(blind, nothing)
			w.pass(2)
			w.looks()
			w.pass(2)
			w.show(w.heed)
		}},
		{"a cancel while it was down is missed", "WATCH-007", []string{"GATE-011"}, func(w *world) {
			drained(w)
			w.mark(history.OpCancel)
			w.starts(stuck, nothing)
			w.pass(2)
			w.looks()
			w.pass(2)
			w.show(w.heed)
		}},
		{"turns are counted that were cut off", "COUNT-007", nil, func(w *world) {
			n := rapid.IntRange(1, 3).Draw(w.t, "turns")
			w.hold(n)
			w.kill()
			w.pass(w.some(2, 100))
			w.starts(w.sees, nothing)
			w.shows(w.pages[0], w.state, n)
		}},
		{"the dead are said to run", "RESTART-003", nil, func(w *world) {
			w.kill()
			w.pass(205)
			w.observe(w.pages[1], &history.State{Publication: "http", State: history.Running, Busy: "false", Drainable: "true"})
		}},
		{"running after a SIGTERM", "STATE-007", nil, func(w *world) {
			told(w)
			w.shows(w.pages[0], history.Running, 0)
			w.leave()
			w.pass(50)
		}},
		{"a turn gets in after a SIGTERM", "SHUTDOWN-001", nil, func(w *world) {
			told(w)
			w.finish(w.hold(1)[0])
			w.leave()
			w.pass(50)
		}},
		{"a turn is cut at the SIGTERM", "SHUTDOWN-001", nil, func(w *world) {
			r := w.hold(1)[0]
			told(w)
			w.cut(r)
			w.leave()
			w.pass(50)
		}},
		{"another exit code", "SHUTDOWN-001", nil, func(w *world) {
			told(w)
			w.show(func() { w.state = history.Stopped })
			w.dies(1)
		}},
		{"no deadline", "SHUTDOWN-002", nil, func(w *world) {
			r := w.hold(1)[0]
			told(w)
			w.pass(deadlineMS + Grace*boundMS + 10)
			w.cut(r)
			w.leave()
			w.pass(50)
		}},
		{"a drain keeps it from ending", "STATE-011", nil, func(w *world) {
			w.drain()
			told(w)
			w.pass(Grace*boundMS + 10)
			w.leave()
			w.pass(50)
		}},
		{"it ends without a word", "STATE-012", nil, func(w *world) {
			told(w)
			w.dies(0)
			w.pass(2)
			w.looks()
			w.pass(2)
		}},
		{"a shutdown takes the marker along", "SHUTDOWN-003", []string{"MARKER-008"}, func(w *world) {
			w.drain()
			told(w)
			w.marker = false
			w.see(history.Event{Kind: history.KindMarker, Marker: &history.Marker{Op: history.OpFound, Existed: true}})
			w.pass(2)
			w.leave()
			w.pass(50)
		}},
	}
}
