package conformance

import (
	"context"
	"fmt"
	"time"

	"github.com/onsi/gomega"

	"github.com/drainproof/drainproof/harness/expect"
	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/pod"
)

// Point b, refuse: a new turn is refused as draining; it claims no slot, and it
// never reaches the model.
func (s *suite) refuse() {
	s.point("b", "refuse",
		"refuses a new turn as draining; it claims no slot and never reaches the model",
		ids("GATE-001", "GATE-002", "GATE-003", "GATE-005", "GATE-008", "GATE-009", "GATE-010", "GATE-012"),
		func(ctx context.Context, gw gateway) {
			sweeps, began := max(s.repeat.Sweeps, len(gw.ingresses())), time.Now()
			more := func() bool { return time.Since(began) < s.specTimeout()/4 && gw.tooFewAtTheFlip() }
			for i := 0; i < sweeps || more(); i++ {
				ingress := gw.ingresses()[i%len(gw.ingresses())]
				gw.step(ctx, "sweep %d of at least %d: turns on %s across the flip, every 5 ms", i+1, sweeps, ingress)
				gw.sweepAcrossTheFlip(ctx, ingress)
				gw.revert(ctx)
			}

			gw.step(ctx, "drain with sessions that were served before it")
			served := func(ingress string) string { return "served-before-" + ingress }
			for _, ingress := range gw.ingresses() {
				gw.accepts(ctx, pod.Turn{Ingress: ingress, Session: served(ingress), Purpose: "of a session, before the drain"})
			}
			gw.step(ctx, "and with connections opened before it, idle or with a turn behind them; submit a turn on each")
			kept := func(ingress string) string { return "opened-before-" + ingress }
			var late []pod.Turn
			for _, ingress := range gw.keeping() {
				turn := gw.submit(ctx, pod.Turn{Ingress: ingress, KeepAs: "served-before-" + ingress, Purpose: "leaves its connection to one in the drain"})
				gw.eventuallyTurn(ctx, turn).Should(expect.FinishWhole())
				late = append(late,
					pod.Turn{Ingress: ingress, Connection: "served-before-" + ingress, KeepAs: "refused-" + ingress, Purpose: "on a connection that served a turn before the drain"},
					pod.Turn{Ingress: ingress, Connection: "refused-" + ingress, Purpose: "on a connection on which a turn was refused"})
			}
			for _, ingress := range gw.connected() {
				must(gw.OpenConnections(ctx, ingress, kept(ingress)))
				late = append(late, pod.Turn{Ingress: ingress, Connection: kept(ingress), Purpose: "on a connection from before the drain"})
			}
			gw.step(ctx, "and with a turn whose request is half there when it begins")
			var half []*pod.Submitted
			for _, ingress := range gw.connected() {
				half = append(half, gw.submit(ctx, pod.Turn{Ingress: ingress, Hold: true, Halves: true, OnState: history.Draining, Purpose: "half there when the drain begins"}))
			}
			gw.drain(ctx)
			for _, t := range late { // first: servers close idle connections
				t.Hold = true
				turn := gw.submit(ctx, t)
				gw.eventuallyTurn(ctx, turn).Should(gomega.Or(gw.beTurnedAway(), expect.FindItsConnectionClosed()))
			}
			for _, turn := range half { // one that was counted since its head came may go on
				gw.eventuallyTurn(ctx, turn).Should(expect.BeDecided())
			}
			gw.drained(ctx)
			for _, ingress := range gw.ingresses() {
				turn := gw.submit(ctx, pod.Turn{Ingress: ingress, Hold: true, Session: served(ingress), Purpose: "of a session that was served before the drain"})
				gw.eventuallyTurn(ctx, turn).Should(gw.beTurnedAway())
			}

			gw.step(ctx, "submit %d turns on every ingress, one after the other", s.repeat.Refusals)
			for range s.repeat.Refusals {
				gw.turnsAway(ctx, "sent while draining")
			}

			gw.step(ctx, "hold the drain for longer than B and submit again")
			gw.holds(ctx, gw.whole(), expect.HaveCount(0))
			gw.turnsAway(ctx, "sent later than B after the marker")
			gw.revert(ctx)
		})
}

// tooFewAtTheFlip says whether the sweeps so far brought too few turns to the very
// flip to tell a gate from a race, as happens on a busy machine.
func (g gateway) tooFewAtTheFlip() bool {
	j, err := g.Judge("GATE-003")
	must(err)
	return j.Inconclusive != "" && len(j.Violations) == 0
}

// sweepAcrossTheFlip keeps sending turns from before the marker until well after
// draining was read, and has more turns armed in the probe for the very moment
// at which it is read: no round trip lies in between.
func (g gateway) sweepAcrossTheFlip(ctx context.Context, ingress string) {
	var armed []*pod.Submitted
	for i := range 4 {
		armed = append(armed, g.submit(ctx, pod.Turn{
			Ingress: ingress, Hold: true, OnState: history.Draining,
			Purpose: fmt.Sprintf("armed for the first draining that is read (%d)", i+1),
		}))
	}
	_, err := g.Sweep(ctx, pod.Sweep{
		Turn:  pod.Turn{Ingress: ingress, Hold: true, Purpose: "sent across the flip"},
		Every: 5 * time.Millisecond, Lead: 60 * time.Millisecond, Marker: history.OpBegin,
		Until: history.Draining, Past: 120 * time.Millisecond, MaxInFlight: g.sweepInFlight(),
	})
	must(err)
	g.eventually(ctx).Should(expect.BeDraining())
	for _, turn := range armed {
		g.eventuallyTurn(ctx, turn).Should(g.beTurnedAway())
	}
	g.drained(ctx)
}
