package conformance

import (
	"context"
	"slices"

	"github.com/drainproof/drainproof/harness/expect"
	"github.com/drainproof/drainproof/harness/history"
	"github.com/drainproof/drainproof/harness/pod"
)

// The SHUTDOWN family: the final drain.
func (s *suite) shutdown() {
	s.situation("SHUTDOWN", "finish",
		"refuses new turns after a SIGTERM, lets those in flight finish, and exits with 0",
		ids("SHUTDOWN-001", "STATE-007"),
		func(ctx context.Context, gw gateway) {
			gw.step(ctx, "put a plain and a streamed turn in flight, and keep a connection open")
			plain := gw.held(ctx, pod.Turn{Ingress: gw.withoutStream(), ToolCalls: gw.toolCalls(), Purpose: "in flight at the shutdown"})
			stream := gw.held(ctx, pod.Turn{Ingress: gw.streamed(), Purpose: "in flight at the shutdown, streamed"})
			var runs []*pod.Submitted
			for _, ingress := range gw.detached()[:min(len(gw.detached()), max(gw.Target().Capacity-2, 0))] {
				runs = append(runs, gw.held(ctx, pod.Turn{Ingress: ingress, Purpose: "in flight at the shutdown, with nobody connected"}))
			}

			gw.step(ctx, "drain it and cancel: they are to finish all the same")
			gw.drain(ctx)
			gw.revert(ctx)
			keeps := slices.Contains(gw.connected(), gw.withoutStream())
			if keeps {
				must(gw.OpenConnections(ctx, gw.withoutStream(), "kept"))
			}

			gw.step(ctx, "tell it to shut down; no new turn gets in, by any way nor on the connection that was kept")
			gw.leaves(ctx)
			if keeps {
				gw.answered(ctx, pod.Turn{Ingress: gw.withoutStream(), Connection: "kept", Purpose: "after the SIGTERM, on an old connection"})
			}
			gw.answeredOnAll(ctx, "after the SIGTERM")

			gw.step(ctx, "the turns in flight go on, and finish one after the other")
			if gw.streams(gw.streamed()) {
				must(stream.Emit(ctx, 4))
			}
			must(plain.Release(ctx))
			gw.eventuallyTurn(ctx, plain).Should(expect.HaveEnded())
			must(gw.Hold(ctx, gw.B()/4))
			finish := func(runs []*pod.Submitted) {
				for _, run := range runs { // its client may find nobody to ask
					must(run.Release(ctx))
					gw.eventuallyTurn(ctx, run).Should(expect.HaveRun())
				}
			}
			last := max(len(runs)-1, 0)
			finish(runs[:last])

			gw.step(ctx, "a drain that is requested now, and taken back, brings nothing back")
			gw.beginDrain(ctx)
			must(gw.Hold(ctx, gw.B()/2))
			gw.cancelDrain(ctx)
			must(gw.Hold(ctx, gw.B()/2))
			gw.answeredOnAll(ctx, "after a cancel in the shutdown")
			must(stream.Release(ctx))
			gw.eventuallyTurn(ctx, stream).Should(expect.HaveEnded())

			gw.step(ctx, "one with nobody connected, if there are such, is the last to finish")
			must(gw.Hold(ctx, gw.B()/4))
			finish(runs[last:])
			gw.exited(ctx)
		}, needs("shutdown"))

	s.situation("SHUTDOWN", "deadline",
		"lets turns in flight go on until its deadline, and not beyond",
		ids("SHUTDOWN-001", "SHUTDOWN-002"),
		func(ctx context.Context, gw gateway) {
			deadline := gw.Target().Shutdown.Deadline
			gw.step(ctx, "shut down with two turns in flight; one goes on for most of the deadline, %s", deadline)
			ingress := gw.withoutStream()
			if gw.Target().Declares("recovery") {
				ingress = gw.durable() // a turn that is owed
			}
			stuck := gw.held(ctx, pod.Turn{Ingress: ingress, Purpose: "stuck past the deadline"})
			patient := gw.held(ctx, pod.Turn{Ingress: gw.streamed(), Purpose: "released before the deadline"})
			must(gw.SIGTERM(ctx))
			must(gw.Hold(ctx, deadline*6/10))
			must(patient.Release(ctx))
			gw.eventuallyTurn(ctx, patient).Should(expect.HaveEnded())

			gw.step(ctx, "the other one goes on past it: the gateway ends all the same")
			gw.exited(ctx)
			if gw.delivers(ingress) { // else its client goes on asking for it
				gw.eventuallyTurn(ctx, stuck).Should(expect.HaveEnded())
			}
			if !gw.Target().Declares("recovery") || !gw.respawns(ctx) {
				return
			}
			gw.step(ctx, "started again, it takes up the turn that it cut off")
			must(gw.Respawn(ctx))
			must(gw.AwaitReady(ctx))
			gw.eventuallyTurn(ctx, stuck).Should(expect.HaveCalledTheModel(2))
			gw.finishes(ctx, stuck)
		}, needs("shutdown"), withShortDeadline())

	s.situation("SHUTDOWN", "marker",
		"leaves the marker alone when it shuts down, and honours it when it starts again",
		ids("SHUTDOWN-003"),
		func(ctx context.Context, gw gateway) {
			gw.step(ctx, "shut down in a drain, with a turn in flight")
			turn := gw.held(ctx, pod.Turn{Purpose: "in flight at a shutdown in a drain"})
			gw.drain(ctx)
			gw.leaves(ctx)
			must(turn.Release(ctx))
			gw.exited(ctx)

			gw.step(ctx, "start it again: the marker is still there, and drains it")
			must(gw.Respawn(ctx))
			must(gw.AwaitReady(ctx))
			gw.eventually(ctx).Should(expect.BeDraining())
			refused := gw.submit(ctx, pod.Turn{Purpose: "after a restart under the marker"})
			gw.eventuallyTurn(ctx, refused).Should(gw.beTurnedAway())
			gw.revert(ctx)
			gw.accepts(ctx, pod.Turn{Purpose: "after the drain that outlived a shutdown"})
		}, needs("shutdown"), respawning())
}

