package conformance

import (
	"context"
	"time"

	"github.com/drainproof/drainproof/harness/config"
	"github.com/drainproof/drainproof/harness/corpus"
	"github.com/drainproof/drainproof/harness/expect"
	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/pod"
	"github.com/drainproof/drainproof/harness/target"
	"github.com/drainproof/drainproof/harness/wire"
)

// many is how many turns are sent to meet a gate that is wrong now and then: one that
// errs once in fifty turns errs in them.
const many = 60

// The GATE family: gates that err rarely, and messages to sessions that are busy.
func (s *suite) gate() {
	s.situation("GATE", "rarely",
		"takes each of many turns while nothing drains, and none of many in a drain",
		ids("GATE-001", "GATE-011"),
		func(ctx context.Context, gw gateway) {
			if s.stamps() {
				// The drain by which the stamp was learned excuses a refusal for B, and longer
				// where the machine stands still: unless a turn was taken since.
				must(gw.Hold(ctx, 2*gw.B()))
				gw.acceptsOnAll(ctx, "the first of many, nothing drains")
			}
			gw.step(ctx, "submit %d turns on all ingresses, with no drain in sight", many)
			for _, turn := range gw.manyTurns(ctx, pod.Turn{Purpose: "one of many, nothing drains"}) {
				gw.eventuallyTurn(ctx, turn).Should(expect.FinishWhole())
			}

			gw.step(ctx, "drain, and submit %d more", many)
			gw.drain(ctx)
			for _, turn := range gw.manyTurns(ctx, pod.Turn{Hold: true, Purpose: "one of many, sent while draining"}) {
				gw.eventuallyTurn(ctx, turn).Should(gw.beTurnedAway())
			}
			gw.drained(ctx)
			gw.revert(ctx)
		})

	s.situation("GATE", "patience",
		"lets a turn in flight take its time, and drains for as long as the marker is there",
		ids("GATE-004", "MARKER-001", "COUNT-001"),
		func(ctx context.Context, gw gateway) {
			long := s.patience(gw)
			gw.step(ctx, "drain for %s with a turn in flight on every ingress", long)
			turns := gw.heldOnAll(ctx, pod.Turn{Purpose: "in flight throughout a long drain"})
			gw.drain(ctx)
			gw.holds(ctx, long, expect.HaveCount(len(turns)))
			must(gw.Release(ctx, turns...))
			for _, turn := range turns {
				gw.eventuallyTurn(ctx, turn).Should(expect.FinishWhole())
			}
			gw.drained(ctx)
			gw.revert(ctx)
		})

	s.situation("GATE", "markers",
		"keeps its gate shut in every drain, whatever its marker says and however often it is written",
		ids("GATE-001", "GATE-009"),
		func(ctx context.Context, gw gateway) {
			for _, m := range s.unlike() {
				gw.step(ctx, "drain by %s, and submit a turn on every ingress", m.ID)
				gw.lay(ctx, m)
				gw.eventually(ctx).Should(expect.BeDraining())
				gw.turnsAway(ctx, "in a drain by "+m.ID)
				gw.revert(ctx)
			}
			for _, way := range []string{wire.WayInPlace, wire.WayRename} {
				gw.step(ctx, "request a drain again (%s), and submit a turn on every ingress once that was noticed", way)
				gw.drain(ctx)
				must(gw.Rewrite(ctx, way))
				gw.holds(ctx, s.cadence(gw), expect.BeDraining())
				gw.turnsAway(ctx, "in a drain that was requested again")
				gw.revert(ctx)
			}
		})

	s.situation("GATE", "follow-up",
		"holds messages to busy sessions back during a drain, forgets those it refused, and keeps those it took",
		ids("GATE-006", "GATE-002"),
		func(ctx context.Context, gw gateway) {
			if len(gw.sessions()) == 0 {
				return // not declared, and nothing to probe the other way round
			}
			f := followUps{gateway: gw}
			f.prepare(ctx)
			gw.step(ctx, "drain, and send another message to each busy session, and one to each idle one")
			gw.drain(ctx)
			f.late(ctx)

			gw.step(ctx, "let the turns in flight finish: nothing follows them for B")
			must(gw.Release(ctx, f.busy...))
			for _, turn := range f.busy {
				gw.eventuallyTurn(ctx, turn).Should(expect.FinishWhole())
			}
			gw.eventually(ctx).Should(expect.HaveCount(0))
			gw.holds(ctx, gw.whole(), expect.HaveCount(0))
			f.read(ctx)

			gw.step(ctx, "cancel: what was taken as queued runs now")
			gw.revert(ctx)
			for _, turn := range f.taken() {
				gw.eventuallyTurn(ctx, turn).Should(expect.HaveRun())
			}
			gw.drained(ctx)
			f.read(ctx)
		})
}