// leaves tells the gateway to shut down and waits until it shows that it heard. One
// that has no word for it is given the grace, where its deadline leaves that much.
func (g gateway) leaves(ctx context.Context) {
	limit := g.B()
	if t := g.Target(); t.Shutdown != nil && t.Shutdown.Deadline > g.Grace()+g.B() {
		limit = g.Grace()
	}
	before := g.Published()
	must(g.SIGTERM(ctx))
	within(ctx, limit, func() bool { return !g.Alive() || slices.ContainsFunc(g.Published(), shutsDown(before)) })
}

// shutsDown says of a reading whether it shows a shutdown, and did not before.
func shutsDown(before pod.Published) func(pod.Reading) bool {
	return func(r pod.Reading) bool {
		known := func(b pod.Reading) bool { return b.Publication == r.Publication && b.State == r.State }
		switch r.State {
		case history.Stopping, history.Stopped, history.Draining:
			return !slices.ContainsFunc(before, known)
		}
		return false
	}
}

// answeredOnAll is answered on every ingress, one after the other.
func (g gateway) answeredOnAll(ctx context.Context, purpose string) {
	for _, ingress := range g.ingresses() {
		g.answered(ctx, pod.Turn{Ingress: ingress, Purpose: purpose})
	}
}

// answered sends a turn to a gateway that shuts down and waits for its end, whatever
// it is: the monitors say whether it may have been that.
func (g gateway) answered(ctx context.Context, t pod.Turn) {
	turn := g.submit(ctx, t)
	within(ctx, g.Grace(), func() bool {
		ended, _ := expect.HaveEnded().Match(turn)
		return ended || !g.Alive()
	})
}