// unlike are markers that a gate might go by that reads what watchers need not: one of each
// kind that drains by its presence.
func (s *suite) unlike() []corpus.Marker {
	var out []corpus.Marker
	for _, tests := range ids("MARKER-001", "MARKER-003", "MARKER-004", "MARKER-007") {
		for _, m := range s.markers.For(tests) {
			if m.Drains == history.Must && m.Regular() && m.How == wire.WayInPlace {
				out = append(out, m)
				break
			}
		}
	}
	return out
}

// manyTurns sends turns on every ingress until there are enough of them in all.
func (g gateway) manyTurns(ctx context.Context, t pod.Turn) []*pod.Submitted {
	const every = 5 * time.Millisecond
	share := many / len(g.ingresses())
	var all []*pod.Submitted
	for len(all) < many { // a busy machine sends fewer at a time
		for _, ingress := range g.ingresses() {
			t.Ingress = ingress
			some, err := g.Sweep(ctx, pod.Sweep{Turn: t, Every: every, Past: time.Duration(share) * every, MaxInFlight: g.sweepInFlight()})
			must(err)
			all = append(all, some...)
		}
	}
	return all
}

// followUps are messages to sessions, two sessions on every ingress that has them: one
// that is busy and one that is idle.
type followUps struct {
	gateway
	busy []*pod.Submitted // in flight when the drain begins
	sent []*pod.Submitted // messages that must not start a turn in it
}

func busySession(ingress string) string { return "busy-" + ingress }
func idleSession(ingress string) string { return "idle-" + ingress }

// prepare makes the sessions. Where follow-ups are queued there is one in each queue
// before the drain begins.
func (f *followUps) prepare(ctx context.Context) {
	f.step(ctx, "on every ingress, a session with a turn in flight and one whose turn is over")
	for _, ingress := range f.sessions() {
		f.busy = append(f.busy, f.held(ctx, pod.Turn{Ingress: ingress, Session: busySession(ingress), Purpose: "in flight when the drain begins"}))
		turn := f.submit(ctx, pod.Turn{Ingress: ingress, Session: idleSession(ingress), Purpose: "over when the drain begins"})
		f.eventuallyTurn(ctx, turn).Should(expect.FinishWhole())
	}
	if s := f.Target().Sessions; s == nil || s.Followup != target.FollowupQueue {
		return
	}
	f.step(ctx, "send another message to each busy session: it is queued")
	for _, ingress := range f.sessions() {
		turn := f.submit(ctx, pod.Turn{Ingress: ingress, Session: busySession(ingress), Purpose: "a follow-up from before the drain"})
		f.eventuallyTurn(ctx, turn).Should(expect.BeQueued())
		f.sent = append(f.sent, turn)
	}
}

// late sends messages during the drain.
func (f *followUps) late(ctx context.Context) {
	for _, ingress := range f.sessions() {
		for _, t := range []pod.Turn{
			{Ingress: ingress, Session: busySession(ingress), Purpose: "a follow-up sent while draining"},
			{Ingress: ingress, Session: idleSession(ingress), Purpose: "sent to an idle session while draining"},
		} {
			turn := f.submit(ctx, t)
			f.eventuallyTurn(ctx, turn).Should(expect.BeHeldOff())
			f.sent = append(f.sent, turn)
		}
	}
}

// taken are the messages that were acknowledged as queued.
func (f *followUps) taken() []*pod.Submitted {
	var all []*pod.Submitted
	for _, turn := range f.sent {
		if turn.View().Queued {
			all = append(all, turn)
		}
	}
	return all
}

// read looks at what the gateway keeps of every session, where the target says how.
func (f *followUps) read(ctx context.Context) {
	if s := f.Target().Sessions; s == nil || s.History == nil {
		return
	}
	for _, ingress := range f.sessions() {
		must(f.ReadSession(ctx, busySession(ingress)))
		must(f.ReadSession(ctx, idleSession(ingress)))
	}
}

// patience is how long a long drain is: some bounds beyond what any other spec waits,
// and in an audit a minute where B is 2 s.
func (s *suite) patience(g gateway) time.Duration {
	if s.cfg.Level == config.LevelAudit {
		return 30 * g.B()
	}
	return 8 * g.B()
}
